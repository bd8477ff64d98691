package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

// watched is the report of web/e2e/play.mjs.
type watched struct {
	FirstFrame int64    `json:"first_frame"` // ms since 1970; 0 when none came
	Glass      *float64 `json:"glass_ms"`
	Frames     int      `json:"frames"`
	Read       int      `json:"read"` // frames whose clock could be read
	Levels     []int    `json:"levels"`
	Codec      string   `json:"codec"` // of the picture, as the player has it
	Fatal      []string `json:"fatal"`
	Console    []string `json:"console"`
	Buffers    []string `json:"buffers"` // what the browser decodes
	State      string   `json:"state"`   // of the watch page's player
}

const chromium = "/usr/bin/chromium"

// browserScript is the program that plays; the test is left out where that is wanted.
func browserScript(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		if os.Getenv("WEIR_TEST_BROWSER") == "0" {
			t.Skipf("no %s, and WEIR_TEST_BROWSER=0", chromium)
		}
		t.Fatalf("%s is needed (`make test` installs it); WEIR_TEST_BROWSER=0 leaves this test out", chromium)
	}
	script, err := filepath.Abs("../../web/e2e/play.mjs")
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// TestBrowser plays the demo picture in Chromium, by hls.js, by dash.js, over WebRTC and on the
// watch page, and reads the clock in the picture back from the screen.
func TestBrowser(t *testing.T) {
	t.Parallel()
	script := browserScript(t)
	c := startChild(t, []string{"--demo"}, "WEIR_LADDER=auto")
	if _, err := c.view(limited(t), "demo"); err != nil {
		t.Fatal(err)
	}
	hls, dash := c.web+"/live/demo/index.m3u8", c.web+"/live/demo/manifest.mpd"
	players := []struct {
		name   string
		args   []string
		levels int // at least, that the player tells of
	}{
		{"hls.js", []string{hls, "--player", "hls"}, 2},
		{"dash.js", []string{dash, "--player", "dash"}, 2},
		{"WebRTC", []string{c.web + "/live/demo/whep", "--player", "whep"}, 0},
		{"watch page", []string{"--watch", c.web + "/watch/demo"}, 0},
		{"watch page, by the browser's own HLS", []string{"--watch", c.web + "/watch/demo", "--own-hls"}, 0},
	}
	for _, p := range players {
		t.Run(p.name, func(t *testing.T) {
			w := watch(t, script, append(p.args, "--frames", "60")...)
			if w.Frames < 60 || w.Glass == nil || w.Read < w.Frames/2 {
				t.Errorf("%d frames, the clock was read in %d of them", w.Frames, w.Read)
			}
			if len(w.Fatal)+len(w.Console) > 0 {
				t.Errorf("errors: %q %q", w.Fatal, w.Console)
			}
			if len(w.Levels) < p.levels {
				t.Errorf("levels %v", w.Levels)
			}
			if p.args[0] == "--watch" && w.State != "playing" {
				t.Errorf("the page is %q", w.State)
			}
		})
	}
	if r := c.stop(); r.code != 0 || strings.Contains(r.stderr, `"ERROR"`) {
		t.Errorf("%d\n%s", r.code, r.stderr)
	}
}

// TestBrowserShaka plays a stream with a ladder by Shaka, which takes what playlists say to the
// hair. From LL-HLS it does so with its ABR off: 5.2 goes to another rendition at a part without a
// key frame too, and leaves out its initialisation segment then, which is no fault of a server. Nor
// does it always recover by itself where the machine has no CPU for it: it has three tries.
func TestBrowserShaka(t *testing.T) {
	t.Parallel()
	script := browserScript(t)
	s := startChild(t, nil, "WEIR_LADDER=120p:100k")
	ffmpegPublish(t, s.station, "small", moving()...)
	v, err := s.view(limited(t), "small")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.until(limited(t), v.pictures[0], closedSegments(4)); err != nil {
		t.Fatal(err)
	}
	for file, config := range map[string]string{"index.m3u8": `{"abr":{"enabled":false}}`, "manifest.mpd": "{}"} {
		var w watched
		good := func() bool { return w.Frames >= 75 && len(w.Levels) == 2 && len(w.Fatal)+len(w.Console) == 0 }
		for try := 1; try <= 3 && !good(); try++ {
			w = watch(t, script, s.web+"/live/small/"+file, "--player", "shaka", "--frames", "75", "--config", config)
			t.Logf("%s: %+v", file, w)
		}
		if !good() {
			t.Errorf("%s was not played", file)
		}
	}
}

