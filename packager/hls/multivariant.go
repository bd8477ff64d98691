package hls

import (
	"strconv"
	"strings"

	"github.com/grafov/m3u8"
)

// Variant is one picture rendition in the multivariant playlist.
type Variant struct {
	URI           string
	Bandwidth     int // peak bit/s with the audio that goes with it
	Average       int // 0 when unknown
	Codecs        string
	Width, Height int
	FrameRate     float64 // 0 when unknown
}

// Multivariant is the entry playlist of a stream.
type Multivariant struct {
	Variants []Variant
	AudioURI string // "" when the audio is in the variants, or there is none
	Channels int    // of the audio
	// Independent tells that every listed segment begins with a key frame.
	Independent bool
}

const audioGroup = "audio"

// Render makes the playlist. Without a picture the audio is the only variant.
func (m *Multivariant) Render() []byte {
	p := m3u8.NewMasterPlaylist()
	p.SetVersion(9)
	p.SetIndependentSegments(m.Independent)
	for i, v := range m.Variants {
		params := m3u8.VariantParams{
			Bandwidth:        uint32(v.Bandwidth),
			AverageBandwidth: uint32(v.Average),
			Codecs:           v.Codecs,
			FrameRate:        v.FrameRate,
		}
		if v.Width > 0 {
			params.Resolution = strconv.Itoa(v.Width) + "x" + strconv.Itoa(v.Height)
			// Shaka looks for captions inside the open segment of a young stream
			// unless it is told that there are none.
			params.Captions = "NONE"
		}
		if m.AudioURI != "" {
			params.Audio = audioGroup
			if i == 0 {
				params.Alternatives = []*m3u8.Alternative{{
					GroupId: audioGroup, Type: "AUDIO", Name: "main", Default: true, Autoselect: "YES", URI: m.AudioURI,
				}}
			}
		}
		p.Append(v.URI, nil, params)
	}
	return []byte(p.String())
}

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
