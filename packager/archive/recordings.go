package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrRunning: the recording is being made, or closed, by this process.
	ErrRunning = errors.New("the recording is still being made")
	// ErrLeft: after a deletion there was still something in the store.
	ErrLeft = errors.New("objects are left")
)

// Config is what recordings stand on.
type Config struct {
	Store Store
	// Dir is the spool: what the store does not have yet. It is on the file system
	// of the folders that segments are written to.
	Dir string
	// Limit bounds the spool, in bytes; default 4 GiB.
	Limit int64
	Log   *slog.Logger
	// Done, when set, is told of every recording that is over, once it is complete.
	// It is called again, also by the next process, until it returns nil.
	Done func(ctx context.Context, r Report) error
	// Goes, when set, says whether another process makes a recording of a stream at
	// present, or may go on with it: nobody closes it here until that is over.
	Goes func(ctx context.Context, id, stream string) (bool, error)
	// Look is how long it is waited between two looks at that; default 1 s.
	Look time.Duration
	// Try is how long one call of the store may take; default 30 s. Pause is how
	// long it is waited after one that failed, at first; default 200 ms. It doubles up
	// to 25 times that.
	Try, Pause time.Duration
}

// Report tells of a recording that is over. One of nothing, with Bytes 0, has left
// nothing in the store.
type Report struct {
	ID, Name   string
	Started    time.Time     // wall clock of the first picture
	Duration   time.Duration // of the media: holes do not count
	Bytes      int64
	Renditions []string
	Lost       int // segments that the store never got; 0 when another process knew that
}

// Stats are counted since the start.
type Stats struct {
	Running  int    // recordings that are made or closed now
	Waiting  int64  // bytes in the spool
	Stored   uint64 // segments
	Bytes    uint64 // of those
	Failures uint64 // calls of the store
	Lost     uint64 // segments
}

// Recordings are the recordings that this process makes, and the way to all others.
// Its methods may be called from anywhere.
type Recordings struct {
	cfg  Config
	left []string // that another process left in the spool

	mu   sync.Mutex
	busy map[string]*Recorder // nil: it is read from the store, though it is not closed
	// waits are those of busy that are to be closed, and may be gone on with until then.
	waits map[string]bool
	held  map[string]*hold

	waiting, running              atomic.Int64
	stored, bytes, failures, lost atomic.Uint64
}

// Open makes the spool folder and finds what a process before this one left in it;
// that waits for Recover.
func Open(cfg Config) (*Recordings, error) {
	if cfg.Limit == 0 {
		cfg.Limit = 4 << 30
	}
	if cfg.Try == 0 {
		cfg.Try = 30 * time.Second
	}
	if cfg.Pause == 0 {
		cfg.Pause = 200 * time.Millisecond
	}
	if cfg.Look == 0 {
		cfg.Look = time.Second
	}
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("spool of recordings: %w", err)
	}
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("spool of recordings: %w", err)
	}
	r := &Recordings{cfg: cfg, busy: make(map[string]*Recorder), waits: make(map[string]bool), held: make(map[string]*hold)}
	for _, e := range entries {
		if e.IsDir() && ValidID(e.Name()) {
			r.left = append(r.left, e.Name())
			r.busy[e.Name()], r.waits[e.Name()] = nil, true
		}
	}
	return r, nil
}

// Stats counts.
func (r *Recordings) Stats() Stats {
	return Stats{
		Running: int(r.running.Load()), Waiting: r.waiting.Load(), Stored: r.stored.Load(), Bytes: r.bytes.Load(),
		Failures: r.failures.Load(), Lost: r.lost.Load(),
	}
}

// Load finds a recording. The error wraps ErrNotFound when there is none. One that is
// not complete has all that is stored of it by now.
func (r *Recordings) Load(ctx context.Context, id string) (*Index, error) {
	if !ValidID(id) {
		return nil, ErrNotFound
	}
	r.mu.Lock()
	rec := r.busy[id]
	r.mu.Unlock()
	if rec != nil {
		return rec.snapshot(), nil
	}
	x, err := r.read(ctx, id, indexName)
	if err == nil {
		x.Complete = true
		return x, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	return r.gather(ctx, id)
}

// maxIndex bounds an index that is read: a day of ten renditions has 20 MB.
const maxIndex = 128 << 20

func (r *Recordings) read(ctx context.Context, id, file string) (*Index, error) {
	body, size, err := r.cfg.Store.Get(ctx, Key(id, file), 0, 0)
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", id, err)
	}
	defer body.Close()
	if size > maxIndex {
		return nil, fmt.Errorf("recording %s: an index of %d bytes", id, size)
	}
	text, err := io.ReadAll(io.LimitReader(body, maxIndex))
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", id, err)
	}
	return decode(text, id)
}

// mostParts bounds the processes that made a recording together.
const mostParts = 1000

