package testcard

// color is one colour in limited-range Y'CbCr.
type color struct{ y, u, v byte }

// matrix converts R'G'B' of 0 to 255 by the luma weights kr and kb.
type matrix struct{ kr, kb float64 }

// matrixFor is BT.709 from 720 lines on, else BT.601, as players assume.
func matrixFor(width, height int) matrix {
	if min(width, height) >= 720 {
		return matrix{0.2126, 0.0722}
	}
	return matrix{0.299, 0.114}
}

func (m matrix) rgb(hex uint32) color {
	r, g, b := float64(hex>>16&255)/255, float64(hex>>8&255)/255, float64(hex&255)/255
	y := m.kr*r + (1-m.kr-m.kb)*g + m.kb*b
	u, v := (b-y)/(2*(1-m.kb)), (r-y)/(2*(1-m.kr))
	return color{byte(16.5 + 219*y), byte(128.5 + 224*u), byte(128.5 + 224*v)}
}

// mix is the hex colour at part t of the way from a to b.
func mix(a, b uint32, t float64) uint32 {
	t = min(max(t, 0), 1)
	var out uint32
	for _, shift := range [...]uint{16, 8, 0} {
		from, to := float64(a>>shift&255), float64(b>>shift&255)
		out |= uint32(from+(to-from)*t+0.5) << shift
	}
	return out
}

// canvas is a planar 4:2:0 picture.
type canvas struct {
	width, height int
	y, u, v       []byte
}

func newCanvas(width, height int, pix []byte) canvas {
	n := width * height
	return canvas{width: width, height: height, y: pix[:n], u: pix[n : n+n/4], v: pix[n+n/4 : n+n/2]}
}

// fill paints a rectangle, cut to the canvas. Chroma is painted in whole pairs.
func (c canvas) fill(x0, y0, x1, y1 int, p color) {
	x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, c.width), min(y1, c.height)
	if x0 >= x1 || y0 >= y1 {
		return
	}
	for y := y0; y < y1; y++ {
		set(c.y[y*c.width+x0:y*c.width+x1], p.y)
	}
	half := c.width / 2
	for y := y0 / 2; y < (y1+1)/2; y++ {
		set(c.u[y*half+x0/2:y*half+(x1+1)/2], p.u)
		set(c.v[y*half+x0/2:y*half+(x1+1)/2], p.v)
	}
}

func set(row []byte, v byte) {
	for i := range row {
		row[i] = v
	}
}
