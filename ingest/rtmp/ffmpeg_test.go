package rtmp

import (
	"strings"
	"testing"

	"weir/ingest/ingesttest"
	"weir/media"
)

// picture and sound are the inputs of the tests: 320x240 at 25 fps, 48 kHz.
func picture() []string {
	return []string{"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2"}
}

func sound() []string { return []string{"-f", "lavfi", "-i", "sine=r=48000:d=2"} }

func TestFFmpegPublishes(t *testing.T) {
	x264 := []string{"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"}
	bframes := []string{"-c:v", "libx264", "-preset", "superfast", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "2"}
	aac := []string{"-c:a", "aac", "-ac", "2"}
	tests := []struct {
		name         string
		args         [][]string
		video, audio bool
		reorder      bool
	}{
		{"video and audio", [][]string{picture(), sound(), x264, aac}, true, true, false},
		{"b-frames", [][]string{picture(), sound(), bframes, aac}, true, true, true},
		{"video only", [][]string{picture(), x264}, true, false, false},
		{"audio only", [][]string{sound(), aac}, false, true, false},
		{"mono 44.1", [][]string{picture(), sound(), x264, {"-c:a", "aac", "-ac", "1", "-ar", "44100"}}, true, true, false},
		{"across 2^24 ms", [][]string{picture(), sound(), x264, aac, {"-copyts", "-output_ts_offset", "16776"}}, true, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeSessions()
			addr, _, stop := startServer(t, f, nil)
			var args []string
			for _, a := range tt.args {
				args = append(args, a...)
			}
			out, err := ingesttest.FFmpeg(t, append(args, "-f", "flv", "rtmp://"+addr+"/live/somekey?x=y")...)
			if err != nil {
				t.Fatalf("ffmpeg: %v\n%s", err, out)
			}
			s := <-f.open
			if clean := <-s.closed; !clean {
				t.Error("the goodbye was not seen")
			}
			stop()
			if s.key != "somekey" {
				t.Errorf("key is %q", s.key)
			}
			checkStream(t, s, tt.video, tt.audio, tt.reorder)
		})
	}
}

// An encoder that is sent away hears why, however much it has under way.
func TestFFmpegHearsWhy(t *testing.T) {
	for name, args := range map[string][]string{
		"little": {"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=4", "-c:v", "flv1"},
		"much":   {"-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=25:d=4", "-c:v", "flv1", "-q:v", "2", "-g", "1"},
		"slow":   {"-re", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=10:d=4", "-c:v", "flv1"},
	} {
		t.Run(name, func(t *testing.T) {
			addr, _, _ := startServer(t, newFakeSessions(), nil)
			out, err := ingesttest.FFmpeg(t, append(args, "-f", "flv", "rtmp://"+addr+"/live/somekey")...)
			if err == nil || !strings.Contains(out, "number 2 of FLV is not supported, send H.264") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// checkStream looks at what ffmpeg's two seconds became.
func checkStream(t *testing.T, s *fakeSession, video, audio, reorder bool) {
	t.Helper()
	tracks, packets := s.got()
	count := map[media.Kind]int{}
	last := map[media.Kind]media.Time{}
	keys, early := 0, 0
	for _, p := range packets {
		k := p.Kind()
		if count[k] > 0 && p.DTS <= last[k] {
			t.Errorf("%v packet %d: dts %d after %d", k, count[k], p.DTS, last[k])
		}
		if count[k] > 0 && p.DTS-last[k] > 100*media.Millisecond {
			t.Errorf("%v packet %d: %v after the last", k, count[k], (p.DTS - last[k]).Duration())
		}
		count[k]++
		last[k] = p.DTS
		if k == media.Video && p.Key {
			keys++
		}
		if p.PTS != p.DTS {
			early++
		}
		if p.Track.Kind != k || p.Wall.IsZero() || len(p.Data) == 0 {
			t.Errorf("packet %+v", p)
		}
	}
	if video != (count[media.Video] == 50) || video != (keys == 2) {
		t.Errorf("%d pictures, %d keys", count[media.Video], keys)
	}
	if audio != (count[media.Audio] > 80) {
		t.Errorf("%d sounds", count[media.Audio])
	}
	if reorder != (early > 10) {
		t.Errorf("%d packets with a composition time", early)
	}
	want := 0
	for _, is := range [...]bool{video, audio} {
		if is {
			want++
		}
	}
	if len(tracks) != want || s.starts != 1 {
		t.Fatalf("%d tracks, %d starts", len(tracks), s.starts)
	}
	if v := tracks[0]; video && (v.Codec != media.H264 || v.Width != 320 || v.Height != 240 || v.FrameRate.Float() != 25 || v.Reorder != reorder) {
		t.Errorf("video track %+v", v)
	}
	if a := tracks[len(tracks)-1]; audio && (a.Codec != media.AAC || a.SampleRate < 44100 || a.Channels < 1) {
		t.Errorf("audio track %+v", a)
	}
}
