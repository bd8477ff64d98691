package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// A player that speaks RTSP shows what is live, with sound and picture in their places; a
// private channel only with a pass; strangers cost nothing.
func TestPlayRTSP(t *testing.T) {
	t.Parallel()
	at := freePort(t)
	s := startStation(t, "WEIR_PUBLISH=key", "WEIR_RTSP_PLAY_ADDR="+at)
	anna := &person{t: t, web: s.web}
	anna.signIn("admin", s.password)
	channel, key := channelWithKey(anna, "anna")
	// The key is a password, of which ffmpeg sends a digest.
	feed := startTool(t, "ffmpeg", append(append([]string{"-v", "error", "-nostdin"}, moving()...), "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://anna:"+key+"@"+s.rtsp+"/live/anna")...)
	eventually(t, "the stream", func() bool {
		status, _, err := s.get(t.Context(), "/live/anna/index.m3u8")
		return err == nil && status == http.StatusOK
	})
	// Players begin between key frames, about which ffmpeg would complain.
	watch := func(path, says string) (map[string]decoded, string, error) {
		out, err := runTool("ffmpeg", "-v", says, "-nostdin", "-rtsp_transport", "tcp", "-i", "rtsp://"+at+"/live/"+path, "-t", "2", "-f", "framecrc", "-")
		if err != nil {
			return nil, out, err
		}
		found, err := parseCRC(out)
		return found, out, err
	}
	found, out, err := watch("anna", "fatal")
	if err != nil || len(found) != 2 || found["0"].frames < 25 || found["1"].frames < 50 {
		t.Errorf("%v %v\n%.2000s", found, err, out)
	}
	for name, first := range map[string]string{"HTTP": "GET / HTTP/1.1\r\nX: " + strings.Repeat("y", 1<<20), "ANNOUNCE": "ANNOUNCE rtsp://x/live/anna RTSP/1.0\r\nCSeq: 1\r\n\r\n"} {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(first))
		_ = c.SetReadDeadline(time.Now().Add(patience))
		for err == nil {
			_, err = c.Read(make([]byte, 1000))
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: not sent away", name)
		}
		c.Close()
	}
	if _, out, err := watch("nobody", "error"); err == nil || !strings.Contains(out, "404") {
		t.Errorf("a name that is not live: %v %s", err, out)
	}
	anna.match = "*"
	if status := anna.ask(http.MethodPatch, "channels/"+channel, object{"visibility": "private"}, nil); status != http.StatusOK {
		t.Fatalf("private: %d", status)
	}
	eventually(t, "the private channel", func() bool { _, out, err := watch("anna", "error"); return err != nil && strings.Contains(out, "404") })
	anna.match = ""
	var playback struct {
		HLS string `json:"hls"`
	}
	if status := anna.ask(http.MethodPost, "channels/by-name/anna/playback", object{}, &playback); status != http.StatusOK {
		t.Fatalf("playback: %d", status)
	}
	_, path, _ := strings.Cut(playback.HLS, "/live/")
	path, _, _ = strings.Cut(path, "/index.m3u8")
	if found, out, err := watch(path, "fatal"); err != nil || len(found) != 2 || !strings.HasPrefix(path, "~") {
		t.Errorf("with a pass: %q %v %v\n%.2000s", path, found, err, out)
	}
	feed.signal(os.Interrupt)
	if r := s.stop(); r.code != 0 || strings.Contains(r.stderr, `"ERROR"`) {
		t.Errorf("stopped with %d:\n%s", r.code, r.stderr)
	}
}
