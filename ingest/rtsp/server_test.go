package rtsp

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/ingest"
	"weir/ingest/ingesttest"
	"weir/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server on free ports until the test ends.
func start(t *testing.T, r *ingesttest.Rig, change func(*Config)) (s *Server, log *ingesttest.Log) {
	t.Helper()
	log = ingesttest.NewLog()
	cfg := Config{Addr: "127.0.0.1:0", UDPAddr: "127.0.0.1:0", Sessions: r.Opener(), Log: log.Logger()}
	if change != nil {
		change(&cfg)
	}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.Run(t, s.Run)
	return s, log
}

// publish runs the ffmpeg program to its end.
func publish(t *testing.T, transport, url string, args ...string) (string, error) {
	t.Helper()
	return ingesttest.FFmpeg(t, append(args, "-f", "rtsp", "-rtsp_transport", transport, url)...)
}

func inputs(seconds string) []string {
	return []string{"-re", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=" + seconds, "-re", "-f", "lavfi", "-i", "sine=r=48000:d=" + seconds}
}

// TestFFmpegPublishes: what the ffmpeg program sends arrives, dated in decode order.
func TestFFmpegPublishes(t *testing.T) {
	x264 := []string{"-c:v", "libx264", "-preset", "superfast", "-pix_fmt", "yuv420p", "-g", "25"}
	for _, tt := range []struct {
		name, transport string
		args            []string
		video, audio    media.Codec
		reordered       bool
	}{
		{"h264 with b-frames, aac, tcp", "tcp", append(x264, "-bf", "3", "-c:a", "aac", "-ac", "2"), media.H264, media.AAC, true},
		{"h264 with b-frames, aac, udp", "udp", append(x264, "-bf", "3", "-c:a", "aac", "-ac", "2"), media.H264, media.AAC, true},
		{"h264, aac in latm", "tcp", append(x264, "-bf", "0", "-c:a", "aac", "-ac", "2", "-rtpflags", "latm"), media.H264, media.AAC, false},
		{"hevc, opus", "tcp", []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=25:bframes=3:log-level=none", "-pix_fmt", "yuv420p", "-c:a", "libopus", "-ac", "2"}, media.H265, media.Opus, true},
		{"h264, a-law", "udp", append(x264, "-bf", "0", "-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"), media.H264, media.PCMA, false},
		{"h264, mu-law", "tcp", append(x264, "-bf", "0", "-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"), media.H264, media.PCMU, false},
		{"h264, mp2", "tcp", append(x264, "-bf", "0", "-c:a", "mp2"), media.H264, media.MP2, false},
		{"picture alone", "tcp", append(x264, "-an"), media.H264, 0, true},
		{"sound alone", "udp", []string{"-vn", "-c:a", "aac"}, 0, media.AAC, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := ingesttest.New(t, patient)
			s, log := start(t, r, nil)
			if out, err := publish(t, tt.transport, "rtsp://"+s.Addr().String()+"/live/key1", append(inputs("3"), tt.args...)...); err != nil {
				t.Fatalf("ffmpeg: %v\n%s\n%s", err, out, log)
			}
			stream := r.Next(t)
			<-stream.Done() // the goodbye ended the session at once
			stream.Carries(t, 20, tt.video, tt.audio)
			if tt.video != 0 {
				checkPictures(t, stream.Packets(media.Video), tt.reordered)
			}
			if tt.transport == "tcp" { // by UDP reports may come after what they are about
				checkTogether(t, stream)
			}
		})
	}
}

// patient is for sessions that do not mind how late a busy machine is.
func patient(c *ingest.Config) {
	c.Plan = func(string, []*media.Track) ingest.Plan {
		return ingest.Plan{Segment: 100 * media.Second, Longest: 200 * media.Second}
	}
}

// checkPictures looks at three seconds of 25 pictures each.
func checkPictures(t *testing.T, list []*media.Packet, reordered bool) {
	t.Helper()
	if len(list) < 70 {
		t.Fatalf("%d of 75 pictures", len(list))
	}
	var moved int
	var times []media.Time
	for i, p := range list {
		if i > 0 && p.DTS <= list[i-1].DTS {
			t.Errorf("picture %d: decode time %v after %v", i, p.DTS.Duration(), list[i-1].DTS.Duration())
		}
		if p.Key && p.PTS != p.DTS {
			t.Errorf("key frame %d: shown at %v, decoded at %v", i, p.PTS.Duration(), p.DTS.Duration())
		}
		if p.Discontinuity && i > 0 {
			t.Errorf("picture %d is a discontinuity", i)
		}
		if p.PTS != p.DTS {
			moved++
		}
		times = append(times, p.PTS)
	}
	if (moved > 0) != reordered {
		t.Errorf("%d pictures are shown at another time than they are decoded", moved)
	}
	slices.Sort(times)
	for i := 1; i < 65; i++ { // over UDP the goodbye overtakes the last ones
		if d := (times[i] - times[i-1]).Duration(); d < 35*time.Millisecond || d > 45*time.Millisecond {
			t.Errorf("pictures %v apart at %v", d, times[i].Duration())
		}
	}
}

// checkTogether looks whether both kinds begin together, as they were sent.
func checkTogether(t *testing.T, s *ingesttest.Stream) {
	t.Helper()
	video, audio := s.Packets(media.Video), s.Packets(media.Audio)
	if len(video) == 0 || len(audio) < 2 {
		return
	}
	first := slices.MinFunc(video, func(a, b *media.Packet) int { return int(a.PTS - b.PTS) })
	var long time.Duration // of a packet: what began before the first picture is left out
	for i := range audio[1:] {
		long = max(long, (audio[i+1].PTS - audio[i].PTS).Duration())
	}
	if d := (first.PTS - audio[0].PTS).Duration().Abs(); d > 40*time.Millisecond+long {
		t.Errorf("picture and sound begin %v apart", d)
	}
}

// TestRefusals: the program is told why, and a refused publisher leaves nothing behind.
func TestRefusals(t *testing.T) {
	r := ingesttest.New(t, func(c *ingest.Config) { c.Reconnect = -1 })
	s, log := start(t, r, nil)
	at := s.Addr().String()
	picture := []string{"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1"}
	x264 := append(picture, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
	for _, tt := range []struct {
		name, url string
		args      []string
		want      string
	}{
		{"a wrong key", "rtsp://" + at + "/live/bad", x264, "401"},
		{"a wrong password", "rtsp://x:bad@" + at + "/live/bad", x264, "401"},
		{"no key", "rtsp://" + at + "/live", x264, "404"},
		{"mpeg-2", "rtsp://" + at + "/live/key", append(picture, "-c:v", "mpeg2video"), "video codec MPEG video is not supported, send H.264"},
	} {
		out, err := publish(t, "tcp", tt.url, tt.args...)
		if err == nil || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %v, %s", tt.name, err, out)
		}
	}
	log.Await(t, "makes that digest", 1)
	for password, want := range map[string]string{"right": "200", "bad": "401"} {
		h := dialHand(t, s)
		if status, _ := h.ask("ANNOUNCE", "bad", offer, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("x:"+password))); !strings.Contains(status, want) {
			t.Errorf("password %s, as it is: %s", password, status)
		}
	}
	log.Await(t, "stream key is not valid", 1)
	log.Await(t, "stream=right", 1)
}

