package trace

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOff(t *testing.T) {
	p, err := Open(context.Background(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Tracer("x").Start(context.Background(), "nothing")
	if span.IsRecording() || span.SpanContext().IsValid() {
		t.Error("a span is made")
	}
	span.End()
	if err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestSpansReachTheCollector(t *testing.T) {
	got := make(chan []byte, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/base/v1/traces" {
			got <- body
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer collector.Close()
	p, err := Open(context.Background(), Config{Endpoint: collector.URL + "/base/", Service: "weir-test", Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Tracer("x").Start(context.Background(), "a span of ours")
	span.End()
	if err := p.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	body := <-got
	for _, want := range []string{"a span of ours", "weir-test", "service.name"} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("the collector did not get %q", want)
		}
	}
}

// A collector that refuses costs spans and a line in the log.
func TestCollectorRefuses(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	defer collector.Close()
	var text bytes.Buffer
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	p, err := Open(context.Background(), Config{Endpoint: collector.URL, Log: slog.New(slog.NewTextHandler(&text, nil)), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Tracer("x").Start(context.Background(), "lost")
	span.End()
	if err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if n := strings.Count(text.String(), "spans are lost"); n != 1 {
		t.Errorf("log: %s", text.String())
	}
}

func TestBadEndpoint(t *testing.T) {
	for _, endpoint := range []string{"localhost:4318", "ftp://x", "http://", "http://a b:hunter2@%zz"} {
		_, err := Open(context.Background(), Config{Endpoint: endpoint})
		if !errors.Is(err, ErrEndpoint) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
