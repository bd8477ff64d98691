//go:build cgo

package av

import (
	"github.com/asticode/go-astiav"
)

// Scaler makes pictures of one size from pictures of any size and format: smaller
// ones by the mean of the area that a sample covers, else by bicubic interpolation.
// The output is 4:2:0 with 8 bits in limited range.
type Scaler struct {
	made *Pictures

	context *astiav.SoftwareScaleContext
	from    shape
}

type shape struct {
	width, height int
	format        astiav.PixelFormat
}

// NewScaler makes a scaler for pictures of width x height samples, both even.
// It takes memory with the first frame.
func NewScaler(width, height int) *Scaler {
	return &Scaler{made: NewPictures(width, height)}
}

// Scale makes a new frame from f, which stays the caller's. Where nothing is to
// be done it is another reference to the same picture.
func (s *Scaler) Scale(f *Frame) (*Frame, error) {
	in := shape{f.Width(), f.Height(), f.f.PixelFormat()}
	out := shape{s.made.width, s.made.height, s.made.format}
	if in == out {
		return f.Ref(), nil
	}
	if s.context == nil || in != s.from {
		s.Close()
		c, err := astiav.CreateSoftwareScaleContext(in.width, in.height, in.format, out.width, out.height, out.format,
			astiav.NewSoftwareScaleContextFlags(method(in, out)))
		if err != nil {
			return nil, wrap("scaler", err)
		}
		liveContexts.Add(1)
		s.context, s.from = c, in
	}
	made, err := s.made.fill(func(to *astiav.Frame) error { return s.context.ScaleFrame(f.f, to) })
	if err != nil {
		return nil, wrap("scale", err)
	}
	return &Frame{PTS: f.PTS, Signal: f.Signal, f: made}, nil
}

// method is the area's mean where both sides get smaller: half the taps of bicubic
// interpolation, which is a sixth of the CPU of a ladder, for 0.1 to 0.5 dB.
func method(in, out shape) astiav.SoftwareScaleContextFlag {
	if out.width < in.width && out.height < in.height {
		return astiav.SoftwareScaleContextFlagArea
	}
	return astiav.SoftwareScaleContextFlagBicubic
}

// Close frees what the scaler holds. It may be used again afterwards.
func (s *Scaler) Close() {
	if s.context != nil {
		s.context.Free()
		s.context = nil
		liveContexts.Add(-1)
	}
	s.made.Close()
}
