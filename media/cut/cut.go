package cut

import "weir/media"

// slack forgives the rounding of publishers' stamps.
const slack = media.Second / 100

// Cutter marks the packets of one leading track at which segments begin.
type Cutter struct {
	// Segment is the wished distance of cuts.
	Segment media.Time
	// Longest is the most that a segment may last: EXTINF rounded to the nearest
	// second must not exceed EXT-X-TARGETDURATION (RFC 8216 4.3.3.1).
	Longest media.Time
	// Forced says that the publisher's key frames are known to be too far apart:
	// cuts are made every Segment whether or not there is a key frame.
	Forced bool
	// OwnKeys says that once cuts are forced every rendition is encoded here, so
	// that the publisher's key frames do not matter any more.
	OwnKeys bool

	started bool
	origin  media.Time // of the grid of cuts
	start   media.Time // of the open segment
	key     media.Time // newest key frame
	gops    [gopMemory]media.Time
	gop     int
}

const gopMemory = 8

// Mark says whether a segment begins with the packet at time at. The first
// packet and one after a discontinuity must be key frames.
func (c *Cutter) Mark(at media.Time, key, discontinuity bool) media.Boundary {
	if !c.started || discontinuity && key {
		c.started = true
		c.origin, c.start, c.key = at, at, at
		return media.KeyBoundary
	}
	if key {
		c.gops[c.gop%gopMemory] = at - c.key
		c.gop++
		c.key = at
	}
	switch {
	case key && c.wanted(at):
		c.start = at
		return media.KeyBoundary
	case c.overdue(at) && (!key || c.Forced && c.OwnKeys):
		c.Forced = true
		c.origin, c.start = at, at
		return media.ForcedBoundary
	}
	return media.NoBoundary
}

// GOP is the greatest distance of key frames seen lately; 0 before the second.
func (c *Cutter) GOP() media.Time {
	var most media.Time
	for _, g := range c.gops {
		most = max(most, g)
	}
	return most
}

// wanted tells whether a key frame at this time begins a segment: the grid asks
// for one, or waiting for the next key frame would make the segment too long, or
// it is the second key frame of all, which ends the mini segments.
func (c *Cutter) wanted(at media.Time) bool {
	if c.Forced && c.OwnKeys {
		return false
	}
	if c.gop == 1 {
		return true
	}
	next := c.origin + (c.start-c.origin+c.Segment/4)/c.Segment*c.Segment + c.Segment
	return at >= next-slack || at-c.start+c.GOP() > c.Longest
}

// overdue tells whether a cut can wait no longer for a key frame.
func (c *Cutter) overdue(at media.Time) bool {
	if c.Forced {
		return at-c.start >= c.Segment-slack
	}
	return at-c.start >= c.Longest-c.Longest/20
}
