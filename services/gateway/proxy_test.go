package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	client3 "github.com/fasthttp/websocket"
	"github.com/gofiber/contrib/v3/websocket"
	"github.com/gofiber/fiber/v3"

	"weir/services/fault"
	"weir/services/httpd"
)

type seen struct {
	Body struct {
		httpd.Request
		Host, Trace, Real, Connection string
	}
}

type seenIn struct {
	Trace      string `header:"Traceparent"`
	Real       string `header:"X-Real-Ip"`
	Connection string `header:"Connection"`
	Secret     string `header:"X-Secret"`
}

// testService is a service as httpd makes them.
func testService(name string) *httpd.Server {
	s := httpd.New(httpd.Config{Service: name, BodyLimit: 4 << 20, Drain: 5 * time.Second})
	huma.Register(s.API, huma.Operation{OperationID: name + "Seen", Method: "GET", Path: "/" + name + "/seen"}, func(ctx context.Context, in *seenIn) (*seen, error) {
		out := &seen{}
		out.Body.Request = httpd.From(ctx)
		out.Body.Trace, out.Body.Real, out.Body.Connection = in.Trace, in.Real, in.Secret
		return out, nil
	})
	s.App.Get("/api/v1/"+name+"/gone", func(fiber.Ctx) error { return fault.New(fault.NotFound, "Gone.") })
	s.App.Post("/api/v1/"+name+"/echo", func(c fiber.Ctx) error { return c.SendString(fmt.Sprint(len(c.Body()))) })
	s.App.Get("/.well-known/"+name, func(c fiber.Ctx) error { return c.SendString("known " + name) })
	s.App.Get("/api/v1/"+name+"/ws", websocket.New(func(c *websocket.Conn) {
		for {
			kind, text, err := c.ReadMessage()
			if err != nil {
				return
			}
			if c.WriteMessage(kind, append([]byte("echo "), text...)) != nil {
				return
			}
		}
	}))
	return s
}

// inMemory serves s until the test ends, after the gateway: start was called later.
func inMemory(t *testing.T, s *httpd.Server) (Service, func()) {
	t.Helper()
	l, dial := httpd.Memory()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return Service{Dial: dial}, stop
}

func onTCP(t *testing.T, s *httpd.Server) Service {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return Service{URL: "http://" + l.Addr().String()}
}

func routed(s Service, name string, routes ...string) Service {
	s.Name, s.Routes = name, append(routes, name, "/.well-known/"+name)
	return s
}

