package main

import (
	"fmt"
	"slices"
	"time"

	"weir/media"
	"weir/media/hub"
	"weir/services/live"
)

// tooMuch says what of a source is beyond its channel's limits.
func tooMuch(l live.Limits, tracks []*media.Track) string {
	v := video(tracks)
	if v == nil {
		return ""
	}
	if side := min(v.Width, v.Height); l.Height > 0 && side > l.Height {
		return fmt.Sprintf("this channel may send at most %d lines, not %d: make the picture smaller in the encoder", l.Height, side)
	}
	if rate := v.FrameRate.Float(); l.FPS > 0 && rate > float64(l.FPS)+0.5 {
		return tooManyFrames(l.FPS, rate)
	}
	return ""
}

// current are the tracks of a stream as they are now: a publisher may go on with another
// picture than it began with.
func current(s *hub.Stream) []*media.Track {
	tracks, key := s.Tracks(), s.LastKey()
	if key == nil || key.Slate {
		return tracks
	}
	tracks = slices.Clone(tracks)
	for i, t := range tracks {
		if t.Kind == media.Video {
			tracks[i] = key.Track
		}
	}
	return tracks
}

// rateWindow is what a channel's limits of bit/s and of frames a second are measured over.
const rateWindow = 10 * time.Second

// pace is how much a publisher had sent at a time.
type pace struct {
	at     time.Time
	bytes  uint64
	frames uint64
	media  media.Time // of the newest packet
}

// beyond says what a publisher sends by now that its channel may not.
func (p *pipeline) beyond(now time.Time) string {
	limits := p.session.live.Grant().Limits
	if words := tooMuch(limits, current(p.source)); words != "" {
		return words
	}
	before, st := p.pace, p.source.Stats()
	if !before.at.IsZero() && now.Sub(before.at) < rateWindow {
		return ""
	}
	p.pace = pace{now, st.Bytes, st.Frames, st.Last}
	if before.at.IsZero() {
		return ""
	}
	return tooFast(limits, before, p.pace)
}

// tooFast says what of a publisher's rates between two times is beyond its channel's limits.
// Frames are counted by the time that they tell: late ones may come all at once, and who
// sends faster than real time is held back.
func tooFast(l live.Limits, before, now pace) string {
	rate := float64(now.bytes-before.bytes) * 8 / now.at.Sub(before.at).Seconds()
	if l.Bitrate > 0 && rate > float64(l.Bitrate) {
		return fmt.Sprintf("this channel may send at most %d kbit/s, not %.0f: lower the bit rate in the encoder", l.Bitrate/1000, rate/1000)
	}
	frames, passed := float64(now.frames-before.frames), (now.media - before.media).Seconds()
	if l.FPS > 0 && frames > (float64(l.FPS)+0.5)*passed+1 {
		return tooManyFrames(l.FPS, frames/max(passed, 1))
	}
	return ""
}

func tooManyFrames(most int, rate float64) string {
	return fmt.Sprintf("this channel may send at most %d frames per second, not %.0f: lower the frame rate in the encoder", most, rate)
}
