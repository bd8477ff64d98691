package trace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// quiet is how long the log says nothing more of a collector that is away.
const quiet = time.Minute

// ErrEndpoint is the error of Open for an address that is no http or https URL. The
// address is not in it: it may hold a password.
var ErrEndpoint = errors.New("OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL such as http://127.0.0.1:4318")

// Config is what Open needs.
type Config struct {
	// Endpoint is OTEL_EXPORTER_OTLP_ENDPOINT: the base URL of a collector that
	// speaks OTLP over HTTP; empty means no tracing. The other OTEL_EXPORTER_OTLP_*
	// variables (headers, timeout, compression, certificate) and OTEL_TRACES_SAMPLER
	// count as OpenTelemetry says.
	Endpoint string
	Service  string // service.name of all spans, such as "weir"
	Version  string // service.version
	Log      *slog.Logger
	Now      func() time.Time // for the log's pace; nil means time.Now
}

// Provider makes the tracers of a process.
type Provider struct {
	trace.TracerProvider
	close func(context.Context) error
}

// Open returns a Provider; it connects to nothing yet. Close it when what makes
// spans has ended.
func Open(ctx context.Context, cfg Config) (*Provider, error) {
	if cfg.Endpoint == "" {
		return &Provider{TracerProvider: noop.NewTracerProvider(), close: func(context.Context) error { return nil }}, nil
	}
	u, err := url.Parse(cfg.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, ErrEndpoint
	}
	// OTLP 1.x, "Environment variables": the signal's path is added to the base URL.
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimRight(cfg.Endpoint, "/")+"/v1/traces"))
	if err != nil {
		return nil, fmt.Errorf("exporter of traces: %w", err)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	about := resource.NewSchemaless(attribute.String("service.name", cfg.Service), attribute.String("service.version", cfg.Version))
	p := sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithBatcher(&exporting{SpanExporter: exporter, log: cfg.Log, now: cfg.Now}))
	return &Provider{TracerProvider: p, close: p.Shutdown}, nil
}

// Close sends what is held, for as long as ctx allows, and ends the Provider's
// goroutines.
func (p *Provider) Close(ctx context.Context) error { return p.close(ctx) }

// exporting keeps errors of the collector away from OpenTelemetry's global handler
// and has them in our log, at most once a minute.
type exporting struct {
	sdk.SpanExporter
	log  *slog.Logger
	now  func() time.Time
	last atomic.Int64 // when it was said, Unix seconds
}

// ExportSpans reports no error: there is nothing that the caller could do.
func (e *exporting) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	now := e.now().Unix()
	if last := e.last.Load(); now-last >= int64(quiet/time.Second) && e.last.CompareAndSwap(last, now) {
		e.log.Warn("spans are lost: the collector of traces does not take them", "spans", len(spans))
	}
	return nil
}
