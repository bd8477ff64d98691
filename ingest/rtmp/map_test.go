package rtmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/codec"
	wire "weir/media/rtmp"
)

// script is a mapper and the session behind it.
type script struct {
	t *testing.T
	*mapper
	s *fakeSession
}

func newScript(t *testing.T) *script {
	s := &fakeSession{}
	return &script{t, newMapper(s, time.Now), s}
}

func (x *script) send(typ wire.MessageType, ts uint32, parts ...[]byte) {
	x.t.Helper()
	if err := x.message(wire.Message{Type: typ, Timestamp: ts, Body: bytes.Join(parts, nil)}); err != nil {
		x.t.Fatal(err)
	}
}

func (x *script) videoConfig(ts uint32, config []byte) {
	x.t.Helper()
	x.send(wire.TypeVideo, ts, []byte{0x17, 0, 0, 0, 0}, config)
}
func (x *script) audioConfig(ts uint32) {
	x.t.Helper()
	x.send(wire.TypeAudio, ts, []byte{0xaf, 0}, aacConfig)
}
func (x *script) picture(ts uint32, cts int32, data []byte) {
	x.t.Helper()
	x.send(wire.TypeVideo, ts, []byte{0x27, 1, byte(cts >> 16), byte(cts >> 8), byte(cts)}, data)
}
func (x *script) sound(ts uint32) {
	x.t.Helper()
	x.send(wire.TypeAudio, ts, []byte{0xaf, 1}, aacFrame)
}

func amfString(s string) []byte {
	return append([]byte{2, byte(len(s) >> 8), byte(len(s))}, s...)
}

// metadata sends onMetaData with numbers.
func (x *script) numbers(pairs ...any) {
	x.t.Helper()
	b := append(amfString("@setDataFrame"), amfString("onMetaData")...)
	b = append(b, 8, 0, 0, 0, 0)
	for i := 0; i < len(pairs); i += 2 {
		b = append(append(b, amfString(pairs[i].(string))[1:]...), 0)
		b = binary.BigEndian.AppendUint64(b, floatBits(pairs[i+1].(float64)))
	}
	x.send(wire.TypeData, 0, append(b, 0, 0, 9))
}

func TestMapTimes(t *testing.T) {
	x := newScript(t)
	x.videoConfig(0, avcConfig)
	x.audioConfig(0)
	start := uint32(1<<32 - 50)
	x.picture(start, 80, idr)
	x.sound(start + 10)
	x.picture(start+40, -40, nonIDR)
	x.sound(start + 60) // beyond 2^32
	x.picture(start+80, 0, nonIDR)
	tracks, packets := x.s.got()
	if len(tracks) != 2 || len(packets) != 5 {
		t.Fatalf("%d tracks, %d packets", len(tracks), len(packets))
	}
	for i, want := range []struct{ dts, cts int64 }{{0, 80}, {10, 0}, {40, -40}, {60, 0}, {80, 0}} {
		p := packets[i]
		if got := (p.DTS - packets[0].DTS).In(1000); got != want.dts {
			t.Errorf("packet %d: dts %d, want %d", i, got, want.dts)
		}
		if got := (p.PTS - p.DTS).In(1000); got != want.cts {
			t.Errorf("packet %d: cts %d, want %d", i, got, want.cts)
		}
	}
	if !packets[0].Key || packets[2].Key || !packets[1].Key {
		t.Error("keys")
	}
	if packets[0].Track != tracks[0] || packets[1].Track != tracks[1] {
		t.Error("tracks")
	}
	if v := tracks[0]; v.Width != 1280 || v.Height != 720 || v.FrameRate.Float() != 30 {
		t.Errorf("%+v", v)
	}
}

