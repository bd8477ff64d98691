package congestion

import (
	"math"
	"time"
)

// burst is how far apart packets of one group leave, and how soon after one another those
// come that the network has held together (5.2).
const burst = 5 * time.Millisecond

// heldAtMost is how long what comes close together is one group, so that a queue that never
// empties is measured all the same.
const heldAtMost = 100 * time.Millisecond

// groups puts packets together that left, or were held, as one.
type groups struct {
	now, before group
	some, two   bool
}

// group is the times of the first and of the last packet of one.
type group struct{ firstSent, firstCame, sent, came time.Duration }

// add takes a packet that came. whole tells that it began a new group, and that there were
// two before: how much later the second of them came than the first, and how far apart they
// left.
func (g *groups) add(p Packet) (late, apart time.Duration, whole bool) {
	next := group{p.Sent, p.Came, p.Sent, p.Came}
	switch {
	case !g.some:
		g.now, g.some = next, true
		return 0, 0, false
	case next.sent < g.now.sent:
		return 0, 0, false // it took longer than what left after it
	}
	left, came := next.sent-g.now.sent, next.came-g.now.came
	held := came <= burst && came < left && next.came-g.now.firstCame < heldAtMost
	if next.sent-g.now.firstSent <= burst || held {
		g.now.sent, g.now.came = next.sent, max(g.now.came, next.came)
		return 0, 0, false
	}
	if whole = g.two; whole {
		apart = g.now.sent - g.before.sent
		late = g.now.came - g.before.came - apart
	}
	g.before, g.now, g.two = g.now, next, true
	return late, apart, whole
}

const (
	points    = 20  // groups in a line
	smoothing = 0.9 // of how late they are, so that one large picture makes no slope
)

// trend is the slope of a line through how late the last groups came (5.3; a Kalman filter
// there, which takes a key frame for a queue).
type trend struct {
	x, y     [points]float64 // ms
	sum      float64         // how late the last one came, by the first
	smooth   float64
	at       float64
	measured int // groups
}

// update takes how much later a group came than the one before, and how far apart they left. It
// gives how fast groups become later, as a part of the time.
func (t *trend) update(late, apart time.Duration) float64 {
	t.sum += milliseconds(late)
	t.at += milliseconds(apart)
	t.smooth = smoothing*t.smooth + (1-smoothing)*t.sum
	i := t.measured % points
	t.x[i], t.y[i] = t.at, t.smooth
	if t.measured++; t.measured < points {
		return 0
	}
	var x, y float64
	for i := range points {
		x += t.x[i] / points
		y += t.y[i] / points
	}
	var up, down float64
	for i := range points {
		up += (t.x[i] - x) * (t.y[i] - y)
		down += (t.x[i] - x) * (t.x[i] - x)
	}
	if down == 0 {
		return 0
	}
	return up / down
}

type usage int

const (
	normal usage = iota
	over         // a queue grows
	under        // a queue empties
)

// The threshold follows what is measured, so that a flow that fills a queue does not starve
// this one (5.4). Times are in ms.
const (
	firstThreshold = 12.5
	leastThreshold = 6.0
	mostThreshold  = 600.0
	thresholdUp    = 0.01    // a ms
	thresholdDown  = 0.00018 // a ms
	spike          = 15.0    // above the threshold, and it is not followed
	longestStep    = 100 * time.Millisecond
	overFor        = 10 * time.Millisecond
	mostCounted    = 60  // groups
	gain           = 4.0 // from a slope to what the threshold is compared with
)

// detector tells a queue that grows from noise.
type detector struct {
	threshold float64
	last      float64 // what was judged before
	at        time.Duration
	since     time.Duration // how long it has been above the threshold
	times     int           // groups in a row
}

// judge takes the slope after a group, how many groups it rests on, and how far the group
// left after the one before.
func (d *detector) judge(slope float64, measured int, apart, now time.Duration) usage {
	if measured < 2 {
		d.at = now
		return normal
	}
	late := slope * gain * float64(min(measured, mostCounted))
	use := normal
	switch {
	case late > d.threshold:
		if d.times++; d.times == 1 {
			d.since = apart / 2
		} else {
			d.since += apart
		}
		if d.since > overFor && d.times > 1 && late >= d.last {
			use = over
		}
	case late < -d.threshold:
		use = under
		fallthrough
	default:
		d.since, d.times = 0, 0
	}
	d.last = late
	d.adapt(math.Abs(late), now)
	return use
}

func (d *detector) adapt(late float64, now time.Duration) {
	step := min(now-d.at, longestStep)
	d.at = now
	if late > d.threshold+spike {
		return
	}
	k := thresholdUp
	if late < d.threshold {
		k = thresholdDown
	}
	d.threshold += k * (late - d.threshold) * milliseconds(step)
	d.threshold = min(max(d.threshold, leastThreshold), mostThreshold)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
