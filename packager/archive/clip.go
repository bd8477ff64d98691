package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"weir/media"
	"weir/packager/window"
)

// ErrNoMedia means that there is nothing between the times that were given.
var ErrNoMedia = errors.New("there is no media at that time")

// MaxClip is the longest piece that is cut out.
const MaxClip = time.Hour

// copies is how many segments of a clip are stored at once.
const copies = 8

// origin is where the segments of a clip come from.
type origin interface {
	segment(ctx context.Context, rendition string, s Segment) (io.ReadCloser, error)
	init(ctx context.Context, rendition string, n int) (io.ReadCloser, int64, error)
}

// Clip makes the recording id out of a piece of another one: whole segments, from the
// one in which start lies to the one before which start and length end. Times are
// those that players of the other recording show: holes do not count. The objects are
// copies, so that either may be deleted. The error wraps ErrNotFound, ErrNoMedia or
// ErrRunning when id is in use.
func (r *Recordings) Clip(ctx context.Context, id, from string, start, length time.Duration) (Report, error) {
	x, err := r.Load(ctx, from)
	if err != nil {
		return Report{}, err
	}
	var runs []Run
	at := time.Duration(0)
	for _, run := range x.Runs() {
		if end := at + run.Duration.Duration(); end > start && at < start+length {
			runs = append(runs, run)
		}
		at += run.Duration.Duration()
	}
	return r.cut(ctx, id, x, runs, length, stored{r, from})
}

// ClipSince is Clip by the wall clock: start is from the recording's Epoch, and holes
// count.
func (r *Recordings) ClipSince(ctx context.Context, id, from string, start, length time.Duration) (Report, error) {
	x, err := r.Load(ctx, from)
	if err != nil {
		return Report{}, err
	}
	return r.cut(ctx, id, x, x.between(start, length), length, stored{r, from})
}

// between are the runs of x that have some of the time from start on.
func (x *Index) between(start, length time.Duration) (runs []Run) {
	from := media.FromDuration(start)
	to := from + media.FromDuration(length)
	for _, run := range x.Runs() {
		if run.End() > from && run.Start < to {
			runs = append(runs, run)
		}
	}
	return runs
}

// ClipLive makes the recording s.ID out of what a window holds between two instants,
// whether it is recorded or not; of is the recording that has what has no files any more.
func (r *Recordings) ClipLive(ctx context.Context, s Stream, w *window.Window, of string, start time.Time, length time.Duration) (Report, error) {
	x := &Index{Version: version, Name: s.Name, Epoch: s.Epoch.UTC(), Target: s.Target, Complete: true}
	for _, t := range w.Tracks() {
		t.View(func(v *window.View) { x.add(listed(v)) })
	}
	return r.cut(ctx, s.ID, x, x.between(start.Sub(s.Epoch), length), length, live{w, r.Reader(of)})
}

// listed describes what a track of a window has whole.
func listed(v *window.View) Rendition {
	in := Rendition{Name: v.Name, Kind: v.Kind, Inits: make([]Init, len(v.Inits))}
	for i, x := range v.Inits {
		if x.Track != nil {
			in.Inits[i] = describe(x)
		}
	}
	for _, s := range v.Segments {
		if s.Closed && !s.Gap && !s.Foreign {
			in.Segments = append(in.Segments, Segment{MSN: s.MSN, Start: s.Start, Duration: s.Duration, Size: s.Size(), Init: s.Init, Flags: flagsOf(s)})
		}
	}
	return in
}

// cut copies runs of x into a recording of their own.
func (r *Recordings) cut(ctx context.Context, id string, x *Index, runs []Run, length time.Duration, from origin) (Report, error) {
	switch {
	case !ValidID(id):
		return Report{}, fmt.Errorf("clip: %q is no ID", id)
	case len(runs) == 0 || length <= 0 || length > MaxClip:
		return Report{}, fmt.Errorf("clip %s: %w", id, ErrNoMedia)
	}
	r.mu.Lock()
	_, busy := r.busy[id]
	if !busy {
		r.busy[id] = nil
	}
	r.mu.Unlock()
	if busy {
		return Report{}, fmt.Errorf("clip %s: %w", id, ErrRunning)
	}
	defer r.release(id)
	c := x.only(id, runs)
	if err := r.copy(ctx, c, from); err != nil {
		return Report{}, errors.Join(fmt.Errorf("clip %s: %w", id, err), r.remove(context.WithoutCancel(ctx), id))
	}
	return c.report(), nil
}

