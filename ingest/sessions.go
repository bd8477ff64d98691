package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"weir/media"
	"weir/media/hub"
)

// Config is what sessions need. Zero durations mean the defaults.
type Config struct {
	Gate Gate
	Hub  *hub.Hub
	Log  *slog.Logger

	// Reconnect is how long a session waits for a publisher that dropped; default 10 s.
	Reconnect time.Duration
	// Takeover lets a second publisher of a live name replace the first.
	Takeover bool
	// Plan answers, when a session begins, how its source is to be cut. Required.
	Plan func(name string, tracks []*media.Track) Plan
	// Resound, when set, is told of the tracks of a publisher who comes back to a stream: it
	// tells whether viewers can go on hearing it, though it is coded in another way than
	// before, and sees to that. Without it, and where they cannot, they get a new stream.
	Resound func(name string, tracks []*media.Track) bool
	// Seen, when set, is told once at the end of a session how far apart the
	// publisher's key frames were at most; 0 when that was never seen.
	Seen func(name string, gop media.Time)
	// Watch, when set, is told what becomes of publishers.
	Watch Watcher

	// Slate, when set, opens what viewers get while a session waits for its publisher, in
	// place of nothing: of a stream that is cut in segments of that length. It may take some
	// tens of milliseconds.
	Slate func(s *hub.Stream, segment media.Time) (Slate, error)

	// Now is the wall clock that Packet.Wall is of; default time.Now.
	Now func() time.Time
	// Sleep waits to hold back a publisher who sends faster than real time;
	// default a timer that ends early when done is closed.
	Sleep func(done <-chan struct{}, d time.Duration)
}

// Plan says how a session's segments are cut; see cut.Cutter for the meaning.
type Plan struct {
	Segment, Longest media.Time
	Forced, OwnKeys  bool

	// Epoch, when set, is that of a session which began in another process and goes on
	// here; its media ended at Ended.
	Epoch time.Time
	Ended media.Time
}

// Sessions are the publishers of this process, at most one per name.
type Sessions struct {
	cfg Config

	mu     sync.Mutex
	byName map[string]*Session
	closed bool
	wait   sync.WaitGroup // reconnect timers and slates
}

// NewSessions makes an empty set.
func NewSessions(cfg Config) *Sessions {
	if cfg.Reconnect == 0 {
		cfg.Reconnect = 10 * time.Second
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Sessions{cfg: cfg, byName: make(map[string]*Session)}
}

// Open asks the gate and gives the publisher its session: a new one, or the one
// that waits for its return. It blocks no longer than the gate does. The error
// wraps ErrDenied, ErrBusy or ErrClosing, or is the gate's own.
func (s *Sessions) Open(ctx context.Context, r Request) (*Publisher, error) {
	g, err := s.cfg.Gate.Publish(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return s.Join(ctx, g, r)
}

// Join is Open for whom there is a grant already: what weir fetches itself.
func (s *Sessions) Join(ctx context.Context, g Grant, r Request) (*Publisher, error) {
	for {
		x, err := s.session(g.Name)
		if err != nil {
			return nil, err
		}
		p, err := x.join(g, r, s.cfg.Takeover || g.Takeover)
		if w := s.cfg.Watch; w != nil && errors.Is(err, ErrBusy) {
			w.TurnedAway(ctx, g, r, err)
		}
		if !errors.Is(err, errLeft) {
			return p, err
		}
	}
}

// session returns the session of a name, a new one where there is none. It does
// not lock the session: whoever holds a session's lock may take Sessions.mu.
func (s *Sessions) session(name string) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosing
	}
	x := s.byName[name]
	if x == nil {
		x = newSession(s, name)
		s.byName[name] = x
	}
	return x, nil
}

// Live returns the sessions that are on the air, in no order.
func (s *Sessions) Live() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Session, 0, len(s.byName))
	for _, x := range s.byName {
		out = append(out, x)
	}
	return out
}

// Get returns the session of a name, or nil.
func (s *Sessions) Get(name string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byName[name]
}

// Close refuses newcomers and ends every session. It returns when the last one
// has ended.
func (s *Sessions) Close() {
	s.mu.Lock()
	s.closed = true
	all := make([]*Session, 0, len(s.byName))
	for _, x := range s.byName {
		all = append(all, x)
	}
	s.mu.Unlock()
	for _, x := range all {
		x.End(ErrClosing)
	}
	s.wait.Wait()
}

func (s *Sessions) forget(x *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[x.name] == x {
		delete(s.byName, x.name)
	}
}

func sleep(done <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-done:
	}
}
