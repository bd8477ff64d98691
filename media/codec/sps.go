package codec

import (
	"fmt"

	"weir/media"
)

// maxSide is the largest width or height that is believed, in samples.
const maxSide = 16384

// SPSInfo is what weir wants to know from an H.264 sequence parameter set.
type SPSInfo struct {
	Profile, Compat, Level byte // profile_idc, constraint flags, level_idc

	Width, Height int // after cropping, in luma samples

	// FrameRate is time_scale / (2 num_units_in_tick) of the VUI in lowest
	// terms, whether fixed_frame_rate_flag is set or not; zero when absent or
	// outside 1 to 300 per second, as encoders write nonsense there.
	FrameRate media.Rational

	// Reorder tells whether pictures may have to be shown in another order than
	// they are decoded in: max_num_reorder_frames > 0 if the VUI has it; else
	// what ISO/IEC 14496-10 E.2.1 infers, which is "yes" but for the baseline
	// profile, for intra-only profiles and for pic_order_cnt_type 2.
	Reorder bool
	// Reordered is max_num_reorder_frames of the VUI; 0 where that is not there too.
	Reordered int

	ChromaFormat int // chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4
	BitDepth     int // luma
	ChromaDepth  int
	Interlaced   bool // frame_mbs_only_flag is 0: fields or MBAFF are possible
}

// ParseSPS reads a sequence parameter set NAL unit (ISO/IEC 14496-10 7.3.2.1),
// its header byte included, emulation prevention bytes still in place. A VUI
// that is cut short is ignored: the picture can be decoded without it. The error
// wraps ErrTooLarge where so many reference pictures are beyond every level.
func ParseSPS(nal []byte) (SPSInfo, error) {
	if len(nal) < 4 {
		return SPSInfo{}, fmt.Errorf("h264 sps: %w", ErrTruncated)
	}
	if nal[0]&0x1f != nalSPS || len(nal) > maxParameterSet {
		return SPSInfo{}, fmt.Errorf("h264 sps: %w", ErrInvalid)
	}
	r := &bitReader{data: unescape(nal[1:])}
	s := SPSInfo{ChromaFormat: 1, BitDepth: 8, ChromaDepth: 8}
	s.Profile, s.Compat, s.Level = byte(r.u(8)), byte(r.u(8)), byte(r.u(8))
	r.ue() // seq_parameter_set_id
	separate := false
	if hasChromaInfo(s.Profile) {
		separate = s.readChroma(r)
	}
	r.ue() // log2_max_frame_num_minus4
	pocType := readPOC(r)
	refs := r.ue() // max_num_ref_frames
	r.skip(1)      // gaps_in_frame_num_value_allowed_flag
	err := s.readSize(r, separate, refs)
	if err != nil {
		return SPSInfo{}, err
	}
	s.Reorder = s.inferReorder(pocType, refs)
	if r.flag() {
		s.readVUI(r)
	}
	return s, nil
}

// hasChromaInfo lists the profiles whose SPS carries chroma format and depths.
func hasChromaInfo(profile byte) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	}
	return false
}

func (s *SPSInfo) readChroma(r *bitReader) (separate bool) {
	s.ChromaFormat = int(r.ue())
	if s.ChromaFormat == 3 {
		separate = r.flag()
	}
	s.BitDepth = int(r.ue()&0xff) + 8
	s.ChromaDepth = int(r.ue()&0xff) + 8
	r.skip(1) // qpprime_y_zero_transform_bypass_flag
	if !r.flag() {
		return separate
	}
	lists := 8
	if s.ChromaFormat == 3 {
		lists = 12
	}
	for i := range lists {
		if !r.flag() {
			continue
		}
		n := 16
		if i >= 6 {
			n = 64
		}
		skipScalingList(r, n)
	}
	return separate
}

// skipScalingList passes over scaling_list (14496-10 7.3.2.1.1.1).
func skipScalingList(r *bitReader, n int) {
	last, next := int32(8), int32(8)
	for range n {
		if next != 0 {
			next = (last + r.se()) & 0xff
		}
		if next != 0 {
			last = next
		}
	}
}

// readPOC passes over the picture order count fields and gives their type.
func readPOC(r *bitReader) uint32 {
	t := r.ue()
	switch t {
	case 0:
		r.ue() // log2_max_pic_order_cnt_lsb_minus4
	case 1:
		r.skip(1)
		r.se()
		r.se()
		n := r.ue()
		if n > 255 {
			r.short = true
			return t
		}
		for range n {
			r.se()
		}
	}
	return t
}

func (s *SPSInfo) readSize(r *bitReader, separate bool, refs uint32) error {
	mbs, units := r.ue(), r.ue()
	fields := uint32(1)
	if !r.flag() {
		fields, s.Interlaced = 2, true
		r.skip(1) // mb_adaptive_frame_field_flag
	}
	r.skip(1) // direct_8x8_inference_flag
	if r.short || s.ChromaFormat > 3 || s.BitDepth > 14 || s.ChromaDepth > 14 {
		return fmt.Errorf("h264 sps: %w", ErrInvalid)
	}
	if mbs >= maxSide/16 || units >= maxSide/16/fields {
		return fmt.Errorf("h264 sps: picture size: %w", ErrInvalid)
	}
	w, h := (mbs+1)*16, (units+1)*16*fields
	if err := checkHeld(w, h, refs); err != nil {
		return fmt.Errorf("h264 sps: %w", err)
	}
	if r.flag() {
		var crop [4]uint32 // left, right, top, bottom
		for i := range crop {
			if crop[i] = r.ue(); crop[i] > maxSide {
				return fmt.Errorf("h264 sps: cropping: %w", ErrInvalid)
			}
		}
		x, y := uint32(1), fields
		if !separate && (s.ChromaFormat == 1 || s.ChromaFormat == 2) {
			x = 2
		}
		if !separate && s.ChromaFormat == 1 {
			y *= 2
		}
		dx, dy := (crop[0]+crop[1])*x, (crop[2]+crop[3])*y
		if dx >= w || dy >= h {
			return fmt.Errorf("h264 sps: cropping: %w", ErrInvalid)
		}
		w, h = w-dx, h-dy
	}
	if r.short {
		return fmt.Errorf("h264 sps: %w", ErrTruncated)
	}
	s.Width, s.Height = int(w), int(h)
	return nil
}

// inferReorder is the default of max_num_reorder_frames (14496-10 E.2.1), with
// the knowledge that the baseline profile has no B slices.
func (s *SPSInfo) inferReorder(pocType, refs uint32) bool {
	const constraintSet3 = 0x10
	switch s.Profile {
	case 66:
		return false
	case 44, 86, 100, 110, 122, 244:
		if s.Compat&constraintSet3 != 0 {
			return false
		}
	}
	return pocType != 2 && refs > 0
}
