package rtmp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"weir/ingest"
	wire "weir/media/rtmp"
	"weir/media/seats"
)

// Config is what a Server needs. Zero values mean the defaults.
type Config struct {
	Addr string      // host:port to listen on
	TLS  *tls.Config // when set, RTMPS is spoken and nothing else
	// Front stands between the socket and TLS, and may know better who connects: the
	// address of a connection may then take its time. Nil: nothing does.
	Front    func(net.Listener) net.Listener
	Sessions ingest.Opener
	Log      *slog.Logger // default: none

	Limits        wire.Limits
	MaxConns      int           // connections at once; default 8,192
	MaxConnsPerIP int           // of one IPv4 address or IPv6 /64; default 256
	GateTime      time.Duration // for Sessions.Open to answer; default 5 s
	Now           func() time.Time
}

// Server is one listening socket and the connections that came through it.
type Server struct {
	cfg     Config
	lis     net.Listener
	seats   seats.Seats
	quiet   ingest.Quiet
	conns   sync.WaitGroup
	unknown seats.Unknown
}

// Open binds the listener. The caller must call Run then, which closes it.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	cfg.MaxConns = cmp.Or(cfg.MaxConns, 8192)
	cfg.MaxConnsPerIP = cmp.Or(cfg.MaxConnsPerIP, 256)
	cfg.GateTime = cmp.Or(cfg.GateTime, 5*time.Second)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("rtmp: %w", err)
	}
	if cfg.Front != nil {
		lis = cfg.Front(lis)
	}
	if cfg.TLS != nil {
		lis = tls.NewListener(lis, cfg.TLS)
	}
	return &Server{
		cfg: cfg, lis: lis,
		seats: seats.Seats{All: cfg.MaxConns, Each: cfg.MaxConnsPerIP},
		quiet: ingest.Quiet{Now: cfg.Now, Log: cfg.Log}, unknown: seats.Unknown{All: cfg.MaxConns},
	}, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.lis.Addr() }

// scheme is that of the addresses of publishers.
func (s *Server) scheme() string {
	if s.cfg.TLS != nil {
		return "rtmps"
	}
	return "rtmp"
}

// Run accepts publishers until ctx ends, which is no error, or the listener
// breaks. It returns when the last connection's goroutine has ended, a second or
// two after ctx at most if Session.Write honours Done.
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
	pause := backoff{}
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
			s.quiet.Warn("", "accept failed", "err", err)
			pause.wait(ctx)
		default:
			pause = backoff{}
			s.greet(ctx, c)
		}
	}
}

// greet starts a connection's goroutine, which finds out who it is.
func (s *Server) greet(ctx context.Context, c net.Conn) {
	if !s.unknown.Enter() {
		c.Close()
		s.quiet.Warn("", "connection turned away: too many do not say who they are")
		return
	}
	s.conns.Go(func() { s.admit(ctx, c, s.unknown.Peer(ctx, c)) })
}

// admit serves a connection if there is a seat for it.
func (s *Server) admit(ctx context.Context, c net.Conn, peer string) {
	seat, err := s.seats.Take(peer)
	if err != nil {
		c.Close()
		s.quiet.Warn(peer, "publisher turned away", "peer", peer, "err", ingest.ErrTooMany)
		return
	}
	defer s.seats.Leave(seat)
	s.serve(ctx, c, peer)
}

// backoff is a pause that doubles.
type backoff struct{ next time.Duration }

func (b *backoff) wait(ctx context.Context) {
	b.next = min(max(2*b.next, 5*time.Millisecond), time.Second)
	t := time.NewTimer(b.next)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
