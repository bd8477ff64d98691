package timing

import "weir/media"

const (
	// maxReorder is how many pictures may come before one that is shown before them
	// (ISO/IEC 14496-10 A.3.1, 23008-2 A.4.2).
	maxReorder = 16
	// jump is a step of presentation times that no reordering makes.
	jump = 5 * media.Second
)

// Reorder gives pictures that come in decode order their decode times, where only the
// times of their presentation are known: each the presentation time of the picture that
// is so many places before it in the order of being shown. Nothing is held back. The
// zero value is ready for use.
type Reorder struct {
	// Depth is how many pictures may come before one that is shown before them. Where it
	// turns out to be too small it grows; the pictures of that moment are dated closely
	// one behind the other.
	Depth int
	// Interval is between two pictures; used before there are enough, 0: 1/30 s.
	Interval media.Time

	latest [maxReorder + 1]media.Time // ascending: the latest presentation times
	last   media.Time
	begun  bool
}

// Next gives the decode time of the next picture, which is never after pts but where
// Depth had to grow, and always after that of the picture before but where pts jumped.
func (r *Reorder) Next(pts media.Time) media.Time {
	r.Depth = max(0, min(r.Depth, maxReorder))
	if top := r.latest[maxReorder]; !r.begun || pts-top > jump || top-pts > jump {
		r.begin(pts)
	} else {
		later := r.insert(pts)
		r.Depth = max(r.Depth, min(later, maxReorder))
	}
	dts := r.latest[maxReorder-r.Depth]
	if dts <= r.last {
		dts = r.last + 1
	}
	r.last = dts
	return dts
}

// begin starts with a picture before which there were others, as far as is known.
func (r *Reorder) begin(pts media.Time) {
	interval := r.Interval
	if interval <= 0 {
		interval = media.Second / 30
	}
	for i := range r.latest {
		r.latest[i] = pts - media.Time(maxReorder-i)*interval
	}
	r.last = r.latest[maxReorder-r.Depth] - 1
	r.begun = true
}

// insert puts pts in its place and tells how many are later.
func (r *Reorder) insert(pts media.Time) (later int) {
	at := maxReorder
	for at >= 0 && r.latest[at] > pts {
		at--
	}
	later = maxReorder - at
	if at >= 0 {
		copy(r.latest[:at], r.latest[1:at+1])
		r.latest[at] = pts
	}
	return later
}
