package hls

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/grafov/m3u8"

	"weir/media"
)

// Recording is a media playlist over what is stored: of one that is complete, or of
// one to whose end more will come.
type Recording struct {
	Target  int // EXT-X-TARGETDURATION in seconds
	Growing bool
	Epoch   time.Time // wall clock of media time 0
	Entries []Entry
}

// Entry is a segment of a recording.
type Entry struct {
	URI             string
	Init            string // URI of its initialisation segment
	Start, Duration media.Time
	Discontinuity   bool // an EXT-X-DISCONTINUITY goes before it
	Gap             bool // there is no media
}

// tag is a line of its own.
type tag string

// TagName implements m3u8.CustomTag.
func (t tag) TagName() string { return string(t) }

// Encode implements m3u8.CustomTag.
func (t tag) Encode() *bytes.Buffer { return bytes.NewBufferString(string(t)) }

// String implements m3u8.CustomTag.
func (t tag) String() string { return string(t) }

const (
	tagGap     tag = "#EXT-X-GAP"
	tagGrowing tag = "#EXT-X-PLAYLIST-TYPE:EVENT" // the library's own comes with a tag of old
)

// Render makes the playlist. The library writes milliseconds: durations are
// differences of rounded sums, so that they never drift. A recording of nothing is
// an error.
func (r *Recording) Render() ([]byte, error) {
	if len(r.Entries) == 0 {
		return nil, errors.New("hls: a playlist without segments")
	}
	p, err := m3u8.NewMediaPlaylist(0, uint(len(r.Entries)))
	if err != nil {
		return nil, fmt.Errorf("hls: %w", err)
	}
	p.SetVersion(8) // EXT-X-MAP needs 6, EXT-X-GAP 8
	if r.Growing {
		p.SetCustomTag(tagGrowing)
	} else {
		p.MediaType = m3u8.VOD
		p.Close()
	}
	var sum, written media.Time
	init := ""
	for i, e := range r.Entries {
		sum += e.Duration
		ms := (sum - written + media.Millisecond/2) / media.Millisecond
		written += ms * media.Millisecond
		s := &m3u8.MediaSegment{URI: e.URI, Duration: float64(ms) / 1000, Discontinuity: e.Discontinuity && i > 0}
		if e.Init != init && !e.Gap {
			s.Map = &m3u8.Map{URI: e.Init}
			init = e.Init
		}
		if i == 0 || e.Discontinuity {
			s.ProgramDateTime = r.Epoch.Add(e.Start.Duration()).UTC().Truncate(time.Millisecond)
		}
		if e.Gap {
			s.Custom = map[string]m3u8.CustomTag{tagGap.TagName(): tagGap}
		}
		if err := p.AppendSegment(s); err != nil {
			return nil, fmt.Errorf("hls: %w", err)
		}
	}
	p.TargetDuration = float64(r.Target)
	return []byte(p.String()), nil
}
