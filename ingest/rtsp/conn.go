package rtsp

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/ingest"
)

// What waits for a publisher's goroutine at most. Over TCP a packet may have 64 KiB, and
// whoever sends more waits; over UDP it has a datagram's size, and what is more is lost.
const (
	piecesTCP = 64
	piecesUDP = 2048
)

// lookEvery is how often it is looked whether a publisher still sends.
const lookEvery = time.Second

// errIdle ends a publisher from whom nothing comes that is of use.
var errIdle = &ingest.StreamError{Words: "no picture and no sound came for too long"}

// piece is something that came for one lane: a packet or a report.
type piece struct {
	lane   *lane
	packet *rtp.Packet
	report *rtcp.SenderReport
	at     time.Time
}

// conn is one publisher, from ANNOUNCE to its last packet.
type conn struct {
	server  *Server
	peer    string
	log     *slog.Logger
	wire    *gortsplib.ServerSession
	socket  *socket
	session ingest.Hold
	lanes   map[format.Format]*lane

	pieces chan piece
	over   chan struct{} // closed when nothing more is to come
	ended  chan struct{} // closed by run; nil before RECORD
	once   sync.Once
	clean  atomic.Bool // it said goodbye
	lost   atomic.Uint64
}

// announce admits a publisher. The answer is for it in any case.
func (s *Server) announce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*conn, error) {
	peer := ctx.Conn.NetConn().RemoteAddr().String()
	lanes, err := announced(ctx.Description.Medias)
	if err != nil {
		return nil, err
	}
	key, err := keyOf(ctx.Path, ctx.Request.Header["Authorization"])
	if err != nil {
		return nil, err
	}
	c := &conn{server: s, peer: peer, wire: ctx.Session, lanes: lanes, over: make(chan struct{})}
	c.socket, _ = ctx.Conn.NetConn().(*socket)
	gate, cancel := context.WithTimeout(s.ctx, s.cfg.GateTime)
	defer cancel()
	r := ingest.Request{Protocol: "rtsp", Key: key, Peer: peer}
	if agent := ctx.Request.Header["User-Agent"]; len(agent) > 0 {
		r.Encoder = agent[0]
	}
	if c.session, err = s.cfg.Sessions.Open(gate, r); err != nil {
		return nil, err
	}
	c.log = s.cfg.Log.With("stream", c.session.Name(), "peer", peer)
	c.log.Info("publisher admitted", "protocol", "rtsp", "encoder", r.Encoder)
	return c, nil
}

var errPath = &ingest.StreamError{Words: "the address names no stream key: publish to rtsp://HOST/live/KEY"}

// maxKey bounds what is looked at as a key.
const maxKey = 128

// keyOf finds the stream key: the password, where one is given, else the last part of the
// path. A digest of it is of no use: weir does not know the key that it would have to
// make the same of.
func keyOf(path string, authorization base.HeaderValue) (string, error) {
	key, ok := strings.CutPrefix(strings.Trim(path, "/"), "live/")
	if !ok {
		return "", errPath
	}
	var auth headers.Authorization
	if len(authorization) > 0 && auth.Unmarshal(authorization) == nil && auth.Method == headers.AuthMethodBasic {
		key = auth.BasicPass
	}
	if key == "" || len(key) > maxKey || strings.Contains(key, "/") {
		return "", errPath
	}
	return key, nil
}

// record makes the packets of a publisher come, in a goroutine of its own.
func (c *conn) record(medias []*description.Media) {
	size, give := piecesTCP, c.wait
	if t := c.wire.Transport(); t != nil && t.Protocol != gortsplib.ProtocolTCP {
		size, give = piecesUDP, c.drop
	}
	c.pieces, c.ended = make(chan piece, size), make(chan struct{})
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
		c.socket.admit()
	}
	c.server.conns.Add(1)
	go func() {
		defer c.server.conns.Done()
		defer close(c.ended)
		c.run(c.server.ctx)
	}()
}

// wait hands a piece to the publisher's goroutine, and blocks its connection while that
// is busy.
func (c *conn) wait(p piece) {
	select {
	case c.pieces <- p:
	case <-c.over:
	}
}

// drop is wait for a socket that many share, which nobody may block.
func (c *conn) drop(p piece) {
	select {
	case c.pieces <- p:
	default:
		c.lost.Add(1)
	}
}

// leave says that nothing more will come. It may be called from anywhere, more than once.
func (c *conn) leave() { c.once.Do(func() { close(c.over) }) }

// run is the publisher's goroutine. A panic ends this one only.
func (c *conn) run(ctx context.Context) {
	defer c.recover()
	lanes := make([]*lane, 0, len(c.lanes))
	for _, l := range c.lanes {
		lanes = append(lanes, l)
	}
	m := newMapper(c.session, c.server.cfg.Now(), lanes)
	err := c.publish(ctx, m)
	c.leave()
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
	c.leave()
	c.wire.Close()
	c.session.Close(false)
}

// publish carries pieces to the session until one side ends it; nil: the publisher went.
func (c *conn) publish(ctx context.Context, m *mapper) error {
	look := time.NewTicker(min(lookEvery, c.server.cfg.IdleTime/4))
	defer look.Stop()
	for {
		select {
		case p := <-c.pieces:
			if err := c.piece(m, p); err != nil {
				return err
			}
		case <-look.C:
			if c.server.cfg.Now().Sub(m.heard) > c.server.cfg.IdleTime {
				return errIdle
			}
		case <-c.session.Done():
			return c.session.Err()
		case <-ctx.Done():
			return ingest.ErrClosing
		case <-c.over:
			return c.rest(m)
		}
	}
}

// rest takes what had come when the publisher went.
func (c *conn) rest(m *mapper) error {
	for {
		select {
		case p := <-c.pieces:
			if err := c.piece(m, p); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (c *conn) piece(m *mapper, p piece) error {
	if p.report != nil {
		m.report(p.lane, p.report)
		return nil
	}
	return m.packet(p.lane, p.packet, p.at)
}

// end closes the session and says the last words to the log. RTSP has none for the
// publisher.
func (c *conn) end(m *mapper, err error) {
	clean := err == nil && c.clean.Load() && m.out.Finish() == nil
	c.session.Close(clean)
	args := []any{"goodbye", clean, "dropped", m.dropped, "lost", c.lost.Load()}
	switch {
	case err == nil:
		c.log.Info("publisher left", args...)
	case errors.Is(err, ingest.ErrClosing):
		c.log.Info("publisher lost", append(args, "err", err)...)
	default:
		c.log.Warn("publisher lost", append(args, "err", err)...)
	}
}

// closed is called when the wire has ended, and waits for the goroutine.
func (c *conn) closed(err error) {
	c.clean.Store(errors.As(err, new(liberrors.ErrServerSessionTornDown)))
	c.leave()
	if c.ended == nil {
		c.session.Close(false)
		return
	}
	<-c.ended
}
