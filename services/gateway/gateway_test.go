package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"weir/services/certificate/certificatetest"
)

func TestMain(m *testing.M) {
	// fasthttp's worker pool notices its end only after a sleep of 10 s, and its
	// clock never ends.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// webApp is what a build of the web app looks like.
func webApp() fstest.MapFS {
	return fstest.MapFS{
		"index.html":             {Data: []byte("<!doctype html><title>app</title>")},
		"watch.html":             {Data: []byte("<!doctype html><title>app with a player</title>")},
		"assets/app-1a2b3c4d.js": {Data: []byte("console.log('" + strings.Repeat("x", 2000) + "')")},
		"favicon.svg":            {Data: []byte("<svg/>")},
		".keep":                  {Data: []byte("x")},
	}
}

// start serves a gateway on a free port until the test ends and returns its
// address. stop asks it to end and returns what Run returned.
func start(t *testing.T, cfg Config) (addr string, stop func() error) {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	g, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	var result error
	stopped := false
	stop = func() error {
		if !stopped {
			stopped = true
			cancel()
			result = <-ended
		}
		return result
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return g.Addr().String(), stop
}

func client(t *testing.T, tlsConfig *tls.Config) *http.Client {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: tlsConfig, ForceAttemptHTTP2: tlsConfig != nil, DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// certificate is a self-signed one for 127.0.0.1.
func certificate(t *testing.T) (server *tls.Config, pool *x509.CertPool) {
	t.Helper()
	cert := certificatetest.New(t, 1)
	pool = x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	return &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}, pool
}

func TestTLSSpeaksBothAndNothingElse(t *testing.T) {
	secure, pool := certificate(t)
	addr, _ := start(t, Config{TLS: secure, Web: webApp()})
	for proto, cfg := range map[string]*tls.Config{
		"HTTP/2.0": {RootCAs: pool},
		"HTTP/1.1": {RootCAs: pool, NextProtos: []string{"http/1.1"}},
	} {
		c := client(t, cfg)
		c.Transport.(*http.Transport).ForceAttemptHTTP2 = proto == "HTTP/2.0"
		res, err := c.Get("https://" + addr + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.Proto != proto || res.StatusCode != 200 {
			t.Errorf("%s %d, want %s 200", res.Proto, res.StatusCode, proto)
		}
	}
	res, err := client(t, nil).Get("http://" + addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP on the TLS port: %d", res.StatusCode)
	}
}

func TestOpenFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Open(context.Background(), Config{Addr: l.Addr().String()}); err == nil {
		t.Error("an address in use: no error")
	}
}

// A held request ends at once when the process stops; one that is being answered
// is answered to its end.
func TestShutdown(t *testing.T) {
	entered, finish := make(chan string, 2), make(chan struct{})
	media := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "held") {
			entered <- "held"
			<-r.Context().Done()
			close(finish)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		entered <- "sending"
		<-finish
		io.WriteString(w, "whole")
	})
	addr, stop := start(t, Config{Media: media})
	c := client(t, nil)
	type answer struct {
		status int
		body   string
		err    error
	}
	get := func(path string) <-chan answer {
		out := make(chan answer, 1)
		go func() {
			res, err := c.Get("http://" + addr + path)
			if err != nil {
				out <- answer{err: err}
				return
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			out <- answer{res.StatusCode, string(body), err}
		}()
		return out
	}
	held, sending := get("/live/held"), get("/live/sending")
	<-entered
	<-entered
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if a := <-held; a.err != nil || a.status != http.StatusServiceUnavailable {
		t.Errorf("held: %+v", a)
	}
	if a := <-sending; a.err != nil || a.body != "whole" {
		t.Errorf("sending: %+v", a)
	}
}

func TestRunWithDoneContextCloses(t *testing.T) {
	g, err := Open(context.Background(), Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := g.Run(ctx); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", g.Addr().String())
	if err != nil {
		t.Fatalf("the port is still bound: %v", err)
	}
	l.Close()
}

// The origin must see the server's own writer: sendfile and flushing hang on it. Which
// server that is, one request says: only net/http's connections can be taken over.
func TestMediaGetsTheServersWriter(t *testing.T) {
	type seen struct{ readerFrom, flusher, hijacker bool }
	got := make(chan seen, 1)
	media := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, rf := w.(io.ReaderFrom)
		_, fl := w.(http.Flusher)
		_, hj := w.(http.Hijacker)
		got <- seen{rf, fl, hj}
	})
	addr, _ := start(t, Config{Media: media})
	for method, want := range map[string]seen{"GET": {true, true, false}, "POST": {true, true, true}} {
		req, _ := http.NewRequest(method, "http://"+addr+"/live/x/seg.m4s", nil)
		res, err := client(t, nil).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if s := <-got; s != want {
			t.Errorf("%s: writer is wrapped: %+v", method, s)
		}
	}
}

