package httpd

import (
	"context"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A request is a span under the caller's, and what a handler asks of other services
// is tied to it.
func TestTrace(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	s := fixture(Config{Traces: sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))})
	out := make(chan http.Header, 1)
	huma.Register(s.API, huma.Operation{OperationID: "ask", Method: "GET", Path: "/ask/{id}"}, func(ctx context.Context, _ *idIn) (*textOut, error) {
		h := http.Header{}
		Outgoing(ctx, h)
		out <- h
		return &textOut{}, nil
	})
	r := serve(t, s)
	const caller = "0af7651916cd43dd8448eb211c80319c"
	res, _ := r.do(t, "GET", "/api/v1/ask/1", "", "Traceparent", "00-"+caller+"-b7ad6b7169203331-01")
	h := <-out
	r.do(t, "GET", "/api/v1/fail/unknown", "")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	ended := spans.Ended()
	if len(ended) != 2 {
		t.Fatalf("%d spans", len(ended))
	}
	ask, fail := ended[0], ended[1]
	if ask.Name() != "GET /api/v1/ask/{id}" || ask.SpanContext().TraceID().String() != caller || ask.Parent().SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("span %s of %v under %v", ask.Name(), ask.SpanContext(), ask.Parent())
	}
	if want := "00-" + caller + "-" + ask.SpanContext().SpanID().String() + "-01"; h.Get("Traceparent") != want || h.Get("X-Request-Id") != res.Header.Get("X-Request-Id") {
		t.Errorf("outgoing %v, want %s", h, want)
	}
	if fail.Status().Description != "internal" || fail.Parent().IsValid() {
		t.Errorf("span of a failure: %v under %v", fail.Status(), fail.Parent())
	}
	empty := http.Header{}
	if Outgoing(context.Background(), empty); len(empty) != 0 {
		t.Errorf("outside of a request: %v", empty)
	}
}
