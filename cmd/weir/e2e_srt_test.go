package main

import (
	"context"
	"os"
	"testing"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

// srtPublish publishes with the ffmpeg program over SRT.
func srtPublish(t *testing.T, s *station, name string, args ...string) *tool {
	t.Helper()
	all := append([]string{"-v", "error", "-nostdin"}, args...)
	return startTool(t, "ffmpeg", append(all, "-f", "mpegts", "srt://"+s.srt+"?mode=caller&streamid=publish:"+name)...)
}

// rtspPublish publishes with the ffmpeg program over RTSP.
func rtspPublish(t *testing.T, s *station, transport, name string, args ...string) *tool {
	t.Helper()
	all := append([]string{"-v", "error", "-nostdin"}, args...)
	return startTool(t, "ffmpeg", append(all, "-f", "rtsp", "-rtsp_transport", transport, "rtsp://"+s.rtsp+"/live/"+name)...)
}

// moving is a source for all ways in.
func moving() []string {
	return []string{"-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-re", "-f", "lavfi", "-i", "sine=r=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "0", "-c:a", "aac", "-ac", "2"}
}

func TestProtocolChanges(t *testing.T) {
	t.Parallel()
	changeProtocols(limited(t), t, 3)
}

// changeProtocols has a publisher whose RTMP drops and who comes back over SRT, over RTSP, and
// over RTMP again, n times in all: it goes on with the session that its viewers have.
func changeProtocols(ctx context.Context, t *testing.T, n int) {
	// A lost SRT publisher is noticed after 5 s only; its successor need not wait for that.
	s := startStation(t, "WEIR_TAKEOVER=true")
	feed := ffmpegPublish(t, s, "wander", moving()...)
	v, err := s.view(ctx, "wander")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.until(ctx, v.pictures[0], closedSegments(4)); err != nil {
		t.Fatal(err)
	}
	overRTSP := func(t *testing.T, s *station, name string, args ...string) *tool {
		return rtspPublish(t, s, "tcp", name, args...)
	}
	ways := []func(*testing.T, *station, string, ...string) *tool{srtPublish, overRTSP, ffmpegPublish}
	for change := range n {
		publish := ways[change%len(ways)]
		feed.signal(os.Kill)
		<-feed.done
		feed = publish(t, s, "wander", moving()...)
		for _, u := range v.all() {
			if _, err := v.until(ctx, u, func(m *playlist.Media) bool { return discontinuities(m) == change+1 }); err != nil {
				t.Fatalf("change %d: no discontinuity in %s: %v", change+1, u, err)
			}
		}
		if err := v.check(ctx); err != nil {
			t.Error(err)
		}
	}
	again, err := s.view(ctx, "wander")
	if err != nil || epoch(again.pictures[0]) != epoch(v.pictures[0]) {
		t.Errorf("another session: %v, %v and %v", err, again, v)
	}
	feed.signal(os.Interrupt)
	for _, u := range v.all() {
		if _, err := v.until(ctx, u, func(m *playlist.Media) bool { return m.Endlist }); err != nil {
			t.Errorf("no end in %s: %v", u, err)
		}
	}
}
