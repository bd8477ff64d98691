package rtsp

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/ingest"
	wire "weir/media/rtsp"
)

// conn is one publisher, from ANNOUNCE to its last packet.
type conn struct {
	server  *Server
	peer    string
	log     *slog.Logger
	wire    *gortsplib.ServerSession
	socket  *wire.Socket
	session ingest.Hold
	lanes   map[format.Format]*lane
	feed    *feed         // nil before RECORD
	ended   chan struct{} // closed by run; nil before RECORD
	clean   atomic.Bool   // it said goodbye
}

// announce admits a publisher. The answer is for it in any case.
func (s *Server) announce(ctx *gortsplib.ServerHandlerOnAnnounceCtx, from *caller) (*conn, error) {
	peer := ctx.Conn.NetConn().RemoteAddr().String()
	lanes, err := announced(ctx.Description.Medias, ctx.Request.Body)
	if err != nil {
		return nil, err
	}
	r := ingest.Request{Protocol: "rtsp", Peer: peer, Scheme: "rtsp", Sent: ingest.WasSent(ctx.Query, s.cfg.Now())}
	if err := from.show(&r, ctx.Request, ctx.Path); err != nil {
		return nil, err
	}
	c := &conn{server: s, peer: peer, wire: ctx.Session, lanes: lanes}
	c.socket, _ = ctx.Conn.NetConn().(*wire.Socket)
	gate, cancel := context.WithTimeout(s.ctx, s.cfg.GateTime)
	defer cancel()
	if agent := ctx.Request.Header["User-Agent"]; len(agent) > 0 {
		r.Encoder = agent[0]
	}
	c.session, err = s.cfg.Sessions.Open(gate, r)
	if err != nil {
		if r.Proof != nil && errors.Is(err, ingest.ErrDenied) && !errors.As(err, new(ingest.Refusal)) {
			err = errProof
		}
		return nil, err
	}
	c.session.LeaveOut(spare(ctx.Description.Medias, lanes))
	c.log = s.cfg.Log.With("stream", c.session.Name(), "peer", peer)
	c.log.Info("publisher admitted", "protocol", "rtsp", "encoder", r.Encoder)
	return c, nil
}

// record makes the packets of a publisher come, in a goroutine of its own.
func (c *conn) record(medias []*description.Media) {
	c.feed = newFeed(c.server.cfg.Now, piecesTCP)
	give := c.feed.wait
	if t := c.wire.Transport(); t != nil && t.Protocol != gortsplib.ProtocolTCP {
		c.feed = newFeed(c.server.cfg.Now, piecesUDP)
		give = c.feed.drop
	}
	c.ended = make(chan struct{})
	for _, m := range medias {
		for _, f := range m.Formats {
			l := c.lanes[f]
			if l == nil {
				continue
			}
			c.wire.OnPacketRTP(m, f, func(p *rtp.Packet) {
				give(piece{lane: l, packet: p, at: c.server.cfg.Now()})
			})
			c.wire.OnPacketRTCP(m, func(p rtcp.Packet) {
				if r, ok := p.(*rtcp.SenderReport); ok {
					give(piece{lane: l, report: r})
				}
			})
		}
	}
	if c.socket != nil {
		c.socket.Admit()
	}
	c.server.conns.Add(1)
	go func() {
		defer c.server.conns.Done()
		defer close(c.ended)
		c.run(c.server.ctx)
	}()
}

// run is the publisher's goroutine. A panic ends this one only.
func (c *conn) run(ctx context.Context) {
	defer c.recover()
	m := newMapper(c.session, c.server.cfg.Now(), slices.Collect(maps.Values(c.lanes)))
	err := c.feed.carry(ctx, m, c.session, c.server.cfg.IdleTime)
	c.feed.leave()
	c.wire.Close()
	c.end(m, err)
}

// recover logs a panic and lets the session go, as if the connection was lost.
func (c *conn) recover() {
	v := recover()
	if v == nil {
		return
	}
	c.server.quiet.Panicked(c.peer, v)
	c.feed.leave()
	c.wire.Close()
	c.session.Close(false)
}

// end closes the session and says the last words to the log. RTSP has none for the
// publisher.
func (c *conn) end(m *mapper, err error) {
	clean := err == nil && c.clean.Load() && m.out.Finish() == nil
	c.session.Close(clean)
	args := []any{"goodbye", clean, "dropped", m.tolerance.Dropped, "lost", c.feed.lost.Load()}
	switch {
	case err == nil:
		c.log.Info("publisher left", args...)
	case ingest.Orderly(err):
		c.log.Info("publisher lost", append(args, "err", err)...)
	default:
		c.log.Warn("publisher lost", append(args, "err", err)...)
	}
}

// closed is called when the wire has ended, and waits for the goroutine.
func (c *conn) closed(err error) {
	c.clean.Store(errors.As(err, new(liberrors.ErrServerSessionTornDown)))
	if c.ended == nil {
		c.session.Close(false)
		return
	}
	c.feed.leave()
	<-c.ended
}
