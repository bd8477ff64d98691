package whip

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/rtc"
	"weir/media/seats"
)

// Config is what a Server needs. Port and Sessions are needed; zero values mean the
// defaults.
type Config struct {
	Port     *rtc.Port
	Sessions ingest.Opener
	Log      *slog.Logger // default: none
	Prefix   string       // what paths begin with, such as "/live"

	Segment       time.Duration // a key frame is asked for when there was none for so long; default 2 s
	MaxConns      int           // connections at once; default 1,024
	MaxConnsPerIP int           // of one IPv4 address or IPv6 /64; default 256
	GateTime      time.Duration // for Sessions.Open to answer; default 5 s
	IdleTime      time.Duration // without a frame, then the publisher is sent away; default 10 s
	HalfOpen      time.Duration // for a connection to stand after the answer; default 10 s
	Now           func() time.Time
}

// Server answers publishers.
type Server struct {
	cfg   Config
	ctx   context.Context
	stop  context.CancelFunc
	seats seats.Seats
	quiet ingest.Quiet

	offers rtc.Turnstile

	mu     sync.Mutex
	closed bool
	conns  map[string]*conn // by ID
	lost   []lost           // oldest first
	wait   sync.WaitGroup
}

// lost is a publisher whose connection is gone, and who may still say goodbye.
type lost struct {
	conn *conn
	at   time.Time
}

const (
	rememberLost = 30 * time.Second
	maxLost      = 1024
)

// New makes a Server. It must be closed, before its port.
func New(cfg Config) *Server {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	cfg.Segment = cmp.Or(cfg.Segment, 2*time.Second)
	cfg.MaxConns = cmp.Or(cfg.MaxConns, 1024)
	cfg.MaxConnsPerIP = cmp.Or(cfg.MaxConnsPerIP, 256)
	cfg.GateTime = cmp.Or(cfg.GateTime, 5*time.Second)
	cfg.IdleTime = cmp.Or(cfg.IdleTime, 10*time.Second)
	cfg.HalfOpen = cmp.Or(cfg.HalfOpen, 10*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Server{
		cfg: cfg, ctx: ctx, stop: stop, conns: map[string]*conn{},
		seats: seats.Seats{All: cfg.MaxConns, Each: cfg.MaxConnsPerIP},
		quiet: ingest.Quiet{Now: cfg.Now, Log: cfg.Log},
	}
}

// Close sends all publishers away and waits for that.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.wait.Wait()
}

// AskKey asks the publisher of a stream for a key frame, if it is one of this server.
func (s *Server) AskKey(id media.StreamID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if c.session.Name() == string(id) {
			c.wanted.Store(true)
		}
	}
}

// address is what a path means: a name, which may be empty, and the ID of a session. A
// stream may be called whip too: /whip/whip is where that is published, and what has a dot
// in it is its media, not a session.
func (s *Server) address(r *http.Request) (name, id string, isSession, ok bool) {
	path := strings.Split(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, s.cfg.Prefix), "/"), "/")
	if path[0] != "whip" || len(path) > 1 && path[1] == "whip" {
		name, path = path[0], path[1:]
	}
	if len(path) == 0 || path[0] != "whip" || len(path) > 2 || len(path) == 2 && strings.Contains(path[1], ".") {
		return "", "", false, false
	}
	if len(path) == 2 {
		return name, path[1], true, true
	}
	return name, "", false, true
}

// Match tells whether a request is for this package.
func (s *Server) Match(r *http.Request) bool {
	_, _, _, ok := s.address(r)
	return ok
}

// ServeHTTP answers POST, PATCH, DELETE and OPTIONS.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rtc.Share(w)
	name, id, isSession, ok := s.address(r)
	methods := "POST, OPTIONS"
	if isSession {
		methods = "PATCH, DELETE, OPTIONS"
	}
	switch {
	case !ok:
		http.Error(w, "there is nothing here", http.StatusNotFound)
	case r.Method == http.MethodOptions:
		rtc.Options(w, methods)
	case !isSession && r.Method == http.MethodPost:
		s.post(w, r, name)
	case isSession && r.Method == http.MethodPatch:
		s.patch(w, r, id)
	case isSession && r.Method == http.MethodDelete:
		s.remove(w, id)
	default:
		w.Header().Set("Allow", methods)
		http.Error(w, "only "+methods+" are served here", http.StatusMethodNotAllowed)
	}
}

