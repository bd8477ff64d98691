package codec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/avc"

	"weir/media"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// records are avcC boxes that x264 made.
var records = []struct {
	name, hex string
	want      SPSInfo
	codecs    string
}{
	{"high 720p30 no b", "0164001fffe100186764001facb200a00b760220000003002000000781e3064901000668ebc3cb22c0fdf8f800",
		SPSInfo{Width: 1280, Height: 720, FrameRate: media.Rational{Num: 30, Den: 1}, ChromaFormat: 1, BitDepth: 8, ChromaDepth: 8}, "avc1.64001f"},
	{"main 1080p29.97 3 b", "014d4028ffe10018674d4028eca03c0113f2e022000007d20001d4c01e30632c01000568ebe3cb20",
		SPSInfo{Width: 1920, Height: 1080, FrameRate: media.Rational{Num: 30000, Den: 1001}, Reorder: true, Reordered: 2, ChromaFormat: 1, BitDepth: 8, ChromaDepth: 8}, "avc1.4d4028"},
	{"baseline 360p25", "0142c01effe100196742c01ed900a02ff97011000003000100000300320f162e4801000568cb83cb20",
		SPSInfo{Width: 640, Height: 360, FrameRate: media.Rational{Num: 25, Den: 1}, ChromaFormat: 1, BitDepth: 8, ChromaDepth: 8}, "avc1.42c01e"},
	{"854x480p59.94", "0164001fffe100196764001facd940d83de6f01100000303e90001d4c00f18319601000668ebe3cb22c0fdf8f800",
		SPSInfo{Width: 854, Height: 480, FrameRate: media.Rational{Num: 60000, Den: 1001}, Reorder: true, Reordered: 2, ChromaFormat: 1, BitDepth: 8, ChromaDepth: 8}, "avc1.64001f"},
	{"1080i25", "01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000668fba3cb22c0fdf8f800",
		SPSInfo{Width: 1920, Height: 1080, FrameRate: media.Rational{Num: 25, Den: 1}, Reorder: true, Reordered: 2, ChromaFormat: 1, BitDepth: 8, ChromaDepth: 8, Interlaced: true}, "avc1.640028"},
	{"322x242 4:2:2 10 bit", "017a000dffe1001b677a000db6cd9415087888fc0440000003004000000c03c50a658001000668ebe3cb22c0fefafa00",
		SPSInfo{Width: 322, Height: 242, FrameRate: media.Rational{Num: 24, Den: 1}, Reorder: true, Reordered: 2, ChromaFormat: 2, BitDepth: 10, ChromaDepth: 10}, "avc1.7a000d"},
	{"321x241 4:4:4 odd", "01f40015ffe1002067f40015919b282a10f08421ff81e201e1880000030008000003032078b16cb001000668ebe3c44844fff8f800",
		SPSInfo{Width: 321, Height: 241, FrameRate: media.Rational{Num: 50, Den: 1}, Reorder: true, Reordered: 2, ChromaFormat: 3, BitDepth: 8, ChromaDepth: 8}, "avc1.f40015"},
	{"portrait with hrd", "0164001fffe100226764001facd940b40a1b011000003e90000bb80604000f424001e84a4c30078c18cb01000668ebe3cb22c0fdf8f800",
		SPSInfo{Width: 720, Height: 1280, FrameRate: media.Rational{Num: 24000, Den: 1001}, Reorder: true, Reordered: 2, ChromaFormat: 1, BitDepth: 8, ChromaDepth: 8}, "avc1.64001f"},
	{"grey", "0164000dffe1001a6764000df36505421e3e3f016c800000030080000018078a14cb01000668ebe3cb22c0fcf8f800",
		SPSInfo{Width: 322, Height: 242, FrameRate: media.Rational{Num: 24, Den: 1}, Reorder: true, Reordered: 2, ChromaFormat: 0, BitDepth: 8, ChromaDepth: 8}, "avc1.64000d"},
	{"scaling matrix", "01640028ffe1001b67640028acd940780227e5c044000003000400000300f03c60c65801000768ebe3cb3002c0fdf8f800",
		SPSInfo{Width: 1920, Height: 1080, FrameRate: media.Rational{Num: 30, Den: 1}, Reorder: true, Reordered: 2, ChromaFormat: 1, BitDepth: 8, ChromaDepth: 8}, "avc1.640028"},
}

func TestParseAVCC(t *testing.T) {
	for _, c := range records {
		t.Run(c.name, func(t *testing.T) {
			config := unhex(t, c.hex)
			got, err := ParseAVCC(config)
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			want.Profile, want.Compat, want.Level = config[1], config[2], config[3]
			if got.SPSInfo != want {
				t.Errorf("got  %+v\nwant %+v", got.SPSInfo, want)
			}
			if got.LengthSize != 4 || len(got.SPS) != 1 || len(got.PPS) != 1 {
				t.Errorf("length size %d, %d sps, %d pps", got.LengthSize, len(got.SPS), len(got.PPS))
			}
			if built := BuildAVCC(got.SPS, got.PPS); !bytes.Equal(built, config) {
				t.Errorf("built  %x\nparsed %x", built, config)
			}
			track := &media.Track{Codec: media.H264, Config: config}
			if s := Codecs(track); s != c.codecs {
				t.Errorf("codecs %q, want %q", s, c.codecs)
			}
		})
	}
}

