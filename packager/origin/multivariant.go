package origin

import (
	"weir/media"
	"weir/media/codec"
	"weir/packager/hls"
	"weir/packager/window"
)

// summary is what manifests say about a rendition.
type summary struct {
	name       string
	track      *media.Track
	codecs     string
	peak, mean int // bit/s
	mixed      bool
}

// summarise measures a rendition over what the window holds.
func summarise(t *window.Track) (s summary) {
	t.View(func(v *window.View) {
		s.name = t.Name
		s.track = v.Newest()
		s.codecs = codec.Codecs(s.track)
		var bytes int64
		var length media.Time
		for _, seg := range v.Segments {
			if seg.Gap || len(seg.Parts) == 0 {
				continue
			}
			size, d := seg.Size(), seg.Duration
			if length == 0 && seg.Mini { // nearly all of it is one key frame
				size /= 3
			}
			bytes, length = bytes+size, length+d
			if !seg.Mini && seg.Closed {
				s.peak = max(s.peak, int(size*8*media.TicksPerSecond/int64(d)))
			}
			s.mixed = s.mixed || !seg.Key
		}
		if length > 0 {
			s.mean = int(bytes * 8 * media.TicksPerSecond / int64(length))
		}
		s.peak = max(s.peak, s.mean*5/4)
	})
	return s
}

// multivariant renders the entry playlist over the given renditions.
func (s *Stream) multivariant(tracks []*window.Track) []byte {
	m := hls.Multivariant{Independent: true}
	var sounds []hls.Sound
	for _, t := range tracks {
		x := summarise(t)
		if t.Kind == media.Audio {
			sounds = append(sounds, hls.Sound{Rendition: t.Name, URI: s.uri(t), Codecs: x.codecs, Bandwidth: x.peak, Average: x.mean, Label: x.track.Label, Language: x.track.Language})
			continue
		}
		m.Independent = m.Independent && !x.mixed
		t.View(func(v *window.View) { m.Start = max(m.Start, hls.StartAt(v)) })
		m.Variants = append(m.Variants, hls.Variant{
			URI: s.uri(t), Bandwidth: x.peak, Average: x.mean, Codecs: x.codecs,
			Width: x.track.Width, Height: x.track.Height, FrameRate: x.track.FrameRate.Float(),
		})
	}
	m.Hear(sounds)
	m.BeginLow()
	return m.Render()
}

func (s *Stream) uri(t *window.Track) string { return s.Epoch + "/" + t.Name + "/index.m3u8" }
