package rtmp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"weir/media"
	"weir/media/hub"
	wire "weir/media/rtmp"
	"weir/media/seats"
	"weir/packager/door"
	"weir/packager/feed"
)

// acceptPause is between two tries when no connection can be had.
const acceptPause = 200 * time.Millisecond

// Config is what a Server needs. Zero values mean the defaults.
type Config struct {
	Addr string // host:port to listen on
	// Front stands before all connections, and may know better who connects: the address of
	// a connection may then take its time. Nil: nothing does.
	Front func(net.Listener) net.Listener
	Hub   *hub.Hub
	Admit door.Admit
	Log   *slog.Logger // default: none

	Limits        wire.Limits
	MaxConns      int // connections at once; default 1,000
	MaxConnsPerIP int // of one IPv4 address or IPv6 /64; default 100
}

// Server is one listening port and the viewers that came through it.
type Server struct {
	cfg     Config
	lis     net.Listener
	seats   seats.Seats
	conns   sync.WaitGroup
	unknown seats.Unknown
}

// Open binds the port. The caller must call Run then, which closes it.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	cfg.MaxConns, cfg.MaxConnsPerIP = cmp.Or(cfg.MaxConns, 1000), cmp.Or(cfg.MaxConnsPerIP, 100)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	// Players send nothing but commands and acknowledgements.
	cfg.Limits.ReadBuffer, cfg.Limits.MediaBytes = cmp.Or(cfg.Limits.ReadBuffer, 4<<10), cmp.Or(cfg.Limits.MediaBytes, 64<<10)
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("rtmp: %w", err)
	}
	if cfg.Front != nil {
		lis = cfg.Front(lis)
	}
	return &Server{cfg: cfg, lis: lis, seats: seats.Seats{All: cfg.MaxConns, Each: cfg.MaxConnsPerIP}, unknown: seats.Unknown{All: cfg.MaxConns}}, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.lis.Addr() }

// Run serves until ctx ends, which is no error, or the port breaks. It returns when the last
// viewer's goroutine has ended, a second or two after ctx at most.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.conns.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { s.lis.Close() })
	defer func() {
		if stop() {
			s.lis.Close()
		}
	}()
	for {
		c, err := s.lis.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				c.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("rtmp: %w", err)
		case err != nil: // out of descriptors, or the peer went before we came
			s.cfg.Log.Debug("accept failed", "err", err)
			t := time.NewTimer(acceptPause)
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
			}
		default:
			s.greet(ctx, c)
		}
	}
}

// greet starts a connection's goroutine, which finds out who it is.
func (s *Server) greet(ctx context.Context, c net.Conn) {
	if !s.unknown.Enter() {
		c.Close()
		s.cfg.Log.Debug("connection turned away: too many do not say who they are")
		return
	}
	s.conns.Go(func() {
		defer c.Close()
		s.take(ctx, c, s.unknown.Peer(ctx, c))
	})
}

// take serves a connection if there is a seat for it.
func (s *Server) take(ctx context.Context, c net.Conn, peer string) {
	seat, err := s.seats.Take(peer)
	if err != nil {
		s.cfg.Log.Debug("viewer turned away", "peer", peer, "err", err)
		return
	}
	defer s.seats.Leave(seat)
	s.serve(ctx, c, peer)
}

// serve runs a viewer to its end. A panic ends this one only.
func (s *Server) serve(ctx context.Context, c net.Conn, peer string) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Log.Warn("viewer failed", "peer", peer, "err", fmt.Sprint(v))
		}
	}()
	v := &viewer{wire: wire.NewViewerConn(c, s.cfg.Limits)}
	stop := context.AfterFunc(ctx, v.wire.Interrupt)
	defer stop()
	req, err := v.wire.AcceptPlay()
	if err == nil {
		err = s.open(v, req, peer)
		if err != nil {
			_ = v.wire.Refuse(refusal(err)) // it goes in any case
		}
	}
	if err != nil {
		s.cfg.Log.Debug("viewer not admitted", "peer", peer, "err", err)
		v.wire.Linger()
		return
	}
	err = v.show(ctx)
	s.cfg.Log.Debug("viewer left", "stream", v.source.ID(), "peer", peer, "err", err)
}

var (
	errPath  = errors.New("the address is rtmp://HOST/live/NAME")
	errUnfit = errors.New("what is live under this name is of a codec that this player does not say it can decode")
)

// open finds what the player of a path, /live/NAME or /live/~PASS/NAME, may watch.
func (s *Server) open(v *viewer, req wire.PlayRequest, peer string) error {
	r, b, name := door.Guest(req.Path, peer)
	if name == "" {
		return errPath
	}
	watching, err := s.cfg.Admit(r, b, name)
	if err != nil {
		return err
	}
	v.watching, v.source = watching, s.cfg.Hub.Get(media.StreamID(name))
	if v.source == nil {
		return door.ErrHidden
	}
	var lacks bool
	if v.feeds, lacks = feed.Of(s.cfg.Hub, v.source, takes(req)); lacks || len(v.feeds) == 0 {
		return errUnfit
	}
	return nil
}

// refusal is what a player is told.
func refusal(err error) (code, words string) {
	var r door.Refusal
	switch {
	case errors.As(err, &r):
		return wire.CodePlayFailed, r.Words
	case errors.Is(err, errPath), errors.Is(err, errUnfit):
		return wire.CodePlayNotFound, err.Error()
	}
	return wire.CodePlayNotFound, "nothing is live under this name"
}
