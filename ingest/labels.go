package ingest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLabel bounds what a publisher calls a sound, in characters.
const maxLabel = 64

// Label is a publisher's name for a sound as people may be shown it: a line of printable
// text, cut off where it is long.
func Label(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		switch {
		case r == utf8.RuneError || !unicode.IsPrint(r) && !unicode.IsSpace(r):
			continue
		case unicode.IsSpace(r):
			r = ' '
		}
		if n++; n > maxLabel {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