// TestBrowserYoung has players wait for a stream that then begins, with key frames far apart.
func TestBrowserYoung(t *testing.T) {
	t.Parallel()
	script := browserScript(t)
	s := startChild(t, nil)
	at := s.web + "/live/young/"
	jobs := []object{
		{"id": 0, "url": at + "manifest.mpd", "player": "shaka", "frames": 75},
		{"id": 1, "url": at + "manifest.mpd", "player": "dash", "frames": 75},
	}
	got := watchAll(t, script, jobs, func() { ffmpegPublish(t, s.station, "young", append(moving(), "-g", "50")...) })
	for i, j := range jobs {
		if w := got[i]; w.Frames < 75 || len(w.Fatal)+len(w.Console) > 0 {
			t.Errorf("%s of %s: %+v", j["player"], j["url"], w)
		}
	}
}

// TestBrowserCodecs plays pictures in AV1 and VP9 and sound in Opus as their publishers sent
// them, and has players that are not asked for them begin with H.264 and AAC.
func TestBrowserCodecs(t *testing.T) {
	t.Parallel()
	script := browserScript(t)
	s := startChild(t, nil)
	airTape(t, s.station, "av1", codedAV1(t))
	airTape(t, s.station, "vp9", codedVP9(t))
	srtPublish(t, s.station, "opus", append(moving(), "-c:a", "libopus")...)
	plays := []struct{ name, file, player, codec, got string }{
		{"av1", "index.m3u8", "hls", "av01", "av01.0.00M.08"},
		{"av1", "manifest.mpd", "dash", "av01", `codecs="av01.0.00M.08"`},
		{"vp9", "index.m3u8", "hls", "vp09", "vp09.00.11.08"},
		{"vp9", "manifest.mpd", "dash", "vp09", `codecs="vp09.00.11.08"`},
		{"vp9", "manifest.mpd", "dash", "", `codecs="avc1.`},
		{"opus", "index.m3u8", "hls", "opus", "avc1."},
		{"opus", "index.m3u8", "hls", "", "avc1."},
		{"opus", "manifest.mpd", "dash", "opus", `codecs="avc1.`},
		{"opus", "manifest.mpd", "dash", "", `codecs="avc1.`},
	}
	jobs := make([]object, len(plays))
	for i, p := range plays {
		jobs[i] = object{"id": i, "url": s.web + "/live/" + p.name + "/" + p.file, "player": p.player, "frames": 50}
		if p.codec != "" {
			jobs[i]["codec"] = p.codec
		}
	}
	got := watchAll(t, script, jobs, func() {})
	for i, p := range plays {
		w := got[i]
		if w.Frames < 50 || !strings.Contains(w.Codec, p.got) || len(w.Fatal)+len(w.Console) > 0 {
			t.Errorf("%s by %s: %+v", p.name, p.player, w)
		}
		if opus := strings.Contains(strings.Join(w.Buffers, " "), "opus"); opus != (p.codec == "opus") {
			t.Errorf("%s by %s, asked for %q, has %q", p.name, p.player, p.codec, w.Buffers)
		}
	}
}