// only is x with the segments of some runs.
func (x *Index) only(id string, runs []Run) *Index {
	c := x.clone()
	c.ID, c.Complete = id, true
	for i := range c.Renditions {
		in := &c.Renditions[i]
		all := Rendition{Segments: in.Segments}
		in.Segments = nil
		for _, run := range runs {
			in.Segments = append(in.Segments, all.Run(run)...)
		}
	}
	c.Renditions = slices.DeleteFunc(c.Renditions, func(in Rendition) bool { return len(in.Segments) == 0 })
	return c
}

// copy stores a clip, its index last.
func (r *Recordings) copy(ctx context.Context, c *Index, from origin) error {
	meta, err := c.bare().encode()
	if err != nil {
		return err
	}
	if err := r.Put(ctx, c.ID, metaName, meta, "application/json"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, copies)
	var wait sync.WaitGroup
	each := func(file string, open func() (io.ReadCloser, int64, error)) {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			if err := r.copyOne(ctx, c.ID, file, open); err != nil {
				cancel(err)
			}
		})
	}
	for _, in := range c.Renditions {
		inits := map[int]bool{}
		for _, s := range in.Segments {
			if n := s.Init; !inits[n] {
				inits[n] = true
				each(InitFile(in.Name, n), func() (io.ReadCloser, int64, error) { return from.init(ctx, in.Name, n) })
			}
			each(SegmentFile(in.Name, s), func() (io.ReadCloser, int64, error) {
				body, err := from.segment(ctx, in.Name, s)
				return body, s.Size, err
			})
		}
	}
	wait.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	text, err := c.encode()
	if err != nil {
		return err
	}
	return r.Put(ctx, c.ID, indexName, text, "application/json")
}

func (r *Recordings) copyOne(ctx context.Context, id, file string, open func() (io.ReadCloser, int64, error)) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	body, size, err := open()
	if err != nil {
		return err
	}
	defer body.Close()
	return r.cfg.Store.Put(ctx, Key(id, file), body, size, contentType(file))
}

// stored is a recording that is cut.
type stored struct {
	all *Recordings
	id  string
}

func (s stored) segment(ctx context.Context, rendition string, x Segment) (io.ReadCloser, error) {
	body, _, err := s.all.Open(ctx, s.id, SegmentFile(rendition, x), 0, 0)
	return body, err
}

func (s stored) init(ctx context.Context, rendition string, n int) (io.ReadCloser, int64, error) {
	return s.all.Open(ctx, s.id, InitFile(rendition, n), 0, 0)
}

// live is a stream that is cut.
type live struct {
	w    *window.Window
	kept *Reader // has what the window has no files of
}

func (l live) segment(ctx context.Context, rendition string, x Segment) (body io.ReadCloser, err error) {
	path, data := "", []byte(nil)
	var away *window.Segment
	l.w.Track(rendition).View(func(v *window.View) {
		s := v.Find(x.MSN)
		if s == nil {
			return
		}
		if s.Away {
			one := *s
			away = &one
		}
		if path = s.Path; path == "" {
			for i := range s.Parts {
				data = append(data, s.Parts[i].Data...)
			}
		}
	})
	if away != nil {
		return l.kept.Segment(ctx, rendition, *away, 0, 0)
	}
	if path != "" {
		return os.Open(path)
	}
	if int64(len(data)) != x.Size {
		return nil, fmt.Errorf("%w: segment %d is gone", ErrNoMedia, x.MSN)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (l live) init(_ context.Context, rendition string, n int) (io.ReadCloser, int64, error) {
	var data []byte
	l.w.Track(rendition).View(func(v *window.View) { data = v.Inits[n].Data })
	if data == nil {
		return nil, 0, fmt.Errorf("%w: its coding is gone", ErrNoMedia)
	}
	return io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
}
