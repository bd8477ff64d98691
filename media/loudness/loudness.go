//go:build cgo

package loudness

import (
	"errors"
	"fmt"
	"io"
	"math"

	"weir/media"
	"weir/media/av"
)

// Silence is the level of samples that are all 0.
const Silence = -120

// Level is how loud sound is, in dB of full scale: 0 is the most that can be said.
type Level struct {
	Mean float64 // of the louder channel (root of the mean square)
	Peak float64
}

// ErrTooShort is the error for packets that hold too little sound to judge by.
var ErrTooShort = errors.New("too little sound")

// Measure decodes packets of one track that follow each other. What comes out of the
// first is not looked at: the decoder begins in the middle of the sound. It takes about
// a millisecond for 0.2 s of AAC. The error is av's, or ErrTooShort.
func Measure(packets []*media.Packet) (Level, error) {
	if len(packets) < 3 {
		return Level{}, ErrTooShort
	}
	d, err := av.OpenDecoder(packets[0].Track)
	if err != nil {
		return Level{}, fmt.Errorf("loudness: %w", err)
	}
	defer d.Close()
	var r av.Resampler
	defer r.Close()
	var s sums
	skipped := false
	for _, p := range packets {
		if err := d.Send(p.Data, p.PTS); err != nil {
			return Level{}, fmt.Errorf("loudness: %w", err)
		}
		for {
			f, err := d.Receive()
			if errors.Is(err, av.ErrAgain) || errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return Level{}, fmt.Errorf("loudness: %w", err)
			}
			if skipped {
				err = s.add(&r, f)
			}
			skipped = true
			f.Free()
			if err != nil {
				return Level{}, fmt.Errorf("loudness: %w", err)
			}
		}
	}
	return s.level()
}

// sums are those of each channel of the stereo that weir makes of any sound.
type sums struct {
	squares [2]float64
	samples int
	peak    float64
}

func (s *sums) add(r *av.Resampler, f *av.Frame) error {
	out, err := r.Convert(f)
	if err != nil || out == nil {
		return err
	}
	defer out.Free()
	left, right, err := out.Sound()
	if err != nil {
		return err
	}
	for i, channel := range [2][]float32{left, right} {
		for _, v := range channel {
			x := float64(v)
			s.squares[i] += x * x
			s.peak = max(s.peak, math.Abs(x))
		}
	}
	s.samples += len(left)
	return nil
}

func (s *sums) level() (Level, error) {
	if s.samples == 0 {
		return Level{}, ErrTooShort
	}
	mean := math.Sqrt(max(s.squares[0], s.squares[1]) / float64(s.samples))
	return Level{Mean: decibels(mean), Peak: decibels(s.peak)}, nil
}

// decibels is never less than Silence, and no number that JSON does not know.
func decibels(x float64) float64 {
	if !(x > 0) {
		return Silence
	}
	return min(max(20*math.Log10(x), Silence), -Silence)
}
