package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/packager/window"
)

// Store has segments that have no file here (window.Segment.Away), and what they need. Its
// methods may be called from anywhere and end soon after ctx does; their errors wrap
// fs.ErrNotExist where there is nothing any more.
type Store interface {
	// Segment gives length bytes of a segment from a position on; with both 0 all of it.
	Segment(ctx context.Context, rendition string, s window.Segment, from, length int64) (io.ReadCloser, error)
	Init(ctx context.Context, rendition string, n int) ([]byte, error)
}

// storeWithin bounds the wait for the first byte out of a Store.
const storeWithin = 5 * time.Second

var errNoStore = fmt.Errorf("no file and no store has it: %w", fs.ErrNotExist)

// fetched is a body out of the Store; Close lets go of all that it took.
type fetched struct {
	io.ReadCloser
	late   *time.Timer
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (f *fetched) Close() error {
	err := f.ReadCloser.Close()
	f.late.Stop()
	f.cancel()
	return err
}

// fetch opens a piece of a segment of the Store. Whatever the Store does, it ends in the
// time that answers have.
func (s *Stream) fetch(ctx context.Context, t *window.Track, seg window.Segment, from, length int64) (io.ReadCloser, error) {
	if s.Store == nil {
		return nil, errNoStore
	}
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(storeWithin, cancel)
	body, err := s.Store.Segment(ctx, t.Name, seg, from, length)
	if err != nil {
		late.Stop()
		cancel()
		return nil, err
	}
	late.Reset(sendWithin)
	return &fetched{body, late, cancel}, nil
}

// away sends a segment of so many bytes out of the Store, or the piece that is asked for.
func (h *Handler) away(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, seg window.Segment, size int64) {
	from, length, status := ranged(r, size)
	if status == http.StatusRequestedRangeNotSatisfiable {
		w.Header().Set("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
		http.Error(w, "the segment has no such bytes", status)
		return
	}
	begin := func() {
		head := w.Header()
		head["Accept-Ranges"] = []string{"bytes"}
		if status == http.StatusPartialContent {
			head.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+length-1, size))
		}
		mediaHeader(w, v, length)
		deadline(w)
		w.WriteHeader(status)
	}
	if r.Method == http.MethodHead {
		begin()
		return
	}
	body, err := s.fetch(r.Context(), t, seg, from, length)
	if err != nil {
		h.unfetched(w, r, s, err)
		return
	}
	defer func() { _ = body.Close() }()
	if err := s.admit(v); err != nil { // it may have waited
		turnAway(w, err)
		return
	}
	begin()
	_, _ = io.CopyN(w, body, length) // where something is missing net/http ends the connection
}

// awayInit sends an initialisation segment out of the Store.
func (h *Handler) awayInit(w http.ResponseWriter, r *http.Request, v *visit, s *Stream, t *window.Track, n int) {
	ctx, cancel := context.WithTimeout(r.Context(), storeWithin)
	defer cancel()
	data, err := s.Store.Init(ctx, t.Name, n)
	if err != nil {
		h.unfetched(w, r, s, err)
		return
	}
	if err := s.admit(v); err != nil { // it may have waited
		turnAway(w, err)
		return
	}
	mediaHeader(w, v, int64(len(data)))
	deadline(w)
	h.write(w, r, data)
}

// unfetched answers for what the Store does not give.
func (h *Handler) unfetched(w http.ResponseWriter, r *http.Request, s *Stream, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		notFound(w)
	case r.Context().Err() != nil:
		// nobody reads the answer
	default:
		h.Log.Warn("cannot read a segment out of the recording: viewers cannot go back so far now", "stream", s.Name, "err", err)
		w.Header().Set("Retry-After", "2")
		w.Header()["Cache-Control"] = brief
		http.Error(w, "what is so far back cannot be read now; try again in a moment", http.StatusServiceUnavailable)
	}
}

// ranged is the piece of size bytes that a request asks for. Several pieces, and conditions,
// are not: then it is all, as RFC 9110 14.2 allows.
func ranged(r *http.Request, size int64) (from, length int64, status int) {
	spec, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	first, last, two := strings.Cut(spec, "-")
	if !ok || !two || strings.Contains(spec, ",") || r.Header.Get("If-Range") != "" || r.Method != http.MethodGet {
		return 0, size, http.StatusOK
	}
	a, okA := number(strings.TrimSpace(first), "", "")
	b, okB := number(strings.TrimSpace(last), "", "")
	end := uint64(size) //nolint:gosec // not negative
	switch {
	case first == "" && okB: // the last b bytes
		a, b = end-min(b, end), end
	case okA && last == "":
		b = end
	case okA && okB && a <= b:
		b = min(b, end-1) + 1
	default:
		return 0, size, http.StatusOK
	}
	if a >= end {
		return 0, 0, http.StatusRequestedRangeNotSatisfiable
	}
	return int64(a), int64(b - a), http.StatusPartialContent //nolint:gosec // within size
}
