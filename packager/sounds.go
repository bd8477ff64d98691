package packager

import (
	"strconv"

	"weir/media"
)

// AudioName is the name of the rendition that holds the sound, the first where there are
// several.
const AudioName = "audio"

// MaxSounds bounds Config.Sounds.
const MaxSounds = 4

// SoundName is the name of the rendition that holds sound i, counted from 0: AudioName, then
// "audio-2" and so on.
func SoundName(i int) string {
	if i == 0 {
		return AudioName
	}
	return AudioName + "-" + strconv.Itoa(i+1)
}

// lateStart is how much of a segment of a further sound may be missing at its beginning: less
// than the longest frame is a gap to nobody.
const lateStart = 150 * media.Millisecond

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
