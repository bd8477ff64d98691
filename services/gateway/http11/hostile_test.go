package http11

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const short = 100 * time.Millisecond // for what has to be over

func hello() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
}

// read reads n answers and fails the test where they are not hello.
func read(t *testing.T, in *bufio.Reader, n int) {
	t.Helper()
	for i := range n {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		if body, err := io.ReadAll(res.Body); err != nil || string(body) != "hello" || res.StatusCode != 200 {
			t.Fatalf("answer %d: %d %q %v", i, res.StatusCode, body, err)
		}
	}
}

const get = "GET /live/x HTTP/1.1\r\nHost: weir\r\n\r\n"

// Who does not send a head in time, or nothing after an answer, is not waited for.
func TestConnectionsThatSendTooLittle(t *testing.T) {
	for name, tc := range map[string]struct {
		send    string
		answers int
		cfg     config
	}{
		"nothing":         {"", 0, config{header: short}},
		"a byte":          {"G", 0, config{header: short}},
		"half a head":     {get[:30], 0, config{header: short}},
		"no more":         {get, 1, config{idle: short}},
		"half the second": {get + get[:30], 1, config{header: short}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, hello(), tc.cfg)
			c := dial(t, r.addr)
			io.WriteString(c, tc.send)
			in := bufio.NewReader(c)
			read(t, in, tc.answers)
			if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
				t.Errorf("%q, %v", rest, err)
			}
			r.stop()
			if r.ended.Load() != 1 || r.over.Load() != 0 {
				t.Errorf("%d ended, %d handed over", r.ended.Load(), r.over.Load())
			}
		})
	}
}

// The time for a head begins with its first byte, and more bytes give no more time.
func TestSlowHead(t *testing.T) {
	r := newRig(t, hello(), config{header: short, idle: time.Minute})
	c := dial(t, r.addr)
	io.WriteString(c, get)
	in := bufio.NewReader(c)
	read(t, in, 1)
	io.WriteString(c, "GET /live/x HTTP/1.1\r\nX: ")
	end := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		more := time.NewTicker(short / 20)
		defer more.Stop()
		for {
			select {
			case <-more.C:
				io.WriteString(c, "x") // until the server has closed
			case <-end:
				return
			}
		}
	})
	if rest, err := io.ReadAll(in); len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%q, %v", rest, err)
	}
	close(end)
	writing.Wait()
}

func TestPipelined(t *testing.T) {
	const n = 20_000
	r := newRig(t, hello(), config{})
	c := dial(t, r.addr)
	go io.WriteString(c, strings.Repeat(get, n))
	read(t, bufio.NewReader(c), n)
	if r.here.Load() != n || r.over.Load() != 0 {
		t.Errorf("%d answered, %d handed over", r.here.Load(), r.over.Load())
	}
}

// Answers that find no room wait for it, and come whole.
func TestAnswersThatWait(t *testing.T) {
	const pieces = 10_000 // more than the system takes at once
	var all atomic.Int64
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range pieces {
			n, _ := w.Write(make([]byte, 3000))
			all.Add(int64(n))
			w.(http.Flusher).Flush()
		}
	}), config{})
	c := dial(t, r.addr)
	io.WriteString(c, get)
	res, err := http.ReadResponse(bufio.NewReaderSize(c, 100), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, res.Body); n != pieces*3000 || n != all.Load() || err != nil {
		t.Errorf("%d of %d bytes, %v", n, all.Load(), err)
	}
}

// A head may come in any pieces.
func TestPieces(t *testing.T) {
	r := newRig(t, hello(), config{})
	long := "GET /live/x HTTP/1.1\r\nHost: weir\r\nX: " + strings.Repeat("x", 7000) + "\r\n\r\n"
	for name, send := range map[string]string{"short": get, "long": long} {
		c := dial(t, r.addr)
		c.SetNoDelay(true)
		in := bufio.NewReader(c)
		for _, size := range []int{1, 7, len(send)/2 + 1} {
			all := send
			for len(all) > 0 {
				n := min(size, len(all))
				if len(send) > 1000 {
					n = min(max(size, 100), len(all))
				}
				io.WriteString(c, all[:n])
				all = all[n:]
			}
			read(t, in, 1)
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
	if r.over.Load() != 0 {
		t.Error("handed over")
	}
}

// Who says that nothing more will come still gets the answer.
func TestHalfClosed(t *testing.T) {
	r := newRig(t, hello(), config{})
	c := dial(t, r.addr)
	io.WriteString(c, get)
	c.CloseWrite()
	in := bufio.NewReader(c)
	read(t, in, 1)
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

// Who takes nothing loses the connection, by the server's time or by the handler's.
func TestClientThatTakesNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg    config
		within time.Duration
		piece  int // bytes of a write
	}{"server": {config{write: short}, 0, 1 << 20}, "handler": {config{}, short, 1 << 20}, "little by little": {config{write: short}, 0, 3000}} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 1)
			r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tc.within > 0 {
					if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(tc.within)); err != nil {
						t.Error(err)
					}
				}
				for {
					if _, err := w.Write(make([]byte, tc.piece)); err != nil {
						failed <- err
						return
					}
				}
			}), tc.cfg)
			io.WriteString(dial(t, r.addr), get)
			if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}

