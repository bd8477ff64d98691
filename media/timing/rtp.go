package timing

import (
	"time"

	"weir/media"
)

const (
	// soundStep is how far a clock is moved with each packet towards its place by the
	// sender reports: too little to be heard, or to be taken for a gap.
	soundStep = media.Millisecond / 2
	// farReport is a distance between the arrival of two tracks that no reports are
	// believed about.
	farReport = 5 * media.Second
)

// RTP brings the time stamps of one RTP stream to its connection's clock, whose zero is
// where the caller wants it. The zero value of all but Rate is ready for use.
type RTP struct {
	Rate int64 // of the stamps, Hz

	clock  Unwrapper
	begun  bool
	anchor media.Time // of stamp 0 on the connection's clock
	report time.Time  // wall time of stamp 0 by the newest sender report; zero: none yet
	placed bool       // the anchor is beside the other's
}

// Hear notes a sender report (RFC 3550 6.4.1): which wall time, as NTP writes it,
// belongs to a stamp.
func (r *RTP) Hear(ntp uint64, stamp uint32) {
	r.clock.Bits = 32
	clock := r.clock
	at := clock.Unwrap(uint64(stamp))
	if !r.begun {
		r.clock = clock
	}
	const ntpEpoch = 2_208_988_800                                            // 1900 in Unix time, s
	wall := time.Unix(int64(ntp>>32)-ntpEpoch, int64(ntp&0xffffffff)*1e9>>32) //nolint:gosec // 32 bits each
	r.report = wall.Add(-media.FromScale(at, r.Rate).Duration())
}

// Place gives the time of a stamp on the connection's clock. The first frame is where it
// arrived, or beside other, which may be nil, where reports of both tell that; those
// after it are by the RTP clock.
func (r *RTP) Place(stamp uint32, arrived media.Time, other *RTP) media.Time {
	r.clock.Bits = 32
	t := media.FromScale(r.clock.Unwrap(uint64(stamp)), r.Rate)
	if !r.begun {
		r.begun, r.anchor = true, arrived-t
		if want, ok := r.beside(other); ok {
			r.anchor, r.placed = want, true
		}
	}
	return r.anchor + t
}

// Follow moves r to where the sender reports of both say that it is beside the other: the
// first time at once, since both are where they arrived, which may be a tenth of a second
// apart, and from then on a little. Another step would be a gap to those who encode the
// sound anew.
func (r *RTP) Follow(other *RTP) {
	want, ok := r.beside(other)
	switch {
	case !ok:
	case !r.placed:
		r.anchor, r.placed = want, true
	default:
		r.anchor += max(-soundStep, min(soundStep, want-r.anchor))
	}
}

// beside is the anchor of r beside the other by the reports, where those can be right.
func (r *RTP) beside(other *RTP) (media.Time, bool) {
	if other == nil || !r.begun || !other.begun || r.report.IsZero() || other.report.IsZero() {
		return 0, false
	}
	want := other.anchor + media.FromDuration(r.report.Sub(other.report))
	d := want - r.anchor
	return want, d < farReport && d > -farReport
}