// TestMapStarts: when it is known which tracks there are.
func TestMapStarts(t *testing.T) {
	tests := []struct {
		name  string
		do    func(x *script)
		want  string // kinds that the session was started with
		given int    // packets that the session has
	}{
		{"configured", func(x *script) { x.videoConfig(0, avcConfig); x.audioConfig(0) }, "", 0},
		{"both", func(x *script) { x.videoConfig(0, avcConfig); x.audioConfig(0); x.sound(0) }, "video audio", 1},
		{"audio first", func(x *script) {
			x.audioConfig(0)
			x.sound(0)
			x.videoConfig(0, avcConfig)
			x.picture(0, 0, idr)
		}, "video audio", 2},
		{"not yet", func(x *script) { x.videoConfig(0, avcConfig); x.picture(0, 0, idr); x.picture(960, 0, idr) }, "", 0},
		{"a second of one", func(x *script) {
			x.videoConfig(0, avcConfig)
			x.picture(20_000_000, 0, idr)
			x.picture(20_001_000, 0, idr)
		}, "video", 2},
		{"told: video only", func(x *script) {
			x.numbers("videocodecid", 7.0, "audiocodecid", 0.0)
			x.videoConfig(0, avcConfig)
			x.picture(0, 0, idr)
		}, "video", 1},
		{"told: audio only", func(x *script) { x.numbers("audiocodecid", 10.0); x.audioConfig(0); x.sound(0) }, "audio", 1},
		{"told after the configuration", func(x *script) {
			x.audioConfig(0)
			x.numbers("audiocodecid", 10.0)
			x.sound(0)
		}, "audio", 1},
		{"told nothing", func(x *script) {
			x.numbers("duration", 0.0)
			x.videoConfig(0, avcConfig)
			x.picture(0, 0, idr)
		}, "", 0},
		{"goodbye", func(x *script) {
			x.videoConfig(0, avcConfig)
			x.picture(0, 0, idr)
			if err := x.out.Finish(); err != nil {
				x.t.Fatal(err)
			}
		}, "video", 1},
		{"too many packets", func(x *script) {
			x.videoConfig(0, avcConfig)
			for range 512 {
				x.picture(0, 0, idr)
			}
		}, "video", 512},
		{"too many bytes", func(x *script) {
			x.audioConfig(0)
			for range 2 {
				x.send(wire.TypeAudio, 0, []byte{0xaf, 1}, make([]byte, 4<<20))
			}
		}, "audio", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := newScript(t)
			tt.do(x)
			var kinds []string
			for _, track := range x.s.tracks {
				kinds = append(kinds, track.Kind.String())
			}
			if got := strings.Join(kinds, " "); got != tt.want || len(x.s.packets) != tt.given || x.s.starts > 1 {
				t.Errorf("started with %q after %d starts, %d packets", got, x.s.starts, len(x.s.packets))
			}
		})
	}
}

// TestMapConfigurations: the same again keeps the track, another makes a new one.
func TestMapConfigurations(t *testing.T) {
	x := newScript(t)
	x.numbers("framerate", 29.97, "videocodecid", 7.0)
	noTiming := bytes.Clone(avcConfig)
	x.videoConfig(0, noTiming)
	x.picture(0, 0, idr)
	x.videoConfig(40, noTiming)
	x.picture(40, 0, nonIDR)
	other := append(bytes.Clone(avcConfig), 0)
	x.videoConfig(80, other)
	x.picture(80, 0, idr)
	_, p := x.s.got()
	if len(p) != 3 || p[0].Track != p[1].Track || p[1].Track == p[2].Track || x.s.starts != 1 {
		t.Errorf("%d packets, %d starts", len(p), x.s.starts)
	}
	if p[0].Track.FrameRate.Float() != 30 {
		t.Errorf("the SPS says 30, the track %v", p[0].Track.FrameRate)
	}
}

// TestMapHeldConfiguration: the session is started with the track of the first
// packet it will get, also when another followed it meanwhile.
func TestMapHeldConfiguration(t *testing.T) {
	x := newScript(t)
	x.videoConfig(0, avcConfig)
	x.picture(0, 0, idr)
	x.videoConfig(40, append(bytes.Clone(avcConfig), 0))
	x.picture(40, 0, idr)
	x.audioConfig(40)
	x.sound(40)
	tracks, p := x.s.got()
	if len(p) != 3 || tracks[0] != p[0].Track || p[0].Track == p[1].Track {
		t.Errorf("tracks %v", tracks)
	}
}

