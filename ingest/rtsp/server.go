package rtsp

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"

	"weir/ingest"
	wire "weir/media/rtsp"
	"weir/media/seats"
)

// Config is what a Server needs. Zero values mean the defaults.
type Config struct {
	Addr    string // host:port to listen on, TCP
	UDPAddr string // host:port for RTP, with an even port; RTCP has the next one; empty: media over TCP only
	// Front stands before all connections, and may know better who connects: the address of
	// a connection may then take its time. Nil: nothing does.
	Front    func(net.Listener) net.Listener
	Sessions ingest.Opener
	Log      *slog.Logger // default: none

	MaxConns      int           // connections at once; default 1,024
	MaxConnsPerIP int           // of one IPv4 address or IPv6 /64; default 256
	OpenTime      time.Duration // from the first byte to RECORD; default 10 s
	GateTime      time.Duration // for Sessions.Open to answer; default 2 s
	IdleTime      time.Duration // without a frame, then the publisher is sent away; default 10 s
	Now           func() time.Time
}

// Server is one listening port, the pair of ports for UDP, and the publishers that came
// through them.
type Server struct {
	cfg   Config
	lis   net.Listener
	udp   [2]*net.UDPConn // for RTP and RTCP; nil when that is off
	seats seats.Seats
	quiet ingest.Quiet
	conns sync.WaitGroup
	ctx   context.Context // of Run
}

// Open binds the ports. The caller must call Run then, which closes them.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	cfg.defaults()
	s := &Server{
		cfg:   cfg,
		seats: seats.Seats{All: cfg.MaxConns, Each: cfg.MaxConnsPerIP},
		quiet: ingest.Quiet{Now: cfg.Now, Log: cfg.Log},
	}
	var err error
	if s.lis, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr); err != nil {
		return nil, fmt.Errorf("rtsp: %w", err)
	}
	if cfg.Front != nil {
		s.lis = wire.NewKnown(cfg.Front(s.lis))
	}
	if cfg.UDPAddr == "" {
		return s, nil
	}
	if s.udp, err = listenUDP(cfg.UDPAddr); err != nil {
		s.lis.Close()
		return nil, &UDPError{err}
	}
	if n := enlarge(s.udp[0]); n < readBuffer/4 {
		cfg.Log.Warn("the buffer of the RTSP socket for UDP is small, publishers over UDP may lose packets: raise net.core.rmem_max", "bytes", n)
	}
	return s, nil
}

// UDPError says that it is the ports for UDP that cannot be bound.
type UDPError struct{ Err error }

func (e *UDPError) Error() string { return "rtsp: " + e.Err.Error() }
func (e *UDPError) Unwrap() error { return e.Err }

func (c *Config) defaults() {
	c.MaxConns = cmp.Or(c.MaxConns, 1024)
	c.MaxConnsPerIP = cmp.Or(c.MaxConnsPerIP, 256)
	c.OpenTime = cmp.Or(c.OpenTime, 10*time.Second)
	c.GateTime = cmp.Or(c.GateTime, 2*time.Second)
	c.IdleTime = cmp.Or(c.IdleTime, 10*time.Second)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.lis.Addr() }

// Run serves until ctx ends, which is no error, or the port breaks. It returns when the
// last publisher's goroutine has ended.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.conns.Wait()
	defer cancel()
	defer s.unbind()
	s.ctx = ctx
	return wire.Serve(ctx, s.library())
}

// unbind closes what Open bound; what the library has closed already too.
func (s *Server) unbind() {
	s.lis.Close()
	for _, c := range s.udp {
		if c != nil {
			_ = c.Close()
		}
	}
}

// library is the library's server on the ports that are bound already.
func (s *Server) library() *gortsplib.Server {
	w := &gortsplib.Server{
		Handler: handler{s}, RTSPAddress: s.lis.Addr().String(),
		ReadTimeout: s.cfg.IdleTime, WriteTimeout: 10 * time.Second, IdleTimeout: 30 * time.Second,
		Listen: func(string, string) (net.Listener, error) { return s.front(), nil },
	}
	if s.udp[0] == nil {
		return w
	}
	w.UDPRTPAddress, w.UDPRTCPAddress = s.udp[0].LocalAddr().String(), s.udp[1].LocalAddr().String()
	next := 0
	w.ListenPacket = func(string, string) (net.PacketConn, error) {
		next++
		return s.udp[next-1], nil
	}
	return w
}

// front is the listener that bounds what strangers may do.
func (s *Server) front() net.Listener {
	return wire.Listener{Listener: s.lis, Seats: &s.seats, OpenTime: s.cfg.OpenTime, Turned: func(peer string, err error) {
		if peer == "" {
			s.quiet.Warn("", "accept failed", "err", err)
			return
		}
		s.quiet.Warn(peer, "publisher turned away", "peer", peer, "err", ingest.ErrTooMany)
	}}
}
