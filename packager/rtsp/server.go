package rtsp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"weir/media"
	"weir/media/hub"
	wire "weir/media/rtsp"
	"weir/media/seats"
	"weir/packager/door"
)

// Config is what a Server needs. Zero values mean the defaults.
type Config struct {
	Addr string // host:port to listen on, TCP
	// Front stands before all connections, and may know better who connects: the address of
	// a connection may then take its time. Nil: nothing does.
	Front func(net.Listener) net.Listener
	Hub   *hub.Hub
	Admit door.Admit
	// Via are marks of where a stream was before and is, which players are told; nil: none.
	Via func(name string) []string
	Log *slog.Logger // default: none

	MaxConns      int           // connections at once; default 1,000
	MaxConnsPerIP int           // of one IPv4 address or IPv6 /64; default 100
	OpenTime      time.Duration // from the first byte to PLAY; default 10 s
}

// Server is one listening port and the viewers that came through it.
type Server struct {
	cfg   Config
	lis   net.Listener
	seats seats.Seats
	lib   *gortsplib.Server
	ctx   context.Context // of Run
	work  sync.WaitGroup

	mu       sync.Mutex
	channels map[*hub.Stream]*channel
}

// Open binds the port. The caller must call Run then, which closes it.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	cfg.MaxConns, cfg.MaxConnsPerIP = cmp.Or(cfg.MaxConns, 1000), cmp.Or(cfg.MaxConnsPerIP, 100)
	cfg.OpenTime, cfg.Log = cmp.Or(cfg.OpenTime, 10*time.Second), cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("rtsp: %w", err)
	}
	if cfg.Front != nil {
		lis = wire.NewKnown(cfg.Front(lis))
	}
	return &Server{cfg: cfg, lis: lis, seats: seats.Seats{All: cfg.MaxConns, Each: cfg.MaxConnsPerIP}, channels: map[*hub.Stream]*channel{}}, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.lis.Addr() }

// Run serves until ctx ends, which is no error, or the port breaks.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.work.Wait()
	defer cancel()
	defer s.lis.Close()
	s.ctx = ctx
	front := wire.Listener{Listener: s.lis, Seats: &s.seats, OpenTime: s.cfg.OpenTime, Turned: func(peer string, err error) {
		s.cfg.Log.Debug("viewer turned away", "peer", peer, "err", err)
	}}
	s.lib = &gortsplib.Server{
		Handler: handler{s}, RTSPAddress: s.lis.Addr().String(), WriteQueueSize: 1024, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		Listen: func(string, string) (net.Listener, error) { return front, nil },
	}
	return wire.Serve(ctx, s.lib)
}

// handler is what the library asks, in goroutines of its own.
type handler struct{ *Server }

var (
	_ gortsplib.ServerHandlerOnDescribe         = handler{}
	_ gortsplib.ServerHandlerOnSetup            = handler{}
	_ gortsplib.ServerHandlerOnPlay             = handler{}
	_ gortsplib.ServerHandlerOnSessionClose     = handler{}
	_ gortsplib.ServerHandlerOnStreamWriteError = handler{}
	_ gortsplib.ServerHandlerOnDecodeError      = handler{}
)

// errRefused makes the library close a connection after its answer.
var errRefused = errors.New("refused")

// open finds the channel of a path, /live/NAME or /live/~PASS/NAME, for who may watch it.
func (s *Server) open(conn *gortsplib.ServerConn, path string) (*channel, func() error, *base.Response) {
	r, b, name := door.Guest(path, conn.NetConn().RemoteAddr().String())
	no := func(code base.StatusCode, words string) (*channel, func() error, *base.Response) {
		return nil, nil, &base.Response{StatusCode: code, StatusMessage: words}
	}
	if name == "" {
		return no(base.StatusNotFound, "the address is rtsp://HOST/live/NAME")
	}
	watching, err := s.cfg.Admit(r, b, name)
	var refusal door.Refusal
	switch {
	case errors.As(err, &refusal):
		return no(base.StatusForbidden, refusal.Words)
	case err != nil:
		return no(base.StatusNotFound, "nothing is live under this name")
	}
	source := s.cfg.Hub.Get(media.StreamID(name))
	if source == nil {
		return no(base.StatusNotFound, "nothing is live under this name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[source]
	if c == nil {
		if c = s.newChannel(source); c == nil {
			return no(base.StatusUnsupportedMediaType, "what is live under this name cannot be played over RTSP")
		}
		s.channels[source] = c
	}
	c.idle = 0
	return c, watching, nil
}

// OnDescribe says what is live.
func (h handler) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	c, _, no := h.open(ctx.Conn, ctx.Path)
	if no != nil {
		return no, nil, errRefused
	}
	res := &base.Response{StatusCode: base.StatusOK}
	if h.cfg.Via != nil {
		res.Header = wire.TellVia(h.cfg.Via(c.source.ID().Name()))
	}
	return res, c.stream, nil
}

// OnSetup lets a viewer have a track, over the TCP connection.
func (h handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if ctx.Transport.Protocol != gortsplib.ProtocolTCP {
		return &base.Response{StatusCode: base.StatusUnsupportedTransport}, nil, nil
	}
	if c, ok := ctx.Session.UserData().(*channel); ok {
		return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
	}
	c, watching, no := h.open(ctx.Conn, ctx.Path)
	if no != nil {
		return no, nil, errRefused
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c.viewers[ctx.Session] = watching
	ctx.Session.SetUserData(c)
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

// OnPlay begins.
func (h handler) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	if s, ok := ctx.Conn.NetConn().(*wire.Socket); ok {
		s.Admit()
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose lets a viewer go.
func (h handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	c, ok := ctx.Session.UserData().(*channel)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(c.viewers, ctx.Session)
}

// OnStreamWriteError sends away who is too slow.
func (h handler) OnStreamWriteError(ctx *gortsplib.ServerHandlerOnStreamWriteErrorCtx) {
	ctx.Session.Close()
}

// OnDecodeError is there so that the library does not write into a log of its own.
func (h handler) OnDecodeError(*gortsplib.ServerHandlerOnDecodeErrorCtx) {}
