package whip

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"weir/media"
	"weir/media/codec"
)

// picture looks at a picture: it learns the track from a key frame, and gives the bytes
// as packets have them.
func (l *lane) picture(frame []byte) (data []byte, key bool, err error) {
	switch l.codec {
	case media.H264:
		key, err = l.h264(frame)
		return frame, key, err
	case media.H265:
		return l.h265(frame)
	case media.AV1:
		return l.av1(frame)
	case media.VP8:
		key, width, height := vp8Size(frame)
		return frame, key, l.resize(key, width, height)
	default:
		key, err = l.vp9(frame)
		return frame, key, err
	}
}

func (l *lane) h264(frame []byte) (key bool, err error) {
	if key = codec.IsKey(frame); !key {
		return false, nil
	}
	sps, pps := codec.ParameterSets(frame)
	if len(sps) == 0 {
		return l.track != nil, nil // those before hold on
	}
	config := codec.BuildAVCC(sps, pps)
	if config == nil {
		return false, fmt.Errorf("parameter sets: %w", codec.ErrInvalid)
	}
	return true, l.configure(config)
}

// h265 takes parameter sets out: in an hvc1 track they are in the configuration alone
// (ISO/IEC 14496-15 8.3.3).
func (l *lane) h265(frame []byte) (data []byte, key bool, err error) {
	data, sets := codec.Strip(media.H265, codec.AppendLengthPrefixed(make([]byte, 0, len(frame)+64), frame))
	if len(data) == 0 {
		return nil, false, fmt.Errorf("picture: nothing in it: %w", codec.ErrInvalid)
	}
	if key = codec.IsKeyHEVC(data); !key {
		return data, false, nil
	}
	config := sets.Config(media.H265)
	if config == nil {
		return data, l.track != nil, nil // those before hold on
	}
	return data, true, l.configure(config)
}

func (l *lane) av1(frame []byte) (data []byte, key bool, err error) {
	data, header, key, err := codec.AV1Unit(frame)
	if err != nil || !key {
		return data, false, err
	}
	var before []byte
	if l.track != nil {
		before = l.track.Config
	}
	config, err := codec.AV1Config(before, header)
	if err != nil {
		return nil, false, err
	}
	return data, true, l.configure(config)
}

func (l *lane) vp9(frame []byte) (key bool, err error) {
	info, key, err := codec.ParseVP9(frame)
	if err != nil || !key {
		return false, err
	}
	if config := codec.BuildVPCC(info); l.track == nil || !bytes.Equal(config, l.track.Config) {
		l.track = nil // the profile or the level is another one
		l.config = config
	}
	return true, l.resize(true, info.Width, info.Height)
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
