package origin

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"weir/packager/window"
)

// playlist answers for a media playlist: at once, or when the part that the
// request names is there.
func (h *Handler) playlist(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track) {
	d, err := parseDirectives(r.URL.RawQuery)
	if err != nil {
		refuse(w, err.Error())
		return
	}
	h.see(r, v, s)
	cache := noCache
	if status := h.block(r.Context(), s, t, d); status != http.StatusOK {
		h.blocked(w, status)
		return
	}
	if d.block {
		if err := s.admit(v); err != nil { // it may have waited for long
			turnAway(w, err)
			return
		}
		deadline(w)
		cache = []string{"max-age=" + strconv.Itoa(6*s.Target)}
	}
	b := s.playlists[t].get(d.skip)
	head := w.Header()
	head["Content-Type"] = mimeHLS
	v.Cache(head, cache)
	head["Vary"] = byGzip
	data := b.plain()
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		data = b.gzip()
		head["Content-Encoding"] = gzipped
	}
	head["Content-Length"] = []string{strconv.Itoa(data.size())}
	h.write(w, r, data...)
}

// block waits for what d names, and for the first segment: players of a stream that goes
// on here after another process are there before it, and take none for an error. 200:
// it is there, 400: it lies too far ahead, 503: three target durations have passed.
func (h *Handler) block(ctx context.Context, s *Stream, t *window.Track, d directives) int {
	far, done := false, false
	t.View(func(v *window.View) {
		far = d.block && !v.Ended && d.tooFar(v, s.PartTarget)
		done = d.Met(v)
	})
	switch {
	case far:
		return http.StatusBadRequest
	case done:
		return http.StatusOK
	}
	if err := t.Wait(ctx, h.Closing, s.patience(), d); err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func (h *Handler) blocked(w http.ResponseWriter, status int) {
	if status == http.StatusBadRequest {
		refuse(w, "that part is too far in the future")
		return
	}
	w.Header()["Cache-Control"] = brief
	http.Error(w, "nothing new came", status)
}

func refuse(w http.ResponseWriter, words string) {
	w.Header()["Cache-Control"] = brief
	http.Error(w, words, http.StatusBadRequest)
}
