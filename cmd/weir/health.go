package main

import (
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/codec"
	"weir/media/hub"
	"weir/media/loudness"
	"weir/media/meter"
	"weir/services/live"
)

const (
	soundLooks = 4                // between two looks at the sound
	lateLooks  = 30 * time.Second // that jumps and drops are counted over
	silentFrom = -60              // dB: nothing that is meant to be heard
	clipsPeak  = -0.1             // dB, of sound that is as loud as
	clipsMean  = -10              // this on the whole: a peak alone is no fault
)

// gauge is what report keeps of a stream between its looks; only report uses it, but for
// the meter.
type gauge struct {
	meter       *meter.Meter
	looks       int
	sound       *live.Loudness // nil: there is none, or it is not known
	quiet, loud int            // looks at the sound in a row
	past        []tallied      // of the last half minute, oldest first
}

// tallied are the totals of a session at a time.
type tallied struct {
	at time.Time
	ingest.Stats
}

// newGauge measures a stream from its first packet on.
func newGauge(s *hub.Stream) *gauge {
	g := &gauge{meter: meter.New(s.Epoch(), s.Tracks())}
	s.Tap(g.meter.Take) // until the stream closes
	return g
}

// sourceOf is what a publisher sends.
func sourceOf(tracks []*media.Track) live.Source {
	var x live.Source
	for _, t := range tracks {
		if t.Kind == media.Video {
			x.Video, x.Width, x.Height, x.FPS = codec.Codecs(t), t.Width, t.Height, t.FrameRate.Float()
		} else {
			x.Audio, x.SampleRate, x.Channels = codec.Codecs(t), t.SampleRate, t.Channels
		}
	}
	return x
}

// soundsOf are the sounds of a stream and of those beside it.
func soundsOf(s *hub.Stream, further []*hub.Stream) (list []live.SoundTrack) {
	for _, s := range append([]*hub.Stream{s}, further...) {
		for _, t := range s.Tracks() {
			if t.Kind == media.Audio {
				list = append(list, live.SoundTrack{Codec: codec.Codecs(t), Language: t.Language, Label: t.Label})
			}
		}
	}
	return list
}

// measure tells the live-service how a stream arrives.
func (m *mediaRole) measure(p *pipeline, now time.Time) {
	h := p.gauge.read(current(p.source), now)
	if s := m.sessions.Get(p.stream.Name); s != nil {
		h.Jumps, h.Dropped = p.gauge.lately(s.Stats(), now)
		h.SpareVideo, h.SpareAudio = s.LeftOut()
	}
	h.Sounds = soundsOf(p.source, m.hub.Sounds(p.source.ID()))
	if p.job != nil {
		for _, st := range p.job.Stats() {
			if st.Shed {
				h.Shed = append(h.Shed, st.Rendition)
			} else {
				h.Lag = max(h.Lag, st.Lag.Seconds())
			}
		}
	}
	h.Encoder = m.control.encoder(p.session.desk)
	p.health.Store(&h)
	m.control.live.Measure(p.session.live, h, totals(p.source, time.Duration(p.lag.Load())))
}

// read is what the meter and the sound say.
func (g *gauge) read(tracks []*media.Track, now time.Time) live.Health {
	f := g.meter.Read(now)
	h := live.Health{
		Source: sourceOf(tracks), Seconds: f.Seconds, Bitrate: f.Bitrate, FPS: f.FPS, Varies: f.Varies, BFrames: f.BFrames,
		KeyInterval: f.KeyInterval.Seconds(), Drift: f.Drift.Seconds(), Behind: f.Behind.Seconds(),
	}
	h.SoundStops = h.Source.Audio != "" && f.Seconds > 0 && f.Sounds == 0
	if g.looks%soundLooks == 0 {
		g.listen()
	}
	g.looks++
	h.Sound = g.sound
	return h
}

// listen decodes a short piece of the newest sound.
func (g *gauge) listen() {
	packets := g.meter.Sound()
	if packets == nil {
		g.looks-- // again next time
		return
	}
	level, err := loudness.Measure(packets)
	if err != nil {
		g.sound = nil // the ladder and the players will say more
		return
	}
	g.hear(level)
}

// hear takes one measurement; two in a row are needed to call it a fault.
func (g *gauge) hear(l loudness.Level) {
	inARow := func(n int, is bool) int {
		if is {
			return n + 1
		}
		return 0
	}
	g.quiet = inARow(g.quiet, l.Mean < silentFrom)
	g.loud = inARow(g.loud, l.Peak >= clipsPeak && l.Mean >= clipsMean)
	g.sound = &live.Loudness{Mean: l.Mean, Peak: l.Peak, Silent: g.quiet > 1, Clips: g.loud > 1}
}

// lately is how often the stamps jumped, and how many packets were left out, in the last
// half minute.
func (g *gauge) lately(s ingest.Stats, now time.Time) (jumps, dropped int64) {
	if n := len(g.past); n > 0 && (s.Jumps < g.past[n-1].Jumps || s.Dropped < g.past[n-1].Dropped) {
		g.past = nil // another stream of the same name
	}
	for len(g.past) > 1 && now.Sub(g.past[0].at) > lateLooks {
		g.past = g.past[1:]
	}
	g.past = append(g.past, tallied{now, s})
	first := g.past[0]
	return int64(s.Jumps - first.Jumps), int64(s.Dropped - first.Dropped) //nolint:gosec // differences of counters that grow
}
