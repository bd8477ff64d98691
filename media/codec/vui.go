package codec

import "weir/media"

// readVUI reads vui_parameters (ISO/IEC 14496-10 E.1.1) as far as they hold
// what weir wants. It leaves s alone from where the data end.
func (s *SPSInfo) readVUI(r *bitReader) {
	if r.flag() && r.u(8) == 255 { // aspect_ratio_idc: Extended_SAR
		r.skip(32)
	}
	if r.flag() { // overscan_info_present_flag
		r.skip(1)
	}
	if r.flag() { // video_signal_type_present_flag
		r.skip(4)
		if r.flag() {
			r.skip(24)
		}
	}
	if r.flag() { // chroma_loc_info_present_flag
		r.ue()
		r.ue()
	}
	if r.flag() { // timing_info_present_flag
		units, scale := r.u(32), r.u(32)
		r.skip(1) // fixed_frame_rate_flag
		if !r.short {
			s.FrameRate = rate(int(scale), 2*int(units))
		}
	}
	nal := r.flag()
	if nal {
		skipHRD(r)
	}
	vcl := r.flag()
	if vcl {
		skipHRD(r)
	}
	if nal || vcl {
		r.skip(1) // low_delay_hrd_flag
	}
	r.skip(1)      // pic_struct_present_flag
	if !r.flag() { // bitstream_restriction_flag
		return
	}
	r.skip(1)
	for range 4 {
		r.ue()
	}
	reorder := r.ue()
	r.ue() // max_dec_frame_buffering
	if !r.short {
		s.Reorder, s.Reordered = reorder > 0, int(min(reorder, 16)) // E.2.1: at most MaxDpbFrames
	}
}

// skipHRD passes over hrd_parameters (14496-10 E.1.2).
func skipHRD(r *bitReader) {
	n := r.ue()
	if n > 31 {
		r.short, r.pos = true, len(r.data)*8
		return
	}
	r.skip(8)
	for range n + 1 {
		r.ue()
		r.ue()
		r.skip(1)
	}
	r.skip(20)
}

// rate reduces num/den and drops what no camera does.
func rate(num, den int) media.Rational {
	if num <= 0 || den <= 0 || num < den || num/den > 300 {
		return media.Rational{}
	}
	a, b := num, den
	for b != 0 {
		a, b = b, a%b
	}
	return media.Rational{Num: num / a, Den: den / a}
}
