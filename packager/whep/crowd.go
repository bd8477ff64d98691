package whep

import (
	"net/netip"
	"sync"
)

// crowd counts viewers, in all and from each address; an IPv6 /64 is one address.
type crowd struct {
	all, each int // most at once

	mu    sync.Mutex
	taken int
	by    map[netip.Prefix]int
}

// take gives a seat to the peer host:port. Every seat taken must be left.
func (c *crowd) take(peer string) (seat netip.Prefix, ok bool) {
	if ap, err := netip.ParseAddrPort(peer); err == nil {
		a := ap.Addr().Unmap().WithZone("")
		bits := a.BitLen()
		if a.Is6() {
			bits = 64
		}
		seat, _ = a.Prefix(bits) // the bits fit the address
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken >= c.all || c.by[seat] >= c.each {
		return seat, false
	}
	if c.by == nil {
		c.by = map[netip.Prefix]int{}
	}
	c.taken++
	c.by[seat]++
	return seat, true
}

func (c *crowd) leave(seat netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken--
	if c.by[seat]--; c.by[seat] <= 0 {
		delete(c.by, seat)
	}
}
