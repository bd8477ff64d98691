package rtmp

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// seats counts the connections that are open, in all and from each address. An
// IPv6 host has a whole /64 to choose from, so that counts as one address.
type seats struct {
	all, each int

	mu    sync.Mutex
	taken int
	by    map[netip.Prefix]int
}

// take gives a seat to the peer host:port. Every seat taken must be left.
func (s *seats) take(peer string) (seat netip.Prefix, ok bool) {
	seat = origin(peer)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= s.all || s.by[seat] >= s.each {
		return seat, false
	}
	if s.by == nil {
		s.by = make(map[netip.Prefix]int)
	}
	s.taken++
	s.by[seat]++
	return seat, true
}

func (s *seats) leave(seat netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.by[seat]--; s.by[seat] <= 0 {
		delete(s.by, seat)
	}
}

// origin is the network that a peer host:port counts for; the zero Prefix when it
// has no IP address.
func origin(peer string) netip.Prefix {
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

const (
	quietTime  = time.Minute
	quietEach  = 5   // lines of one address in that time
	quietTotal = 100 // lines in all
)

// quiet writes the log lines that strangers can cause, as many as are of use.
type quiet struct {
	now func() time.Time
	log *slog.Logger

	mu     sync.Mutex
	since  time.Time
	lines  int
	by     map[netip.Prefix]int
	hidden int
}

// warn logs a line unless peer, or all together, caused too many already.
func (q *quiet) warn(peer, words string, args ...any) {
	ok, hidden := q.allow(origin(peer))
	if hidden > 0 {
		q.log.Warn("lines about publishers left out", "count", hidden)
	}
	if ok {
		q.log.Warn(words, args...)
	}
}

// allow reports whether a line may be written, and once a period how many were
// not in the last.
func (q *quiet) allow(from netip.Prefix) (ok bool, hidden int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.now(); q.by == nil || now.Sub(q.since) >= quietTime {
		hidden, q.hidden, q.lines, q.since = q.hidden, 0, 0, now
		q.by = make(map[netip.Prefix]int)
	}
	if q.lines >= quietTotal || q.by[from] >= quietEach {
		q.hidden++
		return false, hidden
	}
	q.lines++
	q.by[from]++
	return true, hidden
}
