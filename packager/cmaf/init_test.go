package cmaf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/media"
	"weir/media/codec"
	"weir/media/mediatest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/name.golden.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

// Records that x265, libaom and libvpx made, or that tell of what they made.
const (
	hvcC = "0101600000009000000000005df000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003005d959809a10001002b42010101600000030090000003000003005da00280802d165959a4932bc05a020000030002000003003c10a2000100074401c172b46240"
	av1C = "81010c000a0b0000000cc4ff6736be4010"
	vpcC = "0015820202020000"
)

func track(t testing.TB, c media.Codec, record string) *media.Track {
	t.Helper()
	b, err := hex.DecodeString(record)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := codec.NewTrack(c, b)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestInit(t *testing.T) {
	opus := &media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2,
		Config: codec.BuildDOps(codec.OpusInfo{Channels: 2, PreSkip: 312, InputRate: 48000})}
	vp9 := track(t, media.VP9, vpcC)
	vp9.Width, vp9.Height = 640, 360
	for _, c := range []struct {
		name  string
		track *media.Track
		scale uint32
		entry string
	}{
		{"h264", mediatest.Video(1280, 720, media.Rational{Num: 30, Den: 1}, true), 90000, "avc1"},
		{"h265", track(t, media.H265, hvcC), 90000, "hvc1"},
		{"av1", track(t, media.AV1, av1C), 90000, "av01"},
		{"vp9", vp9, 90000, "vp09"},
		{"aac-mono", mediatest.Audio(44100, 1), 44100, "mp4a"},
		{"aac-stereo", mediatest.Audio(48000, 2), 48000, "mp4a"},
		{"aac-5.1", mediatest.Audio(48000, 6), 48000, "mp4a"},
		{"aac-96k", mediatest.Audio(96000, 2), 96000, "mp4a"},
		{"opus", opus, 48000, "Opus"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := Init(c.track, 3)
			if err != nil {
				t.Fatal(err)
			}
			f, err := mp4.DecodeFile(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			trak := f.Init.Moov.Trak
			entry := trak.Mdia.Minf.Stbl.Stsd.Children[0]
			if trak.Mdia.Mdhd.Timescale != c.scale || int64(c.scale) != Timescale(c.track) || entry.Type() != c.entry ||
				trak.Tkhd.TrackID != 3 || f.Init.Moov.Mvex.Trex.TrackID != 3 {
				t.Errorf("timescale %d, entry %s", trak.Mdia.Mdhd.Timescale, entry.Type())
			}
			if back, record, err := Config(data); c.track.Kind == media.Video {
				if config := codec.Codecs(&media.Track{Codec: back, Config: record}); err != nil || back != c.track.Codec || config != codec.Codecs(c.track) {
					t.Errorf("read back: %v, %s, %v", back, config, err)
				}
			}
			if !bytes.Contains(data, c.track.Config) {
				t.Error("the configuration record is not in it")
			}
			var b bytes.Buffer
			if err := f.Init.Info(&b, "all:1", "", "  "); err != nil {
				t.Fatal(err)
			}
			golden(t, "init-"+c.name, b.Bytes())
		})
	}
}

// TestInitLengthSize checks that a record for short lengths is corrected.
func TestInitLengthSize(t *testing.T) {
	tr := mediatest.Video(640, 360, media.Rational{}, false)
	tr.Config = bytes.Clone(tr.Config)
	tr.Config[4] = 0xfc | 1
	data, err := Init(tr, 1)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("avcC"))
	if info, err := codec.ParseAVCC(data[at+4:]); err != nil || info.LengthSize != 4 {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestInitRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		track media.Track
		want  error
	}{
		"vp8":             {media.Track{Kind: media.Video, Codec: media.VP8, Width: 2, Height: 2}, ErrUnsupported},
		"no size":         {media.Track{Kind: media.Video, Codec: media.AV1}, ErrUnsupported},
		"too wide":        {media.Track{Kind: media.Video, Codec: media.AV1, Width: 70000, Height: 2}, ErrUnsupported},
		"no record":       {media.Track{Kind: media.Video, Codec: media.H264, Width: 2, Height: 2}, codec.ErrTruncated},
		"h265 no record":  {media.Track{Kind: media.Video, Codec: media.H265, Width: 2, Height: 2}, codec.ErrTruncated},
		"vp9 no record":   {media.Track{Kind: media.Video, Codec: media.VP9, Width: 2, Height: 2}, codec.ErrTruncated},
		"aac no rate":     {media.Track{Kind: media.Audio, Codec: media.AAC}, ErrUnsupported},
		"aac no record":   {media.Track{Kind: media.Audio, Codec: media.AAC, SampleRate: 48000}, codec.ErrTruncated},
		"aac long record": {media.Track{Kind: media.Audio, Codec: media.AAC, SampleRate: 48000, Config: append([]byte{0x11, 0x90}, make([]byte, 100)...)}, ErrUnsupported},
		"opus no record":  {media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000}, codec.ErrTruncated},
		"mp3":             {media.Track{Kind: media.Audio, Codec: media.MP3, SampleRate: 48000}, ErrUnsupported},
	} {
		if data, err := Init(&c.track, 1); !errors.Is(err, c.want) || data != nil {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
}

// FuzzInit gives hostile records to the writer; what it accepts, mp4ff must read.
func FuzzInit(f *testing.F) {
	add := func(c media.Codec, record []byte) { f.Add(uint8(c), record) }
	add(media.H264, mediatest.Video(320, 180, media.Rational{Num: 25, Den: 1}, false).Config)
	add(media.H265, track(f, media.H265, hvcC).Config)
	add(media.AV1, track(f, media.AV1, av1C).Config)
	add(media.VP9, track(f, media.VP9, vpcC).Config)
	add(media.AAC, mediatest.Audio(48000, 2).Config)
	add(media.Opus, codec.BuildDOps(codec.OpusInfo{Channels: 2}))
	f.Fuzz(func(t *testing.T, c uint8, record []byte) {
		tr, err := codec.NewTrack(media.Codec(c), record)
		if err != nil {
			return
		}
		if tr.Codec == media.VP9 {
			tr.Width, tr.Height = 640, 360
		}
		data, err := Init(tr, 1)
		if err != nil {
			return
		}
		if len(data) > 2048+2*len(record) || !bytes.Contains(data, []byte("moov")) {
			t.Errorf("%d bytes from a record of %d", len(data), len(record))
		}
	})
}
