package ingest

import (
	"time"

	"weir/media"
)

// A publisher that comes while another one is there, and may take its place since it has the
// right to or since that one is silent, or while a slate is shown, and one that has fallen
// silent, waits in the session until it has proven itself: its tracks are known, and a key
// frame has come, or sound where there is no picture. Until then viewers get what they have.

// wait makes p the publisher that waits, in place of one that does already.
func (s *Session) wait(p *Publisher) {
	if s.next != nil {
		s.next.leave(ErrReplaced)
	}
	p.waiting = true
	s.next = p
}

// seat makes p the session's publisher.
func (s *Session) seat(p *Publisher) {
	s.stopTimer()
	s.uncover()
	if s.stream != nil {
		s.line.interrupt()
		s.owner.cfg.Log.Info("publisher is back", "stream", s.name, "peer", p.request.Peer)
	}
	s.pub, s.lost, s.heard = p, nil, s.owner.cfg.Now()
	if p.silent {
		p.silent = false
		return
	}
	s.seated.Store(p)
	if w := s.owner.cfg.Watch; w != nil {
		w.Joined(p.grant, p.request)
	}
}

// Silent tells whether the publisher of a stream is connected and sends nothing: often the
// connection is dead, as after a crash or a change of the network, and the next one is here.
func (s *Session) Silent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pub != nil && s.silent(s.owner.cfg.Now()) || s.next != nil && s.next.silent
}

// silent is Silent of the one who has the session.
func (s *Session) silent(now time.Time) bool {
	if s.stream == nil {
		return false
	}
	last := s.line.epoch.Add(s.line.ends().Duration()) // of who was ahead there is more to see
	if s.heard.After(last) {
		last = s.heard
	}
	return now.Sub(last) >= silentFor
}

// taken tells whether somebody is there who need not make way: who sends, or is about to.
func (s *Session) taken() bool {
	if s.next != nil && !s.next.silent {
		return true
	}
	return s.pub != nil && !s.silent(s.owner.cfg.Now())
}

// succeed puts p, who waited, in the place of the publisher.
func (s *Session) succeed(p *Publisher) error {
	if s.pub != nil {
		s.pub.leave(ErrReplaced)
	}
	s.next, p.waiting = nil, false
	s.seat(p)
	if p.tracks == nil {
		return nil // not started yet
	}
	return s.begin(p.tracks)
}

// inherit lets the one who waits, if there is one, go on in place of a publisher that
// went.
func (s *Session) inherit() bool {
	s.pub = nil
	if s.next == nil {
		return false
	}
	p := s.next
	if err := s.succeed(p); err != nil {
		p.leave(err)
		s.pub = nil
		return false
	}
	return true
}

// proves tells whether pkt shows that its publisher has something for viewers.
func (p *Publisher) proves(pkt *media.Packet) bool {
	for _, t := range p.tracks {
		if t.Kind == media.Video {
			return pkt.Key && pkt.Kind() == media.Video
		}
	}
	return true
}
