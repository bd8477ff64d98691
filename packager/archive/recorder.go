package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/media"
	"weir/packager/window"
)

// Stream says what is recorded.
type Stream struct {
	ID     string // of the recording; see ValidID
	Name   string // of the stream
	Epoch  time.Time
	Target int   // EXT-X-TARGETDURATION
	Files  Files // where rewinding reads
	// Joins tells that another process made the beginning, under the same ID: what that
	// left is taken over, and the recording goes on.
	Joins bool
}

// Recorder is the packager's Sink for a stream that is recorded: what Files does,
// and every segment goes to the store too, later. Put is called from one goroutine.
type Recorder struct {
	Files

	all    *Recordings
	id     string
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup

	size    atomic.Int64 // of all segments that were put
	stopped atomic.Bool

	mu       sync.Mutex
	index    *Index           // its segments are those that are stored
	lanes    map[string]*lane // by rendition
	revision int              // of the index without its segments
	lost     int
	full     bool // the spool overflowed; said once
	over     bool // no more comes

	meta sync.Mutex // of the file in the spool

	joins    bool // another process made the beginning
	publish  sync.Mutex
	revealed int  // the revision that the store has
	joined   bool // what the store had is in the index
}

// lane carries one rendition to the store, in order.
type lane struct {
	name  string
	queue []item        // the first one is being stored
	more  chan struct{} // has one element when queue has grown or nothing more comes
}

// item is a file in the spool.
type item struct {
	file     string // below the folder of the recording
	segment  *Segment
	size     int64
	revision int // of stream.json that must be stored before it
}

// Begin starts a recording, or goes on with one. It fails where its ID is in use, or the
// spool cannot be written. Finish or Leave must be called.
func (r *Recordings) Begin(ctx context.Context, s Stream) (*Recorder, error) {
	if !ValidID(s.ID) {
		return nil, fmt.Errorf("record: %q is no ID", s.ID)
	}
	rec := &Recorder{
		Files: s.Files, all: r, id: s.ID, lanes: make(map[string]*lane), revision: 1, joins: s.Joins,
		index: &Index{Version: version, ID: s.ID, Name: s.Name, Epoch: s.Epoch.UTC(), Target: s.Target, Renditions: []Rendition{}},
	}
	if !r.occupy(rec) {
		return nil, fmt.Errorf("record %s: %w", s.ID, ErrRunning)
	}
	err := os.MkdirAll(r.path(s.ID), 0o750)
	if err == nil && s.Joins {
		err = rec.inherit()
	}
	if err == nil {
		err = rec.writeMeta()
	}
	if err != nil {
		r.release(s.ID)
		return nil, fmt.Errorf("record %s: %w", s.ID, err)
	}
	rec.ctx, rec.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.running.Add(1)
	for _, l := range rec.lanes {
		rec.wait.Go(func() { rec.carry(l) })
	}
	return rec, nil
}

// occupy makes the ID of a recording busy, unless it is; one that waits to be closed may be
// gone on with.
func (r *Recordings) occupy(rec *Recorder) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.busy[rec.id]; taken && !(rec.joins && r.waits[rec.id]) {
		return false
	}
	delete(r.waits, rec.id)
	r.busy[rec.id] = rec
	return true
}

func (r *Recordings) release(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, id)
}

// Put writes a segment for rewinding and hands it to the store's side.
func (r *Recorder) Put(f *window.Finished) (string, error) {
	path, err := r.Files.Put(f)
	if r.stopped.Load() {
		return path, err
	}
	if err != nil {
		r.lose(1, "a segment could not be written, the recording has a hole", err)
		return "", err
	}
	if err := r.add(f, path); err != nil {
		r.lose(1, "a segment could not be spooled, the recording has a hole", err)
	}
	return path, nil
}

// ID is that of the recording.
func (r *Recorder) ID() string { return r.id }

// Stopped tells whether Stop was called.
func (r *Recorder) Stopped() bool { return r.stopped.Load() }

// Bytes is how much was recorded until now. It may be called from anywhere.
func (r *Recorder) Bytes() int64 { return r.size.Load() }

// Stop ends the recording: what is Put from now on is for rewinding only. It reports
// whether it was this call that did it, and may come from anywhere.
func (r *Recorder) Stop() bool { return !r.stopped.Swap(true) }

