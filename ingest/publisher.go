package ingest

import (
	"errors"
	"sync/atomic"

	"weir/media"
)

// Publisher is one connection's hold on a session. Start, Write and Close belong
// to the connection's goroutine.
type Publisher struct {
	session *Session
	request Request
	grant   Grant

	done    chan struct{}
	err     error // why it was made to leave; set before done is closed
	gone    bool
	waiting bool           // it is not the session's yet, see takeover.go
	silent  bool           // it waits since it sent nothing, and was the session's
	tracks  []*media.Track // given to Start

	spareVideo, spareAudio atomic.Int32 // see LeaveOut
	surplus                atomic.Int32 // see Session.surplus
}

// errLeft is what a publisher gets that writes after its session ended by itself.
var errLeft = errors.New("session has ended")

// Name is what is published.
func (p *Publisher) Name() string { return p.session.name }

// Done is closed when the session no longer wants this publisher.
func (p *Publisher) Done() <-chan struct{} { return p.done }

// Err tells why, after Done was closed.
func (p *Publisher) Err() error {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	return p.err
}

// Introduce says what the publisher calls itself, where it tells that only after it was
// let in.
func (p *Publisher) Introduce(encoder string) {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	if p.gone || encoder == "" {
		return
	}
	if p.waiting && !p.silent {
		p.request.Encoder = encoder
		return
	}
	if w := p.session.owner.cfg.Watch; w != nil {
		w.Introduced(p.session.name, encoder)
	}
}

// LeaveOut says how many tracks come beside those that Start tells of, and are not taken.
// It may be called again when there are others.
func (p *Publisher) LeaveOut(video, audio int) {
	some := p.spareVideo.Swap(int32(video)) > 0        //nolint:gosec // a publisher has few tracks
	some = p.spareAudio.Swap(int32(audio)) > 0 || some //nolint:gosec // as above
	if !some && video+audio > 0 {
		p.session.owner.cfg.Log.Warn("tracks of the publisher are left out", "stream", p.session.name, "pictures", video, "sounds", audio)
	}
}

// Start says which tracks will come, video first. It is called before the first Write,
// and again before the first packet of a kind that came late; parameters that change
// come with the packets.
func (p *Publisher) Start(tracks []*media.Track) error {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	if p.gone {
		return p.err
	}
	p.tracks = tracks
	p.surplus.Store(0)
	if p.waiting {
		return nil
	}
	return p.session.begin(tracks)
}

// Write takes ownership of pkt, whose DTS and PTS are on the publisher's own
// clock. It blocks while the publisher is ahead of real time. An error means that
// the connection is to be closed.
func (p *Publisher) Write(pkt *media.Packet) error {
	s := p.session
	s.mu.Lock()
	if p.gone {
		s.mu.Unlock()
		return p.err
	}
	if p.waiting {
		if !p.proves(pkt) || s.slate != nil && !s.line.ripe(pkt.Wall) {
			s.mu.Unlock()
			return nil
		}
		if err := s.succeed(p); err != nil {
			s.mu.Unlock()
			return err
		}
	}
	s.heard = pkt.Wall
	hold, err := s.write(pkt)
	s.mu.Unlock()
	if err != nil || hold <= 0 {
		return err
	}
	s.owner.cfg.Sleep(p.done, hold)
	return nil
}

// Close ends the publisher's part. clean says that it said goodbye: the session
// ends. Otherwise the session waits for it to come back. It may be called more
// than once: who was lost can say goodbye as long as it is waited for.
func (p *Publisher) Close(clean bool) {
	if clean {
		p.Quit(ErrGoodbye)
		return
	}
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.gone {
		return
	}
	p.leave(errLeft)
	if !p.waiting {
		s.lost = p
		s.await()
		return
	}
	s.next = nil
	if p.silent {
		s.lost = p
		s.keep()
	}
}

// Quit is Close of a publisher that goes in good order, for a reason of its own.
func (p *Publisher) Quit(reason error) {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.gone {
		if s.lost == p {
			s.end(reason)
		}
		return
	}
	p.leave(errLeft)
	switch {
	case p.waiting:
		s.next = nil
		if s.pub == nil {
			s.end(reason)
		}
	case !s.inherit():
		s.end(reason)
	}
}

// leave ends the hold; the caller holds the session's lock.
func (p *Publisher) leave(reason error) {
	if p.gone {
		return
	}
	p.gone, p.err = true, reason
	close(p.done)
}
