package hls

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/grafov/m3u8"

	"weir/media"
	"weir/packager/window"
)

// Variant is one picture rendition in the multivariant playlist.
type Variant struct {
	URI           string
	Bandwidth     int // peak bit/s; Hear adds the sound's
	Average       int // 0 when unknown
	Codecs        string
	Width, Height int
	FrameRate     float64 // 0 when unknown
}

// Multivariant is the entry playlist of a stream.
type Multivariant struct {
	Variants []Variant
	// Independent tells that every listed segment begins with a key frame.
	Independent bool
	// Start is where players begin, from the start of the media playlists; 0: by their
	// usual distance from the live edge.
	Start media.Time

	hear   hearing // of all variants
	asSent hearing // of one more, of that alone; without sounds where there is none
	alone  bool    // there is no picture
}

// The groups of sounds.
const (
	audioGroup    = "audio"
	originalGroup = media.OriginalName
)

// Render makes the playlist.
func (m *Multivariant) Render() []byte {
	p := m3u8.NewMasterPlaylist()
	p.SetVersion(9)
	p.SetIndependentSegments(m.Independent)
	beside := m.alternatives(m.hear)
	for _, v := range m.Variants {
		appendVariant(p, v, m.hear.group, beside)
	}
	if len(m.asSent.sounds) > 0 {
		appendVariant(p, m.sent(), m.asSent.group, m.alternatives(m.asSent))
	}
	text := []byte(p.String())
	if m.Start > 0 {
		const version = "#EXT-X-VERSION:9\n"
		start := append([]byte(version+"#EXT-X-START:TIME-OFFSET="), appendSeconds(nil, m.Start)...)
		text = bytes.Replace(text, []byte(version), append(start, ",PRECISE=YES\n"...), 1)
	}
	return text
}

// appendVariant adds a variant, whose sounds are beside it in a group, or in it.
func appendVariant(p *m3u8.MasterPlaylist, v Variant, group string, beside []*m3u8.Alternative) {
	params := m3u8.VariantParams{
		Bandwidth:        uint32(v.Bandwidth),
		AverageBandwidth: uint32(v.Average),
		Codecs:           v.Codecs,
		FrameRate:        v.FrameRate,
		Alternatives:     beside,
	}
	if v.Width > 0 {
		params.Resolution = strconv.Itoa(v.Width) + "x" + strconv.Itoa(v.Height)
		// Shaka looks for captions inside the open segment of a young stream
		// unless it is told that there are none.
		params.Captions = "NONE"
	}
	if len(beside) > 0 {
		params.Audio = group
	}
	p.Append(v.URI, nil, params)
}

// StartAt is Multivariant.Start for who comes now, while the distance that players keep
// from the live edge leads them into mini segments without a key frame. It stands in the
// multivariant playlist, which players read once: in a media playlist it would be a line
// that goes away later, which rfc8216bis 6.2.1 does not allow.
func StartAt(v *window.View) media.Time {
	if v.Kind != media.Video || len(v.Segments) == 0 || !v.Segments[0].Mini {
		return 0
	}
	first := v.Segments[0].Start
	for _, s := range v.Segments {
		if s.Mini {
			continue
		}
		if edge := v.Segments[len(v.Segments)-1].End(); edge-s.Start >= startDistance {
			return 0
		}
		return s.Start - first
	}
	return media.Millisecond // some parsers take 0 for "missing"
}

// startDistance is more than players keep from the live edge (PART-HOLD-BACK).
const startDistance = media.Second * 6 / 5

// firstRate is the most that the variant needs that players begin with, in bit/s.
const firstRate = 2_500_000

// BeginLow moves the best variant of at most firstRate to the front, where players
// look for the one to begin with; without one the least. hls.js takes its rate for
// that of the network, begins with it, and steps down and up again within a segment
// when it is too much, which leaves a hole. Variants of another coding than the first
// do not count: not every player can begin with them.
func (m *Multivariant) BeginLow() {
	v := m.Variants
	first := -1
	for i := range v {
		if family(v[i].Codecs) != family(v[0].Codecs) {
			continue
		}
		fits := v[i].Bandwidth <= firstRate
		if first < 0 || fits && (v[first].Bandwidth > firstRate || v[i].Bandwidth > v[first].Bandwidth) || !fits && v[i].Bandwidth < v[first].Bandwidth {
			first = i
		}
	}
	if first > 0 {
		chosen := v[first]
		copy(v[1:first+1], v[:first])
		v[0] = chosen
	}
}

// family is the coding that a CODECS attribute begins with, such as "avc1".
func family(codecs string) string {
	name, _, _ := strings.Cut(codecs, ".")
	return name
}
