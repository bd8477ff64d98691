package whip

import (
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/codec"
	"weir/media/frames"
	"weir/media/timing"
)

// lane turns the frames of one track into packets. One goroutine uses it.
type lane struct {
	codec media.Codec
	clock timing.RTP

	track  *media.Track
	config []byte // of VP9
	waits  bool   // something was lost: for the next key frame
}

// packet makes a packet of a frame; nil when it is to be left out. ask says that a key
// frame is needed.
func (l *lane) packet(f frames.Frame, at media.Time) (p *media.Packet, ask bool, err error) {
	p = &media.Packet{DTS: at, PTS: at, Wall: f.Wall, Data: f.Data, Key: true}
	if l.codec == media.Opus {
		if l.track == nil {
			err = l.configure(codec.BuildDOps(codec.OpusInfo{Channels: 2, InputRate: 48000}))
		}
		p.Track, p.Duration = l.track, 0
		return p, false, err
	}
	p.Data, p.Key, err = l.picture(f.Data)
	if err != nil {
		return nil, true, err
	}
	l.waits = (l.waits || f.Lost) && !p.Key
	if l.waits || l.track == nil {
		return nil, true, nil
	}
	p.Track = l.track
	return p, false, nil
}

// mapper brings the lanes of a publisher into its session. One goroutine uses it.
type mapper struct {
	out       *ingest.Collector
	began     time.Time // zero of the connection's clock
	tolerance ingest.Tolerance
	known     [2]*media.Track
	picture   *lane // the newest layer that was taken; nil: none yet
}

// frame hands one frame on. ask says that the encoder is to send a key frame, key that
// this was one. The error ends the stream.
func (m *mapper) frame(l *lane, f frames.Frame) (ask, key bool, err error) {
	sound := l.codec.Kind() == media.Audio
	var beside *timing.RTP
	if sound && m.picture != nil {
		beside = &m.picture.clock
		l.clock.Follow(beside)
	}
	p, ask, err := l.packet(f, l.clock.Place(f.At, media.FromDuration(f.Wall.Sub(m.began)), beside))
	if err != nil {
		return ask, false, m.tolerance.Forgive(&ingest.BadMedia{Err: err})
	}
	if p == nil {
		return ask, false, nil
	}
	m.tolerance.Good()
	if !sound {
		m.picture = l
	}
	if slot := &m.known[p.Kind()-media.Video]; *slot != p.Track {
		*slot = p.Track
		m.out.Know(0, p.Track)
	}
	return false, p.Key && !sound, m.tolerance.Forgive(m.out.Write(p))
}
