package origin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"weir/packager/window"
)

// media answers for initialisation segments, segments and parts.
func (h *Handler) media(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, file string) {
	if n, ok := number(file, "init", ".mp4"); ok {
		h.init(w, r, v, s, t, n)
		return
	}
	if d, ok := numbered(file); ok {
		h.dashSegment(w, r, v, s, t, d)
		return
	}
	base, isMedia := strings.CutSuffix(file, ".m4s")
	msnText, partText, isPart := strings.Cut(base, ".")
	msn, ok := number(msnText, "", "")
	if !isMedia || !ok {
		notFound(w)
		return
	}
	if !isPart {
		h.segment(w, r, v, s, t, msn)
		return
	}
	part, ok := number(partText, "", "")
	if !ok || part > 1<<20 {
		notFound(w)
		return
	}
	h.part(w, r, v, s, t, msn, int(part))
}

// number reads the decimal between prefix and suffix, as it is written in
// playlists: no sign, no leading zero.
func number(text, prefix, suffix string) (uint64, bool) {
	text, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return 0, false
	}
	if text, ok = strings.CutSuffix(text, suffix); !ok || len(text) > 1 && text[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 63)
	return n, err == nil
}

func (h *Handler) init(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, n uint64) {
	var data []byte
	known := false
	t.View(func(v *window.View) {
		if known = n < uint64(len(v.Inits)); known {
			data = v.Inits[n].Data
		}
	})
	if data == nil && known && s.Store != nil {
		h.awayInit(w, r, v, s, t, int(n)) //nolint:gosec // there are so many
		return
	}
	if data == nil {
		notFound(w)
		return
	}
	mediaHeader(w, v, int64(len(data)))
	h.write(w, r, data)
}

func mediaHeader(w http.ResponseWriter, v *visit, size int64) {
	head := w.Header()
	head["Content-Type"] = mimeMP4
	v.Cache(head, forEver)
	if size >= 0 {
		head["Content-Length"] = []string{strconv.FormatInt(size, 10)}
	}
}

// part sends a part; the one that comes next is waited for, and no byte of it is
// sent before it is whole (rfc8216bis 6.2.2).
func (h *Handler) part(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, msn uint64, n int) {
	p, at, state := h.await(r.Context(), s, t, hinted{msn, n})
	if state != partFound {
		notFound(w)
		return
	}
	if err := s.admit(v); err != nil { // it may have waited
		turnAway(w, err)
		return
	}
	mediaHeader(w, v, int64(p.Size))
	if r.Method == http.MethodHead {
		return
	}
	deadline(w)
	h.send(r.Context(), w, s, t, p, at)
}

// send writes a part from memory, from its segment's file or out of the Store.
func (h *Handler) send(ctx context.Context, w io.Writer, s *Stream, t *window.Track, p window.Part, at window.Segment) {
	if p.Data != nil {
		_, _ = w.Write(p.Data)
		return
	}
	f, err := os.Open(at.Path)
	if err != nil {
		body, wrong := s.fetch(ctx, t, at, p.Offset, int64(p.Size))
		if wrong != nil {
			h.Log.Warn("cannot read segment", "stream", s.Name, "err", errors.Join(err, wrong))
			return
		}
		defer func() { _ = body.Close() }()
		_, _ = io.CopyN(w, body, int64(p.Size))
		return
	}
	defer func() { _ = f.Close() }()
	if _, err = f.Seek(p.Offset, io.SeekStart); err == nil {
		_, _ = io.CopyN(w, f, int64(p.Size))
	}
}

// segment sends a whole segment: from its file, or out of the Store, where it is stored,
// from memory otherwise, or part by part while it is written.
func (h *Handler) segment(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, msn uint64) {
	var seg window.Segment
	var size int64
	found := false
	t.View(func(v *window.View) {
		if s := v.Find(msn); s != nil && !s.Gap {
			found, seg, size = true, *s, s.Size()
		}
	})
	if !found {
		notFound(w)
		return
	}
	if seg.Path != "" && h.file(w, r, v, seg.Path) {
		return
	}
	if seg.Path != "" || seg.Away {
		h.away(w, r, v, s, t, seg, size)
		return
	}
	if !seg.Closed {
		size = -1
	}
	mediaHeader(w, v, size)
	if r.Method != http.MethodHead {
		h.stream(w, r, v, s, t, msn, msn+1)
	}
}

// file sends a stored segment by sendfile, ranges included; false: there is no such file
// any more.
func (h *Handler) file(w http.ResponseWriter, r *http.Request, v *visit, path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	mediaHeader(w, v, -1)
	deadline(w)
	http.ServeContent(w, r, "", time.Time{}, f)
	return true
}

// stream sends the parts of segments [from, to) as they come, each flushed when
// the next has to be waited for.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, from, to uint64) {
	for msn, n := from, 0; msn < to; {
		p, at, state := h.next(r.Context(), s, t, msn, n, w)
		switch state {
		case partFound:
			if s.admit(v) != nil {
				return
			}
			deadline(w)
			h.send(r.Context(), w, s, t, p, at)
			n++
		case segmentDone:
			msn, n = msn+1, 0
		case streamOver:
			return
		}
	}
}

// next finds part n of segment msn, or tells that the segment has no more. What came so far
// is sent before it waits.
func (h *Handler) next(ctx context.Context, s *Stream, t *window.Track, msn uint64, n int, w http.ResponseWriter) (p window.Part, at window.Segment, state partState) {
	want := following{msn, n}
	if p, at, state = find(t, want); state != partAwaited {
		return p, at, state
	}
	_ = http.NewResponseController(w).Flush()
	return h.await(ctx, s, t, want)
}
