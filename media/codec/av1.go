package codec

import "fmt"

// AV1Info is the content of an AV1CodecConfigurationRecord. Width and Height
// are the largest frame of its sequence header, zero when it carries none; size
// then comes from metadata. The frame rate is not read.
type AV1Info struct {
	Profile, Level byte
	HighTier       bool
	BitDepth       int
	Monochrome     bool
	Width, Height  int
}

// ParseAV1C reads an AV1CodecConfigurationRecord (AV1 in ISOBMFF 2.3.3).
func ParseAV1C(config []byte) (AV1Info, error) {
	if len(config) < 4 {
		return AV1Info{}, fmt.Errorf("av1C: %w", ErrTruncated)
	}
	if config[0] != 0x81 { // marker and version 1
		return AV1Info{}, fmt.Errorf("av1C: %w", ErrInvalid)
	}
	a := AV1Info{
		Profile:    config[1] >> 5,
		Level:      config[1] & 0x1f,
		HighTier:   config[2]&0x80 != 0,
		Monochrome: config[2]&0x10 != 0,
		BitDepth:   8,
	}
	switch {
	case config[2]&0x60 == 0x60:
		a.BitDepth = 12
	case config[2]&0x40 != 0:
		a.BitDepth = 10
	}
	header := sequenceHeader(config[4:])
	if header == nil {
		return a, nil
	}
	return a, a.readSequence(header)
}

// sequenceHeader finds the payload of the first sequence header OBU (AV1 5.3),
// nil when there is none.
func sequenceHeader(data []byte) []byte {
	const obuSequenceHeader = 1
	for len(data) > 0 {
		head := data[0]
		data = data[1:]
		if head&0x04 != 0 { // obu_extension_flag
			if len(data) == 0 {
				return nil
			}
			data = data[1:]
		}
		size := len(data)
		if head&0x02 != 0 { // obu_has_size_field
			v, n := leb128(data)
			if n == 0 || v > uint64(len(data)-n) {
				return nil
			}
			data, size = data[n:], int(v)
		}
		if head>>3&15 == obuSequenceHeader {
			return data[:size]
		}
		data = data[size:]
	}
	return nil
}

// leb128 reads a variable length number (AV1 4.10.5); n is 0 when it is broken.
func leb128(data []byte) (v uint64, n int) {
	for i, b := range data[:min(8, len(data))] {
		v |= uint64(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

// readSequence reads sequence_header_obu (AV1 5.5.1) up to the frame size.
func (a *AV1Info) readSequence(header []byte) error {
	r := &bitReader{data: header}
	r.skip(4)     // seq_profile, still_picture
	if r.flag() { // reduced_still_picture_header
		r.skip(5)
	} else {
		skipOperatingPoints(r)
	}
	wn, hn := int(r.u(4))+1, int(r.u(4))+1
	w, h := int(r.u(wn))+1, int(r.u(hn))+1
	if r.short {
		return fmt.Errorf("av1 sequence header: %w", ErrTruncated)
	}
	if w > maxSide || h > maxSide {
		return fmt.Errorf("av1 sequence header: %w", ErrInvalid)
	}
	a.Width, a.Height = w, h
	return nil
}

func skipOperatingPoints(r *bitReader) {
	model, delay := false, 0
	if r.flag() { // timing_info_present_flag
		r.skip(64)
		if r.flag() { // equal_picture_interval
			r.ue() // uvlc has the form of ue(v)
		}
		if model = r.flag(); model {
			delay = int(r.u(5)) + 1
			r.skip(32 + 5 + 5)
		}
	}
	initial := r.flag() // initial_display_delay_present_flag
	for range r.u(5) + 1 {
		r.skip(12) // operating_point_idc
		if r.u(5) > 7 {
			r.skip(1) // seq_tier
		}
		if model && r.flag() {
			r.skip(2*delay + 1)
		}
		if initial && r.flag() {
			r.skip(4)
		}
	}
}