func TestHostileConnections(t *testing.T) {
	const header = "GET /healthz HTTP/1.1\r\nHost: x\r\n"
	tests := map[string]struct {
		send string
		want string // the first line of the answer; empty: closed without one
	}{
		"header never ends":   {header, ""},
		"nothing at all":      {"", ""},
		"huge header":         {header + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "HTTP/1.1 431"},
		"huge address":        {"GET /" + strings.Repeat("a", 2000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 414"},
		"huge query":          {"GET /?" + strings.Repeat("a", 5000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 414"},
		"not HTTP":            {"\x16\x03\x01\x02\x00\x01\r\n\r\n", "HTTP/1.1 400"},
		"bad method":          {"BREW /api/v1/streams HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405"},
		"post to a page":      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n", "HTTP/1.1 405"},
		"two lengths":         {header + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 400"},
		"connect":             {"CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n", "HTTP/1.1 405"},
		"raw traversal":       {"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404"},
		"no leading slash":    {"GET etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400"},
		"absolute form":       {"GET http://other/healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200"},
		"no host in HTTP/1.1": {"GET /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
	}
	addr, _ := start(t, Config{HeaderTimeout: 200 * time.Millisecond, Web: webApp()})
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, tc.send) // the server may close before it has all
			line, err := bufio.NewReader(conn).ReadString('\n')
			if tc.want == "" {
				if line != "" || err == nil {
					t.Fatalf("%q, %v; want the connection closed", line, err)
				}
				return
			}
			if !strings.HasPrefix(line, tc.want) {
				t.Errorf("%q, %v; want %s", line, err, tc.want)
			}
		})
	}
}

func TestConnectionCap(t *testing.T) {
	addr, _ := start(t, Config{MaxConns: 2})
	var conns []net.Conn
	paths := []string{"/healthz", "/live/x"} // by net/http, and in front of it
	asked := 0
	ask := func() (net.Conn, error) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "GET "+paths[asked%2]+" HTTP/1.1\r\nHost: x\r\n\r\n")
		asked++
		_, err = http.ReadResponse(bufio.NewReader(conn), nil)
		return conn, err
	}
	for range 2 {
		conn, err := ask()
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	third, err := ask()
	third.Close()
	if err == nil {
		t.Fatal("a third connection was served")
	}
	for _, c := range conns {
		c.Close()
	}
	// The server notices the closing soon; until then a try is refused.
	for {
		conn, err := ask()
		conn.Close()
		if err == nil {
			return
		}
	}
}

// A client that takes nothing loses its connection after WriteTimeout, and the
// handler its write.
func TestClientThatTakesNothing(t *testing.T) {
	failed := make(chan error, 1)
	media := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		for {
			if _, err := w.Write(chunk); err != nil {
				failed <- err
				return
			}
		}
	})
	addr, _ := start(t, Config{Media: media, WriteTimeout: 200 * time.Millisecond})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /live/x HTTP/1.1\r\nHost: x\r\n\r\n")
	var ne net.Error
	if err := <-failed; !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("write ended with %v, want a timeout", err)
	}
}

func newTestRouter(t testing.TB, cfg Config) http.Handler {
	t.Helper()
	rt, err := newRouter(withDefaults(cfg), newMetrics())
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

func do(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
