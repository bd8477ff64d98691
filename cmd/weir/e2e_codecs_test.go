package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/media"
	"weir/media/codec"
)

// coded is the tape with pictures that the ffmpeg program has encoded in another format.
func coded(t *testing.T, c media.Codec, encoder ...string) *tape {
	t.Helper()
	x, err := record()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tape.ivf")
	args := append([]string{"-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-frames:v", fmt.Sprint(tapePictures),
		"-pix_fmt", "yuv420p", "-g", fmt.Sprint(tapePictures / 2), "-b:v", "200k", "-threads", "1"}, encoder...)
	if out, err := runTool("ffmpeg", append(args, file)...); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	frames, err := readIVF(file)
	if err != nil || len(frames) != tapePictures {
		t.Fatalf("%d pictures on the tape: %v", len(frames), err)
	}
	track, err := trackOfFrame(c, frames[0])
	if err != nil {
		t.Fatal(err)
	}
	out := &tape{tracks: []*media.Track{track, x.tracks[1]}, length: x.length}
	for i, f := range frames {
		at := media.Time(i) * x.length / tapePictures
		out.packets = append(out.packets, &media.Packet{Track: track, DTS: at, PTS: at, Key: i%(tapePictures/2) == 0, Data: f})
	}
	for _, p := range x.packets {
		if p.Kind() == media.Audio {
			out.packets = append(out.packets, p)
		}
	}
	slices.SortStableFunc(out.packets, func(a, b *media.Packet) int { return cmp.Compare(a.DTS, b.DTS) })
	return out
}

// readIVF reads the frames of a file: 32 bytes, and 12 before each frame.
func readIVF(file string) (frames [][]byte, err error) {
	data, err := os.ReadFile(file)
	if err != nil || len(data) < 32 {
		return nil, errors.Join(err, errors.New("no IVF"))
	}
	for data = data[32:]; len(data) > 12; {
		n := 12 + int(binary.LittleEndian.Uint32(data))
		frames = append(frames, data[12:n])
		data = data[n:]
	}
	return frames, nil
}

// trackOfFrame is what a publisher would say of a stream that begins with frame.
func trackOfFrame(c media.Codec, frame []byte) (*media.Track, error) {
	if c == media.VP9 {
		info, _, err := codec.ParseVP9(frame)
		if err != nil {
			return nil, err
		}
		return codec.NewTrack(c, codec.BuildVPCC(info))
	}
	_, header, _, err := codec.AV1Unit(frame)
	if err != nil {
		return nil, err
	}
	config, err := codec.AV1Config(nil, header)
	if err != nil {
		return nil, err
	}
	return codec.NewTrack(c, config)
}

func codedAV1(t *testing.T) *tape {
	return coded(t, media.AV1, "-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0")
}

