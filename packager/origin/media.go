package origin

import (
	"context"
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
		h.init(w, r, v, t, n)
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

func (h *Handler) init(w http.ResponseWriter, r *http.Request, v *visit, t *window.Track, n uint64) {
	var data []byte
	t.View(func(v *window.View) {
		if n < uint64(len(v.Inits)) {
			data = v.Inits[n].Data
		}
	})
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
	p, path, state := h.await(r.Context(), s, t, hinted{msn, n})
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
	h.send(w, p, path)
}

// send writes a part from memory or from its segment's file.
func (h *Handler) send(w io.Writer, p window.Part, path string) {
	if p.Data != nil {
		_, _ = w.Write(p.Data)
		return
	}
	f, err := os.Open(path)
	if err != nil {
		h.Log.Warn("cannot read segment", "err", err)
		return
	}
	defer func() { _ = f.Close() }()
	if _, err = f.Seek(p.Offset, io.SeekStart); err == nil {
		_, _ = io.CopyN(w, f, int64(p.Size))
	}
}

// segment sends a whole segment: from its file where it is stored, from memory
// otherwise, or part by part while it is written.
func (h *Handler) segment(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, msn uint64) {
	var path string
	var size int64
	found, closed := false, false
	t.View(func(v *window.View) {
		if seg := v.Find(msn); seg != nil && !seg.Gap {
			found, closed, path, size = true, seg.Closed, seg.Path, seg.Size()
		}
	})
	if !found {
		notFound(w)
		return
	}
	if path != "" {
		h.file(w, r, v, path)
		return
	}
	if !closed {
		size = -1
	}
	mediaHeader(w, v, size)
	if r.Method != http.MethodHead {
		h.stream(w, r, v, s, t, msn, msn+1)
	}
}

// file sends a stored segment by sendfile, ranges included.
func (h *Handler) file(w http.ResponseWriter, r *http.Request, v *visit, path string) {
	f, err := os.Open(path)
	if err != nil {
		notFound(w)
		return
	}
	defer func() { _ = f.Close() }()
	mediaHeader(w, v, -1)
	deadline(w)
	http.ServeContent(w, r, "", time.Time{}, f)
}

// stream sends the parts of segments [from, to) as they come, each flushed when
// the next has to be waited for.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, from, to uint64) {
	for msn, n := from, 0; msn < to; {
		p, path, state := h.next(r.Context(), s, t, msn, n, w)
		switch state {
		case partFound:
			if s.admit(v) != nil {
				return
			}
			deadline(w)
			h.send(w, p, path)
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
func (h *Handler) next(ctx context.Context, s *Stream, t *window.Track, msn uint64, n int, w http.ResponseWriter) (p window.Part, path string, state partState) {
	want := following{msn, n}
	if p, path, state = find(t, want); state != partAwaited {
		return p, path, state
	}
	_ = http.NewResponseController(w).Flush()
	return h.await(ctx, s, t, want)
}
