package media_test

import (
	"strings"
	"testing"

	"weir/media"
)

func TestLanguage(t *testing.T) {
	for text, want := range map[string]string{
		"en": "en", "ENG": "en", "pt-br": "pt-BR", "gsw": "gsw", "ger": "de", "FRE": "fr", "de_CH": "de-CH",
		"": "", "und": "", "mul": "", "zxx-x-test": "", "English": "", "en\r\nX": "", "e": "", strings.Repeat("en-", 40): "",
	} {
		if got := media.Language(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
