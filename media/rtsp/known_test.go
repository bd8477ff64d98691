package rtsp

import (
	"errors"
	"net"
	"testing"

	"go.uber.org/goleak"
)

// shy is a connection that says who it is with its first byte.
type shy struct{ net.Conn }

func (c shy) RemoteAddr() net.Addr {
	_, _ = c.Read(make([]byte, 1))
	return c.Conn.RemoteAddr()
}

type shyListener struct{ net.Listener }

func (l shyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return shy{c}, nil
}

// TestKnown: nobody waits for who does not say who it is, and Close for nobody at all.
func TestKnown(t *testing.T) {
	defer goleak.VerifyNone(t)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := NewKnown(shyListener{lis})
	dial := func() net.Conn {
		c, err := net.Dial("tcp", lis.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	silent, talks := dial(), dial()
	defer silent.Close()
	defer talks.Close()
	if _, err := talks.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	c, err := k.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if got := c.(shy).Conn.RemoteAddr().String(); got != talks.LocalAddr().String() {
		t.Errorf("%s was let in", got)
	}
	_ = c.Close()
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if _, err := k.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if n, err := silent.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("the silent one is still there")
	}
}

// TestKnownUnused: what nobody was asked of can be closed, twice too.
func TestKnownUnused(t *testing.T) {
	defer goleak.VerifyNone(t)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := NewKnown(lis)
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if err := k.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("once more: %v", err)
	}
}