func (r *Recorder) lose(n int, words string, err error) {
	r.all.lost.Add(uint64(n))
	r.mu.Lock()
	r.lost += n
	said := r.full
	r.full = true
	r.mu.Unlock()
	if !said {
		r.all.cfg.Log.Error(words, "stream", r.index.Name, "recording", r.id, "err", err)
	}
}

// add puts a segment, and what it needs, into the spool.
func (r *Recorder) add(f *window.Finished, path string) error {
	l, err := r.lane(f)
	if err != nil {
		return err
	}
	s := &Segment{MSN: f.Segment.MSN, Start: f.Segment.Start, Duration: f.Segment.Duration, Init: f.Segment.Init, Flags: flagsOf(&f.Segment)}
	for _, part := range f.Data {
		s.Size += int64(len(part))
	}
	it := item{file: SegmentFile(f.Rendition, *s), segment: s, size: s.Size}
	if err := os.Link(path, filepath.Join(r.all.path(r.id), it.file)); err != nil {
		return err
	}
	r.mu.Lock()
	it.revision = r.revision
	r.mu.Unlock()
	r.size.Add(s.Size)
	r.push(l, it)
	r.fit()
	return nil
}

func flagsOf(s *window.Segment) (f Flags) {
	if s.Key {
		f |= Independent
	}
	if s.Discontinuity {
		f |= Discontinuity
	}
	if s.Mini {
		f |= Mini
	}
	return f
}

// lane finds the lane of a rendition, or makes it, and spools the initialisation
// segment if it is new.
func (r *Recorder) lane(f *window.Finished) (*lane, error) {
	l := r.lanes[f.Rendition] // made by Begin and here only
	if l == nil {
		var err error
		if l, err = r.open(f.Rendition, f.Kind); err != nil {
			return nil, err
		}
		r.wait.Go(func() { r.carry(l) })
	}
	n := f.Segment.Init
	r.mu.Lock()
	known := r.index.Rendition(f.Rendition).known(n)
	r.mu.Unlock()
	if known || n >= maxInits {
		return l, nil
	}
	it := item{file: InitFile(f.Rendition, n), size: int64(len(f.Init.Data))}
	if err := os.WriteFile(filepath.Join(r.all.path(r.id), it.file), f.Init.Data, 0o640); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.index.Rendition(f.Rendition).learn(n, describe(f.Init))
	r.revision++
	r.mu.Unlock()
	if err := r.writeMeta(); err != nil {
		return nil, err
	}
	r.push(l, it)
	return l, nil
}

