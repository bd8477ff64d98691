package rtmp

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
	gortmp "github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"
	"go.uber.org/goleak"

	"weir/ingest/ingesttest"
	"weir/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// libClient connects gortmplib's client.
func libClient(t *testing.T, raw string) (*gortmplib.Client, error) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	c := &gortmplib.Client{URL: u, Publish: true}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return c, c.Initialize(ctx)
}

func avcSets() (sps, pps []byte) { return avcConfig[8:32], avcConfig[35:39] }

func TestGortmplibPublishes(t *testing.T) {
	sps, pps := avcSets()
	h264 := &gortmplib.Track{Codec: &codecs.H264{SPS: sps, PPS: pps}}
	h265 := &gortmplib.Track{Codec: &codecs.H265{}}
	second := &gortmplib.Track{Codec: &codecs.H264{SPS: sps, PPS: pps}}
	aac := &gortmplib.Track{Codec: &codecs.MPEG4Audio{Config: &mpeg4audio.AudioSpecificConfig{Type: 2, SampleRate: 48000, ChannelConfig: 2, ChannelCount: 2}}}
	other := &gortmplib.Track{Codec: aac.Codec}
	op := &gortmplib.Track{Codec: &codecs.Opus{IDHeader: &opus.IDHeader{Version: 1, ChannelCount: 2, InputSampleRate: 48000}}}
	tests := []struct {
		name   string
		path   string
		tracks []*gortmplib.Track
		want   []media.Codec
		spare  [2]int // tracks that the session hears of and does not get
	}{
		{"key in the path", "/live/somekey", []*gortmplib.Track{h264, aac}, []media.Codec{media.H264, media.AAC}, [2]int{}},
		{"key in the name", "/live#somekey", []*gortmplib.Track{h264}, []media.Codec{media.H264}, [2]int{}},
		{"audio only", "/live/extra/somekey?a=b", []*gortmplib.Track{aac}, []media.Codec{media.AAC}, [2]int{}},
		{"enhanced", "/live/#somekey", []*gortmplib.Track{h265, op}, []media.Codec{media.H265, media.Opus}, [2]int{}},
		{"multitrack", "/live/somekey", []*gortmplib.Track{h264, second, aac, other}, []media.Codec{media.H264, media.AAC, media.AAC}, [2]int{1, 0}},
		{"five sounds", "/live/somekey", []*gortmplib.Track{h264, aac, {Codec: op.Codec}, other, {Codec: aac.Codec}, {Codec: aac.Codec}},
			[]media.Codec{media.H264, media.AAC, media.Opus, media.AAC, media.AAC}, [2]int{0, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeSessions()
			addr, _, _ := startServer(t, f, nil)
			c, err := libClient(t, "rtmp://"+addr+tt.path)
			if err != nil {
				t.Fatal(err)
			}
			w := &gortmplib.Writer{Conn: c, Tracks: tt.tracks}
			if err := w.Initialize(); err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				at := time.Duration(i) * 40 * time.Millisecond
				for _, track := range tt.tracks {
					if err := writeSample(w, track, at); err != nil {
						t.Fatal(err)
					}
				}
			}
			c.Close()
			s := <-f.open
			if <-s.closed {
				t.Error("a lost connection counts as a goodbye")
			}
			if s.key != "somekey" {
				t.Errorf("key %q", s.key)
			}
			if s.spare != tt.spare {
				t.Errorf("tracks that are left out: %v", s.spare)
			}
			tracks, packets := s.got()
			checkCodecs(t, tracks, tt.want)
			if len(packets) != 4*len(tt.want) {
				t.Errorf("%d packets", len(packets))
			}
		})
	}
}

func writeSample(w *gortmplib.Writer, track *gortmplib.Track, at time.Duration) error {
	switch track.Codec.(type) {
	case *codecs.H264:
		return w.WriteH264(track, at+20*time.Millisecond, at, [][]byte{idr[4:]})
	case *codecs.H265:
		return w.WriteH265(track, at+20*time.Millisecond, at, [][]byte{{19 << 1, 1, 2, 3}})
	case *codecs.Opus:
		return w.WriteOpus(track, at, []byte{0xfc, 1, 2})
	}
	return w.WriteMPEG4Audio(track, at, aacFrame)
}

