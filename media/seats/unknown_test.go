package seats

import (
	"context"
	"net"
	"testing"
)

// late is a connection whose address is known once it is closed.
type late struct {
	net.Conn
	closed chan struct{}
}

func (c late) Close() error {
	close(c.closed)
	return nil
}

func (c late) RemoteAddr() net.Addr {
	<-c.closed
	return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 7}
}

func TestUnknown(t *testing.T) {
	u := &Unknown{All: 1}
	for range 2 { // the place is free again after Peer
		if !u.Enter() || u.Enter() {
			t.Fatal("not one place")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := u.Peer(ctx, late{closed: make(chan struct{})}); got != "10.0.0.1:7" {
			t.Errorf("peer %s", got)
		}
	}
}
