package srt

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"weir/ingest"
	"weir/media/srt"
)

// secretError says that a publisher does not encrypt as it should.
type secretError struct {
	code  srt.Code
	words string
}

func (e *secretError) Error() string { return e.words }

// errFlood ends a publisher whose packets pile up, because they are dated far ahead.
var errFlood = &ingest.StreamError{Words: "too much was sent that is not to be played yet"}

// conn is one publisher, from its request to its last byte.
type conn struct {
	server  *Server
	peer    string
	log     *slog.Logger
	session ingest.Hold
	wire    *srt.Conn

	mu     sync.Mutex
	reason error // why this side ended it
}

// serve runs a publisher to its end. A panic ends this one only.
func (s *Server) serve(ctx context.Context, req *srt.Request, peer string) {
	c := &conn{server: s, peer: peer, log: s.cfg.Log}
	defer c.recover(req)
	if err := c.open(ctx, req); err != nil {
		s.quiet.Warn(peer, "publisher not admitted", "peer", peer, "err", err)
		return
	}
	defer c.hangUp()
	defer s.leave(c)
	if !s.enter(ctx, c) {
		c.interrupt()
	}
	c.publish(ctx)
}

// recover logs a panic and lets the session go, as if the connection was lost. A caller
// that was not answered is.
func (c *conn) recover(req *srt.Request) {
	v := recover()
	if v == nil {
		return
	}
	c.server.quiet.Panicked(c.peer, v)
	if c.wire == nil {
		req.Reject(srt.CodeInternal)
	}
	if c.session != nil {
		c.session.Close(false)
	}
}

// open brings the publisher to the point where it may send.
func (c *conn) open(ctx context.Context, req *srt.Request) error {
	key, err := keyOf(req.StreamID())
	if err == nil {
		gate, cancel := context.WithTimeout(ctx, c.server.cfg.GateTime)
		defer cancel()
		c.session, err = c.server.cfg.Sessions.Open(gate, ingest.Request{
			Protocol: "srt", Key: key, Peer: c.peer,
			Unlock: func(passphrase string) error { return c.server.cfg.decrypt(req, passphrase) },
		})
	}
	if err != nil {
		req.Reject(refusal(err))
		return err
	}
	if c.wire, err = req.Accept(); err != nil {
		c.session.Close(false)
		return err
	}
	c.log = c.log.With("stream", c.session.Name(), "peer", c.peer)
	c.log.Info("publisher admitted", "protocol", "srt")
	return nil
}

// decrypt prepares for an encrypted publisher, and refuses one that is not as its
// channel, or else the setting, has it.
func (c *Config) decrypt(req *srt.Request, passphrase string) error {
	whose := "of the channel"
	if passphrase == "" {
		passphrase, whose = c.Passphrase, "of the server (WEIR_SRT_PASSPHRASE)"
	}
	switch {
	case passphrase == "" && req.Encrypted():
		return &secretError{srt.CodeUnsecure, "neither the channel nor the server has a passphrase for SRT: publish without one"}
	case passphrase != "" && !req.Encrypted():
		return &secretError{srt.CodeUnsecure, "no passphrase was given: publish with that " + whose}
	case passphrase != "" && req.Unlock(passphrase) != nil:
		return &secretError{srt.CodeBadSecret, "the passphrase is not that " + whose}
	}
	return nil
}

// interrupt ends the connection from outside of its goroutine.
func (c *conn) interrupt() { c.stop(ingest.ErrClosing) }

// stop ends the connection for a reason; the first one counts.
func (c *conn) stop(reason error) {
	c.mu.Lock()
	if c.reason == nil {
		c.reason = reason
	}
	c.mu.Unlock()
	c.hangUp()
}

// hangUp closes the wire, which may be done more than once.
func (c *conn) hangUp() { c.wire.Close() }

// publish carries media to the session until one side ends it.
func (c *conn) publish(ctx context.Context) {
	idle := time.AfterFunc(c.server.cfg.IdleTime, func() { c.stop(ingest.ErrIdle) })
	defer idle.Stop()
	over, watcher := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watcher)
		c.watch(ctx, over)
	}()
	defer func() {
		close(over)
		<-watcher
	}()
	m := newMapper(c.session, c.server.cfg.Now)
	err := c.forward(m, idle)
	c.end(m, err)
}

// watch ends the connection when the session or the server ends.
func (c *conn) watch(ctx context.Context, over <-chan struct{}) {
	select {
	case <-c.session.Done():
		c.stop(c.session.Err())
	case <-ctx.Done():
		c.stop(ingest.ErrClosing)
	case <-over:
	}
}

// forward reads until something ends the stream; io.EOF: the publisher said goodbye.
func (c *conn) forward(m *mapper, idle *time.Timer) error {
	buf := make([]byte, 32<<10) // many datagrams
	for {
		n, err := c.wire.Read(buf)
		if errors.Is(err, srt.ErrFlood) {
			return errFlood
		}
		if err != nil {
			return err
		}
		was := m.packets
		if err := m.in.Write(buf[:n]); err != nil {
			return m.words(err)
		}
		if m.packets != was {
			idle.Reset(c.server.cfg.IdleTime)
		}
	}
}

// end closes the session and says the last words to the log.
func (c *conn) end(m *mapper, err error) {
	c.mu.Lock()
	if c.reason != nil {
		err = c.reason
	}
	c.mu.Unlock()
	s := c.wire.Stats()
	goodbye := errors.Is(err, io.EOF)
	if goodbye {
		if flush := m.in.Flush(); flush == nil {
			goodbye = m.out.Finish() == nil
		}
	}
	c.session.Close(goodbye)
	bad := m.in.Stats()
	args := []any{"goodbye", goodbye, "lost", s.Lost, "dropped", s.Dropped, "holes", bad.Lost, "bad", bad.Bad + m.dropped}
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, srt.ErrGone):
		c.log.Info("publisher left", args...)
	case ingest.Orderly(err):
		c.log.Info("publisher lost", append(args, "err", err)...)
	default:
		c.log.Warn("publisher lost", append(args, "err", err)...)
	}
}

// link is what the wire says of itself.
func (c *conn) link() Link {
	s := c.wire.Stats()
	return Link{
		Stream: c.session.Name(), RTT: s.RTT, Packets: s.Packets, Lost: s.Lost, Retransmitted: s.Retransmitted, Dropped: s.Dropped,
	}
}
