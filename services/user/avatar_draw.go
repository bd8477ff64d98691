package user

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"weir/services/fault"
)

const (
	pixelsMax    = 40_000_000
	sideMin      = 16 // pixels
	decodeBudget = 256 << 20
	drawQueue    = 16               // uploads that wait for their turn
	drawWait     = 5 * time.Second  // for so long
	drawTime     = 15 * time.Second // for one upload, turn included
	quality      = 85
	// scansMax bounds the work of a progressive JPEG: each scan visits all pixels, and a
	// few bytes are enough for one.
	scansMax = 64
)

// studio draws pictures of uploads, within a budget of memory for all of them together:
// several small ones at once, a huge one alone.
type studio struct {
	memory  *semaphore.Weighted
	waiting atomic.Int64
}

func newStudio() *studio { return &studio{memory: semaphore.NewWeighted(decodeBudget)} }

// draw returns the JPEGs of all sizes of that kind, in their order. It blocks for its
// turn, then works; it ends soon after ctx does.
func (d *studio) draw(ctx context.Context, kind PictureKind, upload []byte) ([][]byte, error) {
	head, err := inspect(upload)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, drawTime)
	defer cancel()
	if err := d.enter(ctx, head.memory); err != nil {
		return nil, err
	}
	defer d.memory.Release(head.memory)
	src, err := head.decode(&reader{ctx: ctx, r: bytes.NewReader(upload)})
	if err != nil {
		return nil, unreadable(ctx, head.format, err)
	}
	if b := src.Bounds(); b.Dx() < sideMin || b.Dy() < sideMin || b.Dx() > head.width || b.Dy() > head.height {
		return nil, badPicture("shows too little: use at least 16 to 16 pixels") // a frame of a GIF
	}
	return render(ctx, kind, src, orientation(head.format, upload))
}

// render makes all sizes, the first of src and the others of the first.
func render(ctx context.Context, kind PictureKind, src image.Image, turn int) ([][]byte, error) {
	var forms [][]byte
	for i, z := range kind.sizes() {
		w, h := z.width, z.height
		if i == 0 && turn >= 5 { // it lies on its side: cut it so that it fits when it stands
			w, h = h, w
		}
		crop := middle(src.Bounds(), w, h)
		// Never larger than the upload: that adds bytes, not sharpness.
		w, h = min(w, crop.Dx()), min(h, crop.Dy())
		small, err := shrink(ctx, src, crop, w, h)
		if err != nil {
			return nil, unreadable(ctx, "", err)
		}
		if i == 0 {
			small = upright(small, turn)
		}
		var out bytes.Buffer
		if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: quality}); err != nil {
			return nil, fmt.Errorf("user: encoding a picture: %w", err)
		}
		forms, src = append(forms, out.Bytes()), small
	}
	return forms, nil
}

// enter waits for memory.
func (d *studio) enter(ctx context.Context, bytes int64) error {
	if d.memory.TryAcquire(bytes) {
		return nil
	}
	defer d.waiting.Add(-1)
	if d.waiting.Add(1) > drawQueue {
		return drawBusy()
	}
	ctx, cancel := context.WithTimeout(ctx, drawWait)
	defer cancel()
	if d.memory.Acquire(ctx, bytes) != nil {
		return drawBusy()
	}
	return nil
}

func drawBusy() error {
	e := fault.New(fault.Unavailable, "too many pictures are being drawn at the moment; try again in a few seconds")
	e.RetryAfter = 5 * time.Second
	return e
}

// header is what the first bytes of an upload say.
type header struct {
	format        string
	width, height int
	memory        int64 // bytes that decoding may need
	decode        func(io.Reader) (image.Image, error)
}

// inspect reads the header only. It refuses what is no picture, or too large a one,
// before anything of its size is allocated.
func inspect(upload []byte) (header, error) {
	if len(upload) > PictureMax {
		return header{}, fault.Newf(fault.TooLarge, "the picture has more than %d MiB", PictureMax>>20)
	}
	h, config, err := format(upload)
	if err != nil {
		return h, err
	}
	c, err := config(bytes.NewReader(upload))
	if err != nil {
		return h, unreadable(context.Background(), h.format, err)
	}
	h.width, h.height = c.Width, c.Height
	switch pixels := int64(c.Width) * int64(c.Height); {
	case c.Width < sideMin || c.Height < sideMin:
		return h, badPicture("is too small: use at least 16 to 16 pixels")
	case c.Width > pixelsMax || c.Height > pixelsMax || pixels > pixelsMax:
		return h, badPicture("has too many pixels: use at most 40 million")
	default:
		h.memory = pixels*bytesPerPixel(h.format, c, upload) + 4<<20
	}
	if h.memory > decodeBudget {
		return h, badPicture("needs too much memory: save it with fewer pixels, 8 bits a colour, and not progressive or interlaced")
	}
	return h, nil
}

