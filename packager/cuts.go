package packager

import (
	"weir/media"
)

// slop forgives what is left of rounding when times of two tracks are compared.
const slop = 2 * media.Millisecond

// cutPoint is where a segment begins in every rendition.
type cutPoint struct {
	at            media.Time
	ended         media.Time // where the leading track's media before it ends
	mini          bool
	discontinuity bool
}

// cuts is the list of segment beginnings, each with the Media Sequence Number of
// its segment.
type cuts struct {
	points  []cutPoint
	base    uint64     // MSN of points[0]
	horizon media.Time // all cuts before this are known
	end     media.Time // of the leading track's media so far
	part    media.Time // length of a mini segment
	young   bool       // no second key frame yet
	keys    int
}

// next is the MSN that the next cut will get.
func (c *cuts) next() uint64 { return c.base + uint64(len(c.points)) }

// get returns the cut of a segment that has not been forgotten.
func (c *cuts) get(msn uint64) cutPoint { return c.points[msn-c.base] }

// length is how long the segment msn is, whose successor is known. Before a
// discontinuity that is where the media ends: nothing lasts until a publisher
// comes back.
func (c *cuts) length(msn uint64) media.Time {
	next := c.get(msn + 1)
	if next.discontinuity {
		return next.ended - c.get(msn).at
	}
	return next.at - c.get(msn).at
}

// lead takes the leading track's packets. It reports whether a cut was added that
// is not mini: a segment of DASH may begin there.
func (c *cuts) lead(p *media.Packet) (added bool) {
	if p.Boundary != media.NoBoundary {
		c.keys++
		c.young = c.keys == 1
		point := cutPoint{at: p.DTS, ended: c.end, discontinuity: p.Discontinuity}
		if n := len(c.points); n > 0 && c.foreseen(p) {
			c.points[n-1] = point
		} else {
			c.points = append(c.points, point)
		}
		added = true
	}
	c.end = p.DTS + max(p.Duration, 1)
	c.horizon = c.end
	if c.young && c.end-c.points[len(c.points)-1].at >= c.part-slop {
		c.points = append(c.points, cutPoint{at: c.end, ended: c.end, mini: true})
		c.horizon -= slop // nobody enters that segment before it is certain
	}
	return added
}

// foreseen tells whether the newest cut is a mini one that is waiting for p, which
// says better what begins there.
func (c *cuts) foreseen(p *media.Packet) bool {
	last := c.points[len(c.points)-1]
	if p.Discontinuity {
		return last.mini && last.at >= c.end
	}
	return last.mini && last.at > p.DTS-slop
}

// forget drops the cuts before msn.
func (c *cuts) forget(msn uint64) {
	if msn > c.base && msn < c.next() {
		n := msn - c.base
		c.points = append(c.points[:0], c.points[n:]...)
		c.base = msn
	}
}
