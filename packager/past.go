package packager

import (
	"slices"

	"weir/media"
	"weir/packager/window"
)

// mostPast bounds the segments of the process before that a rendition lists.
const mostPast = 1 << 16

// behind is what a rendition lists of the process before it, up to a segment that begins at a
// time: the segments that can be had yet, and gaps where there are none.
func (p *Packager) behind(rendition string, at media.Time) []window.Segment {
	s, longest := p.cfg.From, media.Time(p.cfg.Target)*media.Second
	missed := s.missed(at, longest)
	if len(missed) == 0 || len(p.cfg.Past[rendition]) == 0 {
		return missed
	}
	first := missed[0].MSN
	oldest := max(s.Oldest, p.cfg.Past[rendition][0].MSN)
	if oldest+mostPast < s.Next || oldest >= s.Next {
		return missed
	}
	list := make([]window.Segment, s.Next-oldest)
	copy(list[max(first, oldest)-oldest:], missed[max(first, oldest)-first:])
	for name, kept := range p.cfg.Past {
		for _, x := range kept {
			if x.MSN < oldest || x.MSN >= s.Next || x.Init >= s.Inits || x.Duration <= 0 || x.End() > at+slop {
				continue
			}
			if y := &list[x.MSN-oldest]; name == rendition {
				*y = x
			} else if !y.Away { // all are cut at the same times
				*y = window.Segment{MSN: x.MSN, Start: x.Start, Duration: x.Duration, Discontinuity: x.Discontinuity}
			}
		}
	}
	list = fill(list, longest)
	from := slices.IndexFunc(list, func(x window.Segment) bool { return x.Away && !x.Mini && at-x.End() <= p.cfg.Rewind })
	if from < 0 || list[0].MSN > first {
		return missed
	}
	list = list[min(from, int(first-list[0].MSN)):] //nolint:gosec // bounded
	turns := uint64(0)
	for i := range list {
		if list[i].Discontinuity {
			turns++
		}
		if x := &list[i]; !x.Away && i > 0 {
			x.Init = list[i-1].Init // players know it
			x.Start, x.Duration = fit(x.Start, min(x.Duration, longest), list[i-1].End(), list[min(i+1, len(list)-1)].Start)
		}
	}
	if turns > s.Discontinuities {
		return missed
	}
	return list
}

// fit brings a gap, whose times may be another rendition's, between its neighbours, of which
// the one behind may begin with it.
func fit(start, length, least, most media.Time) (at, lasts media.Time) {
	at = max(start, least)
	if lasts = length; most > at {
		lasts = min(lasts, most-at)
	}
	return at, lasts
}

// fill gives gaps that nothing is known of, which follow the first segment, the time between
// their neighbours. Where they are too many what lies before them is left out.
func fill(list []window.Segment, longest media.Time) []window.Segment {
	oldest, from := list[0].MSN, 0
	for i := 1; i < len(list); i++ {
		if list[i].Duration > 0 {
			continue
		}
		n := i
		for n < len(list) && list[n].Duration == 0 {
			n++
		}
		begun, until := list[i-1].End(), list[i-1].End()+longest
		if n < len(list) {
			until = max(list[n].Start, begun)
		}
		each := min((until-begun)/media.Time(n-i), longest)
		for k := i; k < n; k++ {
			list[k] = window.Segment{MSN: oldest + uint64(k), Start: begun + media.Time(k-i)*each, Duration: each} //nolint:gosec // bounded
		}
		if n-i > mostRoom {
			from = n
		}
		i = n
	}
	return list[min(from, len(list)-1):]
}
