package testcard

const (
	glyphWidth, glyphHeight = 5, 7
	glyphStep               = 6 // columns from one glyph to the next
)

// glyphs are drawn in rows from the top, five bits a row, the left one highest.
func glyph(r rune) [glyphHeight]byte {
	switch r {
	case '0':
		return [...]byte{0b01110, 0b10001, 0b10001, 0b10101, 0b10001, 0b10001, 0b01110}
	case '1':
		return [...]byte{0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110}
	case '2':
		return [...]byte{0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111}
	case '3':
		return [...]byte{0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110}
	case '4':
		return [...]byte{0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010}
	case '5':
		return [...]byte{0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110}
	case '6':
		return [...]byte{0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110}
	case '7':
		return [...]byte{0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000}
	case '8':
		return [...]byte{0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110}
	case '9':
		return [...]byte{0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100}
	case ':':
		return [...]byte{0, 0b00100, 0b00100, 0, 0b00100, 0b00100, 0}
	case '.':
		return [...]byte{0, 0, 0, 0, 0, 0b01100, 0b01100}
	case '-':
		return [...]byte{0, 0, 0, 0b01110, 0, 0, 0}
	case 'a':
		return [...]byte{0, 0, 0b01110, 0b00001, 0b01111, 0b10001, 0b01111}
	case 'b':
		return [...]byte{0b10000, 0b10000, 0b11110, 0b10001, 0b10001, 0b10001, 0b11110}
	case 'c':
		return [...]byte{0, 0, 0b01110, 0b10001, 0b10000, 0b10001, 0b01110}
	case 'k':
		return [...]byte{0b10000, 0b10000, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010}
	case 'm':
		return [...]byte{0, 0, 0b11010, 0b10101, 0b10101, 0b10101, 0b10101}
	case 'n':
		return [...]byte{0, 0, 0b10110, 0b11001, 0b10001, 0b10001, 0b10001}
	case 'o':
		return [...]byte{0, 0, 0b01110, 0b10001, 0b10001, 0b10001, 0b01110}
	case 't':
		return [...]byte{0b01000, 0b01000, 0b11110, 0b01000, 0b01000, 0b01001, 0b00110}
	case 'w':
		return [...]byte{0, 0, 0b10001, 0b10001, 0b10101, 0b10101, 0b01010}
	case 'e':
		return [...]byte{0, 0, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110}
	case 'i':
		return [...]byte{0b00100, 0, 0b01100, 0b00100, 0b00100, 0b00100, 0b01110}
	case 'r':
		return [...]byte{0, 0, 0b10110, 0b11001, 0b10000, 0b10000, 0b10000}
	}
	return [glyphHeight]byte{}
}

// text draws s with its upper left corner at x, y, each dot scale samples wide.
func (c canvas) text(x, y, scale int, s string, p color) {
	for _, r := range s {
		for row, bits := range glyph(r) {
			for col := range glyphWidth {
				if bits>>(glyphWidth-1-col)&1 != 0 {
					c.fill(x+col*scale, y+row*scale, x+(col+1)*scale, y+(row+1)*scale, p)
				}
			}
		}
		x += glyphStep * scale
	}
}

// textWidth is how wide text makes s.
func textWidth(s string, scale int) int { return (len(s)*glyphStep - 1) * scale }
