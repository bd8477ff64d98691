package origin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/media/seats"
	"weir/packager/door"
	"weir/packager/window"
)

// Handler serves all streams of this process below one prefix. It is used as it is
// by net/http; the writer must be the server's own, so that files go out by sendfile
// and deadlines can be set. The server must have a WriteTimeout: what is answered at
// once leaves within that.
type Handler struct {
	// Prefix is what all paths begin with, such as "/live"; others are not for this
	// handler. (http.StripPrefix would copy each request.)
	Prefix string
	// Still makes a picture of the stream now; nil answers 404.
	Still func(ctx context.Context, name string) ([]byte, error)
	Log   *slog.Logger
	// TimeURL is the address of a clock for DASH players (ISO 8601, milliseconds).
	TimeURL string
	// Hold is how long a request for a name that is not live is held; default 10 s.
	Hold time.Duration
	// Holds bounds the requests that are held at once for a stream to begin, HoldsEach those
	// of one network, an IPv4 address or an IPv6 /64; default 10,000 and 1,000.
	Holds, HoldsEach int
	// Closing, when set, ends held requests when it is closed.
	Closing <-chan struct{}
	// Passes says whether a pass is one for a name that is not live; nil: there are none.
	// It must not block.
	Passes func(name string, b door.Bearer) error
	// Wanted is told of each viewer that waits for a name that is not live, and whether it
	// has a pass for it; nil: nobody is.
	Wanted func(name string, pass bool)
	// Viewers gives viewers a number; nil: they are told apart by address and User-Agent.
	Viewers Viewers
	// Elsewhere, when set, is asked for names that are not on the air here.
	Elsewhere Elsewhere

	mu      sync.RWMutex
	live    map[string]*Stream
	epochs  map[string]*Stream // "NAME/EPOCH", also of sessions that ended lately
	changed chan struct{}
	bound   sync.Once
	waiting seats.Seats
}

// Add puts a session on the air.
func (h *Handler) Add(s *Stream) {
	s.open()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.live == nil {
		h.live, h.epochs = make(map[string]*Stream), make(map[string]*Stream)
	}
	h.live[s.Name] = s
	h.epochs[s.Name+"/"+s.Epoch] = s
	h.announce()
}

// End takes a session off the air; those who have its address can still get it.
func (h *Handler) End(s *Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.live[s.Name] == s {
		delete(h.live, s.Name)
	}
}

// Forget removes a session for good.
func (h *Handler) Forget(s *Stream) {
	h.End(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.epochs, s.Name+"/"+s.Epoch)
}

func (h *Handler) announce() {
	if h.changed != nil {
		close(h.changed)
	}
	h.changed = make(chan struct{})
}

// Live returns the session on the air under a name, or nil.
func (h *Handler) Live(name string) *Stream {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.live[name]
}

// ServeHTTP answers GET, HEAD and OPTIONS.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !door.Open(w, r) {
		return
	}
	v := &visit{}
	v.Bearer, v.path = door.Read(r, h.Prefix)
	name, rest, _ := strings.Cut(v.path, "/")
	if h.elsewhere(w, r, name) {
		return
	}
	switch rest {
	case "index.m3u8":
		h.entry(w, r, v, name, 2, mimeHLS, func(s *Stream, t []*window.Track) ([]byte, error) {
			return s.entries[0].get(s.PartTarget.Duration(), t, func(t []*window.Track) ([]byte, error) { return s.multivariant(t), nil })
		})
	case "manifest.mpd":
		h.entry(w, r, v, name, 0, mimeDASH, func(s *Stream, t []*window.Track) ([]byte, error) {
			return s.entries[1].get(s.PartTarget.Duration(), t, func(t []*window.Track) ([]byte, error) { return s.mpd(t, h.TimeURL) })
		})
	case "thumb.jpg":
		h.still(w, r, v, name)
	default:
		h.session(w, r, v, name, rest)
	}
}

// Values of headers, one slice each instead of one a request; never changed.
//
//nolint:gochecknoglobals // see above
var (
	mimeHLS  = []string{"application/vnd.apple.mpegurl"}
	mimeDASH = []string{"application/dash+xml"}
	mimeMP4  = []string{"video/mp4"}
	forEver  = []string{"public, max-age=31536000, immutable"}
	noCache  = []string{"no-cache"}
	brief    = []string{"max-age=1"}
	byGzip   = []string{"Accept-Encoding"}
	gzipped  = []string{"gzip"}

	fiveSeconds = []string{"max-age=5"}
)

