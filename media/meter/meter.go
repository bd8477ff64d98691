package meter

import (
	"sync"
	"time"

	"weir/media"
)

const (
	rateOver   = 10 // seconds that rates are measured over
	behindOver = 30 // seconds that a late publisher is remembered for
	slots      = behindOver + 2
	awayFrom   = 2  // seconds to the next packet, when that is of a publisher that was away
	gapsKept   = 4  // distances of key frames, of which the greatest counts
	soundKept  = 10 // packets: some 0.2 s of AAC
	soundMax   = 64 << 10
)

// Figures are what a Meter saw lately. Rates are over the last ten whole seconds, or
// over all of them where the stream is younger, or its publisher came back since.
type Figures struct {
	Seconds     int        // that the rates are over; 0: none is known yet
	Bitrate     int64      // bit/s
	FPS         float64    // pictures a second
	Varies      bool       // most pictures keep no constant rate
	BFrames     bool       // pictures are not sent in the order in which they are shown
	Sounds      float64    // packets of sound a second
	KeyInterval media.Time // most between the last key frames, and since the last one
	Drift       media.Time // media time minus wall clock, in the last second that had packets; negative is late
	Behind      media.Time // most that it was late in half a minute, at least 0
}

// second is what came in one second of the wall clock.
type second struct {
	at                              int64 // Unix time
	bytes, frames, loose, reordered uint64
	sounds                          uint64
	lead                            media.Time // the greatest, of the leading track
	led                             bool
}

// Meter measures one stream. Take is called by the stream's writer, everything else may
// be called from anywhere. Its lock is held for well under a microsecond.
type Meter struct {
	epoch time.Time
	lead  media.Kind

	mu      sync.Mutex
	seconds [slots]second
	first   int64 // the second of the first packet, also of a publisher that came back
	latest  int64 // that of the newest one
	begun   bool
	key     media.Time // DTS of the newest key frame
	keyed   bool
	newest  media.Time // DTS of the newest picture
	gaps    [gapsKept]media.Time
	gap     int
	sound   []*media.Packet // newest last, of one track without a hole
}

// New makes the meter of a stream with that epoch and those tracks.
func New(epoch time.Time, tracks []*media.Track) *Meter {
	m := &Meter{epoch: epoch, lead: media.Audio}
	for _, t := range tracks {
		if t.Kind == media.Video {
			m.lead = media.Video
		}
	}
	return m
}

// Take measures one packet, if it is a publisher's.
func (m *Meter) Take(p *media.Packet) {
	if p.Slate {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := p.Wall.Unix()
	if !m.begun || p.Discontinuity && at-m.latest >= awayFrom {
		m.begun, m.first = true, at
	}
	m.latest = max(m.latest, at)
	s := &m.seconds[uint64(at)%slots] //nolint:gosec // any number will do that is the same each time
	if s.at != at {
		*s = second{at: at}
	}
	s.bytes += uint64(len(p.Data))
	if p.Track.Kind == m.lead {
		if lead := p.DTS - media.FromDuration(p.Wall.Sub(m.epoch)); !s.led || lead > s.lead {
			s.lead, s.led = lead, true
		}
	}
	if p.Track.Kind == media.Audio {
		s.sounds++
		m.keep(p)
		return
	}
	s.frames++
	if p.Duration == 0 {
		s.loose++
	}
	if p.PTS != p.DTS {
		s.reordered++
	}
	m.newest = p.DTS
	if !p.Key {
		return
	}
	if m.keyed && !p.Discontinuity {
		m.gaps[m.gap%gapsKept] = p.DTS - m.key
		m.gap++
	}
	m.key, m.keyed = p.DTS, true
}

// keep remembers the newest sound.
func (m *Meter) keep(p *media.Packet) {
	if n := len(m.sound); n > 0 && (p.Discontinuity || m.sound[n-1].Track != p.Track) || len(p.Data) > soundMax {
		m.sound = m.sound[:0]
	}
	if len(p.Data) > soundMax {
		return
	}
	if len(m.sound) == soundKept {
		copy(m.sound, m.sound[1:])
		m.sound = m.sound[:soundKept-1]
	}
	m.sound = append(m.sound, p)
}

// Sound gives the newest packets of sound, in order, of one track; none before there
// are enough to judge by.
func (m *Meter) Sound() []*media.Packet {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.sound) < soundKept {
		return nil
	}
	return append([]*media.Packet(nil), m.sound...)
}

// Read adds up what was seen until now, which is on the clock of Packet.Wall.
func (m *Meter) Read(now time.Time) Figures {
	m.mu.Lock()
	defer m.mu.Unlock()
	var f Figures
	until := now.Unix()          // which is not over yet
	whole := until - m.first - 1 // the first one was begun in its middle
	if !m.begun || whole < 1 {
		return f
	}
	f.Seconds = int(min(rateOver, whole))
	var bytes, frames, loose, reordered, sounds uint64
	drifted := int64(0)
	for i := range m.seconds {
		s := &m.seconds[i]
		age := until - s.at
		if age < 1 || age > behindOver {
			continue
		}
		if s.led {
			f.Behind = max(f.Behind, -s.lead)
			if s.at > drifted {
				drifted, f.Drift = s.at, s.lead
			}
		}
		if age <= int64(f.Seconds) {
			bytes, frames, sounds = bytes+s.bytes, frames+s.frames, sounds+s.sounds
			loose, reordered = loose+s.loose, reordered+s.reordered
		}
	}
	over := float64(f.Seconds)
	f.Bitrate = int64(float64(bytes) * 8 / over)
	f.FPS, f.Sounds = float64(frames)/over, float64(sounds)/over
	f.Varies, f.BFrames = loose*2 > frames, reordered > 0
	if m.keyed {
		f.KeyInterval = m.newest - m.key
		for _, g := range m.gaps {
			f.KeyInterval = max(f.KeyInterval, g)
		}
	}
	return f
}
