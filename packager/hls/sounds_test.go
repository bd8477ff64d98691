package hls_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/media"
	"weir/packager/hls"
)

func threeSounds() []hls.Sound {
	return []hls.Sound{
		{Rendition: "audio", URI: "e/audio/index.m3u8", Codecs: "mp4a.40.2", Bandwidth: 128_000, Average: 120_000, Language: "en"},
		{Rendition: "audio-2", URI: "e/audio-2/index.m3u8", Codecs: "opus", Bandwidth: 256_000, Average: 100_000, Language: "de"},
		{Rendition: "audio-3", URI: "e/audio-3/index.m3u8", Codecs: "mp4a.40.2", Bandwidth: 64_000, Average: 60_000, Label: `"The crowd"`},
	}
}

// original is sound i as it was sent.
func original(i int) hls.Sound {
	name := media.OriginalSound(i)
	return hls.Sound{Rendition: name, URI: "e/" + name + "/index.m3u8", Codecs: "opus", Bandwidth: 96_000, Average: 90_000}
}

// One variant more has what was sent as Opus, and what else can be heard.
func TestOriginalSounds(t *testing.T) {
	made := threeSounds()
	made[1].Codecs = "mp4a.40.2"
	pictures := []hls.Variant{
		{URI: "e/source/index.m3u8", Bandwidth: 5_000_000, Average: 4_000_000, Codecs: "avc1.64001f", Width: 1280, Height: 720, FrameRate: 30},
		{URI: "e/360p/index.m3u8", Bandwidth: 900_000, Average: 800_000, Codecs: "avc1.64001e", Width: 640, Height: 360, FrameRate: 30},
	}
	m := hls.Multivariant{Independent: true, Variants: slices.Clone(pictures)}
	m.Hear(append(made, original(1)))
	m.BeginLow()
	golden(t, "originals", string(m.Render()))

	av1 := hls.Variant{URI: "e/original/index.m3u8", Bandwidth: 2_000_000, Codecs: "av01.0.05M.08", Width: 1280, Height: 720}
	m = hls.Multivariant{Variants: append(slices.Clone(pictures), av1)}
	m.Hear([]hls.Sound{made[0], original(0)})
	if text := string(m.Render()); !strings.HasSuffix(text, "CODECS=\"av01.0.05M.08,opus\",RESOLUTION=1280x720,AUDIO=\"original\",CLOSED-CAPTIONS=NONE\ne/original/index.m3u8\n") || strings.Count(text, "opus") != 1 {
		t.Errorf("AV1 and Opus:\n%s", text)
	}
	m = hls.Multivariant{}
	m.Hear([]hls.Sound{made[0], original(0)})
	if text := string(m.Render()); strings.Contains(text, "EXT-X-MEDIA:") || !strings.HasSuffix(text, "BANDWIDTH=128000,AVERAGE-BANDWIDTH=120000,CODECS=\"opus\"\ne/original-audio/index.m3u8\n") {
		t.Errorf("Opus alone:\n%s", text)
	}
	m = hls.Multivariant{}
	m.Hear(append(threeSounds(), original(0)))
	if text := string(m.Render()); strings.Count(text, "#EXT-X-MEDIA:") != 6 || strings.Count(text, "#EXT-X-STREAM-INF:") != 2 || !strings.Contains(text, `CODECS="opus,mp4a.40.2",AUDIO="original"`) {
		t.Errorf("three sounds:\n%s", text)
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
		{nil, nil},
		{[]hls.Sound{{}, {}, {}}, []string{"Sound 1", "Sound 2", "Sound 3"}},
		{[]hls.Sound{{Language: "fr"}, {Language: "fr"}, {Language: "fr", Label: "Commentaire"}}, []string{"français", "français (2)", "Commentaire"}},
		{[]hls.Sound{{Label: "A"}, {Label: "A (2)"}, {Label: "A"}}, []string{"A", "A (2)", "A (3)"}},
		{[]hls.Sound{{Language: "und"}, {Language: "tlh"}, {Language: "no such tag"}}, []string{"Sound 1", "tlh", "Sound 3"}},
		{[]hls.Sound{{Label: "a\"\r\n#EXTM3U\x00"}, {Label: " \t"}}, []string{"a'#EXTM3U", "Sound 2"}},
	} {
		for i := range c.sounds {
			c.sounds[i].Rendition = media.SoundName(i)
		}
		got := hls.Names(append(c.sounds, original(0)))
		for i, want := range c.want {
			if got[i] != want || len(got) != len(c.want) {
				t.Errorf("%+v: %v, want %q", c.sounds, got, c.want)
			}
		}
	}
}
