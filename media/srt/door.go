package srt

import (
	"hash/maphash"
	"net/netip"

	"weir/media/seats"
)

const (
	shakes = 500 // handshakes of one tick that are looked at
	each   = 20  // of those, from one network, and from those that share its place
	places = 256
)

// door bounds what handshakes cost: whatever strangers do, those who send are served, and a
// stranger of one network leaves room for callers from others. Who is not looked at calls
// again.
type door struct {
	seed maphash.Seed
	turn int64 // the tick of the last handshake
	all  int   // handshakes in it
	by   [places]uint8
}

// opens tells whether one more handshake may be looked at.
func (d *door) opens(from netip.Addr, now int64) bool {
	if turn := now / tick.Microseconds(); turn > d.turn {
		*d = door{seed: d.seed, turn: turn}
	}
	by := &d.by[maphash.Comparable(d.seed, seats.Of(from, 32, 64))%places]
	if *by == each || d.all == shakes {
		return false
	}
	*by++
	d.all++
	return true
}
