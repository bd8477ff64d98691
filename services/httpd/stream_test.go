package httpd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"golang.org/x/net/nettest"
)

func slowHandler(entered chan<- struct{}, finish <-chan struct{}) fiber.Handler {
	return func(c fiber.Ctx) error {
		close(entered)
		<-finish
		return c.SendString("whole")
	}
}

func heldHandler(entered chan<- struct{}) fiber.Handler {
	return func(c fiber.Ctx) error {
		close(entered)
		<-c.Context().Done()
		return c.Context().Err()
	}
}

func TestEvents(t *testing.T) {
	s := New(Config{Service: "note"})
	more := make(chan string)
	s.App.Get("/events", func(c fiber.Ctx) error {
		return s.Events(c, func(ctx context.Context, e *EventStream) error {
			for {
				select {
				case text := <-more:
					if err := e.Send("1\n2", "note\r", text); err != nil {
						return err
					}
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
	})
	r := serve(t, s)
	res, err := r.client.Get("http://note.test/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if ct := res.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("Content-Type %q", ct)
	}
	lines := bufio.NewScanner(res.Body)
	read := func(want ...string) {
		t.Helper()
		for _, w := range want {
			if !lines.Scan() || lines.Text() != w {
				t.Fatalf("line %q, want %q (%v)", lines.Text(), w, lines.Err())
			}
		}
	}
	read(":", "")
	more <- "a\r\nb\nid: 9"
	read("id: 12", "event: note", "data: a", "data: b", "data: id: 9", "")
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	if lines.Scan() {
		t.Errorf("line %q after the end", lines.Text())
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A stream whose client left ends at its next beat.
func TestEventsEndWithTheClient(t *testing.T) {
	s, ended := New(Config{Service: "note"}), make(chan error, 1)
	s.App.Get("/events", func(c fiber.Ctx) error {
		return s.Events(c, func(_ context.Context, e *EventStream) error {
			for {
				if err := e.Beat(); err != nil {
					ended <- err
					return err
				}
			}
		})
	})
	r := serve(t, s)
	ctx, leave := context.WithCancel(context.Background())
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://note.test/events", nil)
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	leave()
	res.Body.Close()
	if err := <-ended; err == nil {
		t.Error("no error")
	}
}

func TestMemoryIsAConnection(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		l, dial := Memory()
		accepted := make(chan net.Conn, 1)
		go func() {
			c, _ := l.Accept()
			accepted <- c
		}()
		near, err := dial(context.Background())
		far := <-accepted
		// Only this direction fails as nettest wants it: see vanish.
		return far, near, func() { near.Close(); far.Close(); l.Close() }, err
	})
}

func TestMemoryEnds(t *testing.T) {
	l, dial := Memory()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := dial(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("dial with a done context: %v", err)
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	near, err := dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	far := <-accepted
	io.WriteString(far, "bye")
	far.Close()
	if text, err := io.ReadAll(near); string(text) != "bye" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	if n, err := near.Write(make([]byte, 1<<20)); n != 1<<20 || err != nil {
		t.Errorf("a client's write after the end: %d, %v", n, err)
	}
	near.Close()
	near.SetReadDeadline(time.Now())
	if _, err := near.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	l.Close()
	l.Close()
	if _, err := dial(context.Background()); !errors.Is(err, ErrNotServing) {
		t.Errorf("dial after close: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
}

// The buffer is bounded: a writer waits for its reader, and for no longer than its
// deadline.
func TestMemoryIsBounded(t *testing.T) {
	p := newPipe()
	p.setDeadline(&p.writeBy, time.Now().Add(20*time.Millisecond))
	n, err := p.write(make([]byte, memoryBuffer+1))
	if n != memoryBuffer || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d, %v", n, err)
	}
}

// What is no HTTP, too long or too slow is answered with a problem too.
func TestHostileConnections(t *testing.T) {
	var l logs
	r := serve(t, fixture(Config{Timeout: 100 * time.Millisecond, Log: l.logger()}))
	const put = "PUT /api/v1/notes/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, tc := range map[string]struct {
		send string
		want string
	}{
		"no HTTP":          {"\x16\x03\x01\x02\r\n\r\n", "400"},
		"huge header":      {put + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431"},
		"announced body":   {put + "Content-Length: 99999999\r\n\r\n", "413"},
		"chunked body":     {put + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat("x", 0x200000), "413"},
		"slow body":        {put + "Content-Length: 20\r\n\r\n{", "408"},
		"two lengths":      {put + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "400"},
		"newline in value": {"GET /api/v1/request HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\n\tb: c\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := r.dial(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			written := make(chan struct{})
			go func() {
				defer close(written)
				io.WriteString(conn, tc.send)
			}()
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			if tc.want == "" {
				if id := res.Header.Get("X-Request-Id"); res.StatusCode == 200 && (len(id) != 36 || res.Header.Get("B") != "") {
					t.Errorf("%d, id %q", res.StatusCode, id)
				}
			} else if p := problemOf(t, res, string(body)); !strings.HasPrefix(res.Status, tc.want) {
				t.Errorf("%s %+v, want %s", res.Status, p, tc.want)
			}
			conn.Close()
			<-written
		})
	}
}

// A handler cannot be made to write a header line of the caller's.
func TestHeaderInjection(t *testing.T) {
	s := New(Config{Service: "note"})
	s.App.Get("/go", func(c fiber.Ctx) error {
		c.Set("Location", "/"+c.Query("to"))
		return c.SendStatus(302)
	})
	r := serve(t, s)
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, _ := r.do(t, "GET", "/go?to=x%0d%0aSet-Cookie:%20evil=1%0d%0a%0d%0abody", "")
	if res.StatusCode != 302 || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}
