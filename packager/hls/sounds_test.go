package hls_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/packager/hls"
)

func threeSounds() []hls.Sound {
	return []hls.Sound{
		{URI: "e/audio/index.m3u8", Codecs: "mp4a.40.2", Bandwidth: 128_000, Average: 120_000, Language: "en"},
		{URI: "e/audio-2/index.m3u8", Codecs: "opus", Bandwidth: 256_000, Average: 100_000, Language: "de"},
		{URI: "e/audio-3/index.m3u8", Codecs: "mp4a.40.2", Bandwidth: 64_000, Average: 60_000, Label: `"The crowd"`},
	}
}

func TestSounds(t *testing.T) {
	m := hls.Multivariant{Independent: true, Variants: []hls.Variant{
		{URI: "e/source/index.m3u8", Bandwidth: 5_000_000, Average: 4_000_000, Codecs: "avc1.64001f", Width: 1280, Height: 720, FrameRate: 30},
		{URI: "e/360p/index.m3u8", Bandwidth: 900_000, Average: 800_000, Codecs: "avc1.64001e", Width: 640, Height: 360, FrameRate: 30},
	}}
	m.Hear(threeSounds())
	golden(t, "sounds", string(m.Render()))
	p, err := playlist.Unmarshal(m.Render())
	if err != nil {
		t.Fatal(err)
	}
	if mv, ok := p.(*playlist.Multivariant); !ok || len(mv.Variants) != 2 || len(mv.Renditions) != 3 || mv.Variants[0].Bandwidth != 5_256_000 || *mv.Variants[1].AverageBandwidth != 920_000 {
		t.Errorf("read back as %+v from\n%s", p, m.Render())
	}
}

// Without a picture the first sound is the variant, and the others are beside it.
func TestSoundsAlone(t *testing.T) {
	var m hls.Multivariant
	m.Hear(threeSounds())
	text := string(m.Render())
	if strings.Count(text, "#EXT-X-MEDIA:") != 3 || strings.Count(text, "#EXT-X-STREAM-INF:") != 1 || !strings.Contains(text, `CODECS="mp4a.40.2,opus"`) || !strings.HasSuffix(text, "\ne/audio/index.m3u8\n") {
		t.Errorf("three sounds:\n%s", text)
	}
	m = hls.Multivariant{}
	m.Hear(threeSounds()[:1])
	if text := string(m.Render()); strings.Contains(text, "EXT-X-MEDIA:") || strings.Contains(text, "AUDIO=") {
		t.Errorf("one sound:\n%s", text)
	}
	m = hls.Multivariant{}
	m.Hear(nil)
	if len(m.Variants) > 0 {
		t.Errorf("%+v out of nothing", m.Variants)
	}
}

func TestNamesOfSounds(t *testing.T) {
	for _, c := range []struct {
		sounds []hls.Sound
		want   []string
	}{
		{nil, []string{}},
		{[]hls.Sound{{}, {}, {}}, []string{"Sound 1", "Sound 2", "Sound 3"}},
		{[]hls.Sound{{Language: "fr"}, {Language: "fr"}, {Language: "fr", Label: "Commentaire"}}, []string{"français", "français (2)", "Commentaire"}},
		{[]hls.Sound{{Label: "A"}, {Label: "A (2)"}, {Label: "A"}}, []string{"A", "A (2)", "A (3)"}},
		{[]hls.Sound{{Language: "und"}, {Language: "tlh"}, {Language: "no such tag"}}, []string{"Sound 1", "tlh", "Sound 3"}},
		{[]hls.Sound{{Label: "a\"\r\n#EXTM3U\x00"}, {Label: " \t"}}, []string{"a'#EXTM3U", "Sound 2"}},
	} {
		if got := hls.Names(c.sounds); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.sounds, got, c.want)
		}
	}
}
