package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

// source is one kind of publisher.
type source struct {
	name  string
	input string   // of testsrc2; "" for no picture
	video []string // encoder options
	audio []string // encoder options; nil for no sound
	fps   float64
	srt   bool    // not over RTMP
	rtsp  string  // "tcp" or "udp": not over RTMP
	wait  float64 // seconds until a player that comes at any time has a key frame
}

func (s source) publish(t *testing.T, to *station) *tool {
	var args []string
	if s.input != "" {
		args = append(args, "-re", "-f", "lavfi", "-i", "testsrc2="+s.input)
	}
	if s.audio != nil {
		args = append(args, "-re", "-f", "lavfi", "-i", "sine=r=48000")
	}
	if s.input != "" {
		args = append(args, "-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-pix_fmt", "yuv420p", "-b:v", "150k")
		args = append(args, s.video...)
	}
	if s.audio != nil {
		args = append(append(args, "-c:a", "aac", "-b:a", "64k"), s.audio...)
	}
	if s.srt {
		return srtPublish(t, to, s.name, args...)
	}
	if s.rtsp != "" {
		return rtspPublish(t, to, s.rtsp, s.name, args...)
	}
	return ffmpegPublish(t, to, s.name, args...)
}

func gop(n string, more ...string) []string {
	return append([]string{"-g", n, "-keyint_min", n, "-sc_threshold", "0", "-tune", "zerolatency"}, more...)
}

// passed are sources that go to viewers as they came.
func passed() []source {
	stereo, bframes := []string{"-ac", "2"}, []string{"-g", "48", "-bf", "2", "-sc_threshold", "0"}
	return []source{
		{name: "bframes-23976", input: "s=320x180:r=24000/1001", video: bframes, audio: []string{"-ac", "6"}, fps: 23.976},
		{name: "r25-mono-44100", input: "s=320x180:r=25", video: gop("50"), audio: []string{"-ac", "1", "-ar", "44100"}, fps: 25},
		{name: "r2997", input: "s=320x180:r=30000/1001", video: gop("60"), audio: stereo, fps: 29.97},
		{name: "r60-keys-05", input: "s=320x180:r=60", video: gop("30"), audio: stereo, fps: 60},
		{name: "portrait", input: "s=180x320:r=30", video: gop("30"), audio: stereo, fps: 30},
		{name: "odd-size", input: "s=426x238:r=25", video: gop("25"), audio: stereo, fps: 25},
		{name: "no-sound", input: "s=320x180:r=25", video: gop("50"), fps: 25},
		{name: "no-picture", audio: stereo},
		{name: "keys-4", input: "s=320x180:r=25", video: gop("100"), audio: stereo, fps: 25},
		{name: "keys-10", input: "s=320x180:r=25", video: gop("250"), audio: stereo, fps: 25, wait: 10},
		{name: "rtsp", input: "s=320x180:r=25", video: []string{"-g", "50", "-bf", "2"}, audio: stereo, fps: 25, rtsp: "tcp"},
		{name: "irregular", input: "s=320x180:r=25", video: gop("250", "-force_key_frames", "0.6,2,3.9,4.1,5,6.9,8.2,9,10.9,11.4,13,14.6,16,17,18.9,20,21,22"), audio: stereo, fps: 25},
	}
}

// laddered are sources of which a smaller rendition is made.
func laddered() []source {
	return []source{
		{name: "l-bframes", input: "s=320x240:r=25", video: []string{"-g", "50", "-bf", "3"}, audio: []string{"-ac", "6"}, fps: 25},
		{name: "l-keys-10", input: "s=320x180:r=30000/1001", video: gop("300"), audio: []string{"-ac", "1", "-ar", "44100"}, fps: 29.97},
		{name: "l-srt-ac3", input: "s=320x180:r=25", video: gop("50"), audio: []string{"-c:a", "ac3", "-ac", "2"}, fps: 25, srt: true},
		{name: "l-rtsp-alaw", input: "s=320x180:r=25", video: gop("50"), audio: []string{"-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"}, fps: 25, rtsp: "udp"},
		{name: "l-no-sound", input: "s=180x320:r=24", video: gop("48"), fps: 24},
	}
}