func TestMapNALLengths(t *testing.T) {
	for size := 1; size <= 4; size++ {
		x := newScript(t)
		config := bytes.Clone(avcConfig)
		config[4] = 0xfc | byte(size-1)
		x.videoConfig(0, config)
		x.audioConfig(0)
		nal := append(make([]byte, size-1), 5, 0x65, 1, 2, 3, 4)
		x.picture(0, 0, nal)
		tracks, p := x.s.got()
		if len(p) != 1 || !bytes.Equal(p[0].Data, idr) || !p[0].Key {
			t.Fatalf("length size %d: %v", size, p)
		}
		if tracks[0].Config[4] != 0xff || !bytes.Equal(tracks[0].Config[5:], avcConfig[5:]) {
			t.Errorf("length size %d: configuration % x", size, tracks[0].Config)
		}
	}
}

// TestMapKeepsBody: a body with 4-byte lengths becomes a packet without a copy.
func TestMapKeepsBody(t *testing.T) {
	x := newScript(t)
	x.videoConfig(0, avcConfig)
	x.audioConfig(0)
	body := append([]byte{0x17, 1, 0, 0, 0}, idr...)
	x.send(wire.TypeVideo, 0, body)
	if _, p := x.s.got(); len(p) != 1 {
		t.Fatal(len(p))
	}
	direct := wire.Message{Type: wire.TypeVideo, Body: body}
	if err := x.message(direct); err != nil {
		t.Fatal(err)
	}
	if _, p := x.s.got(); &p[1].Data[0] != &body[5] {
		t.Error("the body was copied")
	}
}

func TestMapEnhanced(t *testing.T) {
	x := newScript(t)
	x.numbers("width", 1920.0, "height", 1080.0, "framerate", 23.98)
	vp9, keyVP9 := []byte("vp09"), []byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x16, 0x70, 0x00} // 640x360
	x.send(wire.TypeVideo, 0, []byte{0x90}, vp9, []byte{0, 31, 0x80, 2, 2, 2, 0, 0})
	x.send(wire.TypeAudio, 0, []byte("\x90OpusOpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"))
	x.send(wire.TypeVideo, 0, []byte{0xa1}, vp9, keyVP9) // not said to be one
	x.send(wire.TypeVideo, 40, []byte{0xa1}, vp9, []byte{0x86})
	x.send(wire.TypeAudio, 40, []byte("\x91Opus\xfc"))
	x.send(wire.TypeVideo, 80, []byte{0xa7, 2, 0, 3, 0xe8, 0x01}, vp9, []byte{0x86}) // and 1000 ns
	x.send(wire.TypeVideo, 80, []byte{0xd4}, vp9, []byte{3})                         // metadata
	tracks, p := x.s.got()
	checkCodecs(t, tracks, []media.Codec{media.VP9, media.Opus})
	if tracks[0].FrameRate != (media.Rational{Num: 24000, Den: 1001}) || tracks[0].Width != 640 || codec.Codecs(tracks[0]) != "vp09.00.21.08" {
		t.Errorf("%+v", tracks[0])
	}
	if want := []byte{0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0}; !bytes.Equal(tracks[1].Config, want) {
		t.Errorf("dOps % x", tracks[1].Config)
	}
	if len(p) != 4 || !p[0].Key || p[1].Key || p[3].DTS != 80*media.Millisecond+media.FromDuration(1000) {
		t.Errorf("%d packets", len(p))
	}
	// avc1 and mp4a in enhanced form are what they are in the classic one.
	y := newScript(t)
	y.send(wire.TypeVideo, 0, []byte("\x90avc1"), avcConfig)
	y.send(wire.TypeAudio, 0, []byte("\x90mp4a"), aacConfig)
	y.send(wire.TypeVideo, 0, []byte("\x91avc1\x00\x00\x28"), idr)
	y.send(wire.TypeAudio, 0, []byte("\x91mp4a"), aacFrame)
	tracks, p = y.s.got()
	checkCodecs(t, tracks, []media.Codec{media.H264, media.AAC})
	if len(p) != 2 || p[0].PTS != 40*media.Millisecond || !p[0].Key {
		t.Errorf("%d packets", len(p))
	}
}

