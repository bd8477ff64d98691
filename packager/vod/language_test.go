package vod_test

import (
	"strings"
	"testing"

	"weir/media"
)

// TestLanguage: a recording tells the language that its sound was sent with.
func TestLanguage(t *testing.T) {
	r := newRig(t)
	r.source.Tracks()[1].Language = "de"
	r.record(5*media.Second, nil)
	r.finish()
	for file, attribute := range map[string]string{"index.m3u8": `LANGUAGE="de"`, "manifest.mpd": `lang="de"`} {
		if text := string(r.get(file)); strings.Count(text, attribute) != 1 || strings.Count(strings.ToLower(text), "lang") != 1 {
			t.Errorf("want %s once in\n%s", attribute, text)
		}
	}
}
