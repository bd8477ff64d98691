package testcard

import (
	"errors"
	"time"
)

const clockCells = 32

// ErrClock is returned for a picture whose strip cannot be read.
var ErrClock = errors.New("no clock in the picture")

// clockValue is what the strip shows: milliseconds since 1970, modulo 2^32.
func clockValue(t time.Time) uint32 { return uint32(t.UnixMilli()) }

// clock paints the strip: two rows of 32 cells over the whole width, each a
// thirtieth of the picture's height. The upper row has the bits of the value, the
// highest at the left, white for 1; the lower one the complement.
func (c canvas) clock(value uint32) {
	row := c.height / 30
	black, white := color{16, 128, 128}, color{235, 128, 128}
	for k := range clockCells {
		x0, x1 := k*c.width/clockCells, (k+1)*c.width/clockCells
		upper, lower := black, white
		if value>>(clockCells-1-k)&1 != 0 {
			upper, lower = white, black
		}
		c.fill(x0, 0, x1, row, upper)
		c.fill(x0, row, x1, 2*row, lower)
	}
}

// ReadClock reads the strip of a picture back: the low 32 bits of the wall clock
// in milliseconds when it was drawn. luma is the Y plane, stride its row length.
func ReadClock(luma []byte, stride, width, height int) (uint32, error) {
	row := height / 30
	if row == 0 || width < clockCells || len(luma) < stride*2*row {
		return 0, ErrClock
	}
	var value uint32
	for k := range clockCells {
		x := (2*k + 1) * width / (2 * clockCells)
		upper := luma[row/2*stride+x] > 127
		lower := luma[(row+row/2)*stride+x] > 127
		if upper == lower {
			return 0, ErrClock
		}
		value <<= 1
		if upper {
			value |= 1
		}
	}
	return value, nil
}
