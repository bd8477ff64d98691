package origin_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/packager/origin"
)

// from asks for what is not live as a viewer at peer.
func from(ctx context.Context, h *origin.Handler, peer string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/nobody/index.m3u8", nil)
	r.RemoteAddr = peer
	h.ServeHTTP(w, r.WithContext(ctx))
	return w
}

// One network that has all that wait of its own keeps no other from waiting.
func TestHoldsOfOneNetwork(t *testing.T) {
	h := &origin.Handler{Log: slog.New(slog.DiscardHandler), Hold: time.Hour, Holds: 3, HoldsEach: 1}
	// wait asks, and returns when the request is held.
	wait := func(peer string) (leave func()) {
		parent, cancel := context.WithCancel(t.Context())
		ctx, status := &asked{Context: parent, ch: make(chan struct{})}, make(chan int, 1)
		go func() { status <- from(ctx, h, peer).Code }()
		select {
		case <-ctx.ch:
		case got := <-status:
			t.Fatalf("%s is not held: %d", peer, got)
		}
		return func() {
			cancel()
			if got := <-status; got != http.StatusNotFound {
				t.Errorf("%s left: %d", peer, got)
			}
		}
	}
	refused := func(peer, words string) {
		t.Helper()
		w := from(t.Context(), h, peer)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), words) {
			t.Errorf("%s: %d %q, want 503 with %q", peer, w.Code, w.Body, words)
		}
	}
	first := wait("192.0.2.1:1")
	refused("192.0.2.1:2", "your network")
	refused("[::ffff:192.0.2.1]:3", "your network")
	six := wait("[2001:db8::1]:1")
	refused("[2001:db8::2]:1", "your network")
	third := wait("192.0.2.2:1")
	refused("192.0.2.3:1", "too many viewers are waiting")
	first()
	again := wait("192.0.2.1:4") // its place came back
	for _, leave := range []func(){again, six, third} {
		leave()
	}
}

// A request that waited in vain gives its place back.
func TestHoldsEnd(t *testing.T) {
	h := &origin.Handler{Log: slog.New(slog.DiscardHandler), Hold: time.Millisecond, HoldsEach: 1}
	for range 3 {
		if w := from(t.Context(), h, "192.0.2.1:1"); w.Code != http.StatusNotFound {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
}
