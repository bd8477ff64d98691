package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Players that speak RTSP, RTMP and SRT show what is live, with sound and picture in their
// places; a private channel only with a pass, and by SRT with its passphrase; strangers cost nothing.
func TestPlay(t *testing.T) {
	t.Parallel()
	at, rtmp, srt := freePort(t), freePort(t), freePort(t)
	s := startStation(t, "WEIR_PUBLISH=key", "WEIR_RTSP_PLAY_ADDR="+at, "WEIR_RTMP_PLAY_ADDR="+rtmp, "WEIR_SRT_PLAY_ADDR="+srt)
	anna := &person{t: t, web: s.web}
	anna.signIn("admin", s.password)
	channel, key := channelWithKey(anna, "anna")
	// The key is a password, of which ffmpeg sends a digest. RTMP and SRT have no place for Opus.
	feed := startTool(t, "ffmpeg", append(append([]string{"-v", "error", "-nostdin"}, moving()...), "-c:a", "libopus", "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://anna:"+key+"@"+s.rtsp+"/live/anna")...)
	eventually(t, "the stream", func() bool {
		status, _, err := s.get(t.Context(), "/live/anna/index.m3u8")
		return err == nil && status == http.StatusOK
	})
	type way struct{ url, gone string } // gone: what players are told of what is not there
	ways := []way{{"rtsp://" + at + "/live/", "404"}, {"rtmp://" + rtmp + "/live/", "nothing is live under this name"}, {"srt://" + srt + "?mode=caller&streamid=play:", "REJECT"}}
	// Players begin between key frames, about which ffmpeg would complain.
	watch := func(w way, path, says string) (map[string]decoded, string, error) {
		args := []string{"-v", says, "-nostdin"}
		if strings.HasPrefix(w.url, "rtsp") {
			args = append(args, "-rtsp_transport", "tcp")
		}
		out, err := runTool("ffmpeg", append(args, "-i", w.url+path, "-t", "2", "-f", "framecrc", "-")...)
		if err != nil {
			return nil, out, err
		}
		found, err := parseCRC(out)
		return found, out, err
	}
	everyWay := func(path string) {
		var all sync.WaitGroup
		for _, w := range ways {
			all.Go(func() {
				if found, out, err := watch(w, path, "fatal"); err != nil || len(found) != 2 || found["0"].frames < 25 || found["1"].frames < 50 {
					t.Errorf("%s of %s: %v %v\n%.2000s", path, w.url, found, err, out)
				}
			})
		}
		all.Wait()
	}
	everyWay("anna")
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
	refused := func(w way, path string) (string, bool) {
		_, out, err := watch(w, path, "warning")
		return out, err != nil && strings.Contains(out, w.gone)
	}
	for _, w := range ways {
		if out, ok := refused(w, "nobody"); !ok {
			t.Errorf("a name that is not live: %s", out)
		}
	}
	anna.match = "*"
	if status := anna.ask(http.MethodPatch, "channels/"+channel, object{"visibility": "private"}, nil); status != http.StatusOK {
		t.Fatalf("private: %d", status)
	}
	for _, w := range ways {
		eventually(t, "the private channel", func() bool { _, ok := refused(w, "anna"); return ok })
	}
	anna.match = ""
	var playback struct {
		HLS string `json:"hls"`
	}
	if status := anna.ask(http.MethodPost, "channels/by-name/anna/playback", object{}, &playback); status != http.StatusOK {
		t.Fatalf("playback: %d", status)
	}
	_, path, _ := strings.Cut(playback.HLS, "/live/")
	path, _, _ = strings.Cut(path, "/index.m3u8")
	if !strings.HasPrefix(path, "~") {
		t.Errorf("no pass: %s", playback.HLS)
	}
	everyWay(path)
	if status := anna.ask(http.MethodPut, "channels/"+channel+"/srt-passphrase", object{"passphrase": "otters_and_weirs"}, nil); status != http.StatusNoContent {
		t.Fatalf("passphrase: %d", status)
	}
	for _, bad := range []string{path, path + "&passphrase=another_phrase"} {
		if out, ok := refused(ways[2], bad); !ok {
			t.Errorf("SRT without the channel's passphrase: %s", out)
		}
	}
	if found, out, err := watch(ways[2], path+"&passphrase=otters_and_weirs", "fatal"); err != nil || len(found) != 2 || found["0"].frames < 25 || found["1"].frames < 50 {
		t.Errorf("encrypted: %v %v\n%.2000s", found, err, out)
	}
	feed.signal(os.Interrupt)
	if r := s.stop(); r.code != 0 || strings.Contains(r.stderr, `"ERROR"`) {
		t.Errorf("stopped with %d:\n%s", r.code, r.stderr)
	}
}
