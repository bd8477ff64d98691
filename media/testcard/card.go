package testcard

import (
	"errors"
	"math"
	"time"
)

// ErrSize is returned for a card that is odd-sided or too small or large to draw.
var ErrSize = errors.New("test card size")

// Card draws pictures of one size. It may be used by one goroutine at a time.
type Card struct {
	width, height int
	still         []byte // all that does not move
	near, far     []color
	foam, ink     color
	panel         int // row where the lower panel begins
}

// New prepares a card; both sides are even, from 64 to 4096.
func New(width, height int) (*Card, error) {
	if width%2 != 0 || height%2 != 0 || min(width, height) < 64 || max(width, height) > 4096 {
		return nil, ErrSize
	}
	c := &Card{width: width, height: height, still: make([]byte, width*height*3/2), panel: height * 13 / 16 &^ 1}
	m := matrixFor(width, height)
	c.foam, c.ink = m.rgb(0xd8f6ff), m.rgb(0xf4f7fb)
	depth := c.panel - c.waterline()
	for i := range depth + height/10 {
		t := float64(i) / float64(depth)
		c.near = append(c.near, m.rgb(mix(0x2fb4d8, 0x0b3f6b, t)))
		c.far = append(c.far, m.rgb(mix(0x1c6f9d, 0x0a2f52, t)))
	}
	c.drawStill(m)
	return c, nil
}

// Size is the number of bytes of a picture.
func (c *Card) Size() int { return len(c.still) }

// waterline is the row around which the water moves.
func (c *Card) waterline() int { return c.height * 9 / 16 &^ 1 }

// drawStill paints sky, colour bars and the panel with the name.
func (c *Card) drawStill(m matrix) {
	p := newCanvas(c.width, c.height, c.still)
	for y := 0; y < c.height; y += 2 {
		p.fill(0, y, c.width, y+2, m.rgb(mix(0x10182b, 0x34456b, float64(y)/float64(c.panel))))
	}
	bars := [...]uint32{0xe8e8e8, 0xe6c83c, 0x3cc8c8, 0x46b450, 0xb450b4, 0xc83c3c, 0x3c5ac8, 0x14161c}
	left, top, bottom := c.width/10&^1, c.height/7&^1, c.height*7/16&^1
	each := (c.width - 2*left) / len(bars) &^ 1
	for i, hex := range bars {
		p.fill(left+i*each, top, left+(i+1)*each, bottom, m.rgb(hex))
	}
	ramp, end := (bottom-top)/5, left+each*len(bars)
	for x := left; x < end; x += 2 {
		p.fill(x, bottom-ramp, x+2, bottom, m.rgb(mix(0x000000, 0xffffff, float64(x-left)/float64(end-left))))
	}
	p.fill(0, c.panel, c.width, c.height, m.rgb(0x0b0f18))
	p.fill(0, c.panel, c.width, c.panel+max(2, c.height/180&^1), m.rgb(0x2fb4d8))
	scale := c.textScale()
	p.text(c.width/24&^1, c.textRow(), scale, "weir", m.rgb(0x2fb4d8))
}

// textScale is such that name and clock fit side by side in the panel.
func (c *Card) textScale() int {
	return max(1, min((c.height-c.panel)/(2*glyphHeight), c.width*11/12/(18*glyphStep)))
}

func (c *Card) textRow() int {
	return (c.panel + (c.height-c.panel-glyphHeight*c.textScale())/2) &^ 1
}

// Draw paints a picture of Size bytes, planar 4:2:0 in limited range: where the
// water and the ball are at time t after the beginning, with the wall clock now
// in UTC. The same arguments give the same picture.
func (c *Card) Draw(dst []byte, t time.Duration, now time.Time) {
	copy(dst, c.still)
	p := newCanvas(c.width, c.height, dst)
	s := t.Seconds()
	c.water(p, s)
	c.ball(p, s)
	text, scale := now.UTC().Format("15:04:05.000"), c.textScale()
	p.text((c.width-c.width/24-textWidth(text, scale))&^1, c.textRow(), scale, text, c.ink)
	p.clock(clockValue(now))
}

// water paints two waves in columns of two samples, the far one first.
func (c *Card) water(p canvas, s float64) {
	line, swell := float64(c.waterline()), float64(c.height)/36
	k := 2 * math.Pi / float64(c.width)
	for x := 0; x < c.width; x += 2 {
		a := float64(x) * k
		far := int(line-swell+0.8*swell*math.Sin(2.3*a-0.9*s)+0.3*swell*math.Sin(5.1*a+1.3*s)) &^ 1
		near := int(line+swell+swell*math.Sin(3*a+1.7*s)+0.4*swell*math.Sin(7.3*a-2.1*s)) &^ 1
		c.column(p, x, far, near, c.far)
		c.column(p, x, near, c.panel, c.near)
		p.fill(x, near, x+2, near+max(2, c.height/240&^1), c.foam)
	}
}

// column paints rows y0 to y1 in the shades of the depth below y0.
func (c *Card) column(p canvas, x, y0, y1 int, shades []color) {
	half := c.width / 2
	for y := y0; y < y1; y += 2 {
		q := shades[min(y-y0, len(shades)-1)]
		i := y*c.width + x
		p.y[i], p.y[i+1], p.y[i+c.width], p.y[i+c.width+1] = q.y, q.y, q.y, q.y
		p.u[y/2*half+x/2], p.v[y/2*half+x/2] = q.u, q.v
	}
}

// ball paints a disc that bounces over the water once in four seconds.
func (c *Card) ball(p canvas, s float64) {
	phase := math.Mod(s/4, 2)
	if phase > 1 {
		phase = 2 - phase
	}
	radius := float64(min(c.width, c.height)) / 18
	x := radius*2 + phase*(float64(c.width)-4*radius)
	hop := math.Abs(math.Sin(math.Pi * s))
	y := float64(c.waterline()) - radius - hop*float64(c.height)/4
	for dy := -int(radius); dy <= int(radius); dy++ {
		w := math.Sqrt(radius*radius - float64(dy*dy))
		p.fill(int(x-w), int(y)+dy, int(x+w), int(y)+dy+1, c.ink)
	}
}
