// Package front is what stands before the servers of tests, as a balancer does, and says
// whose connection it passes on. It is imported by tests only.
package front

import (
	"net"
	"net/netip"
	"sync"
)

// Introduce is a front: the first line of each connection of l is
// the address that it comes from, for which RemoteAddr waits.
func Introduce(l net.Listener) net.Listener { return introducing{l} }

type introducing struct{ net.Listener }

// Accept does not wait for the first line.
func (l introducing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &introduced{Conn: c, from: c.RemoteAddr()}, nil
}

// introduced is a connection whose first line is read once.
type introduced struct {
	net.Conn
	once sync.Once
	from net.Addr
}

// RemoteAddr is the connection's own address where it introduces itself as nobody.
func (c *introduced) RemoteAddr() net.Addr {
	c.once.Do(func() {
		var line []byte
		for b := make([]byte, 1); len(line) < 64; line = append(line, b[0]) {
			if _, err := c.Conn.Read(b); err != nil || b[0] == '\n' {
				break
			}
		}
		if a, err := netip.ParseAddrPort(string(line)); err == nil {
			c.from = net.TCPAddrFromAddrPort(a)
		}
	})
	return c.from
}
