package codec

import (
	"errors"
	"testing"

	"weir/media"
)

// Records that x265 and libaom made.
const (
	hvcMain   = "0101600000009000000000005df000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003005d959809a10001002b42010101600000030090000003000003005da00280802d165959a4932bc05a020000030002000003003c10a2000100074401c172b46240"
	hvcMain10 = "01022000000090000000000078f000fcfdfafa00000f03a00001001840010c01ffff022000000300900000030000030078959809a10001002c420101022000000300900000030000030078a003c08010e4d96566924caf016808000003000800000300f040a2000100074401c172b46240"
	av1Main   = "81010c000a0b0000000cc4ff6736be4010"
	av1Ten    = "81004c000a0b000000043cfeccdaf94040"
)

func TestHEVC(t *testing.T) {
	for _, c := range []struct {
		name, hex   string
		w, h, depth int
		codecs      string
	}{
		{"main 720p", hvcMain, 1280, 720, 8, "hvc1.1.6.L93.90"},
		{"main 10 1080p", hvcMain10, 1920, 1080, 10, "hvc1.2.4.L120.90"},
	} {
		config := unhex(t, c.hex)
		got, err := ParseHVCC(config)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got.Width != c.w || got.Height != c.h || got.BitDepth != c.depth || got.ChromaFormat != 1 ||
			len(got.VPS) != 1 || len(got.SPS) != 1 || len(got.PPS) != 1 || got.LengthSize != 4 {
			t.Errorf("%s: %+v", c.name, got)
		}
		if s := Codecs(&media.Track{Codec: media.H265, Config: config}); s != c.codecs {
			t.Errorf("%s: %s", c.name, s)
		}
		for n := range config {
			if _, err := ParseHVCC(config[:n]); err == nil {
				t.Errorf("%s: cut at %d is accepted", c.name, n)
			}
		}
	}
	bare := unhex(t, hvcMain)[:23]
	bare[22] = 0
	if got, err := ParseHVCC(bare); err != nil || got.Width != 0 {
		t.Errorf("without arrays: %+v, %v", got, err)
	}
}

func TestAV1(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		want      AV1Info
		codecs    string
	}{
		{"8 bit", av1Main, AV1Info{Profile: 0, Level: 1, BitDepth: 8, Width: 640, Height: 360}, "av01.0.01M.08"},
		{"10 bit", av1Ten, AV1Info{Profile: 0, Level: 0, BitDepth: 10, Width: 320, Height: 180}, "av01.0.00M.10"},
		{"no sequence header", av1Main[:8], AV1Info{Profile: 0, Level: 1, BitDepth: 8}, "av01.0.01M.08"},
	} {
		config := unhex(t, c.hex)
		got, err := ParseAV1C(config)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		if s := Codecs(&media.Track{Codec: media.AV1, Config: config}); s != c.codecs {
			t.Errorf("%s: %s", c.name, s)
		}
	}
	for _, bad := range []string{"", "8101", "01010c00", "81010c000a020000"} {
		if got, err := ParseAV1C(unhex(t, bad)); err == nil {
			t.Errorf("%s: %+v", bad, got)
		}
	}
}

func TestCodecsOfTheRest(t *testing.T) {
	for _, c := range []struct {
		track media.Track
		want  string
	}{
		{media.Track{Codec: media.Opus}, "opus"},
		{media.Track{Codec: media.MP3}, "mp4a.40.34"},
		{media.Track{Codec: media.AC3}, "ac-3"},
		{media.Track{Codec: media.EAC3}, "ec-3"},
		{media.Track{Codec: media.FLAC}, "fLaC"},
		{media.Track{Codec: media.VP8}, "vp8"},
		{media.Track{Codec: media.VP9, Width: 1280, Height: 720}, "vp09.00.31.08"},
		{media.Track{Codec: media.VP9, Width: 3840, Height: 2160}, "vp09.00.50.08"},
		{media.Track{Codec: media.VP9, Config: []byte{2, 41, 0xa2, 2, 2, 2, 0, 0}}, "vp09.02.41.10"},
		{media.Track{Codec: media.H264, Config: []byte{1}}, ""},
		{media.Track{Codec: media.H265}, ""},
		{media.Track{Codec: media.AV1}, ""},
		{media.Track{Codec: media.AAC}, ""},
		{media.Track{}, ""},
	} {
		if got := Codecs(&c.track); got != c.want {
			t.Errorf("%v: %q, want %q", c.track.Codec, got, c.want)
		}
	}
}

