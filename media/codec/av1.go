package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/Eyevinn/mp4ff/av1"
)

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

// Types of OBUs (AV1 6.2.2) that matter here.
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuFrameHeader       = 3
	obuFrame             = 6
	obuTileList          = 8
	obuPadding           = 15
)

// obu is an open bitstream unit (AV1 5.3); both slices alias the data.
type obu struct {
	kind         byte
	raw, payload []byte
}

// nextOBU takes the first unit off data; one without a size is the last. ok is false
// where its header makes no sense.
func nextOBU(data []byte) (o obu, rest []byte, ok bool) {
	if len(data) == 0 || data[0]&0x80 != 0 { // obu_forbidden_bit
		return obu{}, nil, false
	}
	head, at := data[0], 1
	if head&0x04 != 0 { // obu_extension_flag
		at++
	}
	if at > len(data) {
		return obu{}, nil, false
	}
	end := len(data)
	if head&0x02 != 0 { // obu_has_size_field
		v, n := leb128(data[at:])
		if n == 0 || v > uint64(len(data)-at-n) {
			return obu{}, nil, false
		}
		at += n
		end = at + int(v)
	}
	return obu{head >> 3 & 15, data[:end], data[at:end]}, data[end:], true
}

// sequenceHeader finds the payload of the first sequence header OBU (AV1 5.3),
// nil when there is none.
func sequenceHeader(data []byte) []byte {
	for {
		o, rest, ok := nextOBU(data)
		if !ok {
			return nil
		}
		if o.kind == obuSequenceHeader {
			return o.payload
		}
		data = rest
	}
}

// AV1Unit makes a sample of ISO BMFF (AV1 in ISOBMFF 2.4) of a temporal unit in the
// low-overhead form (AV1 5.2): temporal delimiters, padding and tile lists are left
// out, and data itself is returned where there are none. header is the payload of its
// sequence header, nil without one; key tells that decoding can start here. What is
// cut off is an error.
func AV1Unit(data []byte) (sample, header []byte, key bool, err error) {
	kept, frames := 0, 0
	var out []byte
	for rest := data; len(rest) > 0; {
		o, next, ok := nextOBU(rest)
		if !ok {
			return nil, nil, false, fmt.Errorf("av1 temporal unit: %w", ErrTruncated)
		}
		rest = next
		switch o.kind {
		case obuTemporalDelimiter, obuPadding, obuTileList:
			if out == nil {
				out = append(make([]byte, 0, len(data)), data[:kept]...)
			}
			continue
		case obuSequenceHeader:
			if header == nil && len(o.payload) <= maxParameterSet {
				header = o.payload
			}
		case obuFrameHeader, obuFrame:
			if frames++; frames == 1 {
				key = startsAV1(header, o.payload)
			}
		}
		if out != nil {
			out = append(out, o.raw...)
		}
		kept += len(o.raw)
	}
	if out == nil {
		out = data
	}
	if len(out) == 0 {
		return nil, nil, false, fmt.Errorf("av1 temporal unit: nothing in it: %w", ErrInvalid)
	}
	return out, header, key, nil
}

// startsAV1 tells whether a frame header (AV1 5.9.2) is that of a key frame which is
// shown, behind its sequence header (AV1 in ISOBMFF 2.4: a sync sample).
func startsAV1(header, frame []byte) bool {
	if len(header) == 0 || len(frame) == 0 {
		return false
	}
	const reduced = 0x08 // reduced_still_picture_header: nothing but key frames
	return header[0]&reduced != 0 || frame[0]&0xf0 == 0x10
}

// AV1Config is the AV1CodecConfigurationRecord of a stream with this sequence header:
// config itself when that is the one in it.
func AV1Config(config, header []byte) ([]byte, error) {
	if len(config) > 4 && bytes.Equal(sequenceHeader(config[4:]), header) {
		return config, nil
	}
	seq, err := av1.ParseSequenceHeader(header)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	unit := binary.AppendUvarint([]byte{obuSequenceHeader<<3 | 0x02}, uint64(len(header))) // leb128 has the same form
	r := av1.CodecConfRecFromSequenceHeader(seq, append(unit, header...))
	var b bytes.Buffer
	if err := r.Encode(&b); err != nil {
		return nil, fmt.Errorf("av1C: %w", err)
	}
	return b.Bytes(), nil
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
