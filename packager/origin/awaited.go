package origin

import (
	"context"
	"time"

	"weir/packager/hls"
	"weir/packager/window"
)

// partState is how it stands with a part that somebody wants.
type partState int

const (
	partAwaited partState = iota
	partFound
	segmentDone // and has no such part
	streamOver  // or the part cannot come any more
)

// wanted is a part that is waited for until its state is another than partAwaited.
type wanted interface {
	window.Goal
	// look also gives the part's segment as it is at the moment, for where its bytes are.
	look(v *window.View) (p window.Part, at window.Segment, state partState)
}

func find(t *window.Track, want wanted) (p window.Part, at window.Segment, state partState) {
	t.View(func(v *window.View) { p, at, state = want.look(v) })
	return p, at, state
}

// await waits for a part, at most three target durations.
func (h *Handler) await(ctx context.Context, s *Stream, t *window.Track, want wanted) (p window.Part, at window.Segment, state partState) {
	if p, at, state = find(t, want); state != partAwaited {
		return p, at, state
	}
	if t.Wait(ctx, h.Closing, s.patience(), want) != nil {
		return window.Part{}, window.Segment{}, streamOver
	}
	if p, at, state = find(t, want); state == partAwaited {
		state = streamOver
	}
	return p, at, state
}

// patience is how long a request for what should come is held (rfc8216bis 6.2.5.2).
func (s *Stream) patience() time.Duration { return 3 * time.Duration(s.Target) * time.Second }

// hinted is a part that a request names, which may be the one that comes next.
type hinted struct {
	msn uint64
	n   int
}

// Met implements window.Goal.
func (w hinted) Met(v *window.View) bool {
	_, _, state := w.look(v)
	return state != partAwaited
}

func (w hinted) look(v *window.View) (p window.Part, at window.Segment, state partState) {
	nextMSN, next := hls.NextPart(v)
	msn, n := successor(v, w.msn, w.n)
	seg := v.Find(msn)
	_, _, begun := v.Last()
	switch {
	case !v.Ended && !begun && msn < v.First:
		// It was another process's. Players that are told so after the playlist that says
		// it know where to go on.
	case seg != nil && seg.Merged:
		return p, at, streamOver
	case seg != nil && n < len(seg.Parts):
		return seg.Parts[n], *seg, partFound
	case v.Ended || msn != nextMSN || n != next:
		return p, at, streamOver
	}
	return p, at, partAwaited
}

// successor is the part that came in place of one that was hinted when its segment had
// ended with the part before: when that was told, nobody knew that a key frame comes next.
// Players that fetch what is hinted take 404 for a fault, and some wait before they go on;
// they fetch the part once more under its own name, since the hinted one is never listed.
func successor(v *window.View, msn uint64, n int) (uint64, int) {
	seg := v.Find(msn)
	if seg == nil || !seg.Closed || seg.Merged || n == 0 || n != len(seg.Parts) {
		return msn, n
	}
	if next := v.Find(msn + 1); next != nil && (next.Discontinuity || next.Init != seg.Init) {
		return msn, n
	}
	return msn + 1, 0
}

// following is part n of a segment that is sent while it is written.
type following struct {
	msn uint64
	n   int
}

// Met implements window.Goal.
func (w following) Met(v *window.View) bool {
	_, _, state := w.look(v)
	return state != partAwaited
}

func (w following) look(v *window.View) (p window.Part, at window.Segment, state partState) {
	seg := v.Find(w.msn)
	switch {
	case seg != nil && w.n < len(seg.Parts):
		return seg.Parts[w.n], *seg, partFound
	case seg != nil && seg.Closed:
		return p, at, segmentDone
	case v.Ended, seg == nil && len(v.Segments) > 0 && v.Segments[0].MSN > w.msn:
		return p, at, streamOver
	}
	return p, at, partAwaited
}
