package httpd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v3"
)

// lastWait is how long Serve waits for handlers whose context has been ended.
const lastWait = 2 * time.Second

// ErrStuck is returned by Serve when handlers did not end with their context.
var ErrStuck = errors.New("requests did not end in time")

// Serve serves l until ctx is done and then drains: no new connection is taken,
// Draining is closed, requests under way have Config.Drain to finish, then their
// contexts end. It closes l, and returns when all is done; nil when it was asked to
// end. It is called once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer s.cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.App.Listener(lingering{l}, fiber.ListenConfig{DisableStartupMessage: true}) }()
	select {
	case err := <-ended:
		return fmt.Errorf("%s: %w", s.cfg.Service, err)
	case <-ctx.Done():
	}
	s.drain()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Drain)
	defer cancel()
	err := s.App.ShutdownWithContext(drain)
	l.Close() // when Shutdown came before Listener had it
	s.cancel()
	<-ended
	if !s.busy.wait(lastWait) {
		return fmt.Errorf("%s: %w", s.cfg.Service, ErrStuck)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		s.cfg.Log.Warn("requests were cut short", "service", s.cfg.Service)
	}
	return nil
}

// Draining is closed when Serve has been told to stop. What lasts, such as a
// WebSocket, ends by itself then.
func (s *Server) Draining() <-chan struct{} { return s.draining.Done() }

// tally counts what is under way and can be waited for, also while it grows.
type tally struct {
	mu   sync.Mutex
	n    int
	none chan struct{} // closed while n is 0
}

func (t *tally) init() {
	t.none = make(chan struct{})
	close(t.none)
}

func (t *tally) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		t.none = make(chan struct{})
	}
	t.n++
}

func (t *tally) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 {
		close(t.none)
	}
}

// wait blocks until nothing is under way, and says whether that came in time.
func (t *tally) wait(limit time.Duration) bool {
	t.mu.Lock()
	none := t.none
	t.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-none:
		return true
	case <-timer.C:
		return false
	}
}
