package packager

import (
	"slices"

	"weir/media"
	"weir/packager/window"
)

// State is where a stream is: what another process needs to go on with it, so that its
// players see a discontinuity and no other stream. It is kept as JSON.
type State struct {
	Next   uint64     `json:"next"`   // MSN of the segment after the open one
	Number uint64     `json:"number"` // of the next DASH segment
	End    media.Time `json:"end"`    // of the media so far
	// Oldest is the first segment that is listed: playlists do not go back before it.
	Oldest uint64 `json:"oldest,omitempty"`
	// Discontinuities there were so far.
	Discontinuities uint64 `json:"discontinuities"`
	// Inits is how many initialisation segments any rendition had.
	Inits int `json:"inits"`
	// Recent are the newest segments, the open one last. Who goes on lists them, and what
	// may have followed, as gaps: so players that look for their place find it. A playlist
	// that has nothing in common with the one before hls.js puts anywhere, and then waits
	// for ever.
	Recent []Begun `json:"recent,omitempty"`
	// Period is the DASH Period of the newest segment; zero where its segments are listed.
	Period Period `json:"period"`

	room  uint64 // how many segments before Next may have followed Recent
	later int    // how many of Inits may have followed
}

// Period is one in which segments have computed numbers.
type Period struct {
	Start media.Time `json:"start"`
	First uint64     `json:"first"` // number of its first segment
}

// Begun is the beginning of a segment.
type Begun struct {
	At   media.Time `json:"at"`
	Turn bool       `json:"turn,omitempty"` // with a discontinuity, which players hold us to
}

// State is where the stream is now. ok is false before its first segment.
func (p *Packager) State() (s State, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Next, s.Number, s.End = p.cuts.next(), p.win.NextNumber(), p.cuts.end
	for i, t := range p.win.Tracks() {
		t.View(func(v *window.View) {
			n := v.Discontinuities
			for _, x := range v.Segments {
				if x.Discontinuity {
					n++
				}
			}
			if len(v.Segments) > 0 {
				s.Oldest = max(s.Oldest, v.Segments[0].MSN)
			}
			s.Discontinuities, s.Inits = max(s.Discontinuities, n), max(s.Inits, len(v.Inits))
			if i == 0 {
				s.Recent = recent(v, s.Next)
			}
		})
	}
	if now := p.numbers.period; !now.Timeline {
		s.Period = Period{now.Start, now.Number}
	}
	return s, p.cuts.keys > 0
}

// mostRecent bounds State.Recent: more than players have between what they show and the
// newest of their playlist, and less than any playlist lists for long.
const mostRecent = 5

// recent are the newest segments of a rendition, if the open one is the last before next.
func recent(v *window.View, next uint64) []Begun {
	n := len(v.Segments)
	if n == 0 || v.Segments[n-1].MSN+1 != next {
		return nil
	}
	list, young := make([]Begun, 0, mostRecent), v.Segments[n-1].Mini
	for _, x := range v.Segments[max(v.Foreign(), n-mostRecent):] {
		if !x.Mini || young { // else it leaves the playlists early
			list = append(list, Begun{x.Start, x.Discontinuity})
		}
	}
	return list
}

// changes is how many changes of parameters, which are rationed, there may have been since
// a State was true.
const changes = 2

// Skip leaves room for n segments that the process before may have begun after s, and for
// changes. Those are no discontinuities among the gaps: hls.js would look for sound and
// picture between any two.
func (s State) Skip(n uint64) State {
	s.Next, s.Number, s.room = s.Next+n, s.Number+n, s.room+n
	s.Inits, s.later = s.Inits+changes, s.later+changes
	return s
}

// lostNumbers is how many DASH segments before the newest players may ask for yet.
const lostNumbers = 5

// past is what players of DASH stand in.
func (s *State) past() window.Past {
	if s.Period.First+s.room >= s.Number {
		return window.Past{}
	}
	known := s.Number - s.room
	return window.Past{Start: s.Period.Start, First: s.Period.First, Lost: known - min(known, lostNumbers), Next: s.Number}
}

// mostRoom bounds the gaps that are listed.
const mostRoom = 500

// missed are the gaps before a segment that begins at a time, none of them longer than
// longest. They have the initialisation segment that players know: hls.js asks for the one
// of a gap too, and gives up what it fetches next.
func (s *State) missed(at, longest media.Time) []window.Segment {
	n := len(s.Recent)
	if n == 0 || s.room > mostRoom || s.room+uint64(n) > s.Next || at <= s.Recent[n-1].At {
		return nil
	}
	begun, open := slices.Clone(s.Recent), s.Recent[n-1].At
	each := min((at-open)/media.Time(s.room+1), longest) //nolint:gosec // room is small
	for i := range s.room {
		begun = append(begun, Begun{At: open + media.Time(i+1)*each}) //nolint:gosec // as above
	}
	list := make([]window.Segment, len(begun))
	for i, b := range begun {
		until := open + media.Time(s.room+1)*each //nolint:gosec // as above
		if i+1 < len(begun) {
			until = begun[i+1].At
		}
		list[i] = window.Segment{MSN: s.Next - uint64(len(begun)-i), Start: b.At, Duration: min(until-b.At, longest), //nolint:gosec // as above
			Discontinuity: b.Turn, Init: max(0, s.Inits-s.later-1)}
	}
	return list
}

// Bounds of a State that is believed: it comes from outside of this process.
const (
	mostNumbers = 1 << 48
	mostInits   = 1 << 12
)

// Sane says whether s can be that of a stream.
func (s State) Sane() bool {
	return s.Next < mostNumbers && s.Number < mostNumbers && s.Discontinuities < mostNumbers &&
		s.End >= 0 && s.End < 1<<62 && s.Inits >= 0 && s.Inits < mostInits &&
		len(s.Recent) <= mostRecent && s.ordered() && s.Period.Start >= 0 && s.Period.Start <= s.End && s.Period.First <= s.Number
}

// ordered says whether Recent can be: it lies in its order, and its discontinuities are
// among all.
func (s State) ordered() bool {
	last, turns := media.Time(0), uint64(0)
	for _, b := range s.Recent {
		if b.At < last || b.At > s.End {
			return false
		}
		last = b.At
		if b.Turn {
			turns++
		}
	}
	return turns <= s.Discontinuities
}
