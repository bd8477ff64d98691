package rtmp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"weir/ingest"
	wire "weir/media/rtmp"
)

// conn is one publisher, from its first byte to its last.
type conn struct {
	server  *Server
	peer    string
	log     *slog.Logger
	wire    *wire.ServerConn
	request wire.PublishRequest
	session ingest.Hold // nil until Sessions.Open said yes
	mapper  *mapper
	hasty   *socket // that may become patient; nil: it is, or cannot
}

// serve runs a connection to its end. A panic ends this connection only.
func (s *Server) serve(ctx context.Context, nc net.Conn, peer string) {
	defer nc.Close()
	nc = quick(nc)
	c := &conn{server: s, peer: peer, log: s.cfg.Log, wire: wire.NewServerConn(nc, s.cfg.Limits)}
	c.hasty, _ = nc.(*socket)
	defer c.recover()
	stop := context.AfterFunc(ctx, c.wire.Interrupt)
	defer stop()
	if err := c.open(ctx); err != nil {
		if ctx.Err() == nil || !errors.Is(err, wire.ErrInterrupted) {
			s.quiet.Warn(peer, "publisher not admitted", "peer", peer, "err", err)
		}
		return
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
func (c *conn) open(ctx context.Context) error {
	req, err := c.wire.AcceptPublish()
	if err != nil {
		if errors.Is(err, wire.ErrPlay) {
			c.wire.Linger()
		}
		return err
	}
	c.request = req
	gate, cancel := context.WithTimeout(ctx, c.server.cfg.GateTime)
	defer cancel()
	_, query, _ := strings.Cut(req.Called, "?")
	c.session, err = c.server.cfg.Sessions.Open(gate, ingest.Request{
		Protocol: "rtmp", Key: req.Key, Peer: c.peer, Encoder: req.FlashVer, Via: req.Via,
		Scheme: c.server.scheme(), Follows: req.Reconnects(), Sent: ingest.WasSent(query, c.server.cfg.Now()),
	})
	if err != nil {
		c.dismiss(err)
		return err
	}
	if err := c.wire.Grant(); err != nil {
		c.session.Close(false)
		return err
	}
	c.log = c.log.With("stream", c.session.Name(), "peer", c.peer)
	c.log.Info("publisher admitted", "encoder", req.FlashVer)
	return nil
}

// publish carries messages to the session until one side ends it.
func (c *conn) publish(ctx context.Context) {
	over, watcher := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watcher)
		select {
		case <-c.session.Done():
			c.wire.Interrupt()
		case <-over:
		}
	}()
	defer func() {
		close(over)
		<-watcher
	}()
	c.mapper = newMapper(c.session, c.server.cfg.Now)
	err := c.forward()
	if errors.Is(err, wire.ErrInterrupted) {
		err = ingest.ErrClosing
		if ctx.Err() == nil && c.session.Err() != nil {
			err = c.session.Err()
		}
		err = &rejection{err}
	}
	c.end(err)
}

// forward reads until something ends the stream and returns that.
func (c *conn) forward() error {
	for {
		m, err := c.wire.ReadMessage()
		if err != nil {
			return err
		}
		if err := c.mapper.message(m); err != nil {
			return &rejection{err}
		}
		if c.hasty != nil && c.mapper.hasBoth() {
			_ = c.hasty.patient() // a connection that is broken fails its reads
			c.hasty = nil
		}
	}
}

// rejection is an error of our own side, about which the publisher is told.
type rejection struct{ err error }

func (r *rejection) Error() string { return r.err.Error() }
func (r *rejection) Unwrap() error { return r.err }

// end closes the session and says the last words to the publisher and the log.
func (c *conn) end(err error) {
	clean := errors.Is(err, wire.ErrGoodbye)
	if clean {
		clean = c.mapper.out.Finish() == nil
	}
	c.session.Close(clean)
	args := []any{"dropped", c.mapper.tolerance.Dropped}
	switch reject := (*rejection)(nil); {
	case clean, errors.Is(err, io.EOF):
		c.log.Info("publisher left", append(args, "goodbye", clean)...)
	default:
		say := c.log.Warn
		if ingest.Orderly(err) {
			say = c.log.Info
		}
		say("publisher lost", append(args, "err", err)...)
		if errors.As(err, &reject) {
			c.dismiss(err)
			return
		}
	}
	if clean {
		c.wire.Linger()
	}
}

// dismiss tells the publisher why it has to go and lets it read that.
func (c *conn) dismiss(err error) {
	to, words := c.sends(err), ingest.Words(err)
	if (to != "" || errors.Is(err, ingest.ErrMoved)) && c.wire.AskToReconnect(words, to) != nil {
		return
	}
	code := wire.CodeFailed
	if errors.Is(err, ingest.ErrDenied) || errors.Is(err, ingest.ErrBusy) {
		code = wire.CodePublishBadName
	}
	refuse := c.wire.Refuse
	if to != "" {
		refuse = func(code, words string) error { return c.wire.Redirect(code, words, to) }
	}
	if refuse(code, words) != nil {
		return
	}
	if c.mapper != nil {
		c.hearOut()
	}
	c.wire.Linger()
}

// sends is where an error sends the publisher: the app that it called, at another server;
// empty: nowhere.
func (c *conn) sends(err error) string {
	to := ingest.Sends(err)
	if to == "" {
		return ""
	}
	app, query, _ := strings.Cut(c.request.Called, "?")
	return to + "/" + app + "?" + ingest.MarkSent(query, c.server.cfg.Now())
}

// Bounds of what a publisher may still send after it was told to go.
const (
	hearTime  = 2 * time.Second
	hearBytes = 16 << 20
)

// hearOut throws away what a publisher has under way. Encoders look for words from
// the server only every ten frames or so: were the connection closed before, all
// that their users would see is a broken pipe.
func (c *conn) hearOut() {
	t := time.AfterFunc(hearTime, c.wire.Interrupt)
	defer t.Stop()
	for n := 0; n < hearBytes; {
		m, err := c.wire.ReadMessage()
		if err != nil {
			return
		}
		n += len(m.Body)
	}
}
