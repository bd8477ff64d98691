package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"weir/services/proxied"
)

// countedListener bounds how many connections there are at once. It does not wrap
// the connections, but those of trusted proxies: sendfile needs the server to see
// the socket itself, so their end is learnt from http.Server.ConnState.
type countedListener struct {
	net.Listener
	limit         int64
	open          atomic.Int64
	metrics       *metrics
	trusted       []netip.Prefix // who may begin with a PROXY header
	headerTimeout time.Duration  // for that header
}

// Accept returns the next connection that is within the limit and closes those
// that are not.
func (l *countedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if n := l.open.Add(1); n <= l.limit {
			l.metrics.connections.Set(float64(n))
			return proxied.Believe(c, l.trusted, l.headerTimeout), nil
		}
		l.open.Add(-1)
		l.metrics.refused.Inc()
		c.Close()
	}
}

// connState is the server's ConnState hook: it is called once with one of the two
// final states for each accepted connection. Who hijacks one bounds it himself.
func (l *countedListener) connState(_ net.Conn, s http.ConnState) {
	if s == http.StateClosed || s == http.StateHijacked {
		l.ended()
	}
}

// ended is called once for each accepted connection.
func (l *countedListener) ended() { l.metrics.connections.Set(float64(l.open.Add(-1))) }