// TestSources publishes every kind of source by the ffmpeg program, several at
// once, and plays each by it as LL-HLS and as DASH.
func TestSources(t *testing.T) {
	t.Parallel()
	plain := startStation(t)
	ladder := startStation(t, "WEIR_LADDER=120p:100k")
	seats, turns := make(chan struct{}, 4), make(chan struct{}, 5) // what two cores can bear
	run := func(t *testing.T, s source, to *station) {
		feed := s.publish(t, to)
		if err := followSource(t.Context(), s, to, seats); err != nil {
			t.Error(err)
		}
		select {
		case <-feed.done:
			t.Errorf("the publisher ended: %s", feed.output.String())
		default:
		}
		feed.signal(os.Interrupt)
		// weir may hang up before all of the goodbye was written.
		if text := feed.output.String(); text != "" && !strings.Contains(text, "Exiting normally") && !strings.Contains(text, "Error closing file") {
			t.Errorf("the publisher says %s", text)
		}
	}
	var all sync.WaitGroup
	each := func(list []source, to *station) {
		for _, s := range list {
			all.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				t.Run(s.name, func(t *testing.T) { run(t, s, to) })
			})
		}
	}
	each(passed(), plain)
	each(laddered(), ladder)
	all.Wait()
	for _, s := range []*station{plain, ladder} {
		if r := s.stop(); r.code != 0 || strings.Contains(r.stderr, `"ERROR"`) || t.Failed() {
			t.Errorf("stopped with %d:\n%s", r.code, r.stderr)
		}
	}
}

// followSource looks at a stream from its first playlist to what a player shows of
// it.
func followSource(ctx context.Context, s source, to *station, seats chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	v, err := to.view(ctx, s.name)
	if err != nil {
		return err
	}
	v.moves = s.rtsp != ""
	if err := v.check(ctx); err != nil {
		return fmt.Errorf("at the start: %w", err)
	}
	if _, err := v.until(ctx, v.all()[0], func(m *playlist.Media) bool { return length(m) > 10*time.Second }); err != nil {
		return err
	}
	if err := v.check(ctx); err != nil {
		return fmt.Errorf("after 10 s: %w", err)
	}
	errs := make(chan error, 2)
	for _, file := range []string{"index.m3u8", "manifest.mpd"} {
		go func() {
			seats <- struct{}{}
			defer func() { <-seats }()
			errs <- play(s, to.web+"/live/"+s.name+"/"+file)
		}()
	}
	for range 2 {
		if e := <-errs; e != nil {
			err = e
		}
	}
	return err
}

// playSeconds is longer than a segment: the ffmpeg program may begin picture and
// sound of a DASH stream a segment apart.
const playSeconds = 6

// play decodes some seconds of a stream by the ffmpeg program.
func play(s source, u string) error {
	seconds := playSeconds + s.wait
	out, err := runTool("ffmpeg", "-v", "error", "-nostdin", "-i", u, "-t", fmt.Sprint(seconds), "-f", "framecrc", "-")
	if err != nil {
		return fmt.Errorf("%s: %w: %s", u, err, out)
	}
	found, err := parseCRC(out)
	if err != nil {
		return fmt.Errorf("%s: %w", u, err)
	}
	streams := 0
	if s.fps > 0 {
		streams++
		v := found["0"]
		wanted := s.fps * (seconds - v.first)
		least := wanted * 0.9
		if strings.HasSuffix(u, ".mpd") {
			least = s.fps // it skips, repeats or gives up when it reads the MPD again
		}
		if v.first > seconds-1 || v.frames < least || v.frames > wanted*1.1 {
			return fmt.Errorf("%s: %v pictures from %.2f s to %.2f s at %v fps", u, v.frames, v.first, v.last, s.fps)
		}
	}
	if s.audio != nil {
		streams++
	}
	if len(found) != streams {
		return fmt.Errorf("%s: streams with %v frames", u, found)
	}
	return nil
}

// decoded is what the ffmpeg program made of a stream.
type decoded struct {
	frames      float64
	first, last float64 // in seconds
}

// parseCRC reads the framecrc format; any other line is an error that was said.
func parseCRC(out string) (map[string]decoded, error) {
	found, tick := map[string]decoded{}, map[string]float64{}
	for line := range strings.Lines(out) {
		if at, ok := strings.CutPrefix(line, "#tb "); ok {
			var stream string
			var num, den float64
			if _, err := fmt.Sscanf(strings.Replace(at, ":", " ", 1), "%s %g/%g", &stream, &num, &den); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			tick[stream] = num / den
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, ",")
		stream := strings.TrimSpace(fields[0])
		if tick[stream] == 0 || len(fields) < 6 {
			return nil, fmt.Errorf("ffmpeg says %s", line)
		}
		d := found[stream]
		pts, err := strconv.ParseFloat(strings.TrimSpace(fields[2]), 64)
		if err != nil {
			return nil, err
		}
		if d.last = pts * tick[stream]; d.frames == 0 {
			d.first = d.last
		}
		d.frames++
		found[stream] = d
	}
	return found, nil
}
