package rtc

import (
	"encoding/binary"
	"errors"
	"time"
)

// arrivals is a message of transport-wide congestion control: which packets have come, and
// when (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1).
type arrivals struct {
	base   uint16 // number of the first packet
	count  int
	since  int64 // of the times, in ticks from any zero; 24 bits
	chunks []byte
	deltas []byte
}

const (
	arrivalsHead  = 8                      // bytes before the chunks
	arrivalsTick  = 64 * time.Millisecond  // of since
	arrivalsWraps = 1 << 24                // ticks
	arrivalsDelta = 250 * time.Microsecond // from packet to packet
)

// Symbols of a packet. A fourth one is reserved.
const (
	notCome    = 0
	smallDelta = 1 // a byte
	largeDelta = 2 // two, with a sign
)

var errArrivals = errors.New("transport-wide feedback is cut off or contradicts itself")

// parseArrivals takes what follows the two SSRCs of a message, and keeps it.
func parseArrivals(b []byte) (arrivals, error) {
	if len(b) < arrivalsHead {
		return arrivals{}, errArrivals
	}
	a := arrivals{
		base: binary.BigEndian.Uint16(b), count: int(binary.BigEndian.Uint16(b[2:])),
		since: int64(binary.BigEndian.Uint32(b[4:]) >> 8),
	}
	b = b[arrivalsHead:]
	end := 0
	for left := a.count; left > 0; end += 2 {
		if len(b) < end+2 {
			return arrivals{}, errArrivals
		}
		left -= chunk(binary.BigEndian.Uint16(b[end:])).packets()
	}
	a.chunks, a.deltas = b[:end], b[end:]
	return a, nil
}

// each tells of all packets in the order of their numbers: when they came, from since on. An
// error means that what was told is worth nothing.
func (a arrivals) each(tell func(number uint16, came time.Duration, lost bool)) error {
	number, left := a.base, a.count
	var came time.Duration
	for at, deltas := 0, a.deltas; left > 0; at += 2 {
		c := chunk(binary.BigEndian.Uint16(a.chunks[at:]))
		for i := range min(c.packets(), left) {
			symbol := c.symbol(i)
			switch {
			case symbol == notCome:
			case symbol == smallDelta && len(deltas) >= 1:
				came += time.Duration(deltas[0]) * arrivalsDelta
				deltas = deltas[1:]
			case symbol == largeDelta && len(deltas) >= 2:
				came += time.Duration(int16(binary.BigEndian.Uint16(deltas))) * arrivalsDelta
				deltas = deltas[2:]
			default:
				return errArrivals
			}
			tell(number, came, symbol == notCome)
			number++
		}
		left -= min(c.packets(), left)
	}
	return nil
}

// chunk tells of some packets (3.1.2): of many the same, or of 14 or 7 something each (3.1.4).
type chunk uint16

const (
	chunkVector = 1 << 15
	chunkTwoBit = 1 << 14 // of a vector
	chunkRun    = 1<<13 - 1
)

// packets is of how many it tells.
func (c chunk) packets() int {
	switch {
	case c&chunkVector == 0:
		return int(c & chunkRun)
	case c&chunkTwoBit == 0:
		return 14
	}
	return 7
}

// symbol is that of the packet i of the chunk.
func (c chunk) symbol(i int) int {
	switch {
	case c&chunkVector == 0:
		return int(c >> 13 & 3)
	case c&chunkTwoBit == 0:
		return int(c >> (13 - i) & 1)
	}
	return int(c >> (12 - 2*i) & 3)
}