// A held request has no buffer, and what came behind it is not lost.
func TestHeldRequestHasNoBuffer(t *testing.T) {
	held, free := make(chan int), make(chan struct{})
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		held <- len(w.(*response).c.buf)
		<-free
		io.WriteString(w, "hello")
	}), config{})
	c := dial(t, r.addr)
	in := bufio.NewReader(c)
	io.WriteString(c, get)
	if n := <-held; n != 0 {
		t.Errorf("%d bytes are kept", n)
	}
	io.WriteString(c, get)
	free <- struct{}{}
	read(t, in, 1)
	<-held
	free <- struct{}{}
	read(t, in, 1)
}

// A handler that panics is told of, with who asked; one that aborts is not.
func TestPanic(t *testing.T) {
	for name, tc := range map[string]struct {
		with any
		told bool
	}{"panic": {"hostile", true}, "abort": {http.ErrAbortHandler, false}} {
		var log bytes.Buffer
		r := newRig(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(tc.with) }), config{log: slog.New(slog.NewTextHandler(&log, nil))})
		c := dial(t, r.addr)
		io.WriteString(c, get)
		if rest, err := io.ReadAll(c); len(rest) > 0 || err != nil {
			t.Errorf("%s: %q, %v", name, rest, err)
		}
		r.stop()
		if told := strings.Contains(log.String(), "hostile") && strings.Contains(log.String(), c.LocalAddr().String()); told != tc.told {
			t.Errorf("%s: logged %q", name, log.String())
		}
	}
}

func TestShutdown(t *testing.T) {
	entered, finish := make(chan struct{}), make(chan struct{})
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/live/x":
			io.WriteString(w, "hello")
		case "/live/held":
			entered <- struct{}{}
			<-q.Context().Done()
			close(finish)
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.(http.Flusher).Flush()
			entered <- struct{}{}
			<-finish
			io.WriteString(w, "hello")
		}
	}), config{})
	idle, held, sending, fresh := dial(t, r.addr), dial(t, r.addr), dial(t, r.addr), dial(t, r.addr)
	in := bufio.NewReader(idle)
	io.WriteString(idle, get)
	read(t, in, 1)
	io.WriteString(held, strings.Replace(get, "/x", "/held", 1))
	io.WriteString(sending, strings.Replace(get, "/x", "/sending", 1)+get)
	<-entered
	<-entered
	r.stop()
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("idle: %v", err)
	}
	if _, err := fresh.Read(make([]byte, 1)); err == nil {
		t.Error("a connection without a request was answered")
	}
	if res, err := http.ReadResponse(bufio.NewReader(held), nil); err != nil || res.StatusCode != 503 || !res.Close {
		t.Errorf("held: %+v, %v", res, err)
	}
	all := bufio.NewReader(sending)
	read(t, all, 1)
	if rest, err := io.ReadAll(all); strings.Contains(string(rest), "hello") {
		t.Errorf("a request was answered after the end: %q, %v", rest, err)
	}
	if n := r.ended.Load(); n != 4 && n != 3 { // the system may have kept the fresh one to itself
		t.Errorf("%d connections ended", n)
	}
}

// Who takes too long is cut off.
func TestShutdownDoesNotWaitForEver(t *testing.T) {
	entered := make(chan struct{})
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}), config{drain: short})
	io.WriteString(dial(t, r.addr), get)
	<-entered
	r.stop()
	if r.ended.Load() != 1 {
		t.Errorf("%d connections ended", r.ended.Load())
	}
}

// failing is a listener with an error to come.
type failing struct {
	net.Listener
	errs chan error
}

func (l failing) Accept() (net.Conn, error) { return nil, <-l.errs }

func TestErrorsOfAccept(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	l := failing{inner, make(chan error, 3)}
	l.errs <- &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	l.errs <- &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.ECONNABORTED)}
	l.errs <- syscall.EINVAL
	s := &Server{Base: context.Background()}
	s.Open(l)
	if err := s.Serve(l); !errors.Is(err, syscall.EINVAL) || len(l.errs) != 0 {
		t.Errorf("%v, %d more", err, len(l.errs))
	}
}

func TestNear(t *testing.T) {
	now := time.Now()
	in := func(d time.Duration) time.Time { return now.Add(d) }
	for i, tc := range []struct {
		stands, wanted time.Time
		near           bool
	}{
		{in(60 * time.Second), in(60 * time.Second), true},
		{in(59100 * time.Millisecond), in(60 * time.Second), true},
		{in(59 * time.Second), in(60 * time.Second), false},
		{in(61 * time.Second), in(60 * time.Second), false},
		{in(95 * time.Millisecond), in(100 * time.Millisecond), true},
		{in(-5 * time.Millisecond), in(100 * time.Millisecond), false},
		{in(-time.Second), in(-time.Second), false},
		{time.Time{}, in(time.Second), false},
		{in(time.Second), time.Time{}, false},
	} {
		if got := near(tc.stands, tc.wanted, now); got != tc.near {
			t.Errorf("%d: %v", i, got)
		}
	}
}

// A length that is none does not reach the wire.
func TestBadLength(t *testing.T) {
	for _, length := range []string{"-1", "x", "1, 2", ""} {
		r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", length)
			io.WriteString(w, "hello")
		}), config{})
		c := dial(t, r.addr)
		fmt.Fprint(c, get)
		read(t, bufio.NewReader(c), 1)
	}
}
