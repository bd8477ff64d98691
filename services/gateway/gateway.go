package gateway

import (
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"go.opentelemetry.io/otel/trace"

	"weir/services/gateway/http11"
)

// Defaults of Config.
const (
	DefaultMaxConns      = 20_000
	DefaultHeaderTimeout = 5 * time.Second
	DefaultWriteTimeout  = 60 * time.Second
	DefaultIdleTimeout   = 75 * time.Second
	DefaultDrain         = 3 * time.Second
)

const (
	maxHeaderBytes = 16 << 10
	maxPathBytes   = 1 << 10
	maxQueryBytes  = 4 << 10
	bodyTimeout    = 10 * time.Second
)

// Config is what a Gateway needs. Zero values mean the defaults above.
type Config struct {
	Addr           string         // host:port to listen on; port 0 takes a free one
	TLS            *tls.Config    // set means TLS and nothing else
	TrustedProxies []netip.Prefix // networks whose X-Forwarded-* or PROXY header counts

	Media    http.Handler    // /live/ and /vod/; nil answers 503
	Services []Service       // who answers which part of /api/v1/ and /.well-known/
	API      http.Handler    // the rest of /api/v1/; nil answers 404
	Streams  func() []Stream // who is live, called at each request; nil means nobody
	Server   func() Server   // what the server tells of itself; nil means nothing
	Web      fs.FS           // the built web app, with index.html; nil has no pages
	Ready    func() error    // why this process is not ready; nil means it is

	MaxConns      int           // connections at once; more are closed at once
	HeaderTimeout time.Duration // to send a request's header, and for the TLS handshake
	WriteTimeout  time.Duration // to take an answer; the origin may extend it for a request
	IdleTimeout   time.Duration // between two requests of a connection
	Drain         time.Duration // for answers under way when the process stops

	Now    func() time.Time     // the clock of /time; nil means time.Now
	Log    *slog.Logger         // nil discards
	Traces trace.TracerProvider // nil: no spans; the callers' trace ids are passed on
}

// Gateway is the public port, bound by Open and served by Run.
type Gateway struct {
	cfg      Config
	server   *http.Server
	media    *http11.Server // in front of server; nil with TLS
	listener *countedListener
	held     context.CancelFunc // ends every request that waits for something
	metrics  *metrics
	proxy    *proxy
}

// Open binds the port and prepares the pages; nothing is served until Run. The
// error says which file or address is at fault.
func Open(ctx context.Context, cfg Config) (*Gateway, error) {
	cfg = withDefaults(cfg)
	g := &Gateway{cfg: cfg, metrics: newMetrics()}
	handler, err := newRouter(cfg, g.metrics)
	if err != nil {
		return nil, err
	}
	// Requests live on their own context: at the end held ones are told first,
	// then the rest of the answers may still leave.
	base, held := context.WithCancel(context.WithoutCancel(ctx))
	g.proxy = handler.proxy
	g.held = func() {
		handler.proxy.draining.Store(true)
		held()
	}
	g.server = &http.Server{
		Handler:           handler,
		TLSConfig:         cfg.TLS,
		ReadHeaderTimeout: cfg.HeaderTimeout,
		WriteTimeout:      cfg.WriteTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100, SendPingTimeout: 30 * time.Second, PingTimeout: 10 * time.Second, WriteByteTimeout: 20 * time.Second},
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		g.held()
		return nil, fmt.Errorf("public port: %w", err)
	}
	g.listener = &countedListener{Listener: l, limit: int64(cfg.MaxConns), metrics: g.metrics, trusted: cfg.TrustedProxies, headerTimeout: cfg.HeaderTimeout}
	g.server.ConnState = g.listener.connState
	if cfg.TLS == nil {
		g.media = &http11.Server{
			Handler: handler, Prefixes: []string{"/live/", "/vod/"},
			// By this value httputil.ReverseProxy knows that whoever calls it takes its panic.
			Base:          context.WithValue(base, http.ServerContextKey, g.server),
			HeaderTimeout: cfg.HeaderTimeout, WriteTimeout: cfg.WriteTimeout, IdleTimeout: cfg.IdleTimeout,
			Ended: g.listener.ended, Log: cfg.Log,
		}
	}
	return g, nil
}

func withDefaults(cfg Config) Config {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&cfg.HeaderTimeout, DefaultHeaderTimeout)
	set(&cfg.WriteTimeout, DefaultWriteTimeout)
	set(&cfg.IdleTimeout, DefaultIdleTimeout)
	set(&cfg.Drain, DefaultDrain)
	if cfg.MaxConns == 0 {
		cfg.MaxConns = DefaultMaxConns
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Streams == nil {
		cfg.Streams = func() []Stream { return nil }
	}
	if cfg.Server == nil {
		cfg.Server = func() Server { return Server{} }
	}
	if cfg.Ready == nil {
		cfg.Ready = func() error { return nil }
	}
	return cfg
}

// Name is the name of the service.
func (g *Gateway) Name() string { return "gateway" }

// Addr is the address that is bound.
func (g *Gateway) Addr() net.Addr { return g.listener.Addr() }

// TLS says whether the port speaks TLS. (The server sets its TLSConfig by itself.)
func (g *Gateway) TLS() bool { return g.cfg.TLS != nil }
