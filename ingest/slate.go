package ingest

import (
	"time"

	"weir/media"
)

// Slate makes what viewers get while a session waits for its publisher.
type Slate interface {
	// Tracks are those of the packets, of the kinds that the publisher sent.
	Tracks() []*media.Track
	// Next gives the packets that are due next, at least one, that of the leading track
	// first; times begin at 0. An error ends the slate.
	Next() ([]*media.Packet, error)
	Close()
}

// covered is how much of the time since the publisher's last media a slate makes up for,
// so that players find no hole. What is more is long gone for them.
const covered = 3 * time.Second

// silentFor is how long nothing comes of a publisher whose connection stands, before there
// is a slate, and before another one may have its place. With a part of a second until that
// is noticed it is less than covered.
const silentFor = 1500 * time.Millisecond

// CoverSilent begins slates in place of publishers that are connected and send nothing. It
// is called some times a second, where there are slates.
func (s *Sessions) CoverSilent() {
	now := s.cfg.Now()
	for _, x := range s.Live() {
		x.coverSilent(now)
	}
}

// coverSilent makes a publisher that is silent one that waits: it is back with its next
// key frame. Nobody is told that it is gone, since it is not.
func (s *Session) coverSilent(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pub
	if p == nil || s.next != nil || s.slate != nil || s.owner.cfg.Slate == nil {
		return
	}
	if !s.silent(now) {
		return
	}
	s.owner.cfg.Log.Info("publisher is silent", "stream", s.name, "for", now.Sub(s.heard).Round(time.Millisecond))
	s.pub = nil
	s.wait(p)
	p.silent = true
	s.cover()
}

// cover begins to show a slate.
func (s *Session) cover() {
	open := s.owner.cfg.Slate
	if open == nil {
		return
	}
	stop, stream, segment := make(chan struct{}), s.stream, s.line.plan.Segment
	s.slate = stop
	s.owner.wait.Go(func() { s.showSlate(stop, func() (Slate, error) { return open(stream, segment) }) })
}

// uncover ends the slate, if one is shown: nothing of it is written afterwards.
func (s *Session) uncover() {
	if s.slate != nil {
		close(s.slate)
		s.slate = nil
	}
}

// showSlate writes a slate to the stream until stop is closed.
func (s *Session) showSlate(stop chan struct{}, open func() (Slate, error)) {
	slate, err := open()
	if err != nil {
		s.loseSlate(stop, err)
		return
	}
	defer slate.Close()
	begin, ok := s.beginSlate(stop, slate.Tracks())
	for ok {
		packets, err := slate.Next()
		if err != nil {
			s.loseSlate(stop, err)
			return
		}
		if early := begin.Add(packets[0].DTS.Duration()).Sub(s.owner.cfg.Now()); early > 0 {
			s.owner.cfg.Sleep(stop, early)
		}
		ok = s.writeSlate(stop, packets, begin)
	}
}

// beginSlate gives the wall clock of the slate's beginning: where the publisher's media
// ends, be that a little ago or still to come.
func (s *Session) beginSlate(stop chan struct{}, tracks []*media.Track) (begin time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slate != stop {
		return begin, false
	}
	begin = s.line.epoch.Add(s.line.ends().Duration())
	if now := s.owner.cfg.Now(); now.Sub(begin) > covered {
		begin = now
	}
	s.line.rejoin(tracks)
	s.owner.cfg.Log.Info("slate is shown", "stream", s.name)
	return begin, true
}

// writeSlate reports false when the slate is over.
func (s *Session) writeSlate(stop chan struct{}, packets []*media.Packet, begin time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slate != stop {
		return false
	}
	for _, p := range packets {
		p.Wall = begin.Add(p.DTS.Duration())
		if _, err := s.write(p); err != nil {
			return false
		}
	}
	return true
}

// loseSlate goes on without: viewers wait, as they do where there is no slate.
func (s *Session) loseSlate(stop chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slate != stop {
		return
	}
	s.slate, s.heard = nil, s.owner.cfg.Now() // it is not tried again at once
	s.owner.cfg.Log.Warn("no slate can be shown while the publisher is away", "stream", s.name, "err", err)
	if s.next != nil && !s.inherit() {
		s.expect()
	}
}