func fetch(t *testing.T, c *http.Client, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func problemIn(t *testing.T, res *http.Response, body string) fault.Problem {
	t.Helper()
	var p fault.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != res.StatusCode || p.Instance == "" || p.Instance != res.Header.Get("X-Request-Id") || p.Code == "" {
		t.Errorf("%d %q is no whole problem (%v), request %q", res.StatusCode, body, err, res.Header.Get("X-Request-Id"))
	}
	return p
}

// The same addresses, whether services are in the process or elsewhere, over
// HTTP/1.1 and HTTP/2.
func TestServicesAreReached(t *testing.T) {
	secure, pool := certificate(t)
	memory, _ := inMemory(t, testService("user"))
	services := []Service{routed(memory, "user"), routed(onTCP(t, testService("video")), "video")}
	addr, _ := start(t, Config{TLS: secure, Services: services, Web: webApp()})
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		cfg := &tls.Config{RootCAs: pool}
		if proto == "HTTP/1.1" {
			cfg.NextProtos = []string{"http/1.1"}
		}
		c := client(t, cfg)
		c.Transport.(*http.Transport).ForceAttemptHTTP2 = proto == "HTTP/2.0"
		for _, name := range []string{"user", "video"} {
			base := "https://" + addr
			const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
			res, body := fetch(t, c, "GET", base+"/api/v1/"+name+"/seen?a=1", "", "X-Forwarded-For", "1.2.3.4", "X-Forwarded-Host", "evil.example",
				"X-Request-Id", "mine", "X-Real-Ip", "1.2.3.4", "Traceparent", trace, "User-Agent", "test")
			var got seen
			if err := json.Unmarshal([]byte(body), &got.Body); err != nil || res.StatusCode != 200 || res.Proto != proto {
				t.Fatalf("%s %s: %s %s %v", proto, name, res.Status, body, err)
			}
			b := got.Body
			if b.Client != netip.MustParseAddr("127.0.0.1") || b.Origin != base || b.Real != "" || b.Trace != trace || b.UserAgent != "test" {
				t.Errorf("%s %s saw %+v", proto, name, b)
			}
			if ids := res.Header.Values("X-Request-Id"); len(ids) != 1 || ids[0] != b.ID || len(b.ID) != 36 {
				t.Errorf("%s %s: ids %q, the service has %q", proto, name, ids, b.ID)
			}
			res, body = fetch(t, c, "GET", base+"/api/v1/"+name+"/gone", "")
			if p := problemIn(t, res, body); p.Code != fault.NotFound || p.Detail != "Gone." {
				t.Errorf("%s %s: %+v", proto, name, p)
			}
			if res, body := fetch(t, c, "POST", base+"/api/v1/"+name+"/echo", strings.Repeat("x", 1000)); res.StatusCode != 200 || body != "1000" {
				t.Errorf("%s %s: echo %d %s", proto, name, res.StatusCode, body)
			}
			if res, body := fetch(t, c, "GET", base+"/.well-known/"+name, ""); res.StatusCode != 200 || body != "known "+name {
				t.Errorf("%s %s: %d %s", proto, name, res.StatusCode, body)
			}
		}
		for path, status := range map[string]int{"/.well-known/other": 404, "/api/v1/users": 404, "/api/v1/streams": 200, "/api/v1/user/a%2f..%2fb": 404} {
			if res, body := fetch(t, c, "GET", "https://"+addr+path, ""); res.StatusCode != status {
				t.Errorf("%s: %d %s", path, res.StatusCode, body)
			}
		}
	}
}

