package codec

import (
	"encoding/binary"
	"fmt"

	"weir/media"
)

// NewTrack makes a Track from a codec and its configuration record and fills in
// what the record tells: size, frame rate and reordering of H.264; size and frame rate of
// H.265 (always taken to reorder) and AV1 (which never does); rate and channels of AAC
// (those of the core coder) and Opus. Other codecs, and H.265 or AV1 records
// without headers, leave fields zero that the caller knows from elsewhere; VP9 does
// so with its size. The Track keeps config, for VP9 in the form of BuildVPCC.
func NewTrack(c media.Codec, config []byte) (*media.Track, error) {
	t := &media.Track{Kind: c.Kind(), Codec: c, Config: config}
	switch c {
	case media.H264:
		info, err := ParseAVCC(config)
		if err != nil {
			return nil, err
		}
		t.Width, t.Height, t.FrameRate, t.Reorder = info.Width, info.Height, info.FrameRate, info.Reorder
	case media.H265:
		info, err := ParseHVCC(config)
		if err != nil {
			return nil, err
		}
		t.Width, t.Height, t.Reorder = info.Width, info.Height, true
		if len(info.SPS) > 0 {
			t.FrameRate = hevcRate(info.SPS[0])
		}
	case media.AV1:
		info, err := ParseAV1C(config)
		if err != nil {
			return nil, err
		}
		t.Width, t.Height = info.Width, info.Height
	case media.VP9:
		info, err := ParseVPCC(config)
		if err != nil {
			return nil, err
		}
		t.Config = BuildVPCC(info)
	case media.AAC:
		info, err := ParseASC(config)
		if err != nil {
			return nil, err
		}
		t.SampleRate, t.Channels = info.SampleRate, info.Channels
	case media.Opus:
		o, err := ParseDOps(config)
		if err != nil {
			return nil, err
		}
		t.SampleRate, t.Channels = 48000, o.Channels
	}
	return t, nil
}

// OpusInfo is the content of a dOps box (Opus in ISOBMFF 4.3.2).
type OpusInfo struct {
	Channels   int
	PreSkip    int // samples at 48 kHz to drop at the start
	InputRate  int // Hz before encoding, for information
	OutputGain int // dB in 1/256
	Mapping    []byte
}

// ParseDOps reads the fields of a dOps box, without a box header: version 0 and
// big-endian numbers, not the little-endian OpusHead of Ogg. Mapping is what
// follows a mapping family that is not 0, family first; it aliases config.
func ParseDOps(config []byte) (OpusInfo, error) {
	if len(config) < 11 {
		return OpusInfo{}, fmt.Errorf("dOps: %w", ErrTruncated)
	}
	o := OpusInfo{
		Channels:   int(config[1]),
		PreSkip:    int(binary.BigEndian.Uint16(config[2:])),
		InputRate:  int(binary.BigEndian.Uint32(config[4:])),
		OutputGain: int(int16(binary.BigEndian.Uint16(config[8:]))),
	}
	if config[0] != 0 || o.Channels == 0 {
		return OpusInfo{}, fmt.Errorf("dOps: %w", ErrInvalid)
	}
	if family := config[10]; family != 0 {
		if len(config) < 13+o.Channels {
			return OpusInfo{}, fmt.Errorf("dOps: %w", ErrTruncated)
		}
		o.Mapping = config[10 : 13+o.Channels]
	}
	return o, nil
}

// BuildDOps makes the fields of a dOps box for mono or stereo.
func BuildDOps(o OpusInfo) []byte {
	b := []byte{0, byte(o.Channels)}
	b = binary.BigEndian.AppendUint16(b, uint16(o.PreSkip))
	b = binary.BigEndian.AppendUint32(b, uint32(o.InputRate))
	b = binary.BigEndian.AppendUint16(b, uint16(int16(o.OutputGain)))
	return append(b, 0)
}
