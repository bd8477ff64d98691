package vod

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// perNetwork is how many files one network may get at once, so that nobody takes all
// slots.
const perNetwork = 2

// slots bounds the downloads, all and those of a network.
type slots struct {
	mu    sync.Mutex
	taken map[netip.Prefix]int
	all   int
}

// take gives a slot to a network. full says that there is none, yours that this is because
// of the network's own.
func (s *slots) take(from netip.Prefix, most int) (full, yours bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.taken[from] >= perNetwork:
		return true, true
	case s.all >= most:
		return true, false
	}
	s.taken[from]++
	s.all++
	return false, false
}

func (s *slots) give(from netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.taken[from]--; s.taken[from] == 0 {
		delete(s.taken, from)
	}
}

// network is where a viewer is: the /24 or /64 of its address.
func network(r *http.Request) netip.Prefix {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := a.Addr().Unmap(), 64
	if addr.Is4() {
		bits = 24
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

const (
	// slowest is what a download must take, in bytes a second.
	slowest = 32 << 10
	// patience is over how much time that is measured. Only time that is spent waiting
	// for the reader counts.
	patience = 30 * time.Second
)

var errSlow = errors.New("the reader is too slow")

// unhurried gives each piece of an answer the time to leave that others have for the
// whole, and lets go of readers that take less than slowest.
type unhurried struct {
	w     http.ResponseWriter
	clock func() time.Time
	next  time.Time // of the deadline

	spent time.Duration // in Write, since the last measurement
	sent  int64
}

// Write implements io.Writer.
func (u *unhurried) Write(b []byte) (int, error) {
	began := u.clock()
	if began.After(u.next) {
		deadline(u.w)
		u.next = began.Add(time.Second)
	}
	n, err := u.w.Write(b)
	u.sent += int64(n)
	if u.spent += u.clock().Sub(began); u.spent >= patience {
		if err == nil && float64(u.sent) < slowest*u.spent.Seconds() {
			err = errSlow
		}
		u.spent, u.sent = 0, 0
	}
	return n, err
}
