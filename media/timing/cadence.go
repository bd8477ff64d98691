package timing

import "weir/media"

// Cadence puts the rounded stamps of a source of constant rate back on their
// grid. RTMP dates frames in whole milliseconds, so that 30 fps arrives as 0, 33,
// 67, 100...; a Cadence gives back exact thirtieths, and with them the Duration
// of a frame before the next one has come. A source that keeps no rate is
// noticed and passed through as it is, with unknown durations.
//
// One Cadence serves one track; it is not safe for concurrent use.
type Cadence struct {
	// Interval is the nominal distance of two packets, 0 when unknown: then it is
	// learnt from the first packets.
	Interval media.Time
	// Tolerance is how far a stamp may be from the grid; default 2 ms.
	Tolerance media.Time
	// Fill is the longest hole that is closed by letting the packet after it
	// begin early; 0 leaves holes as they are.
	Fill media.Time

	next    media.Time // where the grid expects the next packet
	last    media.Time // raw stamp of the newest packet
	started bool
	misses  int // consecutive packets off the grid
	loose   bool
	steady  int // consecutive packets that would fit, while loose
	learn   [learnFrames]media.Time
	learnt  int
}

const (
	learnFrames = 12
	maxMisses   = 4
	relockAfter = 30
)

// Reset forgets the position, not the rate: the next stamp starts a new grid.
func (c *Cadence) Reset() { c.started, c.misses, c.steady = false, 0, 0 }

// Next takes the stamp of the next packet and returns where it belongs and how
// long it lasts; 0 means unknown until the next packet comes.
func (c *Cadence) Next(raw media.Time) (at, dur media.Time) {
	if c.Tolerance == 0 {
		c.Tolerance = 2 * media.Millisecond
	}
	prev := c.last
	c.last = raw
	if !c.started {
		c.started = true
		c.next = raw + c.Interval
		return raw, c.duration()
	}
	if c.Interval == 0 {
		c.observe(raw - prev)
		c.next = raw + c.Interval
		return raw, c.duration()
	}
	if c.loose {
		return c.watch(raw, raw-prev)
	}
	return c.fit(raw)
}

func (c *Cadence) duration() media.Time {
	if c.loose {
		return 0
	}
	return c.Interval
}

// fit places a stamp on the grid, or decides that it does not belong there.
func (c *Cadence) fit(raw media.Time) (at, dur media.Time) {
	off := raw - c.next
	if abs(off) <= c.Tolerance {
		c.misses = 0
		at = c.next
		if abs(off) > c.Tolerance/2 { // the source's clock is not quite ours: follow slowly
			at += off / 8
		}
		c.next = at + c.Interval
		return at, c.Interval
	}
	if hole := nearest(off, c.Interval); hole > 0 && abs(off-hole) <= c.Tolerance && hole <= c.Fill {
		c.misses = 0
		at = c.next
		c.next = at + hole + c.Interval
		return at, hole + c.Interval
	}
	c.misses++
	if c.misses >= maxMisses {
		c.loose, c.misses, c.steady = true, 0, 0
		c.next = raw
		return raw, 0
	}
	c.next = raw + c.Interval
	return raw, c.Interval
}

// watch waits for a loose source to become steady again.
func (c *Cadence) watch(raw, step media.Time) (at, dur media.Time) {
	if abs(step-c.Interval) <= c.Tolerance {
		c.steady++
	} else {
		c.steady = 0
	}
	if c.steady >= relockAfter {
		c.loose = false
		c.next = raw + c.Interval
		return raw, c.Interval
	}
	return raw, 0
}

// observe learns the interval from the first steps between packets.
func (c *Cadence) observe(step media.Time) {
	if step <= 0 || step > media.Second {
		c.learnt = 0
		return
	}
	c.learn[c.learnt] = step
	c.learnt++
	if c.learnt < learnFrames {
		return
	}
	c.learnt = 0
	var sum media.Time
	for _, s := range c.learn {
		sum += s
	}
	mean := sum / learnFrames
	for _, s := range c.learn {
		if abs(s-mean) > c.Tolerance {
			return // no rate to be seen yet
		}
	}
	c.Interval = Snap(mean)
}

// Snap gives the interval of the usual frame rate nearest to an observed one,
// if that is within one part in a hundred, else the observation itself.
func Snap(interval media.Time) media.Time {
	best, err := interval, interval/100
	for _, r := range [...]media.Rational{
		{Num: 24000, Den: 1001}, {Num: 24, Den: 1}, {Num: 25, Den: 1}, {Num: 30000, Den: 1001}, {Num: 30, Den: 1},
		{Num: 48, Den: 1}, {Num: 50, Den: 1}, {Num: 60000, Den: 1001}, {Num: 60, Den: 1}, {Num: 15, Den: 1}, {Num: 20, Den: 1}, {Num: 10, Den: 1},
	} {
		if d := abs(r.Interval() - interval); d < err {
			best, err = r.Interval(), d
		}
	}
	return best
}

func abs(t media.Time) media.Time {
	if t < 0 {
		return -t
	}
	return t
}

// nearest rounds t to a multiple of step.
func nearest(t, step media.Time) media.Time {
	if t < 0 {
		return 0
	}
	return (t + step/2) / step * step
}