func codedVP9(t *testing.T) *tape {
	return coded(t, media.VP9, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0")
}

// airTape publishes a tape until the test ends or the function that it returns is called.
func airTape(t *testing.T, s *station, name string, x *tape) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c, done := mustCast(t, s, name), make(chan error, 1)
	go func() { done <- c.roll(ctx, x, 0, 0) }()
	t.Cleanup(func() {
		cancel()
		c.cut()
	})
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestOriginals: what comes in H.265, AV1 or VP9 is there as it came and as H.264, in both
// kinds of manifest and in the recording, and the ffmpeg program decodes all of it.
func TestOriginals(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := startStation(t, "WEIR_LADDER=120p:100k", "WEIR_RECORD=all", "WEIR_DATA_DIR="+dir)
	hevc := []string{"-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-re", "-f", "lavfi", "-i", "sine=r=48000",
		"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:pools=1:keyint=25:min-keyint=25:open-gop=0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2"}
	var all sync.WaitGroup
	for _, c := range []struct {
		name, codecs, decoder string
		publish               func(t *testing.T) (end func())
	}{
		{"hevc", "hvc1.1.6.L60.90", "hevc", func(t *testing.T) func() {
			feed := srtPublish(t, s, "hevc", hevc...)
			return func() { feed.signal(os.Interrupt) }
		}},
		{"av1", "av01.0.00M.08", "av1", func(t *testing.T) func() { return airTape(t, s, "av1", codedAV1(t)) }},
		{"vp9", "vp09.00.11.08", "vp9", func(t *testing.T) func() { return airTape(t, s, "vp9", codedVP9(t)) }},
	} {
		all.Go(func() {
			t.Run(c.name, func(t *testing.T) {
				end := c.publish(t)
				followOriginal(t, s, c.name, c.codecs, c.decoder)
				end()
			})
		})
	}
	all.Wait()
	if r := s.stop(); r.code != 0 || strings.Contains(r.stderr, `"ERROR"`) {
		t.Errorf("stopped with %d:\n%s", r.code, r.stderr)
	}
	again := startStation(t, "WEIR_DATA_DIR="+dir)
	for _, id := range recordingIDs(t, dir) {
		text, err := again.must(limited(t), "/vod/"+id+"/index.m3u8")
		if err != nil || strings.Count(text, `CODECS="avc1.`) != 2 || strings.Count(text, "original/index.m3u8") != 1 {
			t.Errorf("recording: %v\n%s", err, text)
		}
		if err := probe(again.web+"/vod/"+id+"/download.mp4", "h264"); err != nil {
			t.Error(err)
		}
	}
}

// followOriginal looks at a stream from its manifests to what a player shows of it.
func followOriginal(t *testing.T, s *station, name, codecs, decoder string) {
	ctx := limited(t)
	v, err := s.view(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range v.all() {
		if _, err := v.until(ctx, u, func(m *playlist.Media) bool { return length(m) > 5*time.Second }); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.check(ctx); err != nil {
		t.Error(err)
	}
	var offered []string
	for _, x := range v.master.Variants {
		offered = append(offered, x.Codecs[0])
	}
	if len(offered) != 3 || !strings.HasPrefix(offered[0], "avc1.") || !strings.HasPrefix(offered[1], "avc1.") || offered[2] != codecs {
		t.Errorf("variants are coded as %q", offered)
	}
	mpd, err := s.must(ctx, "/live/"+name+"/manifest.mpd")
	if err != nil || strings.Count(mpd, "<AdaptationSet ") != 3 || !strings.Contains(mpd, `codecs="`+codecs+`"`) || !strings.Contains(mpd, `selectionPriority="2"`) {
		t.Errorf("%v\n%s", err, mpd)
	}
	if rates := strings.Count(mpd, `frameRate="25"`); name == "hevc" && rates != 3 { // the others' streams do not tell theirs
		t.Errorf("%d of 3 frame rates in\n%s", rates, mpd)
	}
	if err := probe(v.pictures[0], "h264"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(probe(v.pictures[2], decoder), play(source{fps: 25}, v.pictures[2])); err != nil {
		t.Error(err)
	}
}

// probe asks the ffprobe program how the picture of an address is coded.
func probe(u, want string) error {
	out, err := runTool("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=codec_name,width", "-of", "json", u)
	var said struct {
		Streams []struct {
			Codec string `json:"codec_name"`
			Width int
		}
	}
	if err := errors.Join(err, json.Unmarshal([]byte(out), &said)); err != nil {
		return fmt.Errorf("%s: %w: %s", u, err, out)
	}
	if len(said.Streams) != 1 || said.Streams[0].Codec != want || said.Streams[0].Width != 320 {
		return fmt.Errorf("%s: %s, not %s", u, out, want)
	}
	return nil
}

// TestCodecChanges: a publisher goes on in another format. Viewers stay, with a
// discontinuity, and what was passed on as it came is not offered any more.
func TestCodecChanges(t *testing.T) {
	t.Parallel()
	s, ctx := startStation(t, "WEIR_LADDER=120p:100k"), limited(t)
	x, err := record()
	if err != nil {
		t.Fatal(err)
	}
	c := mustCast(t, s, "turn")
	playing, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		err := c.roll(playing, codedAV1(t), 0, 4*time.Second)
		if err == nil {
			err = c.roll(playing, x, 4000, 0)
		}
		done <- err
	}()
	v, err := s.view(ctx, "turn")
	if err != nil {
		t.Fatal(err)
	}
	if len(v.pictures) != 3 {
		t.Fatalf("renditions: %v", v.pictures)
	}
	for _, u := range append([]string{v.sound}, v.pictures[:2]...) {
		if _, err := v.until(ctx, u, func(m *playlist.Media) bool { return discontinuities(m) == 1 && length(m) > 8*time.Second }); err != nil {
			t.Fatalf("%s: %v", u, err)
		}
	}
	now, err := s.view(ctx, "turn")
	if err != nil || epoch(now.pictures[0]) != epoch(v.pictures[0]) || len(now.pictures) != 2 {
		t.Errorf("after the change: %v %v", err, now)
	}
	if err := now.check(ctx); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
