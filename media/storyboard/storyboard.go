//go:build cgo

package storyboard

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"weir/media"
	"weir/media/av"
)

// Sizes in samples, and pictures on a sheet.
const (
	tileWidth = 160
	maxHeight = 320 // of a tile
	columns   = 10
	rows      = 10
	quality   = 6 // of the JPEG encoder, 2 to 31
)

// Board is a storyboard that is being made. Its methods are called by one goroutine.
type Board struct {
	// Sheet takes a sheet that is full, or the last one; File is its name in the text.
	Sheet func(n int, jpeg []byte) error
	// File names sheet n.
	File func(n int) string

	height int
	scaler *av.Scaler
	canvas []byte // planar 4:2:0, of the whole sheet
	sheet  int
	tiles  []tile
}

type tile struct {
	at   time.Duration
	file string
	x, y int
}

// Add decodes a key frame and puts it on the sheet. One that cannot be decoded is left
// out, and av.ErrCorrupt is the error. picture, when set, is given the decoded frame.
func (b *Board) Add(at time.Duration, key *media.Packet, picture func(*av.Frame) error) error {
	f, err := decode(key)
	if err != nil {
		return err
	}
	defer f.Free()
	if picture != nil {
		if err := picture(f); err != nil {
			return err
		}
	}
	if b.canvas == nil {
		b.begin(f)
	}
	small, err := b.scaler.Scale(f)
	if err != nil {
		return err
	}
	defer small.Free()
	pixels, err := small.Picture()
	if err != nil {
		return err
	}
	n := len(b.tiles) % (columns * rows)
	t := tile{at: at, file: b.File(b.sheet), x: n % columns * tileWidth, y: n / columns * b.height}
	b.paste(pixels, t)
	if b.tiles = append(b.tiles, t); n == columns*rows-1 {
		return b.flush()
	}
	return nil
}

func decode(key *media.Packet) (*av.Frame, error) {
	d, err := av.OpenDecoder(key.Track)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := errors.Join(d.Send(key.Data, key.PTS), d.Drain()); err != nil {
		return nil, err
	}
	f, err := d.Receive()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", av.ErrCorrupt, err)
	}
	return f, nil
}

// begin fits tiles to the shape of the first picture.
func (b *Board) begin(f *av.Frame) {
	b.height = min(maxHeight, max(2, tileWidth*f.Height()/max(1, f.Width()))&^1)
	b.scaler = av.NewScaler(tileWidth, b.height)
	b.canvas = make([]byte, columns*tileWidth*rows*b.height*3/2)
	b.clear()
}

// clear makes the sheet black.
func (b *Board) clear() {
	y := len(b.canvas) * 2 / 3
	for i := range b.canvas {
		b.canvas[i] = 16
		if i >= y {
			b.canvas[i] = 128
		}
	}
}

// paste copies a picture of one tile to its place.
func (b *Board) paste(pixels []byte, t tile) {
	to, stride := b.canvas, columns*tileWidth
	for plane := range 3 {
		w, h, x, y, all := tileWidth, b.height, t.x, t.y, rows*b.height
		if plane > 0 {
			w, h, x, y, all = w/2, h/2, x/2, y/2, all/2
		}
		line := stride
		if plane > 0 {
			line /= 2
		}
		for i := range h {
			copy(to[(y+i)*line+x:][:w], pixels[i*w:][:w])
		}
		pixels, to = pixels[w*h:], to[line*all:]
	}
}

// flush gives the sheet away and begins the next.
func (b *Board) flush() error {
	f, err := av.NewPicture(columns*tileWidth, rows*b.height, b.canvas, 0)
	if err != nil {
		return err
	}
	defer f.Free()
	jpeg, err := av.JPEG(f, columns*tileWidth, quality)
	if err != nil {
		return err
	}
	if err := b.Sheet(b.sheet, jpeg); err != nil {
		return err
	}
	b.sheet++
	b.clear()
	return nil
}

// Finish gives the last sheet away and returns the text (WebVTT), in which every
// picture stands until the next one, the last until end. Without pictures it is nil.
func (b *Board) Finish(end time.Duration) ([]byte, error) {
	defer b.Close()
	if len(b.tiles) == 0 {
		return nil, nil
	}
	if len(b.tiles)%(columns*rows) != 0 {
		if err := b.flush(); err != nil {
			return nil, err
		}
	}
	var text strings.Builder
	text.WriteString("WEBVTT\n")
	for i, t := range b.tiles {
		until := end
		if i+1 < len(b.tiles) {
			until = b.tiles[i+1].at
		}
		fmt.Fprintf(&text, "\n%s --> %s\n%s#xywh=%d,%d,%d,%d\n", stamp(t.at), stamp(max(until, t.at+time.Millisecond)), t.file, t.x, t.y, tileWidth, b.height)
	}
	return []byte(text.String()), nil
}

// stamp writes a time as WebVTT has it.
func stamp(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}

// Close frees what a Board holds that is not finished.
func (b *Board) Close() {
	if b.scaler != nil {
		b.scaler.Close()
		b.scaler = nil
	}
}
