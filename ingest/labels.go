package ingest

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// Bounds of what a publisher says of a sound.
const (
	maxLanguage = 35 // bytes of a language tag (RFC 5646 4.4.1)
	maxLabel    = 64 // characters
)

// Language is a publisher's language tag in the form that players get it, such as "en" or
// "pt-BR"; "": it is none, or of no language.
func Language(text string) string {
	if len(text) > maxLanguage {
		return ""
	}
	tag, err := language.Parse(text)
	if err != nil {
		return ""
	}
	switch base, _, _ := tag.Raw(); base.String() {
	case "und", "mis", "mul", "zxx": // ISO 639-2: undetermined, uncoded, several, none
		return ""
	}
	return tag.String()
}

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
