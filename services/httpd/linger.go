package httpd

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// What is read and thrown away of a request that was answered before its end: a
// socket that is closed with unread bytes in it resets the connection, and the
// answer may be lost.
const (
	lingerBytes = 8 << 20
	lingerTime  = 500 * time.Millisecond
)

// lingering is a listener whose connections can be closed gently.
type lingering struct{ net.Listener }

// Accept wraps sockets; Memory needs no such care.
func (l lingering) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if socket, ok := c.(*net.TCPConn); ok && err == nil {
		return &lingeringConn{TCPConn: socket}, nil
	}
	return c, err
}

type lingeringConn struct {
	*net.TCPConn
	unread atomic.Bool
}

// letFinish makes the end of a connection wait for what its client still sends.
func letFinish(f *fasthttp.RequestCtx) {
	if c, ok := f.Conn().(*lingeringConn); ok {
		c.unread.Store(true)
	}
}

// Close takes up to half a second after letFinish.
func (c *lingeringConn) Close() error {
	if c.unread.Load() {
		// Errors show that there is nothing to wait for.
		_ = c.CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.TCPConn, lingerBytes)
	}
	return c.TCPConn.Close()
}
