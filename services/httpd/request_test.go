package httpd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// disguised is a listener whose connections come from where the test says.
type disguised struct {
	net.Listener
	peer net.Addr
}

type disguisedConn struct {
	net.Conn
	peer net.Addr
}

func (c disguisedConn) RemoteAddr() net.Addr { return c.peer }

func (d disguised) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	return disguisedConn{c, d.peer}, err
}

func TestRequestBelievesOnlyTrustedPeers(t *testing.T) {
	tcp := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	forwarded := "X-Request-Id: abc-1\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: tv.example.org\r\n"
	tests := map[string]struct {
		peer    net.Addr
		headers string
		want    Request // ID empty: one of our own
	}{
		"memory":                {memoryAddr{}, forwarded, Request{ID: "abc-1", Client: netip.MustParseAddr("203.0.113.9"), Origin: "https://tv.example.org"}},
		"this machine":          {tcp("127.0.0.1:5"), forwarded, Request{ID: "abc-1", Client: netip.MustParseAddr("203.0.113.9"), Origin: "https://tv.example.org"}},
		"trusted network":       {tcp("10.1.2.3:5"), forwarded, Request{ID: "abc-1", Client: netip.MustParseAddr("203.0.113.9"), Origin: "https://tv.example.org"}},
		"trusted, IPv4 in IPv6": {tcp("[::ffff:10.1.2.3]:5"), forwarded, Request{ID: "abc-1", Client: netip.MustParseAddr("203.0.113.9"), Origin: "https://tv.example.org"}},
		"stranger":              {tcp("198.51.100.7:5"), forwarded, Request{Client: netip.MustParseAddr("198.51.100.7"), Origin: "http://note.test"}},
		"rubbish": {memoryAddr{}, "X-Request-Id: a b\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nX-Forwarded-Proto: ftp\r\nX-Forwarded-Host: a/b?c\r\nUser-Agent: a\tb\xff" + strings.Repeat("x", 300) + "\r\n",
			Request{UserAgent: "a?b?" + strings.Repeat("x", 252)}},
		"long id": {memoryAddr{}, "X-Request-Id: " + strings.Repeat("a", 65) + "\r\n", Request{Origin: "http://note.test"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := serveAs(t, fixture(Config{TrustedPeers: trusted}), tc.peer)
			near, err := r.dial(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer near.Close()
			io.WriteString(near, "GET /api/v1/request HTTP/1.1\r\nHost: note.test\r\nConnection: close\r\n"+tc.headers+"\r\n")
			res, err := http.ReadResponse(bufio.NewReader(near), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got Request
			if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if got.ID != res.Header.Get("X-Request-Id") || got.ID == "" {
				t.Errorf("id %q, header %q", got.ID, res.Header.Get("X-Request-Id"))
			}
			if tc.want.ID == "" {
				if len(got.ID) != 36 {
					t.Errorf("id %q is not ours", got.ID)
				}
				got.ID = ""
			}
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// Secrets and what callers chose stay out of the log; the cause of a 500 is in it.
func TestLog(t *testing.T) {
	var l logs
	r := serve(t, fixture(Config{Log: l.logger(), Verifier: tokens()}))
	r.do(t, "GET", "/api/v1/notes/s3cret-path?token=s3cret-query", "", "Authorization", "Bearer session", "X-Forwarded-For", "203.0.113.9", "X-Request-Id", "from-gateway",
		"Cookie", "refresh=s3cret-cookie", "User-Agent", "s3cret-agent", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	r.do(t, "GET", "/s3cret-nothing", "", "Authorization", "Bearer s3cret-token")
	r.do(t, "PUT", "/api/v1/notes/x", `{"title":"abc","password":"s3cret"}`)
	r.do(t, "GET", "/api/v1/fail/panic", "")
	r.do(t, "GET", "/api/v1/fail/unknown", "")
	r.do(t, "GET", "/healthz", "")
	r.do(t, "GET", "/api/v1/plain/x", "")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	text := l.String()
	for _, want := range []string{"level=INFO msg=request service=note request=from-gateway method=GET route=/api/v1/notes/{id} status=200", "client=203.0.113.9",
		"user=" + anna.String(), "trace=0af7651916cd43dd8448eb211c80319c", "status=401", "code=unauthenticated", "status=422", "level=ERROR",
		`err="panic: hunter2"`, "stack=", "failure", "connection refused", "route=/api/v1/plain/:id"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if strings.Contains(text, "s3cret") || strings.Contains(text, "healthz") {
		t.Errorf("the log tells too much:\n%s", text)
	}
	if n := strings.Count(text, "\n"); n != 6 {
		t.Errorf("%d lines for 6 requests and a probe:\n%s", n, text)
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := serve(t, fixture(Config{Metrics: reg}))
	again := New(Config{Service: "note", Metrics: reg})
	other := New(Config{Service: "other", Metrics: reg})
	for _, path := range []string{"/api/v1/notes/1", "/api/v1/notes/2", "/api/v1/plain/1", "/api/v1/nothing/1", "/api/v1/nothing/2", "/api/v1/fail/limited"} {
		r.do(t, "GET", path, "")
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	got := samples(t, reg)
	for sample, want := range map[string]float64{
		"weir_httpd_requests_total class=2xx operation=getNote service=note":   2,
		"weir_httpd_requests_total class=2xx operation=plainNote service=note": 1,
		"weir_httpd_requests_total class=4xx operation=fail service=note":      1,
		"weir_httpd_requests_total class=4xx operation=other service=note":     2,
		"weir_httpd_errors_total code=limited operation=fail service=note":     1,
		"weir_httpd_errors_total code=not_found operation=other service=note":  2,
		"weir_httpd_duration_seconds class=4xx operation=other service=note":   2,
		"weir_httpd_in_flight_requests service=note":                           0,
		"weir_httpd_in_flight_requests service=other":                          0,
	} {
		if v, ok := got[sample]; !ok || v != want {
			t.Errorf("%s: %v, want %v", sample, v, want)
		}
	}
	if len(got) != 12 { // three more durations
		t.Errorf("%d samples: %v", len(got), got)
	}
	if again.metrics.requests != r.metrics.requests || other.metrics.requests == r.metrics.requests {
		t.Error("metrics are to be shared by service")
	}
}

// samples are the values of all metrics; of a histogram the count.
func samples(t *testing.T, g prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			all[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func TestReadyNamesWhatIsNot(t *testing.T) {
	var l logs
	hang := make(chan struct{})
	started := make(chan struct{}, 2)
	var bad error
	s := fixture(Config{Log: l.logger(), Ready: map[string]func(context.Context) error{
		"database": func(context.Context) error { return bad },
		"redis":    func(context.Context) error { return nil },
	}})
	r := serve(t, s)
	if res, body := r.do(t, "GET", "/readyz", ""); res.StatusCode != 200 {
		t.Errorf("ready: %d %s", res.StatusCode, body)
	}
	bad = errors.New("password hunter2")
	res, body := r.do(t, "GET", "/readyz", "")
	if p := problemOf(t, res, body); p.Status != 503 || p.Detail != "Not ready: database." {
		t.Errorf("%+v", p)
	}
	if !strings.Contains(l.String(), "password hunter2") {
		t.Error("the log does not say why")
	}

	// A check that does not end is not started again.
	p := newProbes(Config{Log: l.logger(), Ready: map[string]func(context.Context) error{"slow": func(context.Context) error {
		started <- struct{}{}
		<-hang
		return nil
	}}}, &s.busy)
	left, leave := context.WithCancel(context.Background())
	leave()
	for range 3 {
		if names := p.unready(left); len(names) != 1 || names[0] != "slow" {
			t.Errorf("unready: %v", names)
		}
	}
	close(hang)
	if <-started; len(started) != 0 {
		t.Error("the check ran more than once")
	}
}

// Requests under way are answered when the server is told to stop, new ones are not
// taken, and streams are told.
func TestDrain(t *testing.T) {
	s, entered, finish := New(Config{Service: "note"}), make(chan struct{}), make(chan struct{})
	s.App.Get("/slow", slowHandler(entered, finish))
	r := serve(t, s)
	answer := make(chan string, 1)
	go func() {
		res, err := r.client.Get("http://note.test/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	<-s.Draining()
	for { // the listener closes a moment after
		c, err := r.dial(context.Background())
		if err != nil {
			if !errors.Is(err, ErrNotServing) {
				t.Errorf("dial: %v", err)
			}
			break
		}
		c.Close()
	}
	close(finish)
	if got := <-answer; got != "whole" {
		t.Errorf("answer %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A handler that sees its context ends with the time for draining; one that does
// not is named.
func TestDrainEndsContexts(t *testing.T) {
	s, entered := New(Config{Service: "note", Drain: 10 * time.Millisecond}), make(chan struct{})
	s.App.Get("/held", heldHandler(entered))
	r := serve(t, s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if res, err := r.client.Get("http://note.test/held"); err == nil {
			res.Body.Close()
		}
	}()
	<-entered
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	<-done
}

func TestServeFailsWithItsListener(t *testing.T) {
	l, _ := Memory()
	l.Close()
	if err := New(Config{Service: "note"}).Serve(context.Background(), l); err == nil {
		t.Error("no error")
	}
}
