package rtmp

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSocketRead holds that a socket reads as its net.TCPConn does.
func TestSocketRead(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	pair := func(t *testing.T) (ours net.Conn, theirs *net.TCPConn) {
		c, err := net.Dial("tcp", lis.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		bare, err := lis.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { bare.Close() })
		ours = quick(bare)
		if _, ok := ours.(*socket); !ok {
			t.Fatalf("%T of a TCP connection", ours)
		}
		return ours, c.(*net.TCPConn)
	}
	t.Run("all, then the end", func(t *testing.T) {
		ours, theirs := pair(t)
		go func() {
			for _, s := range []string{"now ", "and ", "then"} {
				theirs.Write([]byte(s))
			}
			theirs.Close()
		}()
		if n, err := ours.Read(nil); n != 0 || err != nil {
			t.Errorf("nothing wanted: %d, %v", n, err)
		}
		if got, err := io.ReadAll(ours); string(got) != "now and then" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("a deadline ends a read that waits", func(t *testing.T) {
		ours, _ := pair(t)
		result := make(chan error)
		go func() {
			_, err := ours.Read(make([]byte, 1))
			result <- err
		}()
		ours.SetReadDeadline(time.Now())
		if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("a reset", func(t *testing.T) {
		ours, theirs := pair(t)
		theirs.SetLinger(0)
		theirs.Close()
		if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
			t.Error(err)
		}
	})
	t.Run("patient", func(t *testing.T) {
		ours, theirs := pair(t)
		if err := ours.(*socket).patient(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4*enough)
		for _, size := range []int{enough - 1, enough, 3 * enough, 1} { // less than enough comes too, later
			ours.SetReadDeadline(time.Now().Add(time.Minute))
			theirs.Write(make([]byte, size))
			if n, err := ours.Read(buf); n != size || err != nil {
				t.Errorf("%d, %v of %d bytes", n, err, size)
			}
		}
		theirs.Write([]byte("a"))
		go func() {
			theirs.Write(make([]byte, enough-1))
		}()
		if n, err := io.ReadAtLeast(ours, buf, enough); n != enough || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		ours.SetReadDeadline(time.Now().Add(3 * lull)) // beyond the first look
		if _, err := ours.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		result := make(chan error)
		ours.SetReadDeadline(time.Time{})
		go func() {
			_, err := ours.Read(buf)
			result <- err
		}()
		ours.SetReadDeadline(time.Now())
		if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		ours.SetReadDeadline(time.Time{})
		theirs.Write([]byte("last"))
		theirs.Close()
		if got, err := io.ReadAll(ours); string(got) != "last" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		ours, _ := pair(t)
		ours.Close()
		if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	if a, b := net.Pipe(); quick(a) != a {
		t.Error("what is no TCP connection was changed")
	} else {
		a.Close()
		b.Close()
	}
}
