package packager

import (
	"weir/media"
	"weir/packager/window"
)

// numbers decides at which cuts DASH segments begin, so that $Number$ arithmetic
// holds as long as the source lets it: segment n of a Period begins within half
// a segment of n times the distance of segments (DASH-IF IOP 3.2.7.1). When that
// fails a new Period begins whose segments are listed.
type numbers struct {
	every  media.Time // distance of segments
	period window.Period
	begun  bool
	next   uint64
}

// begin says whether a DASH segment begins with a cut at time at, before which the
// media ended at time ended.
func (n *numbers) begin(at, ended media.Time, discontinuity bool) (window.Period, bool) {
	ideal := n.period.Start + media.Time(n.next-n.period.Number)*n.every
	switch {
	case !n.begun || discontinuity:
		n.begun = true
		n.period.Start, n.period.Ended, n.period.Number = at, ended, n.next
	case n.period.Timeline:
	case at < ideal-n.every/4:
		return n.period, false
	case at > ideal+n.every/2:
		n.period = window.Period{Start: at, Ended: ended, Number: n.next, Timeline: true}
	}
	n.next++
	return n.period, true
}

// mark begins a DASH segment with the newest cut, if one is due.
func (p *Packager) mark(discontinuity bool) {
	msn := p.cuts.next() - 1
	for msn > p.cuts.base && p.cuts.get(msn).mini {
		msn--
	}
	c := p.cuts.get(msn)
	at := c.at
	if period, ok := p.numbers.begin(at, c.ended, discontinuity); ok {
		p.win.AddMark(window.Mark{MSN: msn, Start: at, Period: period})
	}
}
