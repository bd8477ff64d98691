package codec

import (
	"encoding/binary"

	"weir/media"
)

// Sets are the parameter sets that travel in an access unit of H.264 or H.265.
type Sets struct{ VPS, SPS, PPS [][]byte }

// Config is the decoder configuration record that they make; nil when they make none.
func (s Sets) Config(c media.Codec) []byte {
	if c == media.H265 {
		return BuildHVCC(s.VPS, s.SPS, s.PPS)
	}
	return BuildAVCC(s.SPS, s.PPS)
}

// Strip copies an access unit with 4-byte lengths without what MP4 has elsewhere or not at
// all (ISO/IEC 14496-15 5.3.2, 8.3.2): parameter sets, delimiters, filler. The sets
// alias au.
func Strip(c media.Codec, au []byte) (data []byte, found Sets) {
	data = make([]byte, 0, len(au))
	for nal := range NALs(au) {
		switch kindOf(c, nal) {
		case isVPS:
			found.VPS = append(found.VPS, nal)
		case isSPS:
			found.SPS = append(found.SPS, nal)
		case isPPS:
			found.PPS = append(found.PPS, nal)
		case isMedia:
			data = binary.BigEndian.AppendUint32(data, uint32(len(nal))) //nolint:gosec // it had such a length
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
		case hevcVPS:
			return isVPS
		case hevcSPS:
			return isSPS
		case hevcPPS:
			return isPPS
		case 35, 36, 37, 38:
			return isNothing
		}
		return isMedia
	}
	switch nal[0] & 0x1f {
	case nalSPS:
		return isSPS
	case 8:
		return isPPS
	case 9, 10, 11, 12:
		return isNothing
	}
	return isMedia
}

// Reordered tells how many pictures of a track may come before one that is shown before
// them; false when its configuration does not tell.
func Reordered(t *media.Track) (pictures int, known bool) {
	switch t.Codec {
	case media.H264:
		a, err := ParseAVCC(t.Config)
		if err != nil {
			return 0, false
		}
		return a.Reordered, a.Reordered > 0 || !a.Reorder
	case media.H265:
		h, err := ParseHVCC(t.Config)
		return h.Reordered, err == nil && len(h.SPS) > 0
	}
	return 0, true
}
