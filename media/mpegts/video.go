package mpegts

import (
	"bytes"
	"encoding/binary"
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
	data, sets := strip(s.codec, d.scratch)
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
		if err := d.configure(s, sets.record(s.codec)); err != nil {
			return err
		}
	}
	if s.track == nil {
		return nil // before the first key frame
	}
	p.Track = s.track
	return d.out.Packet(p)
}

// sets are the parameter sets of an access unit.
type sets struct{ vps, sps, pps [][]byte }

// record is the decoder configuration that they make; nil when they make none.
func (s sets) record(c media.Codec) []byte {
	if c == media.H265 {
		return codec.BuildHVCC(s.vps, s.sps, s.pps)
	}
	return codec.BuildAVCC(s.sps, s.pps)
}

// strip copies an access unit without what MP4 has elsewhere or not at all (ISO/IEC
// 14496-15 5.3.2, 8.3.2): parameter sets, delimiters, filler. The sets alias au.
func strip(c media.Codec, au []byte) (data []byte, found sets) {
	data = make([]byte, 0, len(au))
	for nal := range codec.NALs(au) {
		switch kindOf(c, nal) {
		case isVPS:
			found.vps = append(found.vps, nal)
		case isSPS:
			found.sps = append(found.sps, nal)
		case isPPS:
			found.pps = append(found.pps, nal)
		case isMedia:
			data = binary.BigEndian.AppendUint32(data, uint32(len(nal))) //nolint:gosec // at most maxUnit
			data = append(data, nal...)
		}
	}
	return data, found
}

// Kinds of NAL units.
const (
	isMedia = iota
	isVPS
	isSPS
	isPPS
	isNothing
)

// kindOf tells what a NAL unit is (14496-10 table 7-1, 23008-2 table 7-1).
func kindOf(c media.Codec, nal []byte) int {
	if c == media.H265 {
		switch nal[0] >> 1 & 0x3f {
		case 32:
			return isVPS
		case 33:
			return isSPS
		case 34:
			return isPPS
		case 35, 36, 37, 38:
			return isNothing
		}
		return isMedia
	}
	switch nal[0] & 0x1f {
	case 7:
		return isSPS
	case 8:
		return isPPS
	case 9, 10, 11, 12:
		return isNothing
	}
	return isMedia
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
	return d.out.Track(t)
}
