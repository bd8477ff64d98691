package mpegts

import (
	"bytes"
	"errors"

	"weir/media"
	"weir/media/codec"
)

// picture hands on an access unit: a PES packet has one (ETSI TS 101 154 4.1.5 asks
// for that, and encoders do it).
func (d *Demuxer) picture(s *stream) error {
	if !s.dated {
		d.stats.Bad++
		return nil
	}
	d.scratch = codec.AppendLengthPrefixed(d.scratch[:0], s.buf)
	data, sets := codec.Strip(s.codec, d.scratch)
	if len(data) == 0 {
		d.stats.Bad++
		return nil
	}
	key := codec.IsKey
	if s.codec == media.H265 {
		key = codec.IsKeyHEVC
	}
	p := &media.Packet{DTS: s.dts, PTS: s.pts, Key: key(data), Data: data}
	if p.Key {
		if err := d.configure(s, sets.Config(s.codec)); err != nil {
			return err
		}
	}
	if s.track == nil {
		return nil // before the first key frame
	}
	p.Track = s.track
	return d.out.Packet(p)
}

// configure makes a track of a configuration, unless it is the one in force. Where a
// key frame brings none, that of before holds on.
func (d *Demuxer) configure(s *stream, config []byte) error {
	if config == nil || s.track != nil && bytes.Equal(config, s.config) {
		return nil
	}
	t, err := codec.NewTrack(s.codec, config)
	if errors.Is(err, codec.ErrTooLarge) {
		return &UnsupportedError{"this picture is too large for so many reference frames: lower one of them in the encoder"}
	}
	if err != nil {
		d.stats.Bad++
		return nil //nolint:nilerr // counted: the stream goes on with what it has
	}
	s.track, s.config = t, config
	return d.out.Track(0, t)
}
