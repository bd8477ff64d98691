package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

	publish  sync.Mutex
	revealed int // the revision that the store has
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

// Begin starts a recording. It fails where its ID is in use, or the spool cannot be
// written. Close must be called.
func (r *Recordings) Begin(ctx context.Context, s Stream) (*Recorder, error) {
	if !ValidID(s.ID) {
		return nil, fmt.Errorf("record: %q is no ID", s.ID)
	}
	rec := &Recorder{
		Files: s.Files, all: r, id: s.ID, lanes: make(map[string]*lane), revision: 1,
		index: &Index{Version: version, ID: s.ID, Name: s.Name, Epoch: s.Epoch.UTC(), Target: s.Target, Renditions: []Rendition{}},
	}
	r.mu.Lock()
	_, taken := r.busy[s.ID]
	if !taken {
		r.busy[s.ID] = rec
	}
	r.mu.Unlock()
	if taken {
		return nil, fmt.Errorf("record %s: %w", s.ID, ErrRunning)
	}
	if err := errors.Join(os.MkdirAll(r.path(s.ID), 0o750), rec.writeMeta()); err != nil {
		r.release(s.ID)
		return nil, fmt.Errorf("record %s: %w", s.ID, err)
	}
	rec.ctx, rec.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.running.Add(1)
	return rec, nil
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
	l := r.lanes[f.Rendition] // made below only
	if l == nil {
		if !validName(f.Rendition) {
			return nil, fmt.Errorf("a rendition called %q", f.Rendition)
		}
		if err := os.MkdirAll(filepath.Join(r.all.path(r.id), f.Rendition), 0o750); err != nil {
			return nil, err
		}
		l = &lane{name: f.Rendition, more: make(chan struct{}, 1)}
		r.mu.Lock()
		r.lanes[f.Rendition] = l
		r.index.add(Rendition{Name: f.Rendition, Kind: f.Kind, Inits: []Init{}, Segments: Segments{}})
		r.mu.Unlock()
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

// add keeps pictures before sound, and among them what is coded as the publisher likes
// behind what everybody can play, whichever came first.
func (x *Index) add(r Rendition) {
	n := len(x.Renditions)
	if r.Kind == media.Video {
		n = slices.IndexFunc(x.Renditions, func(o Rendition) bool {
			return o.Kind != media.Video || o.Name == media.OriginalName
		})
		if n < 0 {
			n = len(x.Renditions)
		}
	}
	x.Renditions = slices.Insert(slices.Clip(x.Renditions), n, r)
}

// known tells whether initialisation segment n is described.
func (r *Rendition) known(n int) bool { return n < len(r.Inits) && r.Inits[n] != (Init{}) }

// learn describes initialisation segment n; those before it may never be needed.
func (r *Rendition) learn(n int, d Init) {
	r.Inits = append(slices.Clip(r.Inits), make([]Init, n+1-len(r.Inits))...)
	r.Inits[n] = d
}

// writeMeta writes stream.json into the spool, for who closes this recording should
// this process be killed.
func (r *Recorder) writeMeta() error {
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
	r.mu.Lock()
	x, lost := r.index.clone(), r.lost // whoever watches meanwhile still reads the other
	r.mu.Unlock()
	return r.all.complete(ctx, x, lost)
}

// complete writes the index of a recording that has all its segments in the store,
// reports it, and forgets its spool.
func (r *Recordings) complete(ctx context.Context, x *Index, lost int) error {
	x.Complete = true
	report := x.report()
	report.Lost = lost
	err := r.persist(ctx, "store the index", x.ID, func(ctx context.Context) error {
		if report.Bytes == 0 {
			return r.remove(ctx, x.ID)
		}
		text, err := x.encode()
		if err != nil {
			return err
		}
		return r.Put(ctx, x.ID, indexName, text, "application/json")
	})
	if err == nil {
		r.whole(x.ID)
	}
	if err == nil && r.cfg.Done != nil {
		err = r.persist(ctx, "report the recording", x.ID, func(ctx context.Context) error { return r.cfg.Done(ctx, report) })
	}
	if err != nil {
		return fmt.Errorf("recording %s is left to the next start: %w", x.ID, err)
	}
	if err := os.RemoveAll(r.path(x.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("spool of recording %s: %w", x.ID, err)
	}
	r.release(x.ID)
	r.cfg.Log.Info("recorded", "stream", x.Name, "recording", x.ID, "duration", report.Duration.Round(time.Millisecond), "bytes", report.Bytes, "lost", lost)
	return nil
}

// whole says that what the store has of a recording is all of it: it is read there from
// now on, though its spool is not empty yet.
func (r *Recordings) whole(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[id] = nil
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