// gather is a recording by what the store has: the descriptions of all who made it, and
// their segments. The error wraps ErrNotFound where nothing is described.
func (r *Recordings) gather(ctx context.Context, id string) (*Index, error) {
	prefix := Key(id, "")
	var metas []string
	found := map[string]Segments{}
	err := r.each(ctx, prefix, func(o Object) error {
		rendition, name, _ := cutLast(o.Key[len(prefix):])
		if rendition == "" && isMeta(name) && len(metas) < mostParts {
			metas = append(metas, name)
		}
		if s, ok := ParseSegment(name); ok {
			s.Size = o.Size
			found[rendition] = append(found[rendition], s)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var x *Index
	for _, name := range metas {
		part, err := r.read(ctx, id, name)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, err
		case x == nil:
			x = part
		default:
			x.absorb(part)
		}
	}
	if x == nil {
		return nil, fmt.Errorf("recording %s: %w", id, ErrNotFound)
	}
	x.fill(found)
	return x, nil
}

// fill adds segments that were found to renditions that are described.
func (x *Index) fill(found map[string]Segments) {
	for i := range x.Renditions {
		in := &x.Renditions[i]
		in.Segments = found[in.Name].straight(len(in.Inits))
	}
}

// each calls f for every object below prefix.
func (r *Recordings) each(ctx context.Context, prefix string, f func(Object) error) error {
	after := ""
	for {
		page, err := r.cfg.Store.List(ctx, prefix, after, 0)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, o := range page {
			if err := f(o); err != nil {
				return err
			}
		}
		after = page[len(page)-1].Key
	}
}

// IDs gives the recordings of the store whose IDs come after after, limit of them at
// most: what to look for when the store is compared with what is known elsewhere.
func (r *Recordings) IDs(ctx context.Context, after string, limit int) ([]string, error) {
	var ids []string
	from := ""
	if after != "" {
		from = folder + after + "0" // behind all keys below after: "/" comes before "0"
	}
	for len(ids) < limit {
		page, err := r.cfg.Store.List(ctx, folder, from, 1)
		if err != nil || len(page) == 0 {
			return ids, err
		}
		id, _, _ := strings.Cut(page[0].Key[len(folder):], "/")
		ids = append(ids, id)
		from = folder + id + "0"
	}
	return ids, nil
}

// hold is somebody who adds to a complete recording.
type hold struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// Hold is called by who adds files to a complete recording: a deletion meanwhile ends
// the context and waits for release. ok is false when somebody else does so already.
func (r *Recordings) Hold(ctx context.Context, id string) (held context.Context, release func(), ok bool) {
	held, cancel := context.WithCancel(ctx)
	h := &hold{cancel, make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[id] != nil {
		cancel()
		return held, func() {}, false
	}
	r.held[id] = h
	return held, func() {
		r.mu.Lock()
		delete(r.held, id)
		r.mu.Unlock()
		cancel()
		close(h.done)
	}, true
}

// Delete removes a recording and makes sure that nothing of it is left; the error
// wraps ErrLeft, or ErrRunning while it is being made here. One that is not there
// counts as removed.
func (r *Recordings) Delete(ctx context.Context, id string) error {
	if !ValidID(id) {
		return ErrNotFound
	}
	r.mu.Lock()
	_, busy := r.busy[id]
	h := r.held[id]
	r.mu.Unlock()
	if busy {
		return ErrRunning
	}
	if h != nil {
		h.cancel()
		select {
		case <-h.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return r.remove(ctx, id)
}

// rounds is how often a folder is emptied before it is given up.
const rounds = 3

func (r *Recordings) remove(ctx context.Context, id string) error {
	for range rounds {
		var keys []string
		left := false
		err := r.each(ctx, Key(id, ""), func(o Object) error {
			left = true
			if keys = append(keys, o.Key); len(keys) < 500 {
				return nil
			}
			err := r.cfg.Store.Delete(ctx, keys...)
			keys = keys[:0]
			return err
		})
		if err == nil && len(keys) > 0 {
			err = r.cfg.Store.Delete(ctx, keys...)
		}
		if err != nil {
			return fmt.Errorf("delete recording %s: %w", id, err)
		}
		if !left {
			return nil
		}
	}
	return fmt.Errorf("delete recording %s: %w", id, ErrLeft)
}

// Busy lists the recordings that are made or closed here.
func (r *Recordings) Busy() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.busy))
}

// Seal makes a recording whole that nobody makes any more, from what the store has; one
// that is whole stays as it is. It reports Bytes 0 where there is nothing to play, and
// changes nothing then. The error wraps ErrRunning while it is being made here.
func (r *Recordings) Seal(ctx context.Context, id string) (Report, error) {
	r.mu.Lock()
	_, busy := r.busy[id]
	r.mu.Unlock()
	if busy {
		return Report{}, ErrRunning
	}
	x, err := r.Load(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Report{ID: id}, nil
	}
	if err != nil {
		return Report{}, err
	}
	if x.Complete || x.Size() == 0 {
		return x.report(), nil
	}
	text, err := x.encode()
	if err == nil {
		err = r.Put(ctx, id, indexName, text, "application/json")
	}
	x.Complete = true
	return x.report(), err
}

// Open gives bytes of a file of a recording, as Store.Get does.
func (r *Recordings) Open(ctx context.Context, id, file string, from, length int64) (io.ReadCloser, int64, error) {
	return r.cfg.Store.Get(ctx, Key(id, file), from, length)
}

// Put adds a small file to a recording, such as a picture.
func (r *Recordings) Put(ctx context.Context, id, file string, data []byte, contentType string) error {
	return r.cfg.Store.Put(ctx, Key(id, file), bytes.NewReader(data), int64(len(data)), contentType)
}

// persist calls f until it succeeds or ctx is done, which is the error then.
func (r *Recordings) persist(ctx context.Context, what, id string, f func(ctx context.Context) error) error {
	pause := r.cfg.Pause
	for n := 0; ; n++ {
		err := r.try(ctx, f)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.failures.Add(1)
		if n == 0 {
			r.cfg.Log.Warn("cannot "+what+" now; it is tried again", "recording", id, "err", err)
		}
		t := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
		pause = min(2*pause, 25*r.cfg.Pause)
	}
}

func (r *Recordings) try(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Try)
	defer cancel()
	return f(ctx)
}

func (r *Recordings) path(id string) string { return filepath.Join(r.cfg.Dir, id) }