func TestTrustedProxyInFront(t *testing.T) {
	memory, _ := inMemory(t, testService("user"))
	addr, _ := start(t, Config{Services: []Service{routed(memory, "user")}, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	for name, tc := range map[string]struct {
		headers []string
		want    httpd.Request
	}{
		"all":     {[]string{"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "tv.example.org", "X-Request-Id", "abc"}, httpd.Request{ID: "abc", Client: netip.MustParseAddr("203.0.113.9"), Origin: "https://tv.example.org"}},
		"rubbish": {[]string{"X-Forwarded-Proto", "gopher", "X-Request-Id", "a b"}, httpd.Request{Client: netip.MustParseAddr("127.0.0.1"), Origin: "http://" + addr}},
		// Who names our headers as hop-by-hop does not get rid of them.
		"hop by hop": {[]string{"Connection", "X-Forwarded-For, X-Request-Id, X-Secret", "X-Forwarded-For", "203.0.113.9", "X-Secret", "x"}, httpd.Request{Client: netip.MustParseAddr("203.0.113.9"), Origin: "http://" + addr}},
	} {
		_, body := fetch(t, client(t, nil), "GET", "http://"+addr+"/api/v1/user/seen", "", append(tc.headers, "User-Agent", "")...)
		var got seen
		if err := json.Unmarshal([]byte(body), &got.Body); err != nil {
			t.Fatal(err)
		}
		if tc.want.ID == "" && len(got.Body.ID) == 36 {
			tc.want.ID = got.Body.ID
		}
		if got.Body.Request != tc.want || got.Body.Connection != "" {
			t.Errorf("%s: %+v, want %+v", name, got.Body, tc.want)
		}
	}
}

// A service that is away, or breaks off, is a problem that names it.
func TestServiceAway(t *testing.T) {
	memory, stop := inMemory(t, testService("user"))
	stop()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(broken.Close)
	addr, _ := start(t, Config{Services: []Service{routed(memory, "user"), routed(Service{URL: "http://" + closed.Addr().String()}, "video"), routed(Service{URL: broken.URL}, "chat")}})
	for name, status := range map[string]int{"user": 503, "video": 503, "chat": 502} {
		res, body := fetch(t, client(t, nil), "POST", "http://"+addr+"/api/v1/"+name+"/x", "{}")
		if p := problemIn(t, res, body); p.Status != status || p.Code != fault.Unavailable || !strings.Contains(p.Detail, name) ||
			strings.Contains(body, "127.0.0.1") || (res.Header.Get("Retry-After") != "") != (status == 503) {
			t.Errorf("%s: %+v %v", name, p, res.Header)
		}
	}
	if res, body := fetch(t, client(t, nil), "GET", "http://"+addr+"/api/v1/openapi.yaml", ""); res.StatusCode != 200 || body != string(openAPI) {
		t.Errorf("openapi.yaml without services: %d", res.StatusCode)
	}
}

func TestBodies(t *testing.T) {
	memory, _ := inMemory(t, testService("user"))
	small, large := routed(memory, "user"), routed(memory, "avatar", "user/echo")
	large.BodyLimit = 4 << 20
	addr, _ := start(t, Config{Services: []Service{small, large}})
	c := client(t, nil)
	url := "http://" + addr + "/api/v1/user/echo"
	if res, body := fetch(t, c, "POST", url, strings.Repeat("x", 3<<20)); res.StatusCode != 200 || body != fmt.Sprint(3<<20) {
		t.Errorf("3 MiB: %d %s", res.StatusCode, body)
	}
	res, body := fetch(t, c, "POST", url, strings.Repeat("x", 4<<20+1))
	if p := problemIn(t, res, body); p.Code != fault.TooLarge {
		t.Errorf("announced: %+v", p)
	}
	// Of a length that is not known before.
	req, _ := http.NewRequest("POST", "http://"+addr+"/api/v1/user/other", struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 2<<20))})
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if p := problemIn(t, res, string(text)); p.Code != fault.TooLarge {
		t.Errorf("chunked: %+v", p)
	}
}

func TestWebSocketPasses(t *testing.T) {
	memory, _ := inMemory(t, testService("chat"))
	services := []Service{routed(memory, "chat"), routed(onTCP(t, testService("other")), "other")}
	addr, stop := start(t, Config{Services: services, MaxConns: 100})
	var conns []*client3.Conn
	for _, name := range []string{"chat", "other"} {
		conn, res, err := client3.DefaultDialer.Dial("ws://"+addr+"/api/v1/"+name+"/ws", nil)
		if err != nil {
			t.Fatal(err, res)
		}
		defer conn.Close()
		conns = append(conns, conn)
		if len(res.Header.Get("X-Request-Id")) != 36 {
			t.Errorf("request id %q", res.Header.Get("X-Request-Id"))
		}
		for _, text := range []string{"one", strings.Repeat("x", 100_000)} {
			if err := conn.WriteMessage(client3.TextMessage, []byte(text)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := conn.ReadMessage(); err != nil || string(got) != "echo "+text {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
		}
	}
	// They end when the gateway does.
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, conn := range conns {
		if _, _, err := conn.ReadMessage(); err == nil {
			t.Error("still open")
		}
	}
}

func TestTooManyWebSockets(t *testing.T) {
	m := newMetrics()
	p, err := newProxy(withDefaults(Config{MaxConns: 1}), m)
	if err != nil {
		t.Fatal(err)
	}
	defer p.end()
	up := &upstream{Service: Service{Name: "chat"}, proxy: p}
	if !p.upgrade() {
		t.Fatal("the first is too many")
	}
	r := httptest.NewRequest("GET", "/api/v1/chat/ws", nil)
	r.Header.Set("Upgrade", "WebSocket")
	w := httptest.NewRecorder()
	up.serve(w, r, via{})
	if w.Code != http.StatusServiceUnavailable || p.upgrades.Load() != 1 {
		t.Errorf("%d, %d open", w.Code, p.upgrades.Load())
	}
	p.downgrade()
	r.Header.Set("Upgrade", "h2c")
	if isWebSocket(r) || r.Header.Get("Upgrade") != "" {
		t.Error("another upgrade passes")
	}
}

// Each event passes when it is sent, for longer than an answer may take, and the
// service learns when the client leaves.
func TestEventsPass(t *testing.T) {
	s := testService("chat")
	next, left := make(chan string), make(chan error, 1)
	s.App.Get("/api/v1/chat/events", func(c fiber.Ctx) error {
		return s.Events(c, func(ctx context.Context, e *httpd.EventStream) error {
			for text := range next {
				if err := e.Send("", "", text); err != nil {
					return err
				}
			}
			for {
				if err := e.Beat(); err != nil {
					left <- err
					return err
				}
			}
		})
	})
	memory, _ := inMemory(t, s)
	const writeTimeout = 400 * time.Millisecond
	addr, _ := start(t, Config{Services: []Service{routed(memory, "chat")}, WriteTimeout: writeTimeout})
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/api/v1/chat/events", nil)
	req.Header.Set("Accept", "text/event-stream")
	began := time.Now()
	res, err := client(t, nil).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for i := 0; time.Since(began) < 2*writeTimeout; i++ {
		text := fmt.Sprintf("data: %d\n", i)
		next <- fmt.Sprint(i)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
			if line == text {
				break
			}
		}
	}
	leave()
	close(next)
	if err := <-left; err == nil {
		t.Error("no error")
	}
}

// A request under way is answered when the gateway is told to stop; one that is
// given too long is cut.
func TestDrainOfProxiedRequests(t *testing.T) {
	for name, drain := range map[string]time.Duration{"in time": 5 * time.Second, "cut": 50 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			s := testService("user")
			entered, finish := make(chan struct{}), make(chan struct{})
			s.App.Get("/api/v1/user/slow", func(c fiber.Ctx) error {
				close(entered)
				<-finish
				return c.SendString("whole")
			})
			memory, _ := inMemory(t, s)
			addr, stop := start(t, Config{Services: []Service{routed(memory, "user")}, Drain: drain})
			answer := make(chan string, 1)
			c := client(t, nil)
			go func() {
				res, err := c.Get("http://" + addr + "/api/v1/user/slow")
				if err != nil {
					answer <- "error"
					return
				}
				defer res.Body.Close()
				body, _ := io.ReadAll(res.Body)
				answer <- string(body)
			}()
			<-entered
			stopped := make(chan error, 1)
			go func() { stopped <- stop() }()
			if name == "cut" {
				if err := <-stopped; err != nil {
					t.Error(err)
				}
				close(finish)
				if got := <-answer; got == "whole" {
					t.Error("was not cut")
				}
				return
			}
			for { // until the port is closed
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					break
				}
				conn.Close()
			}
			close(finish)
			if got := <-answer; got != "whole" {
				t.Errorf("answer %q", got)
			}
			if err := <-stopped; err != nil {
				t.Error(err)
			}
		})
	}
}

// A client that sends its body slowly is answered, and holds nothing for longer.
func TestSlowBody(t *testing.T) {
	b := &timedBody{ReadCloser: io.NopCloser(failing{}), control: http.NewResponseController(httptest.NewRecorder())}
	if _, err := b.Read(make([]byte, 1)); err == nil || !b.failed.Load() {
		t.Error("a body that breaks off is not noted")
	}
	up := &upstream{Service: Service{Name: "user"}, proxy: &proxy{}}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/api/v1/user", nil)
	up.failed(w, r.WithContext(context.WithValue(r.Context(), bodyKey{}, b)), errors.New("i/o timeout"))
	if w.Code != http.StatusRequestTimeout {
		t.Errorf("%d", w.Code)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("i/o timeout") }

func proxiedClient(t *testing.T, pool *x509.CertPool, header string) *http.Client {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if err == nil {
				_, err = io.WriteString(conn, header)
			}
			return conn, err
		}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}
