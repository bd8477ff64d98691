package ingest_test

import (
	"strings"
	"testing"

	"weir/ingest"
)

func TestLabel(t *testing.T) {
	for text, want := range map[string]string{
		"Director's commentary": "Director's commentary", "Français": "Français", "解説": "解説",
		"  two\r\nlines\t": "two  lines", "a\x00b\x1b[31mc": "ab[31mc", "\xff\xfe": "", "right\u202eleft": "rightleft", "": "",
		strings.Repeat("é", 100): strings.Repeat("é", 64),
	} {
		if got := ingest.Label(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