// h265Config is the record of a stream of x265, 1280x720.
const h265Config = "\x01\x01\x60\x00\x00\x00\x90\x00\x00\x00\x00\x00\x5d\xf0\x00\xfc\xfd\xf8\xf8\x00\x00\x0f\x03\xa0\x00\x01\x00\x18\x40\x01\x0c\x01\xff\xff\x01\x60\x00\x00\x03\x00\x90\x00\x00\x03\x00\x00\x03\x00\x5d\x95\x98\x09\xa1\x00\x01\x00\x2b\x42\x01\x01" +
	"\x01\x60\x00\x00\x03\x00\x90\x00\x00\x03\x00\x00\x03\x00\x5d\xa0\x02\x80\x80\x2d\x16\x59\x59\xa4\x93\x2b\xc0\x5a\x02\x00\x00\x03\x00\x02\x00\x00\x03\x00\x3c\x10\xa2\x00\x01\x00\x07\x44\x01\xc1\x72\xb4\x62\x40"

// TestMapH265: parameter sets in key frames are for the configuration, not for the samples.
func TestMapH265(t *testing.T) {
	config := []byte(h265Config)
	h, err := codec.ParseHVCC(config)
	if err != nil {
		t.Fatal(err)
	}
	unit := func(nals ...[]byte) (au []byte) {
		for _, n := range nals {
			au = append(binary.BigEndian.AppendUint32(au, uint32(len(n))), n...)
		}
		return au
	}
	slice, other := []byte{19 << 1, 1, 0xaf}, append(bytes.Clone(h.PPS[0]), 0x80)
	x := newScript(t)
	send := func(au []byte) { x.send(wire.TypeVideo, 0, []byte("\x93hvc1"), au) }
	x.send(wire.TypeVideo, 0, []byte("\x90hvc1"), config)
	x.audioConfig(0)
	send(unit(slice))
	send(unit(h.VPS[0], h.SPS[0], h.PPS[0], slice)) // again
	send(unit(h.PPS[0], slice))                     // not all: left alone
	send(unit(h.VPS[0], h.SPS[0], other, slice))    // another one
	send(unit([]byte{1 << 1, 1, 0xaf}))
	tracks, p := x.s.got()
	if len(p) != 5 || tracks[0] != p[2].Track || p[3].Track == p[2].Track || p[4].Track != p[3].Track || p[4].Key {
		t.Fatalf("%d packets", len(p))
	}
	for i, want := range [][]byte{unit(slice), unit(slice), unit(h.PPS[0], slice), unit(slice)} {
		if !bytes.Equal(p[i].Data, want) || !p[i].Key {
			t.Errorf("packet %d: %x, want %x", i, p[i].Data, want)
		}
	}
	if now, err := codec.ParseHVCC(p[3].Track.Config); err != nil || !bytes.Equal(now.PPS[0], other) || p[3].Track.Width != 1280 {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestMapBadMessages(t *testing.T) {
	x := newScript(t)
	x.picture(0, 0, idr) // no configuration yet
	x.videoConfig(0, []byte{1, 2})
	x.videoConfig(0, nil)
	x.audioConfig(0)
	x.videoConfig(0, avcConfig)
	x.picture(0, 0, []byte{0, 0, 9, 0, 1})      // lengths that do not add up
	x.send(wire.TypeVideo, 0, []byte{0x17, 1})  // cut off
	x.send(wire.TypeVideo, 0, []byte{0x57, 0})  // command frame
	x.send(wire.TypeAudio, 0, []byte{0xaf, 1})  // silence
	x.send(wire.TypeData, 0, []byte{0xff, 0xe}) // not AMF0
	x.send(wire.TypeData, 0, amfString("onCuePoint"))
	x.picture(0, 0, idr)
	if _, p := x.s.got(); len(p) != 1 || x.tolerance.Dropped != 5 {
		t.Errorf("%d packets, %d dropped", len(p), x.tolerance.Dropped)
	}
	// A kind that comes late begins the stream anew.
	y := newScript(t)
	y.numbers("videocodecid", 7.0)
	y.videoConfig(0, avcConfig)
	y.picture(0, 0, idr)
	y.audioConfig(0)
	y.sound(0)
	y.picture(0, 0, idr)
	if tracks, p := y.s.got(); len(tracks) != 2 || len(p) != 2 || y.tolerance.Dropped != 1 || y.s.starts != 2 {
		t.Errorf("%d tracks, %d packets", len(tracks), len(p))
	}
}

func TestMapGivesUp(t *testing.T) {
	bad := []struct {
		name string
		msg  wire.Message
		want string
	}{
		{"sorenson", wire.Message{Type: wire.TypeVideo, Body: []byte{0x12, 1}}, "video codec number 2 of FLV is not supported, send H.264"},
		{"speex", wire.Message{Type: wire.TypeAudio, Body: []byte{0xb2, 1}}, "audio codec number 11 of FLV is not supported, send AAC"},
		{"unknown fourcc", wire.Message{Type: wire.TypeVideo, Body: []byte("\x90zzzz1")}, "video codec zzzz is not supported, send H.264"},
		{"audio in a video message", wire.Message{Type: wire.TypeVideo, Body: []byte("\x90Opus1")}, "video codec Opus is not supported, send H.264"},
	}
	for _, tt := range bad {
		var e *ingest.StreamError
		if err := newScript(t).message(tt.msg); !errors.As(err, &e) || ingest.Words(err) != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	x := newScript(t)
	var err error
	n := 0
	for ; err == nil && n < 10_000; n++ {
		err = x.message(wire.Message{Type: wire.TypeVideo, Body: []byte{0x17, 1, 0, 0, 0, 1}})
	}
	if n != 1001 || !strings.HasPrefix(ingest.Words(err), "nothing in this stream can be decoded") {
		t.Errorf("after %d: %v", n, err)
	}
	y := newScript(t)
	y.s.refuse = fmt.Errorf("video codec h264 is out of fashion")
	y.videoConfig(0, avcConfig)
	y.audioConfig(0)
	err = y.message(wire.Message{Type: wire.TypeAudio, Body: append([]byte{0xaf, 1}, aacFrame...)})
	if ingest.Words(err) != "this stream cannot be taken: video codec h264 is out of fashion" {
		t.Error(ingest.Words(err))
	}
}

func TestNominalRate(t *testing.T) {
	tests := []struct {
		in       float64
		num, den int
	}{
		{30, 30, 1}, {29.97, 30000, 1001}, {29.970030, 30000, 1001}, {23.98, 24000, 1001}, {23.976, 24000, 1001},
		{59.94, 60000, 1001}, {25, 25, 1}, {24.0001, 24, 1}, {12.5, 12500, 1000}, {119.88, 120000, 1001},
		{0, 0, 0}, {-1, 0, 0}, {1e9, 0, 0}, {nan(), 0, 0},
	}
	for _, tt := range tests {
		if got := nominalRate(tt.in); got != (media.Rational{Num: tt.num, Den: tt.den}) {
			t.Errorf("%v: %v", tt.in, got)
		}
	}
}

// The name of an encoder is taken from its metadata.
func TestEncoderIntroducesItself(t *testing.T) {
	x := newScript(t)
	meta := func(encoder []byte) {
		b := append(amfString("onMetaData"), 3, 0, 7)
		b = append(append(b, "encoder"...), encoder...)
		x.send(wire.TypeData, 0, append(b, 0, 0, 9))
	}
	meta(amfString("obs 30.2"))
	meta(amfString(""))
	meta([]byte{1, 1}) // a boolean
	if fmt.Sprint(x.s.named) != "[obs 30.2]" {
		t.Errorf("it is called %q", x.s.named)
	}
}
