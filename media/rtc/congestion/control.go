package congestion

import (
	"math"
	"time"
)

// How the rate goes up and down (5.5).
const (
	growth     = 1.08 // a second, while it is not known where the limit is
	backOff    = 0.85 // of what arrives
	mostAbove  = 1.5  // of what arrives
	response   = 100 * time.Millisecond
	fullPacket = 1200 * 8 // bits
	frameRate  = 30.0
	leastStep  = 1000.0 // bit/s
	learning   = 0.95   // of what arrived where the limit was
	nearLimit  = 3      // deviations
)

// control is the rate that delays allow.
type control struct {
	Config
	rate     int
	holding  bool // until a queue that grew is empty
	last     time.Duration
	rtt      time.Duration
	received received
	limit    float64 // mean of what arrived when a queue grew, bit/s; 0: not known
	spread   float64 // its variance
}

// roundTrip learns it from the packet that was told of soonest.
func (c *control) roundTrip(now time.Duration, packets []Packet) {
	var told time.Duration
	some := false
	for _, p := range packets {
		if !p.Lost && (!some || p.Came > told) {
			told, some = p.Came, true
		}
	}
	least := time.Duration(math.MaxInt64)
	for _, p := range packets {
		if !p.Lost {
			least = min(least, now-p.Sent-(told-p.Came))
		}
	}
	if some {
		c.rtt = max(least, 0)
	}
}

// update takes the state of the network after each group: it goes down at once, and up again
// only after the queue had time to empty.
func (c *control) update(use usage, now time.Duration) {
	switch {
	case use == over:
		c.decrease()
		c.last, c.holding = now, true
	case use == under, c.holding:
		c.holding = use == under
		c.last = now
	default:
		c.increase(now)
		c.last = now
	}
}

func (c *control) decrease() {
	arrives := float64(c.received.rate())
	if c.limit == 0 {
		c.limit = arrives
	} else {
		x := arrives - c.limit
		c.limit += learning * x
		c.spread = (1 - learning) * (c.spread + learning*x*x)
	}
	c.rate = c.bound(backOff * arrives)
}

func (c *control) increase(now time.Duration) {
	arrives, rate := float64(c.received.rate()), float64(c.rate)
	next := rate * math.Pow(growth, min((now-c.last).Seconds(), 1))
	if away := math.Abs(arrives - c.limit); c.limit > 0 && away < nearLimit*math.Sqrt(c.spread) {
		frame := rate / frameRate
		packet := frame / math.Ceil(frame/fullPacket)
		part := min(float64(now-c.last)/float64(response+c.rtt), 1)
		next = rate + max(leastStep, part/2*packet)
	}
	c.rate = c.bound(max(rate, min(next, mostAbove*arrives)))
}

func (c *control) bound(rate float64) int { return min(max(int(rate), c.Least), c.Most) }

const (
	slot  = 20 * time.Millisecond
	slots = 25 // half a second
)

// received is how much arrived in the last half second, by the peer's clock.
type received struct {
	bytes         [slots]int
	sum           int
	first, newest int64 // slots
	some          bool
}

func (r *received) add(came time.Duration, size int) {
	at := int64(came / slot)
	if far := at - r.newest; !r.some || far > slots || far < -50*slots { // or its clock has jumped
		*r = received{first: at, newest: at, some: true}
	}
	for r.newest < at {
		r.newest++
		r.sum -= *r.slot(r.newest)
		*r.slot(r.newest) = 0
	}
	if r.newest-at < slots {
		*r.slot(at) += size
		r.sum += size
	}
}

func (r *received) slot(at int64) *int { return &r.bytes[(at%slots+slots)%slots] }

// rate is in bit/s.
func (r *received) rate() int {
	seen := min(max(r.newest-r.first+1, slots/4), slots)
	return int(int64(8*r.sum) * int64(time.Second/slot) / seen)
}

// What is lost changes the rate (6).
const (
	fewLost   = 0.02 // of the packets: the rate may grow
	manyLost  = 0.1  // it has to fall
	lossEvery = 200 * time.Millisecond
	lossUp    = 1.05
)

// loss is the rate that losses allow.
type loss struct {
	Config
	rate         int
	average      float64
	at, up, down time.Duration
}

// update takes the part of the packets of a message that was lost.
func (l *loss) update(part float64, now time.Duration) {
	l.average = part + math.Exp(-float64(now-l.at)/float64(lossEvery))*(l.average-part)
	l.at = now
	switch {
	case max(l.average, part) < fewLost && now-l.up > lossEvery:
		l.up = now
		l.rate = min(int(lossUp*float64(l.rate)), l.Most)
	case min(l.average, part) > manyLost && now-l.down > lossEvery:
		l.down = now
		l.rate = max(int(float64(l.rate)*(1-min(l.average, part)/2)), l.Least)
	}
}
