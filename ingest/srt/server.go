package srt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"weir/ingest"
	"weir/media/seats"
	"weir/media/srt"
)

// readBuffer is wished for the socket that all publishers share, in bytes: half a
// second of a hundred Mbit/s. With the kernel's default ten publishers lost every
// second packet.
const readBuffer = 8 << 20

// Config is what a Server needs. Zero values mean the defaults.
type Config struct {
	Addr     string // host:port to listen on, UDP
	Sessions ingest.Opener
	Log      *slog.Logger // default: none

	Latency    time.Duration // for lost packets to be sent again; a larger wish of a publisher's counts up to 4/5 of IdleTime; default 120 ms
	Passphrase string        // what publishers of channels without one of their own have to encrypt with, 10 to 79 bytes; empty: they must not encrypt

	MaxConns      int           // connections at once; default 1,024
	MaxConnsPerIP int           // of one IPv4 address or IPv6 /64; default 256
	GateTime      time.Duration // for Sessions.Open to answer; default 2 s, callers wait 3
	IdleTime      time.Duration // without a frame, then the publisher is sent away; default 10 s
	MaxWaiting    int           // packets of a publisher that wait for their time, 1.5 kB each; default 16,384
	Now           func() time.Time
}

// Server is one listening socket and the publishers that came through it.
type Server struct {
	cfg   Config
	lis   *srt.Listener
	seats seats.Seats
	quiet ingest.Quiet
	conns sync.WaitGroup

	mu   sync.Mutex
	live map[*conn]struct{}
}

// Open binds the listener. The caller must call Run then, which closes it.
func Open(cfg Config) (*Server, error) {
	cfg.defaults()
	s := &Server{
		cfg: cfg, live: make(map[*conn]struct{}),
		seats: seats.Seats{All: cfg.MaxConns, Each: cfg.MaxConnsPerIP},
		quiet: ingest.Quiet{Now: cfg.Now, Log: cfg.Log},
	}
	var err error
	s.lis, err = srt.Listen(srt.Config{
		Addr: cfg.Addr, Buffer: readBuffer, Packets: cfg.MaxWaiting,
		Latency: cfg.Latency, Longest: cfg.IdleTime * 4 / 5, Idle: cfg.IdleTime / 2,
		Panicked: func(peer netip.AddrPort, what any) { s.quiet.Panicked(peer.String(), what) },
	})
	if err != nil {
		return nil, err
	}
	if n := s.lis.Buffer(); n < readBuffer/4 {
		cfg.Log.Warn("the buffer of the SRT socket is small, many publishers at once will lose packets: raise net.core.rmem_max", "bytes", n)
	}
	return s, nil
}

func (c *Config) defaults() {
	c.Latency = cmp.Or(c.Latency, 120*time.Millisecond)
	c.MaxConns = cmp.Or(c.MaxConns, 1024)
	c.MaxConnsPerIP = cmp.Or(c.MaxConnsPerIP, 256)
	c.GateTime = cmp.Or(c.GateTime, 2*time.Second)
	c.IdleTime = cmp.Or(c.IdleTime, 10*time.Second)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 16384)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.lis.Addr() }

// Run accepts publishers until ctx ends, which is no error, or the socket breaks. It
// returns when the last connection's goroutine has ended.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.lis.Close() // after the last words to publishers
	defer s.conns.Wait()
	defer cancel()
	s.conns.Add(1)
	broken := make(chan error, 1)
	go func() {
		defer s.conns.Done()
		broken <- s.accept(ctx)
	}()
	select {
	case <-ctx.Done():
		s.mu.Lock()
		for c := range s.live {
			c.interrupt()
		}
		s.mu.Unlock()
		s.lis.Close()
		return nil
	case err := <-broken:
		return fmt.Errorf("srt: %w", err)
	}
}

// accept takes requests until the listener is closed.
func (s *Server) accept(ctx context.Context) error {
	for {
		req, err := s.lis.Accept()
		if ctx.Err() != nil {
			return nil //nolint:nilerr // asked to stop: the listener is closed
		}
		if err != nil {
			return err
		}
		s.admit(ctx, req)
	}
}

// admit starts a publisher's goroutine if there is a seat for it.
func (s *Server) admit(ctx context.Context, req *srt.Request) {
	peer := req.Peer().String()
	seat, err := s.seats.Take(peer)
	if err != nil {
		req.Reject(srt.CodeOverload)
		s.quiet.Warn(peer, "publisher turned away", "peer", peer, "err", ingest.ErrTooMany)
		return
	}
	s.conns.Add(1)
	go func() {
		defer s.conns.Done()
		defer s.seats.Leave(seat)
		s.serve(ctx, req, peer)
	}()
}

// enter makes c known, so that the end of the server ends it; false: it is over already.
func (s *Server) enter(ctx context.Context, c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[c] = struct{}{}
	return ctx.Err() == nil
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, c)
}

// Link is how the network treats a publisher; counts are of the whole connection.
type Link struct {
	Stream        string
	RTT           time.Duration
	Packets       uint64 // received, each once
	Lost          uint64 // missed, and asked for
	Retransmitted uint64 // sent again
	Dropped       uint64 // missing to the end
}

// Links tells of all publishers, in no order.
func (s *Server) Links() []Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Link, 0, len(s.live))
	for c := range s.live {
		list = append(list, c.link())
	}
	return list
}

// refusal is the code with which a publisher is turned away (SRT's access control
// guidelines); words cannot be sent.
func refusal(err error) srt.Code {
	var secret *secretError
	switch {
	case errors.As(err, &secret):
		return secret.code
	case errors.Is(err, errStreamID):
		return srt.CodeBadRequest
	case errors.Is(err, ingest.ErrBusy):
		return srt.CodeConflict
	case errors.Is(err, ingest.ErrDenied):
		return srt.CodeForbidden
	case ingest.Orderly(err):
		return srt.CodeDown
	case errors.Is(err, ingest.ErrTooMany):
		return srt.CodeOverload
	}
	return srt.CodeInternal
}
