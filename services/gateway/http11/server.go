package http11

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server answers requests below Prefixes. Its fields are set before Open, and all of
// them have to be but Log.
type Server struct {
	Handler  http.Handler
	Prefixes []string        // of paths, with the slash, such as "/live/"
	Base     context.Context // of all requests: done when those that are held should end

	HeaderTimeout time.Duration // to send a head
	WriteTimeout  time.Duration // to take an answer, unless its handler says otherwise
	IdleTimeout   time.Duration // between two requests of a connection

	// Ended is told of each connection that ended here, from its goroutine.
	Ended func()
	Log   *slog.Logger

	rest     *rest
	draining atomic.Bool
	heads    buffers // that requests are read into
	answers  buffers // that answers are put together in
	date     atomic.Pointer[date]

	mu    sync.Mutex
	conns map[*conn]struct{}
	wait  sync.WaitGroup
}

// Open is called once, before Serve. The listener that it returns accepts the
// connections that are handed over; its address is that of l. To close it ends the
// handing over: what would have come is closed.
func (s *Server) Open(l net.Listener) net.Listener {
	s.rest = &rest{addr: l.Addr(), conns: make(chan net.Conn), done: make(chan struct{})}
	s.conns = make(map[*conn]struct{})
	s.heads.size, s.answers.size = shortHead, 2*joined
	return s.rest
}

// Serve accepts connections until l is closed, and returns why no more can be accepted.
func (s *Server) Serve(l net.Listener) error {
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(over) })
	defer watching.Wait()
	defer close(over)
	return s.accept(l)
}

func (s *Server) accept(l net.Listener) error {
	const longest = time.Second
	var pause time.Duration
	for {
		rwc, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.begin(rwc)
		case lacking(err):
			// Connections end, and with them what there was too little of.
			pause = min(max(2*pause, 5*time.Millisecond), longest)
			select {
			case <-time.After(pause):
			case <-s.Base.Done():
			}
		default:
			return err
		}
	}
}

func (s *Server) begin(rwc net.Conn) {
	c := newConn(s, rwc)
	s.mu.Lock()
	closed := s.draining.Load()
	if !closed {
		s.conns[c] = struct{}{}
		s.wait.Add(1)
	}
	s.mu.Unlock()
	if closed {
		rwc.Close()
		s.Ended()
		return
	}
	go func() {
		defer s.wait.Done()
		c.serve()
	}()
}

// forget is called by each connection at its end.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Shutdown closes connections without a request at once, and waits for the answers that
// are under way: until ctx is done, when it closes the rest of them. Every goroutine has
// ended then. The listener is closed by the caller, before.
func (s *Server) Shutdown(ctx context.Context) {
	s.mu.Lock()
	s.draining.Store(true)
	for c := range s.conns {
		c.endIdle()
	}
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		s.wait.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.conns {
		c.rwc.Close()
	}
	s.mu.Unlock()
	<-ended
}

// closing says that no connection is kept any more.
func (s *Server) closing() bool { return s.draining.Load() || s.Base.Err() != nil }

// date is the value of Date in one second.
type date struct {
	second int64
	text   string
}

// dateOf formats once a second.
func (s *Server) dateOf(now time.Time) string {
	d := s.date.Load()
	if d == nil || d.second != now.Unix() {
		d = &date{now.Unix(), now.UTC().Format(http.TimeFormat)}
		s.date.Store(d)
	}
	return d.text
}

// errForeign ends the serving of a connection that is net/http's from now on.
var errForeign = errors.New("not for this server")