// format goes by the bytes alone.
func format(upload []byte) (header, func(io.Reader) (image.Config, error), error) {
	begins := func(magic string) bool { return bytes.HasPrefix(upload, []byte(magic)) }
	switch {
	case begins("\x89PNG\r\n\x1a\n"):
		return header{format: "PNG", decode: png.Decode}, png.DecodeConfig, nil
	case begins("\xff\xd8\xff"):
		return header{format: "JPEG", decode: jpeg.Decode}, jpeg.DecodeConfig, nil
	case begins("GIF87a"), begins("GIF89a"):
		return header{format: "GIF", decode: gif.Decode}, gif.DecodeConfig, nil
	}
	return header{}, nil, badPicture("is not a picture that can be read: send a PNG, a JPEG or a GIF")
}

// bytesPerPixel is what the decoder may need for each, at most.
func bytesPerPixel(format string, c image.Config, upload []byte) int64 {
	switch format {
	case "PNG":
		// 8 bytes are four colours of 16 bits; a pass of interlacing is a picture of its
		// own, of half the pixels or less.
		n := int64(8)
		if depth := upload[24]; depth <= 8 {
			n = 4
		}
		if len(upload) > 28 && upload[28] != 0 {
			n += n/2 + 1
		}
		return n
	case "JPEG":
		// Decoded as it is, and once more when it has to be turned into RGB or CMYK. The
		// markers of progressive ones and of scans cannot be in what is compressed; that
		// they are found elsewhere only makes the limit stricter.
		n := int64(3)
		if c.ColorModel != jpegYCbCr() && c.ColorModel != jpegGray() {
			n = 8
		}
		if bytes.Contains(upload, []byte("\xff\xc2")) {
			n += 16 // coefficients: 4 bytes for each of up to four components
			if c.ColorModel == jpegYCbCr() {
				n -= 4
			}
		}
		if bytes.Count(upload, []byte("\xff\xda")) > scansMax {
			return decodeBudget
		}
		return n
	}
	return 2 // an index into the palette, and what is being unpacked
}

// reader ends with its context, which is what bounds the time of a decoder.
type reader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader, in pieces small enough for the time to count.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p[:min(len(p), 4096)])
}

func unreadable(ctx context.Context, format string, err error) error {
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fault.Wrap(fault.Unavailable, "drawing the picture took too long; try it again, or with fewer pixels", err)
	}
	return fault.Wrap(fault.Invalid, "the picture begins like a "+format+" but cannot be read to its end: save it again",
		fmt.Errorf("decoding an upload: %w", err))
}

func badPicture(problem string) error { return fault.Bad("body", problem) }

// middle is the largest part in the middle of r with the shape of w to h.
func middle(r image.Rectangle, w, h int) image.Rectangle {
	cw, ch := r.Dx(), r.Dy()
	if cw*h > ch*w {
		cw = max(1, ch*w/h)
	} else {
		ch = max(1, cw*h/w)
	}
	at := r.Min.Add(image.Pt((r.Dx()-cw)/2, (r.Dy()-ch)/2))
	return image.Rectangle{at, at.Add(image.Pt(cw, ch))}
}

// shrink draws a part of src w to h pixels large, at most as large as the part. Each
// pixel is the mean of the area that it covers, exact in whole numbers; what shines
// through is white. It holds one row of src at a time.
func shrink(ctx context.Context, src image.Image, part image.Rectangle, w, h int) (*image.RGBA, error) {
	pw, ph := part.Dx(), part.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	row := image.NewRGBA(image.Rect(0, 0, pw, 1))
	sums, mean := make([]uint64, 3*w), make([]uint64, 3*w)
	// A row of src is h high and one of out ph, so that both fill h*ph.
	for y := range ph {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		draw.Draw(row, row.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(row, row.Rect, src, part.Min.Add(image.Pt(0, y)), draw.Over)
		sumRow(sums, row.Pix, pw, w)
		at := y * h / ph
		over := uint64(max(0, (y+1)*h-(at+1)*ph)) //nolint:gosec // not negative
		here := uint64(h) - over                  //nolint:gosec // over is at most h
		full := (y+1)*h >= (at+1)*ph
		for i, s := range sums {
			mean[i] += s * here
		}
		if !full {
			continue
		}
		put(out.Pix[at*out.Stride:][:4*w], mean, uint64(pw)*uint64(ph)) //nolint:gosec // positive
		for i, s := range sums {
			mean[i] = s * over
		}
	}
	return out, nil
}

// sumRow adds up what each of the w pixels of a row covers of pw pixels.
func sumRow(sums []uint64, pix []byte, pw, w int) {
	clear(sums)
	x, left := 0, pw // the present pixel, and how much of it is still to be covered
	for i := range pw {
		p := pix[4*i : 4*i+3 : 4*i+3]
		for rest := w; rest > 0; {
			n := min(rest, left)
			s := sums[3*x : 3*x+3 : 3*x+3]
			s[0] += uint64(p[0]) * uint64(n) //nolint:gosec // positive
			s[1] += uint64(p[1]) * uint64(n) //nolint:gosec // positive
			s[2] += uint64(p[2]) * uint64(n) //nolint:gosec // positive
			rest -= n
			if left -= n; left == 0 {
				x, left = x+1, pw
			}
		}
	}
}

func put(pix []byte, mean []uint64, total uint64) {
	for x := range len(pix) / 4 {
		for c := range 3 {
			pix[4*x+c] = byte(min(255, (mean[3*x+c]+total/2)/total)) //nolint:gosec // at most 255
		}
		pix[4*x+3] = 255
	}
}
