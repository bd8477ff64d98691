package ingest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"weir/media"
	"weir/media/hub"
)

// Session is one broadcast: from the first packet of a publisher to the end of
// the last one who came back in time. It owns the hub stream of its name.
type Session struct {
	owner *Sessions
	name  string

	mu     sync.Mutex
	pub    *Publisher // nil while nobody publishes
	next   *Publisher // who waits to take its place; nil mostly
	lost   *Publisher // who is waited for; nil when it was another one's turn since
	stream *hub.Stream
	sounds []*hub.Stream // of the further sounds
	line   line
	lament time.Time     // when it was last logged that the publisher is too slow
	since  time.Time     // when a publisher's first packet came, while there is no stream
	heard  time.Time     // when the publisher's newest packet came
	missed time.Time     // when it was last logged that no key frame comes
	timer  *time.Timer   // runs while nobody publishes
	slate  chan struct{} // closed to end the slate that is shown; nil: there is none
	ended  bool
	done   chan struct{}

	dropped, jumps atomic.Uint64             // see Stats
	seated         atomic.Pointer[Publisher] // who has, or had last, the session
}

// Stats are running totals of a session's time line; they begin anew with another stream
// of the same session.
type Stats struct {
	Dropped uint64 // packets that were left out: they fitted nowhere on the time line
	Jumps   uint64 // of the publisher's time stamps
}

// Stats reads them. It waits for nobody.
func (s *Session) Stats() Stats {
	return Stats{Dropped: s.dropped.Load(), Jumps: s.jumps.Load()}
}

// LeftOut is how many tracks of each kind its publisher sends that are not taken. It waits
// for nobody.
func (s *Session) LeftOut() (video, audio int) {
	p := s.seated.Load()
	if p == nil {
		return 0, 0
	}
	return int(p.spareVideo.Load()), int(p.spareAudio.Load() + p.surplus.Load())
}

func newSession(owner *Sessions, name string) *Session {
	return &Session{owner: owner, name: name, done: make(chan struct{})}
}

// Name is what the session is published as.
func (s *Session) Name() string { return s.name }

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Stream is the session's stream in the hub, nil before its first key frame.
func (s *Session) Stream() *hub.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream
}

// End ends the session now, whoever publishes. Its publisher's next Write
// returns reason. It may be called more than once.
func (s *Session) End(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(reason)
}

func (s *Session) end(reason error) {
	if s.ended {
		return
	}
	s.ended = true
	s.stopTimer()
	s.uncover()
	told := reason
	if errors.Is(reason, ErrGoodbye) || errors.Is(reason, ErrLost) {
		told = errLeft // who is still there is not who left
	}
	if s.pub != nil {
		s.pub.leave(told)
		s.pub = nil
	}
	if s.next != nil {
		s.next.leave(told)
		s.next = nil
	}
	if w := s.owner.cfg.Watch; w != nil {
		w.Ended(s.name, reason)
	}
	s.closeStream()
	close(s.done)
	s.owner.forget(s)
}

func (s *Session) closeStream() {
	if s.stream == nil {
		return
	}
	s.stream.Close()
	s.stream = nil
	s.closeSounds()
	if seen := s.owner.cfg.Seen; seen != nil {
		seen(s.name, s.line.cutter.GOP())
	}
	s.owner.cfg.Log.Info("stream ended", "stream", s.name)
}

// join makes the publisher of r the session's, or has it wait for that. The error is
// errLeft when the session has ended and is forgotten: the name is free for a new one.
func (s *Session) join(g Grant, r Request, takeover bool) (*Publisher, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, errLeft
	}
	if (s.taken() || r.Waits && s.pub != nil) && !takeover {
		return nil, ErrBusy
	}
	p := &Publisher{session: s, request: r, grant: g, done: make(chan struct{})}
	switch {
	case s.pub != nil:
		s.wait(p)
	case s.slate != nil: // viewers have it until there is something better
		s.wait(p)
		s.expect()
	default:
		s.seat(p)
	}
	return p, nil
}

func (s *Session) stopTimer() {
	if s.timer != nil && s.timer.Stop() {
		s.owner.wait.Done()
	}
	s.timer = nil
}

