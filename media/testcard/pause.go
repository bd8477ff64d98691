package testcard

// Pause makes of a picture, as Draw paints it, the one that is shown while nobody
// publishes: dimmed, with words in its middle. Where there was no picture, a black one
// makes a plain card.
func Pause(pix []byte, width, height int) error {
	if width < 2 || height < 2 || width%2 != 0 || height%2 != 0 || len(pix) != width*height*3/2 {
		return ErrSize
	}
	c := newCanvas(width, height, pix)
	for i, y := range c.y {
		c.y[i] = byte(16 + max(0, int(y)-16)*3/10)
	}
	for _, plane := range [...][]byte{c.u, c.v} {
		for i, v := range plane {
			plane[i] = byte(128 + (int(v)-128)/2)
		}
	}
	const words = "back in a moment"
	scale := max(1, min(height/60, width*3/5/textWidth(words, 1)))
	wide, high := textWidth(words, scale), glyphHeight*scale
	x, y := (width-wide)/2&^1, (height-high)/2&^1
	m := matrixFor(width, height)
	c.fill(0, y-2*high&^1, width, y+3*high&^1, m.rgb(0x0b0f18))
	c.text(x, y, scale, words, m.rgb(0xf4f7fb))
	return nil
}
