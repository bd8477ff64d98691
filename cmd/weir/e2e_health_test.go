package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"weir/services/live"
)

// channelWithKey makes a channel of p's, and a key for it.
func channelWithKey(p *person, name string) (channel, secret string) {
	p.t.Helper()
	var c struct{ ID string }
	if status := p.ask(http.MethodPost, "channels", object{"name": name}, &c); status != http.StatusCreated {
		p.t.Fatalf("channel: %d", status)
	}
	var key struct {
		Secret string `json:"stream_key"`
	}
	if status := p.ask(http.MethodPost, "channels/"+c.ID+"/keys", object{}, &key); status != http.StatusCreated {
		p.t.Fatalf("key: %d", status)
	}
	return c.ID, key.Secret
}

// events opens the stream of events of a channel's health; leave ends it.
func (p *person) events(channel string) (res *http.Response, leave context.CancelFunc) {
	p.t.Helper()
	ctx, leave := context.WithCancel(p.t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.web+"/api/v1/channels/"+channel+"/health/events", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Accept", "text/event-stream")
	res, err = http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		leave()
		res.Body.Close()
	})
	return res, leave
}

// The owner sees, through the gateway, what is wrong with the stream while it runs, and
// nothing more once signed out. Others who listen and never read, or leave, harm nobody.
func TestHealthOfAStream(t *testing.T) {
	t.Parallel()
	s := startStation(t, "WEIR_PUBLISH=key")
	admin := &person{t: t, web: s.web}
	admin.signIn("admin", s.password)
	channel, secret := channelWithKey(admin, "anna")
	path := "channels/" + channel + "/health"
	if status := admin.ask(http.MethodGet, path, nil, nil); status != http.StatusNotFound {
		t.Errorf("before the stream: %d", status)
	}
	admin.events(channel) // which nobody reads
	mine, _ := admin.events(channel)
	ffmpegPublish(t, s, secret, "-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30", "-f", "lavfi", "-i", "sine=r=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "240", "-sc_threshold", "0", "-c:a", "aac", "-ac", "2")

	// Whoever leaves makes room for others.
	var full int
	for range 8 {
		res, leave := admin.events(channel)
		if full = res.StatusCode; full != http.StatusOK {
			t.Fatalf("one of ten: %d", full)
		}
		defer leave()
	}
	last, leave := admin.events(channel)
	if last.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one too many: %d", last.StatusCode)
	}
	leave()

	const far = "key frames are 8 s apart: latency will be 8 s"
	lines := bufio.NewScanner(mine.Body)
	var h live.Health
	for told := false; !told && lines.Scan(); {
		data, is := strings.CutPrefix(lines.Text(), "data: ")
		if !is || data == "{}" {
			continue
		}
		h = live.Health{}
		if err := json.Unmarshal([]byte(data), &h); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		for _, w := range h.Warnings {
			told = told || w.Code == "key_frames_far" && w.Words == far
		}
	}
	if err := lines.Err(); err != nil || len(h.Warnings) != 1 || h.State != live.OnAir || h.FPS < 25 || h.FPS > 35 || h.Bitrate < 50_000 || !strings.HasPrefix(h.Encoder, "Lavf") ||
		h.Source.Height != 180 || h.Source.Audio != "mp4a.40.2" || len(h.Sounds) != 1 || h.Sounds[0].Codec != "mp4a.40.2" || h.Sound == nil || h.Sound.Mean < -25 || h.Sound.Mean > -15 {
		t.Errorf("%v: %+v %+v", err, h, h.Sound)
	}
	eventually(t, "the same without events", func() bool {
		var got live.Health
		return admin.ask(http.MethodGet, path, nil, &got) == http.StatusOK && got.Session == h.Session
	})
	metrics, err := s.must(t.Context(), s.admin+"/metrics")
	for _, want := range []string{`weir_ingest_key_interval_seconds{stream="anna"} (8|7\.9|8\.0)`, `weir_ingest_sound_mean_decibels{stream="anna"} -2`, `weir_ingest_drift_seconds{stream="anna"} -?[0-9]`} {
		if err != nil || !regexp.MustCompile(want).MatchString(metrics) {
			t.Errorf("metrics without %s: %v", want, err)
		}
	}
	var list struct{ Items []live.SessionView }
	if admin.ask(http.MethodGet, "channels/"+channel+"/sessions", nil, &list); len(list.Items) != 1 || list.Items[0].Source != h.Source || list.Items[0].Encoder != h.Encoder {
		t.Errorf("history: %+v", list.Items)
	}

	// The stream of events ends with the session of who listens.
	var sessions struct{ Items []struct{ ID string } }
	admin.ask(http.MethodGet, "auth/sessions", nil, &sessions)
	for _, x := range sessions.Items {
		admin.ask(http.MethodDelete, "auth/sessions/"+x.ID, nil, nil)
	}
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the end: %v", err)
	}
}

// A stream whose time stands still is nothing that viewers can watch: its owner is told.
func TestHealthOfNothing(t *testing.T) {
	t.Parallel()
	s := startStation(t, "WEIR_PUBLISH=key")
	admin := &person{t: t, web: s.web}
	admin.signIn("admin", s.password)
	channel, secret := channelWithKey(admin, "still")
	x, err := record()
	if err != nil {
		t.Fatal(err)
	}
	c, sent := mustCast(t, s, secret), make(chan error, 1)
	c.still = true
	ctx, stop := context.WithCancel(limited(t))
	go func() { sent <- c.roll(ctx, x, 0, 0) }()
	eventually(t, "a warning", func() bool {
		var h live.Health
		status := admin.ask(http.MethodGet, "channels/"+channel+"/health", nil, &h)
		for _, w := range h.Warnings {
			if status == http.StatusOK && h.State == live.Starting && w.Code == "not_playable" {
				return true
			}
		}
		return false
	})
	stop()
	if err := <-sent; err != nil {
		t.Error(err)
	}
	c.cut()
	if r := s.stop(); !strings.Contains(r.stderr, "renditions do not begin") {
		t.Errorf("the log says nothing of it:\n%s", r.stderr)
	}
}
