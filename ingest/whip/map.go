package whip

import (
	"bytes"
	"encoding/binary"
	"fmt"
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
	p.Key, err = l.picture(f.Data)
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

// picture looks at a picture: it learns the track from a key frame.
func (l *lane) picture(data []byte) (key bool, err error) {
	switch l.codec {
	case media.H264:
		if key = codec.IsKey(data); !key {
			return false, nil
		}
		sps, pps := codec.ParameterSets(data)
		if len(sps) == 0 {
			return l.track != nil, nil // those before hold on
		}
		config := codec.BuildAVCC(sps, pps)
		if config == nil {
			return false, fmt.Errorf("parameter sets: %w", codec.ErrInvalid)
		}
		return true, l.configure(config)
	case media.VP8:
		key, width, height := vp8Size(data)
		return key, l.resize(key, width, height)
	default:
		info, key, err := codec.ParseVP9(data)
		if err != nil || !key {
			return false, err
		}
		if config := codec.BuildVPCC(info); l.track == nil || !bytes.Equal(config, l.track.Config) {
			l.track = nil // the profile or the level is another one
			l.config = config
		}
		return true, l.resize(true, info.Width, info.Height)
	}
}

func (l *lane) configure(config []byte) error {
	if l.track != nil && bytes.Equal(config, l.track.Config) {
		return nil
	}
	t, err := codec.NewTrack(l.codec, config)
	if err != nil {
		return err
	}
	l.track = t
	return nil
}

func (l *lane) resize(key bool, width, height int) error {
	if !key || l.track != nil && l.track.Width == width && l.track.Height == height {
		return nil
	}
	if width == 0 || height == 0 {
		return fmt.Errorf("size of the picture: %w", codec.ErrInvalid)
	}
	l.track = &media.Track{Kind: media.Video, Codec: l.codec, Config: l.config, Width: width, Height: height}
	return nil
}

// vp8Size reads the header of a VP8 frame (RFC 6386 9.1).
func vp8Size(data []byte) (key bool, width, height int) {
	if len(data) < 10 || data[0]&1 != 0 || !bytes.Equal(data[3:6], []byte{0x9d, 0x01, 0x2a}) {
		return false, 0, 0
	}
	return true, int(binary.LittleEndian.Uint16(data[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(data[8:]) & 0x3fff)
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
		if err := m.out.Know(p.Track); err != nil {
			return false, false, err
		}
	}
	return false, p.Key && !sound, m.tolerance.Forgive(m.out.Write(p))
}