// await keeps the session for a publisher that dropped.
func (s *Session) await() {
	if s.inherit() {
		return
	}
	s.keep()
}

// keep is await where nobody else is there to go on.
func (s *Session) keep() {
	if s.owner.cfg.Reconnect < 0 || s.stream == nil {
		s.end(ErrLost)
		return
	}
	s.owner.cfg.Log.Info("publisher dropped, waiting", "stream", s.name, "for", s.owner.cfg.Reconnect)
	if w := s.owner.cfg.Watch; w != nil {
		w.Dropped(s.name)
	}
	s.expect()
	if s.slate == nil {
		s.cover()
	}
}

// expect gives a publisher the time of Config.Reconnect from now on to come, or to prove
// itself.
func (s *Session) expect() {
	s.stopTimer()
	s.owner.wait.Add(1)
	var t *time.Timer
	t = time.AfterFunc(s.owner.cfg.Reconnect, func() {
		defer s.owner.wait.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.timer == t {
			s.timer = nil
			s.end(ErrLost)
		}
	})
	s.timer = t
}

// begin is called for each new publisher once its tracks are known, and again for one
// whose picture or sound came late. Where the stream cannot go on with these tracks,
// viewers get a new one.
func (s *Session) begin(tracks []*media.Track) error {
	if len(tracks) == 0 {
		return errors.New("the publisher sends neither video nor audio that weir knows")
	}
	main, _ := split(tracks)
	plan := s.owner.cfg.Plan(s.name, main)
	if s.stream != nil {
		if s.goesOn(tracks) {
			s.line.rejoin(tracks)
			return nil
		}
		s.closeStream()
	}
	s.line = newLine(plan, tracks)
	s.dropped.Store(0)
	s.jumps.Store(0)
	s.since = time.Time{}
	return nil
}

// lamentEvery is the least time between two log lines about a publisher's pace.
const lamentEvery = time.Minute

// watchPace tells the log of a publisher that falls behind: viewers see a jump each
// time its media is put at the wall clock again.
func (s *Session) watchPace(now time.Time) {
	behind := s.line.behind
	s.line.behind = 0
	if behind == 0 || !s.lament.IsZero() && now.Sub(s.lament) < lamentEvery {
		return
	}
	s.lament = now
	s.owner.cfg.Log.Warn("publisher is slower than real time", "stream", s.name, "behind", behind.Duration().Round(time.Millisecond))
}

// startsWithin is how long the first key frame may take before the log says what
// is missing.
const startsWithin = 5 * time.Second

// watchStart tells the log of a publisher that sends, but no key frame: viewers
// have nothing to begin with.
func (s *Session) watchStart(now time.Time) {
	switch {
	case s.stream != nil:
	case s.since.IsZero():
		s.since, s.missed = now, time.Time{}
	case now.Sub(s.since) >= startsWithin && (s.missed.IsZero() || now.Sub(s.missed) >= lamentEvery):
		s.missed = now
		s.owner.cfg.Log.Warn("no key frame yet, viewers cannot start: set a key frame interval in the encoder", "stream", s.name)
	}
}

// Waits is how long the publisher has sent media by now without a key frame for viewers
// to begin with; 0 where there is a stream.
func (s *Session) Waits(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil || s.since.IsZero() {
		return 0
	}
	return now.Sub(s.since)
}

// write dates one packet and gives it to the stream. It returns how long the
// publisher is to be held back.
func (s *Session) write(p *media.Packet) (time.Duration, error) {
	if s.surplus(p) {
		return 0, nil
	}
	placed := s.line.place(p)
	s.jumps.Store(s.line.jumps)
	if !placed {
		if s.stream != nil { // before there is one a key frame is waited for
			s.dropped.Add(1)
		}
		s.watchStart(p.Wall)
		return 0, nil
	}
	if s.stream == nil {
		if err := s.openStream(); err != nil {
			s.owner.cfg.Log.Warn("stream refused", "stream", s.name, "err", err)
			s.end(err)
			return 0, err
		}
	}
	s.watchPace(p.Wall)
	s.streamOf(p).Write(p)
	return s.line.ahead(p).Duration(), nil
}