// TestSentElsewhere: who finds no room is told of a server that has it, under the path that
// it called.
func TestSentElsewhere(t *testing.T) {
	full := &ingesttest.Full{}
	r := ingesttest.New(t, nil)
	s, log := start(t, r, func(c *Config) { c.Sessions, c.Now = full, func() time.Time { return time.Unix(1_800_000_000, 0) } })
	for called, want := range map[string]string{
		"key1":                          "key1?weir-sent=1800000000",
		"key%31?a=b":                    "key%31?a=b&weir-sent=1800000000",
		"key1?weir-sent=1799999990&a=b": "key1?a=b&weir-sent=1800000000",
	} {
		h := dialHand(t, s)
		status, _ := h.ask("ANNOUNCE", called, offer)
		if h.to != "rtsp://"+ingesttest.FullAt+"/live/"+want || !strings.Contains(status, "302 no room") {
			t.Errorf("%s: %q to %q, want %q", called, status, h.to, want)
		}
		if sent := strings.Contains(called, "1799999990"); full.Asked.Sent != sent || full.Asked.Key != "key1" {
			t.Errorf("%s: sent %t", called, full.Asked.Sent)
		}
	}
	if strings.Contains(log.String(), "key1") {
		t.Errorf("the log has the key: %s", log)
	}
	h := dialHand(t, s)
	_, _ = h.ask("ANNOUNCE", "name", offer, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("x:secret")))
	if h.to != "rtsp://"+ingesttest.FullAt+"/live/name?weir-sent=1800000000" || full.Asked.Key != "secret" {
		t.Errorf("with a password: to %q", h.to)
	}
}