func TestNewTrack(t *testing.T) {
	for _, c := range []struct {
		codec  media.Codec
		config string
		want   media.Track
	}{
		{media.H264, records[1].hex, media.Track{Kind: media.Video, Width: 1920, Height: 1080, FrameRate: media.Rational{Num: 30000, Den: 1001}, Reorder: true}},
		{media.H265, hvcMain, media.Track{Kind: media.Video, Width: 1280, Height: 720, FrameRate: media.Rational{Num: 30, Den: 1}, Reorder: true}},
		{media.H265, hvcMain10, media.Track{Kind: media.Video, Width: 1920, Height: 1080, FrameRate: media.Rational{Num: 30, Den: 1}, Reorder: true}},
		{media.AV1, av1Main, media.Track{Kind: media.Video, Width: 640, Height: 360}},
		{media.VP9, "0015820202020000", media.Track{Kind: media.Video}},
		{media.AAC, "1190", media.Track{Kind: media.Audio, SampleRate: 48000, Channels: 2}},
		{media.Opus, "000201380000bb80000000", media.Track{Kind: media.Audio, SampleRate: 48000, Channels: 2}},
	} {
		got, err := NewTrack(c.codec, unhex(t, c.config))
		if err != nil {
			t.Fatal(err)
		}
		if got.Kind != c.want.Kind || got.Width != c.want.Width || got.Height != c.want.Height || got.FrameRate != c.want.FrameRate ||
			got.Reorder != c.want.Reorder || got.SampleRate != c.want.SampleRate || got.Channels != c.want.Channels {
			t.Errorf("%v: %+v", c.codec, got)
		}
		if _, err := NewTrack(c.codec, nil); !errors.Is(err, ErrTruncated) {
			t.Errorf("%v without a record: %v", c.codec, err)
		}
	}
}

func TestDOps(t *testing.T) {
	want := OpusInfo{Channels: 2, PreSkip: 312, InputRate: 48000, OutputGain: -256}
	got, err := ParseDOps(BuildDOps(want))
	if err != nil || got.Channels != 2 || got.PreSkip != 312 || got.InputRate != 48000 || got.OutputGain != -256 || got.Mapping != nil {
		t.Errorf("%+v, %v", got, err)
	}
	surround := unhex(t, "000601380000bb80000001040200040102035"+"5")
	got, err = ParseDOps(surround[:19])
	if err != nil || got.Channels != 6 || len(got.Mapping) != 9 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ParseDOps(surround[:18]); !errors.Is(err, ErrTruncated) {
		t.Error(err)
	}
	if _, err := ParseDOps(make([]byte, 11)); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

func TestOpusSamples(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		want   int
	}{
		{nil, 0},
		{[]byte{0x78}, 960},              // SILK and CELT, 20 ms
		{[]byte{0x18, 1, 2}, 2880},       // SILK, 60 ms
		{[]byte{0xe0}, 120},              // CELT, 2.5 ms
		{[]byte{0xf9, 1}, 1920},          // two of 20 ms
		{[]byte{0xfb, 0x06}, 6 * 960},    // six: 120 ms, the most
		{[]byte{0xfb, 0x07}, 0},          // seven
		{[]byte{0xfb}, 0},                // a number that is missing
		{[]byte{0xe3, 0x83, 9}, 3 * 120}, // three, with padding
	} {
		if got := OpusSamples(c.packet); got != c.want {
			t.Errorf("% x: %d samples, want %d", c.packet, got, c.want)
		}
	}
}