func checkCodecs(t *testing.T, tracks []*media.Track, want []media.Codec) {
	t.Helper()
	var got []media.Codec
	for _, track := range tracks {
		got = append(got, track.Codec)
		if track.Kind == media.Audio && (track.SampleRate != 48000 || track.Channels != 2 || len(track.Config) == 0) {
			t.Errorf("audio track %+v", track)
		}
		if track.Kind == media.Video && (track.Width == 0 || len(track.Config) == 0) {
			t.Errorf("video track %+v", track)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("tracks %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("tracks %v, want %v", got, want)
		}
	}
}

func TestGortmplibIsRefused(t *testing.T) {
	addr, _, _ := startServer(t, newFakeSessions(), nil)
	for _, key := range []string{"wrong", "busy"} {
		c, err := libClient(t, "rtmp://"+addr+"/live#"+key)
		if err == nil {
			c.Close()
			t.Errorf("%s may publish", key)
		}
	}
}

func TestGoRTMPPublishes(t *testing.T) {
	f := newFakeSessions()
	f.tune = func(s *fakeSession) { s.wrote = make(chan struct{}, 10) }
	addr, _, _ := startServer(t, f, nil)
	c, err := gortmp.Dial("rtmp", addr, &gortmp.ConnConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(&message.NetConnectionConnect{Command: message.NetConnectionConnectCommand{App: "live", TCURL: "rtmp://" + addr + "/live"}}); err != nil {
		t.Fatal(err)
	}
	stream, err := c.CreateStream(nil, 4096)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Publish(&message.NetStreamPublish{PublishingName: "somekey", PublishingType: "live"}); err != nil {
		t.Fatal(err)
	}
	s := <-f.open
	send := func(csid int, ts uint32, video bool, body []byte) {
		t.Helper()
		var m message.Message = &message.AudioMessage{Payload: bytes.NewReader(body)}
		if video {
			m = &message.VideoMessage{Payload: bytes.NewReader(body)}
		}
		if err := stream.Write(csid, ts, m); err != nil {
			t.Fatal(err)
		}
	}
	big := append([]byte{0, 3, 0, 0, 0x65}, make([]byte, 0x30000-1)...)
	send(6, 0, true, append([]byte{0x17, 0, 0, 0, 0}, avcConfig...))
	send(4, 0, false, append([]byte{0xaf, 0}, aacConfig...))
	for i := range uint32(5) {
		send(6, 16_777_200+i*40, true, append([]byte{0x17, 1, 0, 0, 0}, big...))
		send(4, 16_777_200+i*40, false, append([]byte{0xaf, 1}, aacFrame...))
	}
	for range 10 {
		<-s.wrote
	}
	c.Close()
	<-s.closed
	tracks, packets := s.got()
	checkCodecs(t, tracks, []media.Codec{media.H264, media.AAC})
	var pictures []*media.Packet // the client puts short sounds before long pictures
	for _, p := range packets {
		if p.Kind() == media.Video {
			pictures = append(pictures, p)
		}
	}
	if len(pictures) != 5 || pictures[4].DTS-pictures[0].DTS != 160*media.Millisecond || !bytes.Equal(pictures[4].Data, big) {
		t.Errorf("%d pictures", len(pictures))
	}
}

func TestFFmpegIsRefused(t *testing.T) {
	addr, log, stop := startServer(t, newFakeSessions(), nil)
	tests := []struct{ key, words string }{
		{"wrong", "stream key is not valid"},
		{"busy", "somebody is publishing this name already"},
		{"named", "a name is short"},
		{"full", "no room (rtmp://b.example.com:1935)"}, // it does not go there by itself
		{"broken", "the server cannot take this stream now"},
	}
	for _, tt := range tests {
		args := append(picture(), "-c:v", "libx264", "-preset", "ultrafast", "-f", "flv", "rtmp://"+addr+"/live/"+tt.key)
		out, err := ingesttest.FFmpeg(t, args...)
		if err == nil || !strings.Contains(out, tt.words) {
			t.Errorf("%s: %v: %s", tt.key, err, out)
		}
	}
	stop()
	if strings.Contains(log.String(), "wrong") || !strings.Contains(log.String(), "10.0.0.1") {
		t.Errorf("log: %s", log)
	}
}

func TestFFmpegCannotPlay(t *testing.T) {
	addr, _, _ := startServer(t, newFakeSessions(), nil)
	out, err := ingesttest.FFmpeg(t, "-i", "rtmp://"+addr+"/live/key", "-f", "null", "-")
	if err == nil || !strings.Contains(out, "no playing") {
		t.Errorf("%v: %s", err, out)
	}
}
