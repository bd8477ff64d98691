package http11

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// A request ends when its client has left, whether that says so or not, and no other does:
// what is told to the handler, and what the connection gives back.
func TestClientThatLeaves(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, tc := range map[string]struct {
		trusted []netip.Prefix
		send    string
		leave   func(*net.TCPConn)
	}{
		"closes":         {nil, get, func(c *net.TCPConn) { c.Close() }},
		"says no more":   {nil, get, func(c *net.TCPConn) { c.CloseWrite() }},
		"resets":         {nil, get, func(c *net.TCPConn) { c.SetLinger(0); c.Close() }},
		"behind a proxy": {loopback, "PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\n" + get, func(c *net.TCPConn) { c.Close() }},
		"proxy's own":    {loopback, get, func(c *net.TCPConn) { c.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held, told, free := make(chan context.Context), make(chan struct{}), make(chan struct{})
			r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				held <- q.Context()
				if q.URL.Path == "/live/x" {
					<-q.Context().Done() // the server's own watch finds out
					close(told)
					return
				}
				<-free
				io.WriteString(w, "hello")
			}), config{trusted: tc.trusted})
			stays, sends, leaves := dial(t, r.addr), dial(t, r.addr), dial(t, r.addr)
			other := strings.Replace(get, "/x", "/y", 1)
			var others []context.Context
			for _, c := range []net.Conn{stays, sends} {
				io.WriteString(c, other)
				others = append(others, <-held)
			}
			io.WriteString(sends, other)
			io.WriteString(leaves, tc.send)
			<-held
			tc.leave(leaves)
			<-told
			r.look(nil)
			for i, ctx := range others {
				if ctx.Err() != nil {
					t.Errorf("request %d of who is there has ended", i)
				}
			}
			free <- struct{}{}
			free <- struct{}{}
			<-held
			free <- struct{}{}
			read(t, bufio.NewReader(stays), 1)
			read(t, bufio.NewReader(sends), 2)
		})
	}
}

// The deadline that a handler sets counts for the file that it sends next, too.
func TestDeadlineOfFile(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 30); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1073741824")
		w.Header().Set("Content-Type", "video/mp4")
		w.(http.Flusher).Flush()
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(short))
		_, err := io.Copy(w, f)
		failed <- err
	}), config{write: time.Hour})
	io.WriteString(dial(t, r.addr), get)
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}
