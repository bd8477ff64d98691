package srt

import (
	"context"
	"log/slog"
	"sync"
	"time"

	srt "github.com/datarhei/gosrt"

	"weir/ingest"
)

// secretError says that a publisher does not encrypt as it should.
type secretError struct {
	code  srt.RejectionReason
	words string
}

func (e *secretError) Error() string { return e.words }

// errFlood ends a publisher whose packets pile up: the library keeps those that are dated
// far ahead, without a bound of its own.
var errFlood = &ingest.StreamError{Words: "too much was sent that is not to be played yet"}

// lookEvery is how often the wire's buffer is looked at.
const lookEvery = time.Second

// conn is one publisher, from its request to its last byte.
type conn struct {
	server  *Server
	peer    string
	log     *slog.Logger
	session ingest.Hold
	wire    srt.Conn

	heard time.Time // when the last media came

	mu     sync.Mutex
	reason error // why this side ended it
}

// serve runs a publisher to its end. A panic ends this one only.
func (s *Server) serve(ctx context.Context, req srt.ConnRequest, peer string) {
	c := &conn{server: s, peer: peer, log: s.cfg.Log}
	defer c.recover()
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

// recover logs a panic and lets the session go, as if the connection was lost.
func (c *conn) recover() {
	v := recover()
	if v == nil {
		return
	}
	c.server.quiet.Panicked(c.peer, v)
	if c.session != nil {
		c.session.Close(false)
	}
}

// open brings the publisher to the point where it may send.
func (c *conn) open(ctx context.Context, req srt.ConnRequest) error {
	key, err := keyOf(req.StreamId())
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
func (c *Config) decrypt(req srt.ConnRequest, passphrase string) error {
	whose := "of the channel"
	if passphrase == "" {
		passphrase, whose = c.Passphrase, "of the server (WEIR_SRT_PASSPHRASE)"
	}
	switch {
	case passphrase == "" && req.IsEncrypted():
		return &secretError{srt.REJ_UNSECURE, "neither the channel nor the server has a passphrase for SRT: publish without one"}
	case passphrase != "" && !req.IsEncrypted():
		return &secretError{srt.REJ_UNSECURE, "no passphrase was given: publish with that " + whose}
	case passphrase != "" && req.SetPassphrase(passphrase) != nil:
		return &secretError{srt.REJ_BADSECRET, "the passphrase is not that " + whose}
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

// hangUp closes the wire, which may be done more than once and never fails.
func (c *conn) hangUp() { _ = c.wire.Close() }

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
	c.heard = c.server.cfg.Now()
	m := newMapper(c.session, c.server.cfg.Now)
	err := c.forward(m, idle)
	c.end(m, err)
}

// watch ends the connection when the session or the server ends, or when the wire's
// buffer grows beyond all measure.
func (c *conn) watch(ctx context.Context, over <-chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.session.Done():
			c.stop(c.session.Err())
			return
		case <-ctx.Done():
			c.stop(ingest.ErrClosing)
			return
		case <-over:
			return
		case <-tick.C:
		}
		var s srt.Statistics
		c.wire.Stats(&s)
		if s.Instantaneous.ByteRecvBuf > c.server.cfg.MaxBuffered {
			c.stop(errFlood)
			return
		}
	}
}

// forward reads until something ends the stream; nil: the publisher went.
func (c *conn) forward(m *mapper, idle *time.Timer) error {
	buf := make([]byte, 2048) // more than a datagram has
	for {
		n, err := c.wire.Read(buf)
		if err != nil {
			return nil //nolint:nilerr // the library says io.EOF, whatever happened
		}
		c.heard = c.server.cfg.Now()
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
	var s srt.Statistics
	c.wire.Stats(&s)
	// Who says goodbye is gone at once, who is lost only after the idle time of the
	// wire; the library does not tell the one from the other.
	goodbye := err == nil && c.server.cfg.Now().Sub(c.heard) < c.server.cfg.IdleTime/4
	if goodbye {
		if flush := m.in.Flush(); flush == nil {
			goodbye = m.out.Finish() == nil
		}
	}
	c.session.Close(goodbye)
	bad := m.in.Stats()
	args := []any{"goodbye", goodbye, "lost", s.Accumulated.PktRecvLoss, "dropped", s.Accumulated.PktRecvDrop, "holes", bad.Lost, "bad", bad.Bad + m.dropped}
	switch {
	case err == nil:
		c.log.Info("publisher left", args...)
	case ingest.Orderly(err):
		c.log.Info("publisher lost", append(args, "err", err)...)
	default:
		c.log.Warn("publisher lost", append(args, "err", err)...)
	}
}

// link is what the wire says of itself.
func (c *conn) link() Link {
	var s srt.Statistics
	c.wire.Stats(&s)
	return Link{
		Stream: c.session.Name(), RTT: time.Duration(s.Instantaneous.MsRTT * float64(time.Millisecond)),
		Packets: s.Accumulated.PktRecvUnique, Lost: s.Accumulated.PktRecvLoss,
		Retransmitted: s.Accumulated.PktRecvRetrans, Dropped: s.Accumulated.PktRecvDrop,
	}
}
