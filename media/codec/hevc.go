package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// NAL unit types of H.265 (ISO/IEC 23008-2 table 7-1) that matter here.
const (
	hevcFirstIRAP = 16
	hevcLastIRAP  = 21
	hevcVPS       = 32
	hevcSPS       = 33
	hevcPPS       = 34
)

// HEVCInfo is the content of an HEVCDecoderConfigurationRecord. Size and depth
// come from its first SPS and are zero when it has none. The frame rate is told by
// hevcRate.
type HEVCInfo struct {
	ProfileSpace  byte    // general_profile_space, 0 to 3
	Tier          bool    // high tier
	Profile       byte    // general_profile_idc
	Compatibility uint32  // general_profile_compatibility_flags
	Constraints   [6]byte // general_constraint_indicator_flags
	Level         byte    // general_level_idc, 30 times the level

	Width, Height int // after the conformance window, in luma samples
	ChromaFormat  int
	BitDepth      int // luma
	Reordered     int // sps_max_num_reorder_pics, the most of all sub-layers

	LengthSize    int
	VPS, SPS, PPS [][]byte // NAL units with their headers; they alias the record
}

// ParseHVCC reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1).
func ParseHVCC(config []byte) (HEVCInfo, error) {
	if len(config) < 23 {
		return HEVCInfo{}, fmt.Errorf("hvcC: %w", ErrTruncated)
	}
	h := HEVCInfo{
		ProfileSpace:  config[1] >> 6,
		Tier:          config[1]&0x20 != 0,
		Profile:       config[1] & 0x1f,
		Compatibility: binary.BigEndian.Uint32(config[2:]),
		Constraints:   [6]byte(config[6:12]),
		Level:         config[12],
		ChromaFormat:  int(config[16] & 3),
		BitDepth:      int(config[17]&7) + 8,
		LengthSize:    int(config[21]&3) + 1,
	}
	if h.LengthSize == 3 || config[0] > 1 {
		return HEVCInfo{}, fmt.Errorf("hvcC: %w", ErrInvalid)
	}
	rest := config[23:]
	for range config[22] {
		if len(rest) < 3 {
			return HEVCInfo{}, fmt.Errorf("hvcC: %w", ErrTruncated)
		}
		var sets [][]byte
		var err error
		kind := rest[0] & 0x3f
		sets, rest, err = readSets(rest[3:], int(binary.BigEndian.Uint16(rest[1:])))
		if err != nil {
			return HEVCInfo{}, fmt.Errorf("hvcC: %w", ErrTruncated)
		}
		switch kind {
		case hevcVPS:
			h.VPS = append(h.VPS, sets...)
		case hevcSPS:
			h.SPS = append(h.SPS, sets...)
		case hevcPPS:
			h.PPS = append(h.PPS, sets...)
		}
	}
	if len(h.SPS) == 0 {
		return h, nil
	}
	for _, sps := range h.SPS[1:] {
		if err := new(HEVCInfo).readSPS(sps); errors.Is(err, ErrTooLarge) {
			return HEVCInfo{}, err
		}
	}
	return h, h.readSPS(h.SPS[0])
}

// readSPS reads the head of an H.265 SPS (23008-2 7.3.2.2.1) up to the pictures kept.
func (h *HEVCInfo) readSPS(nal []byte) error {
	if len(nal) < 4 || len(nal) > maxParameterSet || nal[0]>>1&0x3f != hevcSPS {
		return fmt.Errorf("h265 sps: %w", ErrInvalid)
	}
	r := &bitReader{data: unescape(nal[2:])}
	r.skip(4) // sps_video_parameter_set_id
	sub := int(r.u(3))
	r.skip(1)
	skipProfileTierLevel(r, sub)
	r.ue() // sps_seq_parameter_set_id
	chroma := r.ue()
	separate := chroma == 3 && r.flag()
	w, ht := r.ue(), r.ue()
	var crop [4]uint32 // left, right, top, bottom
	if r.flag() {
		for i := range crop {
			crop[i] = r.ue()
		}
	}
	depth := r.ue()
	if r.short {
		return fmt.Errorf("h265 sps: %w", ErrTruncated)
	}
	x, y := uint32(1), uint32(1)
	if !separate && (chroma == 1 || chroma == 2) {
		x = 2
	}
	if !separate && chroma == 1 {
		y = 2
	}
	if chroma > 3 || depth > 8 || w > maxSide || ht > maxSide || max(crop[0], crop[1], crop[2], crop[3]) > maxSide ||
		(crop[0]+crop[1])*x >= w || (crop[2]+crop[3])*y >= ht {
		return fmt.Errorf("h265 sps: %w", ErrInvalid)
	}
	kept, reordered := readKept(r, sub)
	if err := checkHeld(w, ht, kept); err != nil {
		return fmt.Errorf("h265 sps: %w", err)
	}
	h.ChromaFormat, h.BitDepth, h.Reordered = int(chroma), int(depth)+8, int(reordered)
	h.Width, h.Height = int(w-(crop[0]+crop[1])*x), int(ht-(crop[2]+crop[3])*y)
	return nil
}

