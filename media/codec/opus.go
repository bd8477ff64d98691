package codec

import (
	"encoding/binary"
	"fmt"
)

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

// OpusSamples is how long a packet lasts, in samples at 48 kHz (RFC 6716 3.1, 3.2); 0: it is
// none.
func OpusSamples(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	config := p[0] >> 3
	var each int
	switch {
	case config < 12:
		each = [...]int{480, 960, 1920, 2880}[config%4]
	case config < 16:
		each = [...]int{480, 960}[config%2]
	default:
		each = [...]int{120, 240, 480, 960}[config%4]
	}
	switch p[0] & 3 {
	case 0:
		return each
	case 3:
		if len(p) < 2 || int(p[1]&0x3f)*each > 5760 {
			return 0
		}
		return int(p[1]&0x3f) * each
	}
	return 2 * each
}