// watchAll has one browser play several streams at once; the reports are by the jobs' ids.
// opened is called when all pages wait for their streams.
func watchAll(t *testing.T, script string, jobs []object, opened func()) map[int]watched {
	t.Helper()
	var stdin, stderr bytes.Buffer
	for _, j := range jobs {
		if err := json.NewEncoder(&stdin).Encode(j); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(limited(t), "node", script, "--stdin")
	cmd.Stdin, cmd.Stderr = &stdin, &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	all, open := map[int]watched{}, 0
	for lines := json.NewDecoder(out); err == nil; {
		var line struct {
			ID     int
			Event  string
			Failed string
			watched
		}
		if err = lines.Decode(&line); err != nil {
			break
		}
		if line.Event == "report" {
			all[line.ID] = line.watched
		} else if open++; open == len(jobs) {
			opened()
		}
		if line.Failed != "" {
			t.Errorf("%d: %s", line.ID, line.Failed)
		}
	}
	if e := cmd.Wait(); e != nil || !errors.Is(err, io.EOF) || len(all) != len(jobs) {
		t.Fatalf("play.mjs: %v %v: %d reports: %s", e, err, len(all), stderr.String())
	}
	return all
}

// TestBrowserPublishes has Chromium publish a picture of its own by WHIP, with its own
// encoders, and watch that by WHEP.
func TestBrowserPublishes(t *testing.T) {
	t.Parallel()
	script := browserScript(t)
	c := startChild(t, nil)
	var w watched
	for try := 1; w.Frames < 30 && try <= 3; try++ { // on a busy machine the encoders may be late
		at := c.web + "/live/cam" + strconv.Itoa(try)
		w = watch(t, script, at+"/whep", "--player", "whep", "--publish", at+"/whip", "--seconds", "6")
		t.Logf("%+v", w)
	}
	if w.FirstFrame == 0 || w.Frames < 30 || w.Glass == nil || w.Read < w.Frames/2 || len(w.Fatal)+len(w.Console) > 0 {
		t.Errorf("%+v", w)
	}
}

// TestBrowserRecording plays the recording of a demo that has ended.
func TestBrowserRecording(t *testing.T) {
	t.Parallel()
	script := browserScript(t)
	dir := filepath.Join(t.TempDir(), "data")
	settings := []string{"WEIR_LADDER=auto", "WEIR_RECORD=all", "WEIR_DATA_DIR=" + dir}
	c := startChild(t, []string{"--demo"}, settings...)
	ctx := limited(t)
	v, err := c.view(ctx, "demo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.until(ctx, v.pictures[0], func(m *playlist.Media) bool { return length(m) > 10*time.Second }); err != nil {
		t.Fatal(err)
	}
	if r := c.stop(); r.code != 0 {
		t.Errorf("%+v", r)
	}
	c = startChild(t, nil, settings...)
	ids := recordingIDs(t, dir)
	if len(ids) != 1 {
		t.Fatalf("recordings: %v", ids)
	}
	c.recorded(limited(t), t, ids[0], "source")
	for player, file := range map[string]string{"hls": "index.m3u8", "dash": "manifest.mpd"} {
		w := watch(t, script, c.web+"/vod/"+ids[0]+"/"+file, "--player", player, "--seconds", "6")
		for try := 1; w.Frames < 30 && len(w.Fatal) == 0 && try < 3; try++ {
			w = watch(t, script, c.web+"/vod/"+ids[0]+"/"+file, "--player", player, "--seconds", "6")
		}
		if w.FirstFrame == 0 || w.Frames < 30 || w.Read < w.Frames/2 || len(w.Fatal)+len(w.Console) > 0 {
			t.Errorf("%s: %+v", player, w)
		}
		t.Logf("%s: %+v", player, w)
	}
}

func watch(t *testing.T, script string, args ...string) (w watched) {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(limited(t), "node", append([]string{script}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if e := json.Unmarshal([]byte(stdout.String()), &w); e != nil {
		t.Fatalf("play.mjs: %v: %s%s", err, stdout.String(), stderr.String())
	}
	return w
}
