//go:build cgo

package av

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/asticode/go-astiav"

	"weir/media"
)

// Signal says how the numbers of a picture are to be shown; the zero value is
// "not told".
type Signal struct {
	space     astiav.ColorSpace
	primaries astiav.ColorPrimaries
	transfer  astiav.ColorTransferCharacteristic
	aspect    media.Rational // of one sample; zero means square
}

// UsualSignal is what players take for a picture of that size which tells
// nothing: BT.709 from 720 lines on, else BT.601. Said aloud in every rendition,
// so that all of them have the same colours.
func UsualSignal(width, height int) Signal {
	if min(width, height) >= 720 {
		return Signal{space: astiav.ColorSpaceBt709, primaries: astiav.ColorPrimariesBt709,
			transfer: astiav.ColorTransferCharacteristicBt709}
	}
	return Signal{space: astiav.ColorSpaceSmpte170M, primaries: astiav.ColorPrimariesSmpte170M,
		transfer: astiav.ColorTransferCharacteristicSmpte170M}
}

// Or fills in from usual what s does not tell.
func (s Signal) Or(usual Signal) Signal {
	if s.space == astiav.ColorSpaceUnspecified || s.space == astiav.ColorSpaceRgb {
		s.space, s.primaries, s.transfer = usual.space, usual.primaries, usual.transfer
	}
	if s.aspect.Num <= 0 || s.aspect.Den <= 0 || s.aspect.Num == s.aspect.Den {
		s.aspect = media.Rational{}
	}
	return s
}

// Frame is one reference to a decoded picture or to a run of samples.
type Frame struct {
	PTS    media.Time
	Signal Signal // pictures only
	f      *astiav.Frame
}

// allocFrame makes an empty frame for libav to fill.
func allocFrame() *astiav.Frame {
	liveFrames.Add(1)
	return astiav.AllocFrame()
}

func freeFrame(f *astiav.Frame) {
	f.Free()
	liveFrames.Add(-1)
}

// Width and Height are in samples; 0 for sound.
func (f *Frame) Width() int { return f.f.Width() }

// Height is in samples; 0 for sound.
func (f *Frame) Height() int { return f.f.Height() }

// Samples is the number of samples per channel; 0 for pictures.
func (f *Frame) Samples() int { return f.f.NbSamples() }

// SampleRate is in Hz; 0 for pictures.
func (f *Frame) SampleRate() int { return f.f.SampleRate() }

// Ref makes another reference to the same data.
func (f *Frame) Ref() *Frame {
	return &Frame{PTS: f.PTS, Signal: f.Signal, f: cloneFrame(f.f)}
}

// Free gives the reference back. The frame must not be used afterwards.
func (f *Frame) Free() {
	freeFrame(f.f)
	f.f = nil
}

// NewPicture makes a single frame as Pictures does.
func NewPicture(width, height int, i420 []byte, pts media.Time) (*Frame, error) {
	p := NewPictures(width, height)
	defer p.Close()
	return p.New(i420, pts)
}

// Picture copies the samples out as Pictures takes them. It fails for frames
// that are not 4:2:0 with 8 bits.
func (f *Frame) Picture() ([]byte, error) {
	if f.f.PixelFormat() != astiav.PixelFormatYuv420P {
		return nil, wrap("picture", ErrUnsupported)
	}
	b, err := f.f.Data().Bytes(1)
	if err != nil {
		return nil, wrap("picture", err)
	}
	return b, nil
}

// NewSound makes a frame of stereo samples at 48 kHz from two runs of equal
// length, full scale being 1. The samples are copied.
func NewSound(left, right []float32, pts media.Time) (*Frame, error) {
	if len(left) == 0 || len(left) != len(right) {
		return nil, wrap("sound", errors.New("channels of different length"))
	}
	f, err := newSound(len(left))
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 0, 8*len(left))
	for _, channel := range [...][]float32{left, right} {
		for _, v := range channel {
			raw = binary.NativeEndian.AppendUint32(raw, math.Float32bits(v))
		}
	}
	if err := f.Data().SetBytes(raw, 1); err != nil {
		freeFrame(f)
		return nil, wrap("sound", err)
	}
	return &Frame{PTS: pts, f: f}, nil
}

func newSound(samples int) (*astiav.Frame, error) {
	return newSamples(samples, astiav.SampleFormatFltp)
}

func newSamples(samples int, format astiav.SampleFormat) (*astiav.Frame, error) {
	f := allocFrame()
	stereo48k(f)
	f.SetSampleFormat(format)
	f.SetNbSamples(samples)
	if err := f.AllocBuffer(0); err != nil {
		freeFrame(f)
		return nil, wrap("sound", err)
	}
	return f, nil
}

func stereo48k(f *astiav.Frame) {
	f.SetChannelLayout(astiav.ChannelLayoutStereo)
	f.SetSampleFormat(astiav.SampleFormatFltp)
	f.SetSampleRate(SoundRate)
}

// Sound copies the samples of a stereo frame out as NewSound takes them.
func (f *Frame) Sound() (left, right []float32, err error) {
	if f.f.SampleFormat() != astiav.SampleFormatFltp || f.f.ChannelLayout().Channels() != 2 {
		return nil, nil, wrap("sound", ErrUnsupported)
	}
	raw, err := f.f.Data().Bytes(1)
	if err != nil {
		return nil, nil, wrap("sound", err)
	}
	all := make([]float32, len(raw)/4)
	for i := range all {
		all[i] = math.Float32frombits(binary.NativeEndian.Uint32(raw[4*i:]))
	}
	return all[:len(all)/2], all[len(all)/2:], nil
}
