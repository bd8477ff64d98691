package dash

import (
	"errors"
	"strings"
	"time"

	"weir/media"
)

// ErrIncomplete means that something is missing without which no player can
// start: a Period, an adaptation set, a representation, its bandwidth or codecs,
// a template, or the timing.
var ErrIncomplete = errors.New("dash: presentation is incomplete")

// Presentation is what an MPD says. Fields that are zero are left out unless a
// default is given.
type Presentation struct {
	// Static makes a recording (type="static"), for which the wall clock means
	// nothing; the fields marked "live" are then ignored.
	Static bool

	Start     time.Time     // live: wall clock of media time 0, availabilityStartTime
	Published time.Time     // live: when this MPD changed last
	Update    time.Duration // live: minimumUpdatePeriod; 0: the MPD will not change again
	Rewind    time.Duration // live: timeShiftBufferDepth; 0: all that ever was
	Delay     time.Duration // live: suggestedPresentationDelay; 0: Latency.Target
	UTCTiming string        // live: URL that answers with the time of day (xs:dateTime)
	Latency   Latency       // live: zero value: 1.5 s within 0.75 to 8 s, speed 0.96 to 1.04
	Late      time.Duration // live: how far the media is behind the wall clock: Delay and Latency are so much greater

	// Zero is, when Static, the media time with which the presentation begins.
	Zero media.Time

	Duration   media.Time    // of the whole; needed when Static, else set when the end is known
	MaxSegment time.Duration // upper bound of all segment durations
	MinBuffer  time.Duration // 0: MaxSegment

	Periods []Period // in time order
}

// Latency is how far behind the live edge players should stay (ServiceDescription,
// 23009-1 annex K), and how fast they may play to get there.
type Latency struct {
	Target, Min, Max time.Duration
	Slowest, Fastest float64
}

func (l Latency) orDefault() Latency {
	if l != (Latency{}) {
		return l
	}
	return Latency{Target: 1500 * time.Millisecond, Min: 750 * time.Millisecond, Max: 8 * time.Second, Slowest: 0.96, Fastest: 1.04}
}

// Period is a stretch without discontinuity. Its id is made from its start.
type Period struct {
	Start    media.Time // media time at which it begins, not negative
	Duration media.Time // 0: until the next one begins, or open
	Sets     []Set
}

// Set is an adaptation set: representations of one kind that players switch
// between, with segments cut at the same times.
type Set struct {
	ID        uint32 // the same for the same content in all Periods
	Kind      media.Kind
	Language  string // BCP 47; empty: not told
	Label     string // for people to read; empty: not told
	Role      Role   // among several sets of a kind; empty: not told
	Preferred bool   // players that can play several sets of a kind take this one

	// Media is the template of URLs, relative to the MPD, in which $RepresentationID$ and
	// $Number$ are replaced; representations may have one of their own.
	Media string

	Timing Timing
	Prft   bool // chunks carry producer reference times
	Loose  bool // segments may begin without a key frame: no startWithSAP

	Representations []Representation
}

// Role is what a set is beside others of its kind (23009-1 5.8.5.5).
type Role string

// The roles of sounds.
const (
	Main      Role = "main"
	Alternate Role = "alternate"
)

// IDs of the sets of a Period: one of pictures, one of each sound, what ByCoding splits off
// of the pictures, and one of each sound as it was sent where another was made of that.
const (
	PictureID = 1
	CodingID  = 3 // the first one

	originalID = 4 // more than the sound's
)

// SoundID is that of sound i, counted from 0.
func SoundID(i int) uint32 { return uint32(2 + 10*i) } //nolint:gosec // they are few

// Sound is the set of a rendition with sound, which comes to it. Several sounds are told by
// their names, which are given by number; what a publisher sent is a set beside that of what
// was made of it.
func Sound(rendition string, names map[int]string) Set {
	i, original := media.SoundOf(rendition)
	s := Set{ID: SoundID(i), Kind: media.Audio}
	if original {
		s.ID += originalID
	}
	if len(names) > 1 {
		s.Label, s.Role = names[i], Alternate
		if i == 0 {
			s.Role = Main
		}
	}
	return s
}

// Prefer marks the first of several sounds as the one that is heard where nobody chooses.
func Prefer(sounds []Set) []Set {
	if len(sounds) > 1 {
		sounds[0].Preferred = true
	}
	return sounds
}

// ByCoding splits a set by how its representations are coded: players switch within a
// set, and pass over sets that they cannot play. The coding of the first one is the
// preferred one; the sets of others have IDs from next on.
func (s Set) ByCoding(next uint32) []Set {
	var out []Set
	at := map[string]int{}
	for _, r := range s.Representations {
		coding, _, _ := strings.Cut(r.Codecs, ".")
		i, known := at[coding]
		if !known {
			i = len(out)
			at[coding] = i
			one := s
			one.Representations = nil
			if i > 0 {
				one.ID = next + uint32(i) - 1
			}
			out = append(out, one)
		}
		out[i].Representations = append(out[i].Representations, r)
	}
	if len(out) > 1 {
		out[0].Preferred = true
	}
	return out
}

// Timing says which segments there are.
type Timing struct {
	First uint64 // number of the Period's first segment, or of Timeline[0]
	Last  uint64 // number of the Period's last segment; 0: not known

	// Segment is the duration of every segment: number First+n begins n times
	// Segment after the Period. 0 when Timeline tells.
	Segment media.Time

	// Timeline lists segments one by one, the open one at the end with the
	// duration that it will have. Consecutive numbers from First on.
	Timeline []Entry

	// Early is how long before its end a segment can be asked for
	// (availabilityTimeOffset): its duration less that of a chunk. The answer
	// then comes chunk by chunk. 0: whole segments only.
	Early time.Duration
}

// Entry is a segment of a timeline, in media time.
type Entry struct{ Start, Duration media.Time }

// Representation is one quality.
type Representation struct {
	ID        string // no white space; part of URLs
	Bandwidth int    // bit/s that suffice (23009-1 5.3.5.2), positive
	Codecs    string // RFC 6381

	Width, Height int            // video
	FrameRate     media.Rational // video; zero: not told

	SampleRate, Channels int // audio

	Init  string // URL, relative to the MPD; below a folder of the ID's name
	Media string // instead of the set's, and the same wherever Init is but for that folder
}
