package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"weir/services/httpd"
)

const (
	dialTimeout   = 3 * time.Second
	answerTimeout = 45 * time.Second // until a service's header; longer than the service's own limit
	upstreamConns = 512              // to one service at once; requests above wait for one
	upstreamIdle  = 64               // of them kept
	idleUpstream  = 30 * time.Second // shorter than a service keeps a connection
)

// proxy passes requests on to the services.
type proxy struct {
	table        table
	all          []*upstream
	log          *slog.Logger
	metrics      *metrics
	tracer       trace.Tracer
	writeTimeout time.Duration
	hard         context.Context // done when nothing may go on
	kill         context.CancelFunc
	draining     atomic.Bool // requests that last are told to end, others may finish
	upgrades     atomic.Int64
	maxUpgrades  int64
	busy         sync.RWMutex // read-locked by each request; the end of Run locks it
}

// newProxy checks the table of services and connects to nothing.
func newProxy(cfg Config, m *metrics) (*proxy, error) {
	traces := cfg.Traces
	if traces == nil {
		traces = noop.NewTracerProvider()
	}
	p := &proxy{log: cfg.Log, metrics: m, tracer: traces.Tracer("weir/services/gateway"), writeTimeout: cfg.WriteTimeout, maxUpgrades: int64(cfg.MaxConns)}
	p.hard, p.kill = context.WithCancel(context.Background())
	var err error
	if p.table, p.all, err = newTable(cfg.Services, p); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

func (p *proxy) find(path string) *upstream { return p.table.find(path) }

// end ends what is still under way and waits for it.
func (p *proxy) end() {
	p.kill()
	p.busy.Lock() // for good: what comes now is turned away
	for _, up := range p.all {
		up.transport.CloseIdleConnections()
	}
}

// upstream is one service as the gateway reaches it.
type upstream struct {
	Service
	proxy     *proxy
	target    *url.URL
	transport *http.Transport
	reverse   *httputil.ReverseProxy
}

func newUpstream(s Service, p *proxy) (*upstream, error) {
	target, err := s.target()
	if err != nil {
		return nil, err
	}
	if s.BodyLimit <= 0 {
		s.BodyLimit = DefaultBodyLimit
	}
	up := &upstream{Service: s, proxy: p, target: target}
	up.transport = &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		MaxConnsPerHost:       upstreamConns,
		MaxIdleConns:          upstreamIdle,
		MaxIdleConnsPerHost:   upstreamIdle,
		IdleConnTimeout:       idleUpstream,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: answerTimeout,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
	}
	if s.Dial != nil {
		up.transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialTimeout)
			defer cancel()
			return s.Dial(ctx)
		}
	}
	up.reverse = &httputil.ReverseProxy{
		Rewrite:        up.rewrite,
		Transport:      up.transport,
		ModifyResponse: trim,
		ErrorHandler:   up.failed,
		BufferPool:     &buffers{},
		ErrorLog:       slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	return up, nil
}

// via is what a trusted proxy in front of the gateway says of a request.
type via struct {
	trusted     bool
	proto, host string
	id          string
}

type viaKey struct{}

// serve passes a request on. The ids of requests are made here, unless a trusted
// proxy gave one.
func (up *upstream) serve(w http.ResponseWriter, r *http.Request, v via) {
	p := up.proxy
	if !httpd.ValidRequestID(v.id) {
		v.id = httpd.NewRequestID()
	}
	w.Header().Set(requestIDHeader, v.id)
	upgrade := isWebSocket(r)
	if !p.busy.TryRLock() {
		problem(w, http.StatusServiceUnavailable, "The server is shutting down.")
		return
	}
	defer p.busy.RUnlock()
	if upgrade {
		if !p.upgrade() {
			w.Header().Set("Retry-After", "5")
			problem(w, http.StatusServiceUnavailable, "There are too many connections now. Please try again later.")
			return
		}
		defer p.downgrade()
	}
	body, ok := up.bound(w, r)
	if !ok {
		return
	}
	ctx, cancel := p.life(r, upgrade)
	defer cancel()
	ctx = context.WithValue(propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header)), viaKey{}, v)
	ctx, span := p.tracer.Start(ctx, "gateway "+up.Name, trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	out := &answer{ResponseWriter: w, writeTimeout: p.writeTimeout}
	r = r.WithContext(context.WithValue(ctx, bodyKey{}, body))
	defer func() {
		p.metrics.proxied.WithLabelValues(up.Name, class(out.status)).Inc()
		span.SetAttributes(attribute.Int("http.response.status_code", out.status), attribute.String("weir.request", v.id))
	}()
	up.reverse.ServeHTTP(out, r)
}

