//go:build cgo

package av

import (
	"errors"
	"slices"

	"github.com/asticode/go-astiav"

	"weir/media"
)

// Pictures makes frames of one size and uses their memory again when all references
// to them are gone: a new picture costs the system as much in page faults as it
// costs to scale one. It belongs to one goroutine; the frames may go anywhere.
type Pictures struct {
	width, height int
	format        astiav.PixelFormat
	kept          []*astiav.Frame // at most maxKept
}

// maxKept bounds what is kept, in pictures.
const maxKept = 8

// NewPictures makes a source of pictures of width x height samples, both even.
func NewPictures(width, height int) *Pictures {
	return &Pictures{width: width, height: height, format: astiav.PixelFormatYuv420P}
}

// New makes a frame from planar 4:2:0 samples, 8 bits, in limited range:
// width*height of Y, then a quarter as many of U and of V, without padding. The
// bytes are copied.
func (p *Pictures) New(i420 []byte, pts media.Time) (*Frame, error) {
	w, h := p.width, p.height
	if w <= 0 || h <= 0 || w%2 != 0 || h%2 != 0 || len(i420) != w*h*3/2 {
		return nil, wrap("picture", errors.New("size does not fit the bytes"))
	}
	f, err := p.fill(func(f *astiav.Frame) error { return f.Data().SetBytes(i420, 1) })
	if err != nil {
		return nil, wrap("picture", err)
	}
	return &Frame{PTS: pts, Signal: UsualSignal(w, h), f: f}, nil
}

// Close lets go of the memory that no frame uses; frames stay good.
func (p *Pictures) Close() {
	for _, f := range p.kept {
		freeFrame(f)
	}
	p.kept = nil
}

// fill lets write fill a frame of which nobody else holds a reference.
func (p *Pictures) fill(write func(*astiav.Frame) error) (*astiav.Frame, error) {
	i := slices.IndexFunc(p.kept, (*astiav.Frame).IsWritable)
	if i < 0 {
		f := allocFrame()
		f.SetWidth(p.width)
		f.SetHeight(p.height)
		f.SetPixelFormat(p.format)
		if err := f.AllocBuffer(0); err != nil {
			freeFrame(f)
			return nil, err
		}
		if len(p.kept) == maxKept { // the oldest will be freed by who holds it
			freeFrame(p.kept[0])
			p.kept = append(p.kept[:0], p.kept[1:]...)
		}
		i = len(p.kept)
		p.kept = append(p.kept, f)
	}
	f := p.kept[i]
	if err := write(f); err != nil {
		return nil, err
	}
	return cloneFrame(f), nil
}

func cloneFrame(f *astiav.Frame) *astiav.Frame {
	liveFrames.Add(1)
	return f.Clone()
}
