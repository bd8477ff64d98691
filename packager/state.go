package packager

import (
	"weir/media"
	"weir/packager/window"
)

// State is where a stream is: what another process needs to go on with it, so that its
// players see a discontinuity and no other stream. It is kept as JSON.
type State struct {
	Next   uint64     `json:"next"`   // MSN of the segment after the open one
	Number uint64     `json:"number"` // of the next DASH segment
	End    media.Time `json:"end"`    // of the media so far
	// Discontinuities there were so far.
	Discontinuities uint64 `json:"discontinuities"`
	// Inits is how many initialisation segments any rendition had.
	Inits int `json:"inits"`
}

// State is where the stream is now. ok is false before its first segment.
func (p *Packager) State() (s State, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Next, s.Number, s.End = p.cuts.next(), p.win.NextNumber(), p.cuts.end
	for _, t := range p.win.Tracks() {
		t.View(func(v *window.View) {
			n := v.Discontinuities
			for _, x := range v.Segments {
				if x.Discontinuity {
					n++
				}
			}
			s.Discontinuities, s.Inits = max(s.Discontinuities, n), max(s.Inits, len(v.Inits))
		})
	}
	return s, p.cuts.keys > 0
}

// Skip leaves room for n segments that the process before may have begun after s, and for
// two changes of parameters, which are rationed.
func (s State) Skip(n uint64) State {
	s.Next, s.Number = s.Next+n, s.Number+n
	s.Discontinuities, s.Inits = s.Discontinuities+2, s.Inits+2
	return s
}

// Bounds of a State that is believed: it comes from outside of this process.
const (
	mostNumbers = 1 << 48
	mostInits   = 1 << 12
)

// Sane says whether s can be that of a stream.
func (s State) Sane() bool {
	return s.Next < mostNumbers && s.Number < mostNumbers && s.Discontinuities < mostNumbers &&
		s.End >= 0 && s.End < 1<<62 && s.Inits >= 0 && s.Inits < mostInits
}
