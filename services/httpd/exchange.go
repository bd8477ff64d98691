package httpd

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"

	"weir/services/fault"
)

// exchange is one request and its answer, from the first header to the log.
type exchange struct {
	request   Request
	raw       *fasthttp.RequestCtx
	ctx       context.Context
	cancel    context.CancelFunc
	span      trace.Span
	start     time.Time
	operation string // of huma, or the name of a route; empty: neither
	route     string // the path as the code has it, such as /api/v1/users/{id}
	user      string // id of who calls; empty: nobody
	presented bool   // a token came along
	probe     bool   // not worth a line in the log
	code      fault.Code
	err       error // what failed; nil: nothing did
	stack     []byte
}

type exchangeKey struct{}

func exchangeOf(c fiber.Ctx) *exchange {
	x, _ := c.RequestCtx().UserValue(exchangeKey{}).(*exchange)
	return x
}

// handle is what fasthttp calls for each request.
func (s *Server) handle(f *fasthttp.RequestCtx) {
	x := &exchange{}
	s.begin(f, x)
	defer s.end(x)
	defer func() {
		if v := recover(); v != nil {
			x.stack = debug.Stack()
			s.answer(x, fmt.Errorf("panic: %v", v))
		}
	}()
	s.inner(f)
	if f.Response.StatusCode() >= http.StatusBadRequest && x.err == nil && plainText(f) {
		// Fiber's own words, such as to a method that does not exist.
		s.answer(x, fiber.NewError(f.Response.StatusCode()))
	}
}

// refused is called for what fasthttp cannot read as a request: too long, too
// slow, or no HTTP. The connection is closed after it.
func (s *Server) refused(f *fasthttp.RequestCtx, err error) {
	x := &exchange{}
	s.begin(f, x)
	defer s.end(x)
	s.answer(x, fiber.NewError(refusal(err)))
	letFinish(f)
}

func (s *Server) begin(f *fasthttp.RequestCtx, x *exchange) {
	s.busy.add()
	s.metrics.inFlight.Inc()
	x.raw, x.start, x.request = f, s.cfg.Now(), s.readRequest(f)
	f.SetUserValue(exchangeKey{}, x)
	x.ctx, x.cancel = context.WithTimeout(context.WithValue(s.base, requestKey{}, x.request), s.cfg.Timeout)
	x.ctx = propagation.TraceContext{}.Extract(x.ctx, requestHeaders{f})
	x.ctx, x.span = s.tracer.Start(x.ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	safeHeaders(&f.Response.Header)
	f.Response.Header.Set(requestIDHeader, x.request.ID)
}

// enter is Fiber's first middleware: it gives the handlers their context.
func (s *Server) enter(c fiber.Ctx) error {
	x := exchangeOf(c)
	c.SetContext(x.ctx)
	if err := s.identify(c, x); err != nil {
		return err
	}
	err := c.Next()
	if r := c.Route(); x.route == "" && c.Matched() {
		x.operation, x.route = r.Name, r.Path
	}
	return err
}

// end writes down what happened. The answer leaves after it.
func (s *Server) end(x *exchange) {
	status := x.raw.Response.StatusCode()
	took := s.cfg.Now().Sub(x.start)
	s.metrics.observe(x, status, took)
	x.span.SetName(x.method() + " " + x.route)
	x.span.SetAttributes(semconv.HTTPRequestMethodKey.String(x.method()), semconv.HTTPRoute(x.route),
		semconv.HTTPResponseStatusCode(status), attribute.String("weir.request", x.request.ID))
	if status >= http.StatusInternalServerError {
		x.span.SetStatus(codes.Error, string(x.code))
	}
	s.log(x, status, took)
	x.span.End()
	x.cancel()
	s.metrics.inFlight.Dec()
	s.busy.done()
}

// log writes the one line of a request. It holds nothing that the caller chose but
// the method and, from a trusted gateway, the request's id.
func (s *Server) log(x *exchange, status int, took time.Duration) {
	if x.probe && status < http.StatusBadRequest {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs, slog.String("service", s.cfg.Service), slog.String("request", x.request.ID), slog.String("method", x.method()),
		slog.String("route", x.route), slog.Int("status", status), slog.Duration("took", took), slog.String("client", x.request.Client.String()))
	if x.user != "" {
		attrs = append(attrs, slog.String("user", x.user))
	}
	if sc := trace.SpanContextFromContext(x.ctx); sc.HasTraceID() {
		attrs = append(attrs, slog.String("trace", sc.TraceID().String()))
	}
	level := slog.LevelInfo
	if x.code != "" {
		attrs = append(attrs, slog.String("code", string(x.code)))
	}
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
		if x.err != nil {
			attrs = append(attrs, slog.String("err", x.err.Error()))
		}
		if x.stack != nil {
			attrs = append(attrs, slog.String("stack", string(x.stack)))
		}
	}
	s.cfg.Log.LogAttrs(x.ctx, level, "request", attrs...)
}

// method is one of those that are served, else "other": a label must be bounded.
func (x *exchange) method() string {
	switch m := string(x.raw.Method()); m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "other"
}

// safeHeaders are the defaults of every answer; a handler may set its own.
func safeHeaders(h *fasthttp.ResponseHeader) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// requestHeaders is what a propagator reads of a request.
type requestHeaders struct{ f *fasthttp.RequestCtx }

// Get is a copy.
func (r requestHeaders) Get(key string) string { return string(r.f.Request.Header.Peek(key)) }

// Set is not called when reading.
func (requestHeaders) Set(string, string) {}

// Keys is not called by the propagator of W3C.
func (requestHeaders) Keys() []string { return nil }

// address is the IP address of a peer; invalid for Memory.
func address(peer string) netip.Addr {
	ap, err := netip.ParseAddrPort(peer)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
