//go:build cgo

package av

import (
	"fmt"
	"strconv"

	"github.com/asticode/go-astiav"
)

// JPEG makes a still picture of f, at most maxWidth samples wide, of a quality
// from 2 (best) to 31. f stays the caller's. A sample that is not square becomes so.
func JPEG(f *Frame, maxWidth, quality int) ([]byte, error) {
	codec := astiav.FindEncoderByName("mjpeg")
	if codec == nil {
		return nil, fmt.Errorf("av: encoder mjpeg: %w", ErrUnsupported)
	}
	w, h := f.Width(), f.Height()
	if a := f.Signal.aspect; a.Num > 0 && a.Den > 0 && a.Num < 100*a.Den && a.Den < 100*a.Num {
		w = w * a.Num / a.Den
	}
	if w > maxWidth {
		w, h = maxWidth, h*maxWidth/w
	}
	w, h = max(2, w&^1), max(2, h&^1)
	s := &Scaler{made: &Pictures{width: w, height: h, format: astiav.PixelFormatYuvj420P}}
	defer s.Close()
	scaled, err := s.Scale(f)
	if err != nil {
		return nil, err
	}
	defer scaled.Free()
	c := allocContext(codec)
	defer freeContext(c)
	c.SetWidth(w)
	c.SetHeight(h)
	c.SetPixelFormat(astiav.PixelFormatYuvj420P)
	c.SetColorRange(astiav.ColorRangeJpeg)
	c.SetTimeBase(astiav.NewRational(1, 25))
	q := strconv.Itoa(min(max(quality, 2), 31))
	if err := openCodec(c, codec, map[string]string{"qmin": q, "qmax": q}); err != nil {
		return nil, wrap("encoder mjpeg", err)
	}
	return encodeOne(c, scaled)
}

func encodeOne(c *astiav.CodecContext, f *Frame) ([]byte, error) {
	one := f.Ref()
	defer one.Free()
	one.f.SetPts(0)
	one.f.SetPictureType(astiav.PictureTypeNone)
	if err := c.SendFrame(one.f); err != nil {
		return nil, wrap("encode", err)
	}
	if err := c.SendFrame(nil); err != nil {
		return nil, wrap("encode", err)
	}
	p := allocPacket()
	defer freePacket(p)
	if err := receive(c, p); err != nil {
		return nil, err
	}
	return p.Data(), nil
}