// entry answers for the address that players begin with. It is held until the
// stream is live and ready.
func (h *Handler) entry(w http.ResponseWriter, r *http.Request, v *visit, name string, segments int, mime []string,
	render func(*Stream, []*window.Track) ([]byte, error),
) {
	s, tracks, err := h.awaitReady(r, v, name, segments)
	switch {
	case errors.Is(err, errElsewhere) && h.Elsewhere.Serve(w, r, name):
		return
	case errors.Is(err, seats.ErrAll), errors.Is(err, seats.ErrEach):
		crowded(w, err)
		return
	case errors.As(err, &door.Refusal{}):
		door.Refuse(w, err)
		return
	case err != nil:
		w.Header()["Cache-Control"] = brief
		http.Error(w, name+" is not live", http.StatusNotFound)
		return
	}
	text, err := render(s, tracks)
	if err != nil {
		h.Log.Error("cannot render manifest", "stream", name, "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	head := w.Header()
	h.welcome(w, r, v, s)
	head["Content-Type"] = mime
	v.Cache(head, noCache)
	head["Content-Length"] = []string{strconv.Itoa(len(text))}
	deadline(w)
	h.write(w, r, text)
}

var errNotLive = errors.New("not live")

// awaitReady waits for a stream to be ready, at most Hold. What is hidden from who asks is
// waited for like what is not there, so that nobody can tell the one from the other.
func (h *Handler) awaitReady(r *http.Request, v *visit, name string, segments int) (*Stream, []*window.Track, error) {
	s, err := h.enter(v, name)
	if err != nil {
		return nil, nil, err
	}
	if s != nil {
		if t := s.ready(segments); t != nil {
			return s, t, nil
		}
	}
	leave, err := h.Wait(r.RemoteAddr)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), h.hold())
	defer cancel()
	for {
		moved, err := h.moved(r, name)
		if err != nil {
			return nil, nil, err
		}
		h.mu.RLock()
		changed := h.changed
		h.mu.RUnlock()
		s, err := h.enter(v, name)
		if err != nil {
			return nil, nil, err
		}
		if s != nil {
			var tracks []*window.Track
			err := s.Window.Wait(ctx, h.Closing, func() bool { tracks = s.ready(segments); return tracks != nil || s.Window.Ended() })
			if tracks != nil {
				return s, tracks, s.admit(v)
			}
			if err != nil {
				return nil, nil, err
			}
		}
		if changed == nil {
			h.mu.Lock()
			if h.changed == nil {
				h.announce()
			}
			h.mu.Unlock()
			continue
		}
		select {
		case <-changed:
		case <-moved:
		case <-ctx.Done():
			return nil, nil, errNotLive
		case <-h.Closing:
			return nil, nil, errNotLive
		}
	}
}

// enter finds the session on the air under a name: nil when there is none, or none that
// who asks may know of. The error is a door.Refusal.
func (h *Handler) enter(v *visit, name string) (*Stream, error) {
	s := h.Live(name)
	var err error
	switch {
	case s != nil:
		err = s.admit(v)
	case v.Pass == "":
	case h.Passes == nil:
		err = door.Refusal{Words: "there are no passes here"}
	default:
		err = h.Passes(name, v.Bearer)
	}
	if s == nil && err == nil && h.Wanted != nil {
		h.Wanted(name, v.Pass != "")
	}
	if errors.Is(err, door.ErrHidden) {
		return nil, nil
	}
	return s, err
}

func (h *Handler) hold() time.Duration {
	if h.Hold == 0 {
		return 10 * time.Second
	}
	return h.Hold
}

// session answers for what lies below an epoch.
func (h *Handler) session(w http.ResponseWriter, r *http.Request, v *visit, name, rest string) {
	epoch, rest, _ := strings.Cut(rest, "/")
	rendition, file, _ := strings.Cut(rest, "/")
	h.mu.RLock()
	s := h.epochs[name+"/"+epoch]
	h.mu.RUnlock()
	var t *window.Track
	if s != nil {
		t = s.Window.Track(rendition)
	}
	if t == nil {
		notFound(w)
		return
	}
	if err := s.admit(v); err != nil {
		turnAway(w, err)
		return
	}
	if file == "index.m3u8" {
		h.playlist(w, r, v, s, t)
		return
	}
	h.media(w, r, v, s, t, file)
}

func (h *Handler) still(w http.ResponseWriter, r *http.Request, v *visit, name string) {
	s, err := h.enter(v, name)
	if err != nil || s == nil || h.Still == nil {
		turnAway(w, err)
		return
	}
	jpeg, err := h.Still(r.Context(), name)
	if err != nil {
		h.Log.Warn("no picture", "stream", name, "err", err)
		notFound(w)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "image/jpeg")
	v.Cache(head, fiveSeconds)
	head["Content-Length"] = []string{strconv.Itoa(len(jpeg))}
	deadline(w)
	h.write(w, r, jpeg)
}

// NotFound answers for what is not there, or not for whoever asks.
func NotFound(w http.ResponseWriter) { notFound(w) }

func notFound(w http.ResponseWriter) {
	w.Header()["Cache-Control"] = brief
	http.Error(w, "not found", http.StatusNotFound)
}

// sendWithin bounds how long one answer that was waited for may take to leave: a viewer
// that does not read costs a connection for so long and no longer.
const sendWithin = 30 * time.Second

// write sends a body that is whole in memory. Failures are the viewer's.
func (h *Handler) write(w http.ResponseWriter, r *http.Request, data ...[]byte) {
	if r.Method == http.MethodHead {
		return
	}
	for _, piece := range data {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

func deadline(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendWithin))
}
