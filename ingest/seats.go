package ingest

import (
	"net/netip"
	"sync"
)

// Seats counts the connections of a protocol that are open, in all and from each
// address. An IPv6 host has a whole /64 to choose from, so that counts as one address.
type Seats struct {
	All, Each int // most at once; neither changes after the first Take

	mu    sync.Mutex
	taken int
	by    map[netip.Prefix]int
}

// Take gives a seat to the peer host:port. Every seat taken must be left.
func (s *Seats) Take(peer string) (seat netip.Prefix, ok bool) {
	seat = Network(peer)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= s.All || s.by[seat] >= s.Each {
		return seat, false
	}
	if s.by == nil {
		s.by = make(map[netip.Prefix]int)
	}
	s.taken++
	s.by[seat]++
	return seat, true
}

// Leave gives a seat back.
func (s *Seats) Leave(seat netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.by[seat]--; s.by[seat] <= 0 {
		delete(s.by, seat)
	}
}

// Network is the network that a peer host:port counts for; the zero Prefix when it
// has no IP address.
func Network(peer string) netip.Prefix {
	ap, err := netip.ParseAddrPort(peer)
	if err != nil {
		return netip.Prefix{}
	}
	a := ap.Addr().Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