// readKept goes on behind the luma depth and gives sps_max_dec_pic_buffering and
// sps_max_num_reorder_pics, the most of all sub-layers; 0 when they are not there.
func readKept(r *bitReader, sub int) (pictures, reordered uint32) {
	r.ue() // bit_depth_chroma_minus8
	r.ue() // log2_max_pic_order_cnt_lsb_minus4
	layers := 1
	if r.flag() { // sps_sub_layer_ordering_info_present_flag
		layers += sub
	}
	for range layers {
		n := r.ue()
		order := r.ue()
		r.ue() // sps_max_latency_increase_plus1
		if r.short {
			return pictures, reordered
		}
		pictures, reordered = max(pictures, min(n, 1<<16)+1), max(reordered, min(order, 16))
	}
	return pictures, reordered
}

// skipProfileTierLevel passes over profile_tier_level (23008-2 7.3.3).
func skipProfileTierLevel(r *bitReader, sub int) {
	r.skip(88 + 8)
	if sub == 0 {
		return
	}
	var profile, level [8]bool
	for i := range sub {
		profile[i], level[i] = r.flag(), r.flag()
	}
	r.skip(2 * (8 - sub))
	for i := range sub {
		if profile[i] {
			r.skip(88)
		}
		if level[i] {
			r.skip(8)
		}
	}
}

// BuildHVCC makes the record for 4-byte lengths from whole NAL units. It is nil when
// a kind of set is missing, when the first SPS cannot be parsed, or when there are more
// or longer sets than weir takes (16 of a kind, 4,096 bytes each).
func BuildHVCC(vps, sps, pps [][]byte) []byte {
	var h HEVCInfo
	if len(sps) == 0 || h.readSPS(sps[0]) != nil {
		return nil
	}
	head := unescape(sps[0][2:])
	if len(head) < 13 {
		return nil
	}
	b := append([]byte{1}, head[1:13]...) // profile_tier_level up to general_level_idc
	b = append(b, 0xf0, 0, 0xfc)          // any segmentation, any parallelism
	b = append(b, 0xfc|byte(h.ChromaFormat), 0xf8|byte(h.BitDepth-8), 0xf8|byte(h.BitDepth-8), 0, 0)
	b = append(b, 1<<3|head[0]&1<<2|3, 3) // one temporal layer, sps_temporal_id_nesting_flag
	for _, a := range []struct {
		kind byte
		sets [][]byte
	}{{hevcVPS, vps}, {hevcSPS, sps}, {hevcPPS, pps}} {
		if len(a.sets) == 0 || len(a.sets) > 16 {
			return nil
		}
		b = binary.BigEndian.AppendUint16(append(b, 0x80|a.kind), uint16(len(a.sets))) //nolint:gosec // at most 16
		for _, set := range a.sets {
			if len(set) > maxParameterSet {
				return nil
			}
		}
		b = appendSets(b, a.sets)
	}
	return b
}

// IsKeyHEVC tells whether an H.265 access unit with 4-byte lengths holds an
// intra random access picture (BLA, IDR or CRA).
func IsKeyHEVC(au []byte) bool {
	for nal := range NALs(au) {
		if t := nal[0] >> 1 & 0x3f; t >= hevcFirstIRAP && t <= hevcLastIRAP {
			return true
		}
	}
	return false
}
