// Package seats bounds what is connected at once, in all and from each network, and says
// what counts as one network. Ways in and ways out share it.
package seats

import (
	"errors"
	"net/netip"
	"sync"
)

// Whose bound it is that Take met.
var (
	ErrAll  = errors.New("all seats are taken")
	ErrEach = errors.New("this network has as many seats as one may have")
)

// Seats counts the seats that are taken. Its bounds do not change after the first Take.
type Seats struct {
	All, Each int // most at once: of all, and of one network
	V4        int // bits of an IPv4 network; 0: the address, 32

	mu    sync.Mutex
	taken int
	by    map[netip.Prefix]int
}

// Take gives a seat to the peer host:port. Every seat taken must be left. The error is
// ErrEach or ErrAll.
func (s *Seats) Take(peer string) (seat netip.Prefix, err error) {
	bits := s.V4
	if bits == 0 {
		bits = 32
	}
	seat = Network(peer, bits, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.by[seat] >= s.Each:
		return seat, ErrEach
	case s.taken >= s.All:
		return seat, ErrAll
	}
	if s.by == nil {
		s.by = make(map[netip.Prefix]int)
	}
	s.taken++
	s.by[seat]++
	return seat, nil
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

// Host is the network that one machine has to choose addresses from: an IPv4 address, or
// an IPv6 /64. It is the zero Prefix for a peer host:port without an IP address.
func Host(peer string) netip.Prefix { return Network(peer, 32, 64) }

// Network is the network of so many bits that a peer host:port is in.
func Network(peer string, v4, v6 int) netip.Prefix {
	ap, err := netip.ParseAddrPort(peer)
	if err != nil {
		return netip.Prefix{}
	}
	return Of(ap.Addr(), v4, v6)
}

// Of is Network of an address.
func Of(a netip.Addr, v4, v6 int) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := v6
	if a.Is4() {
		bits = v4
	}
	n, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return n
}
