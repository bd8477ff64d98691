package mediatest

import (
	"math/bits"

	"weir/media"
	"weir/media/codec"
)

// SPS makes an H.264 sequence parameter set NAL unit (ISO/IEC 14496-10 7.3.2.1)
// for frames of the given size: high profile, 4:2:0, 8 bits, with the frame rate
// in the VUI if it is known and a bitstream restriction that tells whether
// pictures are reordered.
func SPS(width, height int, rate media.Rational, reorder bool) []byte {
	w := &writer{}
	w.u(100, 8)
	w.u(0, 8)
	w.u(level(width, height), 8)
	for _, v := range [...]int{0, 1, 0, 0} { // id, 4:2:0, 8 bits, 8 bits
		w.ue(v)
	}
	w.u(0, 2)                                    // no bypass, no scaling matrix
	for _, v := range [...]int{0, 0, 2, 3 + 1} { // log2_max_frame_num-4, POC type and bits, references
		w.ue(v)
	}
	w.u(0, 1)
	w.ue((width+15)/16 - 1)
	w.ue((height+15)/16 - 1)
	w.u(0b11, 2) // frames only, direct 8x8
	right, bottom := (16-width%16)%16/2, (16-height%16)%16/2
	if right+bottom == 0 {
		w.u(0, 1)
	} else {
		w.u(1, 1)
		for _, v := range [...]int{0, right, 0, bottom} {
			w.ue(v)
		}
	}
	w.vui(rate, reorder)
	return w.nal(0x67)
}

// vui writes vui_parameters (14496-10 E.1.1) and the stop bit.
func (w *writer) vui(rate media.Rational, reorder bool) {
	w.u(1, 1)
	w.u(0, 4) // no aspect ratio, overscan, signal type, chroma location
	if rate.Num > 0 {
		w.u(1, 1)
		w.u(uint32(rate.Den), 32)
		w.u(uint32(2*rate.Num), 32)
		w.u(1, 1)
	} else {
		w.u(0, 1)
	}
	w.u(0, 3) // no HRD, no pic_struct
	w.u(0b11, 2)
	frames := 0
	if reorder {
		frames = 2
	}
	for _, v := range [...]int{0, 0, 16, 16, frames, 4} {
		w.ue(v)
	}
	w.u(1, 1)
}

// PPS makes a picture parameter set NAL unit that goes with SPS.
func PPS() []byte {
	w := &writer{}
	w.u(0b11, 2)  // ids
	w.u(0b10, 2)  // CABAC
	w.u(0b111, 3) // slice groups, reference indices
	w.u(0, 3)     // weighted prediction
	w.u(0b111, 3) // QP, QS, chroma offset
	w.u(0b100, 3) // deblocking control
	w.u(1, 1)     // stop bit
	return w.nal(0x68)
}

// level is the lowest level_idc that allows frames of this size at 60 a second.
func level(width, height int) uint32 {
	switch blocks := (width + 15) / 16 * ((height + 15) / 16); {
	case blocks <= 1620:
		return 31
	case blocks <= 3600:
		return 32
	case blocks <= 8192:
		return 42
	}
	return 52
}

// Video makes an H.264 track whose Config is a real record.
func Video(width, height int, rate media.Rational, reorder bool) *media.Track {
	sps := SPS(width, height, rate, reorder)
	return &media.Track{
		Kind: media.Video, Codec: media.H264, Config: codec.BuildAVCC([][]byte{sps}, [][]byte{PPS()}),
		Width: width, Height: height, FrameRate: rate, Reorder: reorder,
	}
}

// Audio makes an AAC-LC track.
func Audio(sampleRate, channels int) *media.Track {
	return &media.Track{
		Kind: media.Audio, Codec: media.AAC,
		Config:     codec.BuildASC(codec.ASCInfo{SampleRate: sampleRate, Channels: channels}),
		SampleRate: sampleRate, Channels: channels,
	}
}

// Opus makes a track of Opus.
func Opus(channels int) *media.Track {
	return &media.Track{
		Kind: media.Audio, Codec: media.Opus, Config: codec.BuildDOps(codec.OpusInfo{Channels: channels, PreSkip: 312, InputRate: 48000}),
		SampleRate: 48000, Channels: channels,
	}
}

// writer writes bit fields.
type writer struct {
	data []byte
	n    int // bits written
}

func (w *writer) u(v uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.data = append(w.data, 0)
		}
		w.data[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

// ue writes an unsigned Exp-Golomb code.
func (w *writer) ue(v int) {
	n := bits.Len(uint(v + 1))
	w.u(0, n-1)
	w.u(uint32(v+1), n)
}

// nal is the written payload as a NAL unit, with emulation prevention bytes.
func (w *writer) nal(header byte) []byte {
	out, zeros := []byte{header}, 0
	for _, b := range w.data {
		if zeros >= 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		out = append(out, b)
		zeros++
		if b != 0 {
			zeros = 0
		}
	}
	return out
}
