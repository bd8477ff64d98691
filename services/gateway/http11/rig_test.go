package http11

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/services/proxied"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a server in front of net/http, as the gateway has it.
type rig struct {
	*Server
	addr   string
	over   atomic.Int64 // connections that were handed over
	ended  atomic.Int64 // connections that ended here
	here   atomic.Int64 // requests that were answered here
	cancel context.CancelFunc
	stop   func() // once; ends all of it
}

// config is what tests set; the rest has long times.
type config struct {
	header, write, idle, drain time.Duration
	log                        *slog.Logger
	trusted                    []netip.Prefix // who may begin with a PROXY header
}

func newRig(t *testing.T, h http.Handler, cfg config) *rig {
	t.Helper()
	or := func(d, other time.Duration) time.Duration {
		if d == 0 {
			return other
		}
		return d
	}
	if cfg.log == nil {
		cfg.log = slog.New(slog.DiscardHandler)
	}
	r := &rig{}
	ctx, cancel := context.WithCancel(context.Background())
	behind := &http.Server{Handler: h, ReadHeaderTimeout: or(cfg.header, time.Minute), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
		BaseContext: func(net.Listener) context.Context { return ctx }, MaxHeaderBytes: maxHead}
	behind.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			r.over.Add(1)
		}
	}
	r.cancel = cancel
	counted := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.here.Add(1)
		h.ServeHTTP(w, q)
	})
	r.Server = &Server{Handler: counted, Prefixes: []string{"/live/", "/vod/"}, Base: context.WithValue(ctx, http.ServerContextKey, behind),
		HeaderTimeout: or(cfg.header, time.Minute), WriteTimeout: or(cfg.write, time.Minute), IdleTimeout: or(cfg.idle, time.Minute),
		Ended: func() { r.ended.Add(1) }, Log: cfg.log}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	l = proxied.Listener{Listener: l, Trusted: cfg.trusted, Timeout: time.Minute}
	rest := r.Open(l)
	var serving sync.WaitGroup
	serving.Go(func() { behind.Serve(rest) })
	serving.Go(func() {
		if err := r.Serve(l); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	r.stop = sync.OnceFunc(func() {
		cancel()
		drain, done := context.WithTimeout(context.Background(), or(cfg.drain, time.Minute))
		defer done()
		l.Close()
		behind.Close()
		r.Shutdown(drain)
		serving.Wait()
	})
	t.Cleanup(r.stop)
	return r
}

// dial is a connection that fails the test rather than to wait for ever.
func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c.(*net.TCPConn)
}

// answers of one connection, to its end.
type answered struct {
	Status int
	Header string
	Body   string
	Length int64
	Coding string
	Close  bool
	Broken bool
}

// exchange sends all at once and reads until the connection ends. methods are those of
// the answers; the rest of them are GET.
func exchange(t *testing.T, addr, send string, methods ...string) (list []answered) {
	t.Helper()
	c := dial(t, addr)
	go io.WriteString(c, send)
	in := bufio.NewReader(c)
	for i := 0; ; i++ {
		method := http.MethodGet
		if i < len(methods) {
			method = methods[i]
		}
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return list
		}
		body, err := io.ReadAll(res.Body)
		res.Header.Del("Date")
		if _, boundary, ok := strings.Cut(res.Header.Get("Content-Type"), "boundary="); ok {
			body = []byte(strings.ReplaceAll(string(body), boundary, "boundary"))
			res.Header.Set("Content-Type", "multipart/byteranges")
		}
		var lines []string
		for k, v := range res.Header {
			lines = append(lines, fmt.Sprintf("%s: %q", k, v))
		}
		slices.Sort(lines)
		list = append(list, answered{res.StatusCode, strings.Join(lines, "\n"), string(body), res.ContentLength, strings.Join(res.TransferEncoding, ","), res.Close, err != nil})
		if res.Close {
			c.Close()
		}
	}
}

// media is a handler with all that handlers do.
func media(t *testing.T) http.Handler {
	path := filepath.Join(t.TempDir(), "segment")
	if err := os.WriteFile(path, []byte(strings.Repeat("0123456789", 20_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Repeat("x", 5000))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(broken.Close)
	to, err := url.Parse(broken.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Transport: &http.Transport{DisableKeepAlives: true}}
	mux := http.NewServeMux()
	on := func(name string, f func(w http.ResponseWriter, r *http.Request)) { mux.HandleFunc("/live/"+name, f) }
	text := func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/plain") }
	on("echo", func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %q %q %+v %s %d %d %q %s %v %v %d %q %v", r.Method, r.RequestURI, r.URL.String(), *r.URL, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Host, host, r.Header, r.TransferEncoding, r.ContentLength, body, r.Close)
	})
	on("empty", func(http.ResponseWriter, *http.Request) {})
	on("length", func(w http.ResponseWriter, _ *http.Request) {
		text(w)
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "01234")
		io.WriteString(w, "56789")
	})
	on("big", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(strings.Repeat("big", 50_000))) })
	on("bigLength", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "150000")
		w.Write([]byte(strings.Repeat("big", 50_000)))
	})
	on("pieces", func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			io.WriteString(w, "piece")
		}
	})
	on("flush", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "one")
		http.NewResponseController(w).Flush()
		io.WriteString(w, strings.Repeat("two", 3000))
		w.(http.Flusher).Flush()
		w.(http.Flusher).Flush()
	})
	on("flushFirst", func(w http.ResponseWriter, _ *http.Request) {
		text(w)
		w.(http.Flusher).Flush()
		io.WriteString(w, "late")
	})
	on("steps", func(w http.ResponseWriter, r *http.Request) { // flushes, and writes of so many bytes
		text(w)
		if n := r.FormValue("length"); n != "" {
			w.Header().Set("Content-Length", n)
		}
		for i, step := range strings.Split(r.FormValue("of"), ".") {
			if n, err := strconv.Atoi(step); err == nil {
				io.WriteString(w, strings.Repeat(strconv.Itoa(i), n))
			} else {
				w.(http.Flusher).Flush()
			}
		}
	})
	on("file", func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		w.Header().Set("Content-Type", "video/mp4")
		w.Header().Set("Etag", `"tag"`)
		http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), f)
	})
	on("copy", func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		n, err := io.Copy(w, f) // no length, no type
		if n != 200_000 || err != nil {
			t.Errorf("copied %d: %v", n, err)
		}
	})
	for _, status := range []int{204, 304, 404, 503} {
		on(strconv.Itoa(status), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "5")
			w.Header().Set("Content-Length", "4")
			text(w)
			w.WriteHeader(status)
			w.WriteHeader(200)
			io.WriteString(w, "body")
		})
	}
	on("error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) })
	on("close", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	})
	on("short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "01234")
	})
	on("long", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		if n, err := io.WriteString(w, "0123456789"); n != 0 || r.Method != "HEAD" && !errors.Is(err, http.ErrContentLength) {
			t.Errorf("%d, %v", n, err)
		}
	})
	on("panic", func(w http.ResponseWriter, _ *http.Request) { panic("hostile") })
	on("abort", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Repeat("x", 3000))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	on("split", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-A", "b\r\nX-C: d\n\n")
		w.Header()["X B"] = []string{"not a token"}
		w.Header().Add("X-D", "1")
		w.Header().Add("X-D", "2")
	})
	on("date", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", "Thu, 01 Jan 1970 00:00:00 GMT") })
	on("packed", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "<html>")
	})
	on("sniff", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") })
	on("proxy", proxy.ServeHTTP)
	return mux
}