// open makes the lane of a rendition.
func (r *Recorder) open(rendition string, kind media.Kind) (*lane, error) {
	if !validName(rendition) {
		return nil, fmt.Errorf("a rendition called %q", rendition)
	}
	if err := os.MkdirAll(filepath.Join(r.all.path(r.id), rendition), 0o750); err != nil {
		return nil, err
	}
	l := &lane{name: rendition, more: make(chan struct{}, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lanes[rendition] = l
	if r.index.Rendition(rendition) == nil {
		r.index.add(Rendition{Name: rendition, Kind: kind, Inits: []Init{}, Segments: Segments{}})
	}
	return l, nil
}

// add keeps pictures before sounds, and among them what is coded as the publisher likes
// behind what everybody can play, and sounds by their names, whichever came first.
func (x *Index) add(r Rendition) {
	n := slices.IndexFunc(x.Renditions, func(o Rendition) bool {
		if r.Kind == media.Video {
			return o.Kind != media.Video || o.Name == media.OriginalName
		}
		return o.Kind == media.Audio && o.Name > r.Name
	})
	if n < 0 {
		n = len(x.Renditions)
	}
	x.Renditions = slices.Insert(slices.Clip(x.Renditions), n, r)
}

// known tells whether initialisation segment n is described.
func (r *Rendition) known(n int) bool { return n < len(r.Inits) && r.Inits[n] != (Init{}) }

// learn describes initialisation segment n; those before it may never be needed.
func (r *Rendition) learn(n int, d Init) {
	r.Inits = append(slices.Clone(r.Inits), make([]Init, max(0, n+1-len(r.Inits)))...) // others may read the old ones
	r.Inits[n] = d
}

// writeMeta writes stream.json into the spool, for who closes this recording should
// this process be killed.
func (r *Recorder) writeMeta() error {
	r.meta.Lock()
	defer r.meta.Unlock()
	r.mu.Lock()
	text, err := r.index.bare().encode()
	r.mu.Unlock()
	if err != nil {
		return err
	}
	path := filepath.Join(r.all.path(r.id), metaName)
	if err := os.WriteFile(path+".part", text, 0o640); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

func (r *Recorder) push(l *lane, it item) {
	r.all.waiting.Add(it.size)
	r.mu.Lock()
	l.queue = append(l.queue, it)
	r.mu.Unlock()
	wake(l.more)
}

func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // it has been told
	}
}

// fit keeps the spool within its limit: the oldest segments of this recording go.
func (r *Recorder) fit() {
	dropped := 0
	r.mu.Lock()
	for r.all.waiting.Load() > r.all.cfg.Limit {
		if !r.drop() {
			break
		}
		dropped++
	}
	if dropped == 0 && r.all.waiting.Load() < r.all.cfg.Limit/2 {
		r.full = false
	}
	r.mu.Unlock()
	if dropped > 0 {
		r.lose(dropped, "THE SPOOL IS FULL and the store does not take segments: the recording loses its oldest that wait", ErrSpool)
	}
}

// ErrSpool is logged when segments are lost for lack of room.
var ErrSpool = errors.New("more than the limit of the spool waits for the store")

// drop forgets the oldest segment that waits and is not being stored.
func (r *Recorder) drop() bool {
	var from *lane
	at := 0
	for _, l := range r.lanes {
		for i := 1; i < len(l.queue); i++ {
			if l.queue[i].segment == nil {
				continue
			}
			if from == nil || l.queue[i].segment.MSN < from.queue[at].segment.MSN {
				from, at = l, i
			}
			break
		}
	}
	if from == nil {
		return false
	}
	it := from.queue[at]
	from.queue = slices.Delete(from.queue, at, at+1)
	r.all.waiting.Add(-it.size)
	_ = os.Remove(filepath.Join(r.all.path(r.id), it.file)) // recovery would store it after all
	return true
}

// snapshot is the recording as the store has it, without what renditions that are
// behind do not have yet.
func (r *Recorder) snapshot() *Index {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.index.clone()
	least := uint64(1<<63 - 1)
	for _, l := range r.lanes {
		for _, it := range l.queue {
			if it.segment != nil {
				least = min(least, it.segment.MSN)
				break
			}
		}
	}
	for i := range x.Renditions {
		in := &x.Renditions[i]
		in.Segments = in.Segments[:in.Segments.Find(least)]
	}
	return x
}

// Remove and Close of Files are what rewinding needs; Finish is the recording's end.
var _ interface{ Remove(string) error } = (*Recorder)(nil)

// Finish waits until all of the recording is stored, writes its index, reports it and
// empties its spool. When ctx ends before, the rest is for Recover of the next process.
// Nothing may be Put afterwards.
func (r *Recorder) Finish(ctx context.Context) error {
	if err := r.drain(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	x, lost := r.index.clone(), r.lost // whoever watches meanwhile still reads the other
	r.mu.Unlock()
	if r.joins {
		return r.all.conclude(ctx, x, lost, true)
	}
	return r.all.complete(ctx, x, lost)
}

// Leave is Finish for a recording with which another process goes on, or may: it has to be
// closed by Recordings.Close, of this process, or Recover of the next.
func (r *Recorder) Leave(ctx context.Context) error {
	if err := r.drain(ctx); err != nil {
		return err
	}
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.all.busy[r.id], r.all.waits[r.id] = nil, true
	return nil
}

// drain waits until all of the recording is stored.
func (r *Recorder) drain(ctx context.Context) error {
	defer r.all.running.Add(-1)
	stop := context.AfterFunc(ctx, r.cancel)
	defer stop()
	r.mu.Lock()
	r.over = true
	for _, l := range r.lanes {
		wake(l.more)
	}
	r.mu.Unlock()
	r.wait.Wait()
	defer r.cancel()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("recording %s is left to the next start: %w", r.id, err)
	}
	return nil
}

func (x *Index) report() Report {
	p := Report{ID: x.ID, Name: x.Name, Started: x.Epoch, Bytes: x.Size()}
	runs := x.Runs()
	var d media.Time
	for _, run := range runs {
		d += run.Duration
	}
	p.Duration = d.Duration()
	if len(runs) > 0 {
		p.Started = x.Epoch.Add(runs[0].Start.Duration())
	}
	for _, r := range x.Renditions {
		if len(r.Segments) > 0 {
			p.Renditions = append(p.Renditions, r.Name)
		}
	}
	return p
}
