package origin

import (
	"context"
	"net/http"
	"strings"

	"weir/packager/cmaf"
	"weir/packager/window"
)

// numberedSegment is a DASH segment, and the initialisation segment that its player has.
type numberedSegment struct{ number, init uint64 }

// numbered reads the name of one.
func numbered(file string) (d numberedSegment, ok bool) {
	init, rest, _ := strings.Cut(file, "-")
	if d.init, ok = number(init, "d", ""); ok {
		d.number, ok = number(rest, "", ".m4s")
	}
	return d, ok
}

// foreign tells whether the player has another initialisation segment than the HLS segment
// needs.
func (d numberedSegment) foreign(t *window.Track, msn uint64) (yes bool) {
	t.View(func(v *window.View) {
		seg := v.Find(msn)
		yes = seg != nil && !seg.Gap && uint64(seg.Init) != d.init //nolint:gosec // not negative
	})
	return yes
}

// silent tells whether segments [from, to) are all gaps.
func silent(t *window.Track, from, to uint64) (yes bool) {
	t.View(func(v *window.View) {
		for yes = true; yes && from < to; from++ {
			seg := v.Find(from)
			yes = seg != nil && seg.Gap
		}
	})
	return yes
}

// dashSegment sends a DASH segment: the HLS segments that it spans, part by part
// while the newest is written. A request that comes a little early waits. Who does not know
// yet that another Period began, with another initialisation segment, gets no media: that
// of the new Period would be an error to its decoder.
func (h *Handler) dashSegment(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, d numberedSegment) {
	n := d.number
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
	if d.foreign(t, from) || t.Further && !open && silent(t, from, to) {
		h.nothing(w, r, v, s)
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
		if !h.sendSpanned(w, r, v, s, t, d, msn) {
			return
		}
		if open {
			_, to, open, _ = s.Window.Span(n)
		}
	}
}

// nothing sends a segment without media: dash.js gives up after some errors, but takes a
// hole. It is called for what another process had, and for what another Period has.
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
func (h *Handler) sendSpanned(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, d numberedSegment, msn uint64) bool {
	for i := 0; ; i++ {
		p, at, state := h.next(r.Context(), s, t, msn, i, w)
		switch state {
		case streamOver:
			return false
		case segmentDone:
			return true
		case partFound:
			// Whether the segment still belongs to n is certain once it has a part.
			if _, to, open, ok := s.Window.Span(d.number); i == 0 && (!ok || !open && msn >= to) {
				return false
			}
			if i == 0 && d.foreign(t, msn) {
				_, _ = w.Write(cmaf.AppendStyp(nil))
				return false
			}
			if s.admit(v) != nil {
				return false
			}
			deadline(w)
			h.send(r.Context(), w, s, t, p, at)
		}
	}
}
