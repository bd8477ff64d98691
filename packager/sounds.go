package packager

import "weir/media"

// lateStart is how much of a segment of a further sound may be missing at its beginning: less
// than the longest frame is a gap to nobody.
const lateStart = 150 * media.Millisecond

// takeOriginal takes a packet of a stream with the publisher's own sound, be it beside a picture.
// While that is not Opus the rendition has gaps, and is not offered to those who come.
func (r *rendition) takeOriginal(pkt *media.Packet) {
	if pkt.Track.Kind != media.Audio {
		return
	}
	if shed := pkt.Track.Codec != media.Opus; shed != r.shed {
		r.shed = shed
		r.track.SetShed(shed)
	}
	if !r.shed {
		r.take(pkt)
	}
}

// lapse has further sounds of which nothing comes go on with gaps: a segment that is over for
// a target duration is not waited for any longer.
func (p *Packager) lapse() {
	for _, r := range p.sounds {
		if r.track.Further {
			r.lapse(p.cuts.end - media.Time(p.cfg.Target)*media.Second)
		}
	}
}

// lapse completes the segments that end before a time, as gaps where nothing came. What waits
// for the leading track stays: the sound may be back already.
func (r *rendition) lapse(before media.Time) {
	if !r.started {
		r.started, r.msn = true, r.p.cuts.base
	}
	msn := r.msn
	for msn+1 < r.p.cuts.next() && r.p.cuts.get(msn+1).at <= before {
		msn++
	}
	if msn == r.msn {
		return
	}
	if h := r.held; h != nil {
		r.settle(h.DTS + r.p.cfg.Frame)
	}
	r.skipTo(msn)
}