// TestOracleSPS holds our reading beside that of mp4ff.
func TestOracleSPS(t *testing.T) {
	for _, c := range records {
		info, err := ParseAVCC(unhex(t, c.hex))
		if err != nil {
			t.Fatal(err)
		}
		o, err := avc.ParseSPSNALUnit(info.SPS[0], true)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if info.Width != int(o.Width) || info.Height != int(o.Height) {
			t.Errorf("%s: %dx%d, oracle %dx%d", c.name, info.Width, info.Height, o.Width, o.Height)
		}
		if got := info.FrameRate.Num * 2 * int(o.VUI.NumUnitsInTick); got != info.FrameRate.Den*int(o.VUI.TimeScale) {
			t.Errorf("%s: rate %v, oracle %d/%d", c.name, info.FrameRate, o.VUI.TimeScale, 2*o.VUI.NumUnitsInTick)
		}
		if info.Reorder != (o.VUI.MaxNumReorderFrames > 0) || info.Reordered != int(o.VUI.MaxNumReorderFrames) {
			t.Errorf("%s: reorder %v, oracle %d", c.name, info.Reorder, o.VUI.MaxNumReorderFrames)
		}
		if info.ChromaFormat != int(o.ChromaFormatIDC) || info.BitDepth != int(o.BitDepthLumaMinus8)+8 {
			t.Errorf("%s: chroma %d depth %d", c.name, info.ChromaFormat, info.BitDepth)
		}
		if got := avc.CodecString("avc1", o); !strings.EqualFold(got, c.codecs) {
			t.Errorf("%s: codecs %s, oracle %s", c.name, c.codecs, got)
		}
	}
}

// TestInferReorder covers streams without a VUI, for which the profile decides.
func TestInferReorder(t *testing.T) {
	for _, c := range []struct {
		name            string
		profile, compat byte
		pocType, refs   uint32
		want            bool
	}{
		{"baseline", 66, 0, 0, 1, false},
		{"main", 77, 0, 0, 2, true},
		{"main, output order is decoding order", 77, 0, 2, 2, false},
		{"high", 100, 0, 0, 4, true},
		{"high intra", 110, 0x10, 0, 0, false},
		{"no references", 100, 0, 0, 0, false},
	} {
		w := &bitWriter{data: []byte{0x67, c.profile, c.compat, 31}}
		ue(w, 0)
		if hasChromaInfo(c.profile) {
			ue(w, 1)
			ue(w, 0)
			ue(w, 0)
			w.u(0, 2)
		}
		ue(w, 0)
		ue(w, c.pocType)
		if c.pocType == 0 {
			ue(w, 0)
		}
		ue(w, c.refs)
		w.u(0, 1)
		ue(w, 79)
		ue(w, 44)
		w.u(0b1100, 4) // frames only, direct 8x8, no cropping, no VUI
		w.u(1, 1)
		got, err := ParseSPS(w.data)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got.Reorder != c.want || got.Width != 1280 || got.Height != 720 || got.FrameRate.Num != 0 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// ue writes an unsigned Exp-Golomb code.
func ue(w *bitWriter, v uint32) {
	n := 0
	for (v+1)>>n > 1 {
		n++
	}
	w.u(0, n)
	w.u(v+1, n+1)
}

func TestParseAVCCRefuses(t *testing.T) {
	good := unhex(t, records[0].hex)
	edit := func(at int, b byte) []byte {
		c := bytes.Clone(good)
		c[at] = b
		return c
	}
	for _, c := range []struct {
		name   string
		config []byte
		want   error
	}{
		{"empty", nil, ErrTruncated},
		{"version", edit(0, 2), ErrInvalid},
		{"length size 3", edit(4, 0xfe), ErrInvalid},
		{"no sps", []byte{1, 100, 0, 31, 0xff, 0xe0, 0}, ErrInvalid},
		{"sps is something else", edit(8, 0x68), ErrInvalid},
		{"sps too long", edit(7, 0xff), ErrTruncated},
		{"cut in the sps", good[:20], ErrTruncated},
		{"cut before the pps", good[:32], ErrTruncated},
		{"cut in the pps", good[:38], ErrTruncated},
	} {
		if _, err := ParseAVCC(c.config); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for n := range good[:41] { // every cut is an error, none a panic
		if _, err := ParseAVCC(good[:n]); err == nil {
			t.Errorf("cut at %d is accepted", n)
		}
	}
	if BuildAVCC(nil, nil) != nil || BuildAVCC([][]byte{{0x67}}, nil) != nil {
		t.Error("a record without a usable sps was built")
	}
}

func TestCutVUIIsIgnored(t *testing.T) {
	info, err := ParseAVCC(unhex(t, records[1].hex))
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseSPS(info.SPS[0][:14])
	if err != nil || got.Width != 1920 || got.FrameRate.Num != 0 || !got.Reorder {
		t.Errorf("%+v, %v", got, err)
	}
}
