package vod

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"weir/media/seats"
	"weir/packager/archive"
	"weir/packager/door"
)

// Handler serves recordings below one prefix, which the caller strips. The writer
// must be the server's own, so that deadlines can be set and files sent by the system.
type Handler struct {
	Recordings *archive.Recordings
	Log        *slog.Logger
	// Memory bounds the manifests that are kept, in bytes; default 64 MiB.
	Memory int64
	// Downloads bounds the files that are made at once; default 16, of which two may go
	// to one network.
	Downloads int
	// Door says who may have a recording: the error is door.ErrHidden, a door.Refusal, or
	// says why that is not known. It is called for every request and may block for a short
	// while. nil: everybody.
	Door func(ctx context.Context, id string, b door.Bearer) error
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	once  sync.Once
	shelf *shelf
	slots seats.Seats // of downloads
}

func (h *Handler) open() {
	h.once.Do(func() {
		if h.Now == nil {
			h.Now = time.Now
		}
		if h.Memory == 0 {
			h.Memory = 64 << 20
		}
		if h.Downloads == 0 {
			h.Downloads = 16
		}
		h.shelf = newShelf(h.Recordings.Load, h.Now, h.Memory)
		h.slots.All, h.slots.Each, h.slots.V4 = h.Downloads, perNetwork, 24
	})
}

// Values of headers, one slice each instead of one a request; never changed.
//
//nolint:gochecknoglobals // see above
var (
	mimeHLS  = []string{"application/vnd.apple.mpegurl"}
	mimeDASH = []string{"application/dash+xml"}
	mimeMP4  = []string{"video/mp4"}
	mimeJPEG = []string{"image/jpeg"}
	mimeVTT  = []string{"text/vtt"}
	forEver  = []string{"public, max-age=31536000, immutable"}
	aMinute  = []string{"public, max-age=60"}
	brief    = []string{"max-age=1"}
)

// ServeHTTP answers GET, HEAD and OPTIONS.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.open()
	if !door.Open(w, r) {
		return
	}
	b, path := door.Read(r, "")
	id, file, _ := strings.Cut(path, "/")
	if !archive.ValidID(id) {
		notFound(w)
		return
	}
	if err := h.admit(r.Context(), id, b); err != nil {
		h.turnAway(w, r, id, err)
		return
	}
	if h.Door != nil {
		w = h.guard(w, r, id, b)
	}
	if mime := picture(file); mime != nil {
		h.small(w, r, id, file, mime)
		return
	}
	e, err := h.shelf.get(r.Context(), id)
	if err != nil {
		h.fail(w, r, id, err)
		return
	}
	h.serve(w, r, e, file)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, e *entry, file string) {
	switch file {
	case "index.m3u8":
		h.manifest(w, r, e, file, mimeHLS, func() ([]byte, error) { return multivariant(e), nil })
		return
	case "manifest.mpd":
		h.manifest(w, r, e, file, mimeDASH, func() ([]byte, error) { return manifest(e) })
		return
	case "download.mp4":
		h.download(w, r, e)
		return
	}
	name, file, _ := strings.Cut(file, "/")
	rendition := e.index.Rendition(name)
	if rendition == nil {
		notFound(w)
		return
	}
	if file == "index.m3u8" {
		h.manifest(w, r, e, name+"/"+file, mimeHLS, func() ([]byte, error) { return playlist(e, rendition) })
		return
	}
	h.media(w, r, e, rendition, file)
}

// picture is the content type of the small files that a recording may have.
func picture(file string) []string {
	switch {
	case file == "thumb.jpg":
		return mimeJPEG
	case file == "storyboard.vtt":
		return mimeVTT
	case strings.HasPrefix(file, "storyboard"):
		if _, ok := number(file, "storyboard", ".jpg"); ok {
			return mimeJPEG
		}
	}
	return nil
}

// manifest sends a text that is made once for each state of a recording.
func (h *Handler) manifest(w http.ResponseWriter, r *http.Request, e *entry, name string, mime []string, render func() ([]byte, error)) {
	if len(e.runs) == 0 {
		notFound(w)
		return
	}
	t, err := h.shelf.text(e, name, render)
	if err != nil {
		h.fail(w, r, e.index.ID, err)
		return
	}
	head := w.Header()
	head["Content-Type"] = mime
	head["Cache-Control"] = brief
	if e.index.Complete {
		head["Cache-Control"] = aMinute // what is deleted goes soon
	}
	head["Etag"] = []string{t.tag}
	deadline(w)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(t.text))
}

// fail answers when a recording cannot be had.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, id string, err error) {
	switch {
	case errors.Is(err, archive.ErrNotFound):
		notFound(w)
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		// nobody reads the answer
	default:
		h.Log.Warn("cannot read a recording", "recording", id, "err", err)
		w.Header().Set("Retry-After", "2")
		w.Header()["Cache-Control"] = brief
		http.Error(w, "the recording cannot be read now", http.StatusServiceUnavailable)
	}
}

func notFound(w http.ResponseWriter) {
	w.Header()["Cache-Control"] = brief
	http.Error(w, "not found", http.StatusNotFound)
}

// sendWithin bounds how long one answer, or a piece of a download, may take to leave.
const sendWithin = 30 * time.Second

func deadline(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendWithin))
}

// Kept tells how many recordings are held in memory now, and how many bytes they take.
func (h *Handler) Kept() (n int, bytes int64) {
	h.open()
	h.shelf.mu.Lock()
	defer h.shelf.mu.Unlock()
	return len(h.shelf.entries), h.shelf.size
}