// keyOf is the key of a request: the Bearer token, else the name in its address, which
// is one where anyone may publish.
func keyOf(r *http.Request, name string) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return name
}

// post makes a session of an offer.
func (s *Server) post(w http.ResponseWriter, r *http.Request, name string) {
	key := keyOf(r, name)
	if key == "" {
		s.refuse(w, r, ingest.Refusal{Words: "a stream key is needed, as the Bearer token"})
		return
	}
	text, ok := rtc.Body(w, r, rtc.TypeSDP)
	if !ok {
		return
	}
	stood, wait := s.offers.Enter(r.RemoteAddr)
	if wait > 0 {
		rtc.Slow(w, wait)
		return
	}
	seat, err := s.seats.Take(r.RemoteAddr)
	if err != nil {
		stood()
		s.refuse(w, r, ingest.ErrTooMany)
		return
	}
	done := func() { s.seats.Leave(seat); stood() }
	c, answer, err := s.open(r, key, text, stood)
	if err == nil && !s.start(c, done) {
		c.abandon()
		err = ingest.ErrClosing
	}
	if err != nil {
		done()
		s.refuse(w, r, err)
		return
	}
	c.Created(w, r.URL.EscapedPath(), answer)
}

// start runs a connection; it reports false when the server is closed. done is called
// when the connection is gone.
func (s *Server) start(c *conn, done func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c.ID] = c
	s.wait.Go(func() {
		defer done()
		c.run(s.ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c.ID)
		s.part(c)
	})
	return true
}

// part lets a connection that has ended go, after a last look at whether it said goodbye;
// the lock is held.
func (s *Server) part(c *conn) {
	if c.clean.Load() {
		c.session.Close(true)
		return
	}
	now := s.cfg.Now()
	for len(s.lost) >= maxLost || len(s.lost) > 0 && now.Sub(s.lost[0].at) > rememberLost {
		s.lost = s.lost[1:]
	}
	s.lost = append(s.lost, lost{c, now})
}

// refuse tells a publisher why it is not let in.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.quiet.Warn(r.RemoteAddr, "publisher not admitted", "peer", r.RemoteAddr, "err", err)
	if to := ingest.Sends(err); to != "" { // RFC 9725 4.5: the offer is to be posted there
		w.Header().Set("Location", to+r.URL.EscapedPath()+"?"+ingest.MarkSent(r.URL.RawQuery, s.cfg.Now()))
		http.Error(w, ingest.Words(err), http.StatusTemporaryRedirect)
		return
	}
	status, words := http.StatusServiceUnavailable, ingest.Words(err)
	switch {
	case errors.Is(err, rtc.ErrNoMatch):
		status, words = http.StatusNotAcceptable, "offer H.264 with packetization-mode=1, H.265, AV1, VP8 or VP9, and Opus: nothing in this offer can be taken"
	case errors.Is(err, rtc.ErrOffer):
		status, words = http.StatusBadRequest, rtc.ErrOffer.Error()
	case errors.Is(err, ingest.ErrDenied):
		w.Header().Set("WWW-Authenticate", `Bearer realm="weir"`)
		status = http.StatusUnauthorized
	case errors.Is(err, ingest.ErrBusy):
		status = http.StatusConflict
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	http.Error(w, words, status)
}

func (s *Server) find(id string) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[id]
}

// remove is the publisher's goodbye. OBS closes its connection first, so that it may be
// gone already; and it says goodbye too when its network has failed, to come back at once:
// that one is not believed.
func (s *Server) remove(w http.ResponseWriter, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conns[id]
	if c != nil {
		c.clean.Store(!c.broken.Load())
		c.leave()
		return
	}
	for i, l := range s.lost {
		if l.conn.ID == id {
			s.lost = slices.Delete(s.lost, i, i+1)
			l.conn.session.Close(!l.conn.broken.Load())
			return
		}
	}
	http.Error(w, "there is no such session", http.StatusNotFound)
}

// patch answers what a publisher says of its candidates.
func (s *Server) patch(w http.ResponseWriter, r *http.Request, id string) {
	c := s.find(id)
	if c == nil {
		http.Error(w, "there is no such session", http.StatusNotFound)
		return
	}
	text, ok := rtc.Body(w, r, rtc.TypeFragment)
	if !ok {
		return
	}
	if status, words := c.Patch(r.Header.Get("If-Match"), text); words != "" {
		http.Error(w, words, status)
	} else {
		w.WriteHeader(status)
	}
}
