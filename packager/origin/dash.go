package origin

import (
	"context"
	"net/http"

	"weir/packager/cmaf"
	"weir/packager/window"
)

// dashSegment sends a DASH segment: the HLS segments that it spans, part by part
// while the newest is written. A request that comes a little early waits.
func (h *Handler) dashSegment(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, n uint64) {
	from, to, open, ok := s.Window.Span(n)
	if next := s.Window.NextNumber(); !ok && n >= next && n <= next+early && !s.Window.Ended() {
		from, to, open, ok = h.awaitSpan(r.Context(), s, n)
	}
	if past := s.Window.Past(); !ok && n >= past.Lost && n < past.Next {
		h.nothing(w, r, v, s)
		return
	}
	if !ok {
		notFound(w)
		return
	}
	if err := s.admit(v); err != nil { // it may have waited
		turnAway(w, err)
		return
	}
	h.see(r, v, s)
	if !open && to == from+1 {
		h.segment(w, r, v, s, t, from)
		return
	}
	mediaHeader(w, v, -1)
	if r.Method == http.MethodHead {
		return
	}
	for msn := from; open || msn < to; msn++ {
		if !h.sendSpanned(w, r, v, s, t, n, msn) {
			return
		}
		if open {
			_, to, open, _ = s.Window.Span(n)
		}
	}
}

// nothing sends a segment without media: dash.js gives up after some errors, but takes a
// hole. It is called for what another process had.
func (h *Handler) nothing(w http.ResponseWriter, r *http.Request, v *visit, s *Stream) {
	if err := s.admit(v); err != nil {
		turnAway(w, err)
		return
	}
	h.see(r, v, s)
	head := w.Header()
	head["Content-Type"] = mimeMP4
	v.Cache(head, brief)
	h.write(w, r, cmaf.AppendStyp(nil))
}

// early is how many segments after the next one may be asked for: media that is
// behind the wall clock must not be answered by 404, which ends players.
const early = 2

// awaitSpan waits for a DASH segment to begin.
func (h *Handler) awaitSpan(ctx context.Context, s *Stream, n uint64) (from, to uint64, open, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	err := s.Window.Wait(ctx, h.Closing, func() bool {
		from, to, open, ok = s.Window.Span(n)
		return ok || s.Window.Ended()
	})
	return from, to, open, ok && err == nil
}

// sendSpanned sends HLS segment msn as a piece of DASH segment n. It reports
// false when the DASH segment is over, the stream or its viewer is gone, or may watch no longer.
func (h *Handler) sendSpanned(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, n, msn uint64) bool {
	for i := 0; ; i++ {
		p, path, state := h.next(r.Context(), s, t, msn, i, w)
		switch state {
		case streamOver:
			return false
		case segmentDone:
			return true
		case partFound:
			// Whether the segment still belongs to n is certain once it has a part.
			if _, to, open, ok := s.Window.Span(n); i == 0 && (!ok || !open && msn >= to) {
				return false
			}
			if s.admit(v) != nil {
				return false
			}
			deadline(w)
			h.send(w, p, path)
		}
	}
}