// life is how long a request to a service may live. What lasts ends when held
// requests are told to; others may finish, and end when their client leaves or the
// time of draining is up.
func (p *proxy) life(r *http.Request, upgrade bool) (context.Context, context.CancelFunc) {
	if upgrade || strings.Contains(r.Header.Get("Accept"), eventStream) {
		return r.Context(), func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	left := context.AfterFunc(r.Context(), func() {
		if !p.draining.Load() {
			cancel()
		}
	})
	killed := context.AfterFunc(p.hard, cancel)
	return ctx, func() {
		left()
		killed()
		cancel()
	}
}

func (p *proxy) upgrade() bool {
	if p.upgrades.Add(1) > p.maxUpgrades {
		p.upgrades.Add(-1)
		return false
	}
	p.metrics.upgraded.Inc()
	return true
}

func (p *proxy) downgrade() {
	p.upgrades.Add(-1)
	p.metrics.upgraded.Dec()
}

// rewrite makes the request to the service. ReverseProxy has taken hop-by-hop and
// forwarding headers away (RFC 9110 section 7.6.1); what stands in them now is
// ours, and services believe it.
func (up *upstream) rewrite(pr *httputil.ProxyRequest) {
	v, _ := pr.In.Context().Value(viaKey{}).(via)
	pr.Out.URL.Scheme, pr.Out.URL.Host = up.target.Scheme, up.target.Host
	pr.Out.Host = pr.In.Host
	h := pr.Out.Header
	if addr, err := netip.ParseAddrPort(pr.In.RemoteAddr); err == nil {
		h.Set("X-Forwarded-For", addr.Addr().Unmap().WithZone("").String())
	}
	proto, host := "http", pr.In.Host
	if pr.In.TLS != nil {
		proto = "https"
	}
	if v.proto == "http" || v.proto == "https" {
		proto = v.proto
	}
	if v.host != "" {
		host = v.host
	}
	h.Set("X-Forwarded-Proto", proto)
	h.Set("X-Forwarded-Host", host)
	h.Set(requestIDHeader, v.id)
	for _, name := range [...]string{"Traceparent", "Tracestate", "X-Real-Ip", "X-Forwarded-Port"} {
		h.Del(name)
	}
	propagation.TraceContext{}.Inject(pr.In.Context(), propagation.HeaderCarrier(h))
}

// trim takes from a service's answer what the gateway has said already, and lets it
// leave at once.
func trim(res *http.Response) error {
	res.Header.Del(requestIDHeader)
	res.Header.Del("Server")
	if body, _ := res.Request.Context().Value(bodyKey{}).(*timedBody); body.cut() && res.Request.ProtoMajor == 1 {
		res.Header.Set("Connection", "close") // in HTTP/2 it would end the connection of other requests
	}
	return nil
}

// failed answers for a service that did not.
func (up *upstream) failed(w http.ResponseWriter, r *http.Request, err error) {
	var large *http.MaxBytesError
	var op *net.OpError
	body, _ := r.Context().Value(bodyKey{}).(*timedBody)
	switch {
	case errors.As(err, &large):
		w.Header().Set("Connection", "close")
		problem(w, http.StatusRequestEntityTooLarge, "The body is too large.")
	case body != nil && body.failed.Load():
		w.Header().Set("Connection", "close")
		problem(w, http.StatusRequestTimeout, "The body took too long to arrive, or broke off.")
	case errors.Is(err, context.Canceled):
		problem(w, http.StatusServiceUnavailable, "The request was given up.")
	case errors.As(err, &op) && op.Op == "dial", errors.Is(err, context.DeadlineExceeded):
		up.proxy.metrics.away.WithLabelValues(up.Name, "away").Inc()
		up.proxy.log.Warn("a service cannot be reached", "service", up.Name, "err", err)
		w.Header().Set("Retry-After", "2")
		problem(w, http.StatusServiceUnavailable, "The "+up.Name+" service cannot be reached now. Please try again soon.")
	default:
		up.proxy.metrics.away.WithLabelValues(up.Name, "broken").Inc()
		up.proxy.log.Warn("a service did not answer", "service", up.Name, "err", err)
		problem(w, http.StatusBadGateway, "The "+up.Name+" service did not answer. Please try again soon.")
	}
}

func class(status int) string {
	if status < 100 || status > 599 {
		return "none"
	}
	return string(rune('0'+status/100)) + "xx"
}
