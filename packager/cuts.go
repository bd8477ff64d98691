package packager

import (
	"weir/media"
)

// slop forgives what is left of rounding when times of two tracks are compared.
const slop = 2 * media.Millisecond

// cutPoint is where a segment begins in every rendition.
type cutPoint struct {
	at            media.Time
	mini          bool
	discontinuity bool
}

// cuts is the list of segment beginnings; the index of a cut is the Media
// Sequence Number of its segment.
type cuts struct {
	points  []cutPoint
	base    uint64     // MSN of points[0]
	horizon media.Time // all cuts before this are known
	part    media.Time // length of a mini segment
	young   bool       // no second key frame yet
	keys    int
}

// next is the MSN that the next cut will get.
func (c *cuts) next() uint64 { return c.base + uint64(len(c.points)) }

// get returns the cut of a segment that has not been forgotten.
func (c *cuts) get(msn uint64) cutPoint { return c.points[msn-c.base] }

// lead takes the leading track's packets. It reports whether a cut was added that
// is not mini: a segment of DASH may begin there.
func (c *cuts) lead(p *media.Packet) (added bool) {
	if p.Boundary != media.NoBoundary {
		c.keys++
		c.young = c.keys == 1
		point := cutPoint{at: p.DTS, discontinuity: p.Discontinuity}
		if n := len(c.points); n > 0 && !p.Discontinuity && c.points[n-1].mini && c.points[n-1].at > p.DTS-slop {
			point.at = c.points[n-1].at // the mini cut was foreseen here
			c.points[n-1] = point
		} else {
			c.points = append(c.points, point)
		}
		added = true
	}
	end := p.DTS + max(p.Duration, 1)
	c.horizon = end
	if c.young && end-c.points[len(c.points)-1].at >= c.part-slop {
		c.points = append(c.points, cutPoint{at: end, mini: true})
	}
	return added
}

// forget drops the cuts before msn.
func (c *cuts) forget(msn uint64) {
	if msn > c.base && msn < c.next() {
		n := msn - c.base
		c.points = append(c.points[:0], c.points[n:]...)
		c.base = msn
	}
}
