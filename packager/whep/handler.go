package whep

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"weir/media"
	"weir/media/hub"
	"weir/media/rtc"
	"weir/media/seats"
	"weir/packager/door"
)

// Config is what a Handler needs. Hub, Port and Make are needed.
type Config struct {
	Hub  *hub.Hub
	Port *rtc.Port
	Log  *slog.Logger // default: none

	// Make creates "NAME/"+what in the hub, PictureName or SoundName, and fills it
	// from source until ctx or source ends; then it is gone when Make returns.
	Make func(ctx context.Context, source *hub.Stream, what string) error
	// AskKey asks whoever encodes a stream for a key frame; it must not block. May be nil.
	AskKey func(id media.StreamID)
	Admit  door.Admit // nil: all may watch
	// Sent is told of each frame that was sent to a viewer, how long it took from the
	// stream's writer to the last of its packets. Called by many goroutines; nil: nobody
	// wants to know.
	Sent func(took time.Duration)
	// Prefix is what paths begin with, such as "/live".
	Prefix string

	// ICEServers are told to players, as values of Link headers.
	ICEServers []string

	MaxViewers      int           // in all; default 2,000
	MaxViewersPerIP int           // of one IPv4 address or IPv6 /64; default 64
	HalfOpen        time.Duration // for a connection to stand after the answer; default 10 s
}

// Handler answers viewers below one prefix.
type Handler struct {
	cfg  Config
	ctx  context.Context
	stop context.CancelFunc
	wait sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	channels map[*hub.Stream]*channel
	viewers  map[string]*viewer // by ID
	seats    seats.Seats
	offers   rtc.Turnstile
}

// New makes a Handler. It must be closed.
func New(cfg Config) *Handler {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	cfg.MaxViewers = cmp.Or(cfg.MaxViewers, 2000)
	cfg.MaxViewersPerIP = cmp.Or(cfg.MaxViewersPerIP, 64)
	cfg.HalfOpen = cmp.Or(cfg.HalfOpen, 10*time.Second)
	if cfg.Sent == nil {
		cfg.Sent = func(time.Duration) {}
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Handler{
		cfg: cfg, ctx: ctx, stop: stop, channels: map[*hub.Stream]*channel{}, viewers: map[string]*viewer{},
		seats: seats.Seats{All: cfg.MaxViewers, Each: cfg.MaxViewersPerIP},
	}
}

// Close lets all viewers go and waits for that. The port is to be closed after it.
func (h *Handler) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.stop()
	h.wait.Wait()
}

// Viewers is how many connections there are.
func (h *Handler) Viewers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.viewers)
}

// maxName is the most bytes of a stream's name.
const maxName = 64

// Match tells whether a request is for this package.
func (h *Handler) Match(r *http.Request) bool {
	_, path := door.Read(r, h.cfg.Prefix)
	_, rest, _ := strings.Cut(path, "/")
	return rest == "whep" || strings.HasPrefix(rest, "whep/")
}

// ServeHTTP answers POST, PATCH, DELETE and OPTIONS.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rtc.Share(w)
	bearer, path := door.Read(r, h.cfg.Prefix)
	name, rest, _ := strings.Cut(path, "/")
	endpoint, id, isSession := strings.Cut(rest, "/")
	if endpoint != "whep" || name == "" || len(name) > maxName {
		refuse(w, http.StatusNotFound, "there is nothing here")
		return
	}
	methods := "POST, OPTIONS"
	if isSession {
		methods = "PATCH, DELETE, OPTIONS"
	}
	switch {
	case r.Method == http.MethodOptions:
		rtc.Options(w, methods)
	case !isSession && r.Method == http.MethodPost:
		h.post(w, r, bearer, name)
	case isSession && r.Method == http.MethodPatch:
		h.patch(w, r, name, id)
	case isSession && r.Method == http.MethodDelete:
		h.remove(w, name, id)
	default:
		w.Header().Set("Allow", methods)
		refuse(w, http.StatusMethodNotAllowed, "only "+methods+" are served here")
	}
}

// refuse answers with words for the viewer.
func refuse(w http.ResponseWriter, status int, words string) {
	http.Error(w, words, status)
}

// post makes a session of an offer.
func (h *Handler) post(w http.ResponseWriter, r *http.Request, b door.Bearer, name string) {
	text, ok := rtc.Body(w, r, rtc.TypeSDP)
	if !ok {
		return
	}
	watching := func() error { return nil }
	var err error
	if h.cfg.Admit != nil {
		watching, err = h.cfg.Admit(r, b, name)
	}
	if errors.As(err, &door.Refusal{}) {
		door.Refuse(w, err)
		return
	}
	s := h.cfg.Hub.Get(media.StreamID(name))
	if s == nil || err != nil {
		w.Header().Set("Retry-After", "2")
		refuse(w, http.StatusNotFound, name+" is not live")
		return
	}
	var v *viewer
	var answer string
	offer, err := rtc.ParseOffer(text)
	if err == nil {
		stood, wait := h.offers.Enter(r.RemoteAddr)
		if wait > 0 {
			rtc.Slow(w, wait)
			return
		}
		v, answer, err = h.admit(r, s, offer, watching, stood)
	}
	switch {
	case errors.Is(err, errCrowd):
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, err.Error())
		return
	case errors.Is(err, rtc.ErrNoMatch):
		refuse(w, http.StatusNotAcceptable, "pictures are sent in H.264 with packetization-mode=1, sound in Opus: this offer does not have what the stream needs")
		return
	case errors.Is(err, rtc.ErrOffer):
		h.cfg.Log.Debug("offer refused", "stream", name, "err", err)
		refuse(w, http.StatusBadRequest, rtc.ErrOffer.Error())
		return
	case err != nil:
		h.cfg.Log.Error("no answer for a viewer", "stream", name, "err", err)
		refuse(w, http.StatusInternalServerError, "internal error")
		return
	}
	for _, link := range h.cfg.ICEServers {
		w.Header().Add("Link", link)
	}
	v.Created(w, r.URL.EscapedPath(), answer)
}

// find gives the session of a name, nil when there is none or it has to go.
func (h *Handler) find(name, id string) *viewer {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.viewers[id]
	if v == nil || v.channel.name != name {
		return nil
	}
	select {
	case <-v.over:
		return nil
	default:
		return v
	}
}

// remove ends a session.
func (h *Handler) remove(w http.ResponseWriter, name, id string) {
	v := h.find(name, id)
	if v == nil {
		refuse(w, http.StatusNotFound, "there is no such session")
		return
	}
	v.leave()
	w.WriteHeader(http.StatusOK)
}

// patch answers what a player says of its candidates.
func (h *Handler) patch(w http.ResponseWriter, r *http.Request, name, id string) {
	v := h.find(name, id)
	if v == nil {
		refuse(w, http.StatusNotFound, "there is no such session")
		return
	}
	text, ok := rtc.Body(w, r, rtc.TypeFragment)
	if !ok {
		return
	}
	if status, words := v.Patch(r.Header.Get("If-Match"), text); words != "" {
		refuse(w, status, words)
	} else {
		w.WriteHeader(status)
	}
}
