package seats

import (
	"context"
	"net"
	"sync/atomic"
)

// Unknown bounds the connections whose address is not known yet: behind a proxy it comes
// with the first bytes, which asking for it waits for. So asking is the connection's own
// goroutine's, which has no seat by then.
type Unknown struct {
	All int // most at once

	n atomic.Int64
}

// Enter says whether one more may be; Peer is to be called then.
func (u *Unknown) Enter() bool {
	if u.n.Add(1) > int64(u.All) {
		u.n.Add(-1)
		return false
	}
	return true
}

// Peer waits for the address of c, host:port. Where ctx ends first it closes c.
func (u *Unknown) Peer(ctx context.Context, c net.Conn) string {
	defer u.n.Add(-1)
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	return c.RemoteAddr().String()
}
