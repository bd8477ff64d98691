package rtsp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"weir/media"
	"weir/media/codec"
	"weir/media/mediatest"
)

// h265Config is the record of a stream of x265, 1280x720.
const h265Config = "\x01\x01\x60\x00\x00\x00\x90\x00\x00\x00\x00\x00\x5d\xf0\x00\xfc\xfd\xf8\xf8\x00\x00\x0f\x03\xa0\x00\x01\x00\x18\x40\x01\x0c\x01\xff\xff\x01\x60\x00\x00\x03\x00\x90\x00\x00\x03\x00\x00\x03\x00\x5d\x95\x98\x09\xa1\x00\x01\x00\x2b\x42\x01\x01" +
	"\x01\x60\x00\x00\x03\x00\x90\x00\x00\x03\x00\x00\x03\x00\x5d\xa0\x02\x80\x80\x2d\x16\x59\x59\xa4\x93\x2b\xc0\x5a\x02\x00\x00\x03\x00\x02\x00\x00\x03\x00\x3c\x10\xa2\x00\x01\x00\x07\x44\x01\xc1\x72\xb4\x62\x40"

// unpack is what players make of RTP of a format. It fails while more is needed.
func unpack(f format.Format) (func(*rtp.Packet) ([][]byte, error), error) {
	switch f := f.(type) {
	case *format.H264:
		d, err := f.CreateDecoder()
		return d.Decode, err
	case *format.H265:
		d, err := f.CreateDecoder()
		return d.Decode, err
	case *format.MPEG4Audio:
		d, err := f.CreateDecoder()
		return d.Decode, err
	case *format.Opus:
		d, err := f.CreateDecoder()
		return func(p *rtp.Packet) ([][]byte, error) {
			one, err := d.Decode(p)
			return [][]byte{one}, err
		}, err
	}
	return nil, errors.New("no such format")
}

// prefixed are NAL units as packets have them.
func prefixed(nals ...[]byte) (data []byte) {
	for _, n := range nals {
		data = append(binary.BigEndian.AppendUint32(data, uint32(len(n))), n...)
	}
	return data
}

// TestCut: what players put together again is what was sent, in packets of bounded size;
// before key frames there are the parameter sets.
func TestCut(t *testing.T) {
	h264 := mediatest.Video(1280, 720, media.Rational{Num: 30, Den: 1}, false)
	avc, err := codec.ParseAVCC(h264.Config)
	if err != nil {
		t.Fatal(err)
	}
	h265, err := codec.NewTrack(media.H265, []byte(h265Config))
	if err != nil {
		t.Fatal(err)
	}
	hvc, err := codec.ParseHVCC(h265.Config)
	if err != nil {
		t.Fatal(err)
	}
	long := bytes.Repeat([]byte{0xab, 0xcd, 0xef}, 2000)
	idr, slice := append([]byte{0x65}, long...), []byte{0x41, 1, 2, 3}
	idr5, slice5 := append([]byte{19 << 1, 1}, long...), []byte{1 << 1, 1, 0xaf}
	aac, opus := mediatest.Audio(44100, 1), &media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2}
	for _, tt := range []struct {
		name  string
		track *media.Track
		key   bool
		data  []byte
		want  [][]byte
		says  string // in the description
		rate  int64
	}{
		{"H.264, a key frame", h264, true, prefixed(idr), [][]byte{avc.SPS[0], avc.PPS[0], idr}, "H264/90000", 90000},
		{"H.264, two slices", h264, false, prefixed(slice, slice[:2]), [][]byte{slice, slice[:2]}, "H264/90000", 90000},
		{"H.265, a key frame", h265, true, prefixed(idr5), [][]byte{hvc.VPS[0], hvc.SPS[0], hvc.PPS[0], idr5}, "H265/90000", 90000},
		{"H.265, two slices", h265, false, prefixed(slice5, slice5), [][]byte{slice5, slice5}, "H265/90000", 90000},
		{"AAC", aac, true, long[:1400], [][]byte{long[:1400]}, "mpeg4-generic/44100/1", 44100},
		{"Opus", opus, true, long[:100], [][]byte{long[:100]}, "opus/48000/2", 48000},
	} {
		x := newPayload(tt.track)
		if x == nil {
			t.Errorf("%s: there is no place for it", tt.name)
			continue
		}
		f := x.media.Formats[0]
		if x.rate != tt.rate || f.RTPMap() != tt.says || string(x.media.Type) != tt.track.Kind.String() {
			t.Errorf("%s: %s by a clock of %d Hz is %s", tt.name, x.media.Type, x.rate, f.RTPMap())
		}
		list, err := x.cut(&media.Packet{Track: tt.track, Key: tt.key, Data: tt.data})
		if err != nil || len(list) == 0 {
			t.Errorf("%s: %d packets, %v", tt.name, len(list), err)
			continue
		}
		back, err := unpack(f)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]byte
		for i, p := range list {
			last := i == len(list)-1
			if got, err = back(p); (err == nil) != last || len(p.Payload) > 1460 || p.Marker != last && tt.track.Codec != media.Opus {
				t.Errorf("%s: packet %d of %d, %d bytes, marker %v: %v", tt.name, i+1, len(list), len(p.Payload), p.Marker, err)
			}
		}
		if !slices.EqualFunc(got, tt.want, bytes.Equal) {
			t.Errorf("%s: %.40x became %.40x", tt.name, tt.want, got)
		}
	}
}

// TestNoPlace: what RTP has no place for here is left out, and so is what makes no sense.
func TestNoPlace(t *testing.T) {
	bare := []byte(h265Config)[:23]
	bare[22] = 0 // no parameter sets
	for name, x := range map[string]*media.Track{
		"VP8":                          {Kind: media.Video, Codec: media.VP8},
		"MP2":                          {Kind: media.Audio, Codec: media.MP2},
		"H.264 without a record":       {Kind: media.Video, Codec: media.H264},
		"H.265 without a record":       {Kind: media.Video, Codec: media.H265},
		"H.265 without parameter sets": {Kind: media.Video, Codec: media.H265, Config: bare},
		"AAC without a configuration":  {Kind: media.Audio, Codec: media.AAC},
		"Opus of six channels":         {Kind: media.Audio, Codec: media.Opus, Channels: 6},
	} {
		if newPayload(x) != nil {
			t.Errorf("%s has a place", name)
		}
	}
}
