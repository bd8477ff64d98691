package main

import (
	"slices"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/hub"
	"weir/media/slate"
)

// silenceEvery is how often it is looked whether a publisher has fallen silent.
const silenceEvery = 250 * time.Millisecond

// slate is ingest.Config.Slate; nil when it is off.
func (m *mediaRole) slate(on bool) func(*hub.Stream, media.Time) (ingest.Slate, error) {
	if !on {
		return nil
	}
	return func(s *hub.Stream, segment media.Time) (ingest.Slate, error) {
		c := slate.Config{Tracks: slices.Clone(s.Tracks()), Key: s.LastKey(), Segment: segment}
		for _, further := range m.hub.Sounds(s.ID()) {
			c.Tracks = append(c.Tracks, further.Tracks()...)
		}
		for i, t := range c.Tracks {
			if t.Kind == media.Video && c.Key != nil {
				c.Tracks[i] = c.Key.Track // the newest
			}
		}
		// Where the publisher's key frames are far apart, what is made of it has newer ones.
		if made := m.hub.Get(s.ID() + "/" + media.SourceName); made != nil {
			if k := made.LastKey(); k != nil && (c.Key == nil || k.PTS > c.Key.PTS) {
				c.Key = k
			}
		}
		return slate.Open(c)
	}
}
