package httpd

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v3"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Defaults of Config.
const (
	DefaultBodyLimit = 1 << 20
	DefaultTimeout   = 30 * time.Second
	DefaultDrain     = 5 * time.Second
	DefaultPublic    = "/api/v1"
)

const (
	headerBytes  = 20 << 10         // of a request; the gateway takes 16 KiB and adds its own
	writeTimeout = 60 * time.Second // to take an answer, or the next event of a stream
	idleTimeout  = 75 * time.Second // longer than the gateway keeps a connection
	concurrency  = 10_000           // connections at once; more are turned away by fasthttp
)

// Config is what a Server needs. Zero values mean the defaults above.
type Config struct {
	Service  string       // a label of metrics and a key of the log, such as "user"
	Version  string       // of the API's description
	Public   string       // what the paths of API begin with
	Log      *slog.Logger // nil discards
	Verifier Verifier     // nil: nobody is known, and tokens are not looked at

	// Ready is asked by /readyz: by name, what this service cannot work without. A
	// check should end with its context; each has 3 s. The name is public, the
	// error is only logged.
	Ready map[string]func(context.Context) error

	BodyLimit int           // bytes of any request; an operation's own limit (huma: 1 MiB) may be lower
	Timeout   time.Duration // to read a request, and, again, the deadline of its handler's context
	Drain     time.Duration // for requests under way when Serve is told to stop

	// TrustedPeers are networks, beside this machine's own addresses and Memory,
	// whose X-Request-Id and X-Forwarded-* headers count: where the gateway is.
	TrustedPeers []netip.Prefix

	Metrics prometheus.Registerer // nil: not registered anywhere
	Traces  trace.TracerProvider  // nil: no spans; the caller's trace id is passed on all the same
	Now     func() time.Time      // measures how long requests take; nil means time.Now
}

// Server is one service's HTTP server. Operations and routes are added before
// Serve; it is not changed afterwards.
type Server struct {
	App  *fiber.App // for routes that are no operations, such as WebSockets: full paths
	API  huma.API   // operations below Config.Public
	Root huma.API   // operations with full paths, such as /.well-known/jwks.json

	cfg        Config
	inner      fasthttp.RequestHandler // Fiber
	metrics    *metrics
	tracer     trace.Tracer
	probes     *probes
	operations operations
	busy       tally           // requests and streams under way
	draining   context.Context // done when Serve is told to stop
	drain      context.CancelFunc
	base       context.Context
	cancel     context.CancelFunc // ends base, and with it what is still under way
}

// New returns a Server with the probes and the description of the API on it. It
// does no I/O. Metrics that are registered already, by another Server of the same
// name, are shared with it.
func New(cfg Config) *Server {
	cfg = withDefaults(cfg)
	s := &Server{cfg: cfg, metrics: newMetrics(cfg)}
	s.busy.init()
	s.base, s.cancel = context.WithCancel(context.Background())
	s.draining, s.drain = context.WithCancel(s.base)
	s.tracer = cfg.Traces.Tracer("weir/services/httpd")
	s.probes = newProbes(cfg, &s.busy)
	s.App = fiber.New(fiber.Config{
		AppName:        "weir " + cfg.Service,
		StrictRouting:  true,
		CaseSensitive:  true,
		Immutable:      true, // strings outlive handlers in events and goroutines
		BodyLimit:      cfg.BodyLimit,
		Concurrency:    concurrency,
		ReadTimeout:    cfg.Timeout,
		WriteTimeout:   writeTimeout,
		IdleTimeout:    idleTimeout,
		ReadBufferSize: headerBytes,
		ErrorHandler:   s.failed,
		RequestMethods: []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"},
	})
	// Around Fiber, and not as its middleware: also what fasthttp refuses before
	// there is a route is answered, counted and logged here.
	server := s.App.Server()
	s.inner, server.Handler, server.ErrorHandler = server.Handler, s.handle, s.refused
	server.HeaderReceived, server.ExpectHandler = s.headed, s.expected
	s.App.Use(s.enter)
	s.App.Get("/healthz", s.healthz)
	s.App.Get("/readyz", s.readyz)

	s.Root = newAPI(s.App, cfg, &s.operations)
	s.API = huma.NewGroup(s.Root, cfg.Public)
	s.App.Get(cfg.Public+"/openapi.yaml", s.document("application/yaml", (*huma.OpenAPI).YAML))
	s.App.Get(cfg.Public+"/openapi.json", s.document("application/json", (*huma.OpenAPI).MarshalJSON))
	return s
}

func withDefaults(cfg Config) Config {
	if cfg.BodyLimit <= 0 {
		cfg.BodyLimit = DefaultBodyLimit
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Drain <= 0 {
		cfg.Drain = DefaultDrain
	}
	if cfg.Public == "" {
		cfg.Public = DefaultPublic
	}
	if cfg.Version == "" {
		cfg.Version = "v1"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Traces == nil {
		cfg.Traces = noop.NewTracerProvider()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}
