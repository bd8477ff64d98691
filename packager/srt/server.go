package srt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	srt "github.com/datarhei/gosrt"

	"weir/media"
	"weir/media/hub"
	"weir/media/seats"
	"weir/packager/door"
)

// Config is what a Server needs. Zero values mean the defaults.
type Config struct {
	Addr  string // host:port to listen on, UDP
	Hub   *hub.Hub
	Admit door.Admit
	Log   *slog.Logger // default: none

	// Passphrase is what players of a stream have to encrypt with; empty: they must not. It is
	// asked after Admit. Default: none for all streams.
	Passphrase func(ctx context.Context, name string) (string, error)

	Latency       time.Duration // for lost packets to be sent again; the larger wish of both sides counts; default 120 ms
	MaxConns      int           // connections at once; default 1,000
	MaxConnsPerIP int           // of one IPv4 address or IPv6 /64; default 100
}

// Server is one listening port and the viewers that came through it.
type Server struct {
	cfg   Config
	lis   srt.Listener
	seats seats.Seats
	conns sync.WaitGroup

	mu       sync.Mutex
	channels map[*hub.Stream]*channel
}

// Open binds the port. The caller must call Run then, which closes it.
func Open(cfg Config) (*Server, error) {
	cfg.MaxConns, cfg.MaxConnsPerIP = cmp.Or(cfg.MaxConns, 1000), cmp.Or(cfg.MaxConnsPerIP, 100)
	cfg.Latency, cfg.Log = cmp.Or(cfg.Latency, 120*time.Millisecond), cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	c := srt.DefaultConfig()
	c.ReceiverLatency, c.PeerLatency = cfg.Latency, cfg.Latency
	c.PeerIdleTimeout = 5 * time.Second
	lis, err := srt.Listen("srt", cfg.Addr, c)
	if err != nil {
		return nil, fmt.Errorf("srt: %w", err)
	}
	return &Server{cfg: cfg, lis: lis, seats: seats.Seats{All: cfg.MaxConns, Each: cfg.MaxConnsPerIP}, channels: map[*hub.Stream]*channel{}}, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.lis.Addr() }

// Run serves until ctx ends, which is no error, or the port breaks. It returns when the last
// viewer's goroutine has ended.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.lis.Close() // after the last words to players
	defer s.conns.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, s.lis.Close)
	defer stop()
	for {
		req, err := s.next()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("srt: %w", err)
		case req != nil:
			s.take(ctx, req)
		}
	}
}

// next waits for a request. Handshakes are parsed here, so a panic of the parser, should
// there be a way to one, costs that handshake only.
func (s *Server) next() (req srt.ConnRequest, err error) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Log.Warn("SRT handshake failed", "err", fmt.Sprint(v))
			req, err = nil, nil
		}
	}()
	return s.lis.Accept2()
}

// take serves a player if there is a seat for it.
func (s *Server) take(ctx context.Context, req srt.ConnRequest) {
	peer := req.RemoteAddr().String()
	seat, err := s.seats.Take(peer)
	if err != nil {
		req.Reject(srt.REJX_OVERLOAD)
		s.cfg.Log.Debug("viewer turned away", "peer", peer, "err", err)
		return
	}
	s.conns.Go(func() {
		defer s.seats.Leave(seat)
		s.serve(ctx, req, peer)
	})
}

// serve runs a viewer to its end. A panic ends this one only.
func (s *Server) serve(ctx context.Context, req srt.ConnRequest, peer string) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Log.Warn("viewer failed", "peer", peer, "err", fmt.Sprint(v))
		}
	}()
	source, watching, err := s.open(ctx, req, peer)
	var c *channel
	var x *seat
	if err == nil {
		c, x, err = s.join(source)
	}
	if err != nil {
		req.Reject(refusal(err))
		s.cfg.Log.Debug("viewer not admitted", "peer", peer, "err", err)
		return
	}
	defer s.leave(c, x)
	wire, err := req.Accept()
	if err == nil {
		err = show(ctx, wire, c, x, watching)
	}
	s.cfg.Log.Debug("viewer left", "stream", source.ID(), "peer", peer, "err", err)
}

var (
	errStreamID = errors.New("the streamid names nothing to watch: give play:NAME or play:~PASS/NAME")
	errPlain    = errors.New("the channel has no passphrase for SRT: watch without one")
	errSecret   = errors.New("the channel has a passphrase for SRT: watch with it")
	errWrong    = errors.New("the passphrase is not that of the channel")
)

// gateTime is how long the passphrase of a stream may take; callers wait three seconds.
const gateTime = 2 * time.Second

// open finds what a player asks for, if it may watch that.
func (s *Server) open(ctx context.Context, req srt.ConnRequest, peer string) (*hub.Stream, func() error, error) {
	r, b, name := door.Guest("/live/"+wanted(req.StreamId()), peer)
	if name == "" || strings.Contains(name, ":") {
		return nil, nil, errStreamID
	}
	watching, err := s.cfg.Admit(r, b, name)
	if err == nil {
		err = s.unlock(ctx, req, name)
	}
	if err != nil {
		return nil, nil, err
	}
	source := s.cfg.Hub.Get(media.StreamID(name))
	if source == nil {
		return nil, nil, door.ErrHidden
	}
	return source, watching, nil
}

// unlock prepares for a player that encrypts, and refuses one that does not as the stream has
// it.
func (s *Server) unlock(ctx context.Context, req srt.ConnRequest, name string) error {
	var passphrase string
	if ask := s.cfg.Passphrase; ask != nil {
		ctx, cancel := context.WithTimeout(ctx, gateTime)
		defer cancel()
		var err error
		if passphrase, err = ask(ctx, name); err != nil {
			return err
		}
	}
	switch {
	case passphrase == "" && req.IsEncrypted():
		return errPlain
	case passphrase != "" && !req.IsEncrypted():
		return errSecret
	case passphrase != "" && req.SetPassphrase(passphrase) != nil:
		return errWrong
	}
	return nil
}

// wanted is NAME or ~PASS/NAME of a streamid: play:NAME, read:NAME, NAME alone, or the syntax of
// SRT's access control guidelines, #!::m=request,r=NAME; empty where it asks for anything else.
// Before the name may stand live/.
func wanted(id string) string {
	if list, ok := strings.CutPrefix(id, "#!::"); ok {
		mode := "request"
		id = ""
		for pair := range strings.SplitSeq(list, ",") {
			switch name, value, _ := strings.Cut(pair, "="); name {
			case "m":
				mode = value
			case "r":
				id = value
			}
		}
		if mode != "request" {
			return ""
		}
	}
	for _, verb := range [...]string{"play:", "read:"} {
		id = strings.TrimPrefix(id, verb)
	}
	return strings.TrimPrefix(strings.TrimPrefix(id, "/"), "live/")
}

// refusal is what a player is told, as a number: SRT has no words.
func refusal(err error) srt.RejectionReason {
	var r door.Refusal
	switch {
	case errors.Is(err, errStreamID):
		return srt.REJX_BAD_REQUEST
	case errors.Is(err, errPlain), errors.Is(err, errSecret):
		return srt.REJ_UNSECURE
	case errors.Is(err, errWrong):
		return srt.REJ_BADSECRET
	case errors.Is(err, errMux):
		return srt.REJX_NOTSUP_MEDIA
	case errors.As(err, &r):
		return srt.REJX_FORBIDDEN
	case errors.Is(err, door.ErrHidden):
		return srt.REJX_NOTFOUND
	}
	return srt.REJX_ISE
}
