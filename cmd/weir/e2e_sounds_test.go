package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"weir/media"
	"weir/media/codec"
)

// tones are those of the beeps of each sound, Hz, and languages what they are said to be in.
var (
	tones     = [...]int{500, 1500, 4500}
	languages = [...]string{"en", "de", "fr"}
)

// makeChoir codes the flashes with three sounds, which beep in tones of their own: AAC as
// it passes, Opus, and AAC that has to be made anew.
func makeChoir(t *testing.T) (ts, boxed string) {
	t.Helper()
	dir := t.TempDir()
	ts, boxed = filepath.Join(dir, "choir.ts"), filepath.Join(dir, "choir.mkv")
	args := []string{"-y", "-v", "error", "-nostdin", "-f", "lavfi", "-i",
		fmt.Sprintf("color=black:s=256x144:r=%d:d=%d,drawbox=color=white:t=fill:enable='lt(mod(n,150),10)+between(mod(n,150),40,49)+between(mod(n,150),90,99)'", flashRate, flashLength)}
	for _, tone := range tones {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='0.8*sin(2*PI*%d*t)*(lt(mod(t,3),0.2)+gte(mod(t,3),0.8)*lt(mod(t,3),1)+gte(mod(t,3),1.8)*lt(mod(t,3),2))':s=48000:d=%d:c=stereo", tone, flashLength))
	}
	args = append(args, "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-threads", "1", "-pix_fmt", "yuv420p",
		"-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-bf", "0",
		"-c:a", "aac", "-c:a:1", "libopus", "-ar:a:2", "44100", "-ac:a:2", "1")
	for i, l := range []string{"eng", "ger", "fra"} {
		args = append(args, fmt.Sprintf("-metadata:s:a:%d", i), "language="+l)
	}
	if out, err := runTool("ffmpeg", append(args, "-f", "mpegts", ts)...); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := runTool("ffmpeg", "-y", "-v", "error", "-nostdin", "-i", ts, "-map", "0", "-c", "copy", boxed); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return ts, boxed
}

// openChoir publishes the tape by gortmplib, in multitrack messages of Enhanced RTMP.
func openChoir(t *testing.T, s *station, x *tape, name string) (shot, func()) {
	t.Helper()
	c := dialGortmplib(t, s, name)
	sets, err := codec.ParseAVCC(x.tracks[0].Config)
	if err != nil {
		t.Fatal(err)
	}
	tracks := []*gortmplib.Track{{Codec: &codecs.H264{SPS: sets.SPS[0], PPS: sets.PPS[0]}}}
	for _, track := range x.tracks[1:] {
		if track.Codec == media.Opus {
			tracks = append(tracks, &gortmplib.Track{Codec: &codecs.Opus{IDHeader: &opus.IDHeader{Version: 1, ChannelCount: 2, PreSkip: 312, InputSampleRate: 48000}}})
			continue
		}
		var config mpeg4audio.AudioSpecificConfig
		if err := config.Unmarshal(track.Config); err != nil {
			t.Fatal(err)
		}
		tracks = append(tracks, &gortmplib.Track{Codec: &codecs.MPEG4Audio{Config: &config}})
	}
	w := &gortmplib.Writer{Conn: c, Tracks: tracks}
	if err := w.Initialize(); err != nil {
		t.Fatal(err)
	}
	return func(p *media.Packet, at media.Time) error {
		track := tracks[1+p.Sound]
		switch {
		case p.Kind() == media.Audio && p.Track.Codec == media.Opus:
			return w.WriteOpus(track, at.Duration(), p.Data)
		case p.Kind() == media.Audio:
			return w.WriteMPEG4Audio(track, at.Duration(), p.Data)
		}
		var units h264.AVCC
		if err := units.Unmarshal(p.Data); err != nil {
			return err
		}
		return w.WriteH264(tracks[0], at.Duration(), at.Duration(), units)
	}, c.Close
}

// hears is view as soon as so many sounds are listed.
func (s *station) hears(ctx context.Context, t *testing.T, name string, sounds int) (v *viewing) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d sounds of %s", sounds, name), func() bool {
		var err error
		v, err = s.view(ctx, name)
		return err == nil && len(v.sounds) == sounds
	})
	return v
}

// TestSounds publishes a picture with three sounds by each protocol that can carry them,
// and listens to each of them by every way out that offers a choice.
func TestSounds(t *testing.T) {
	t.Parallel()
	s := startStation(t, "WEIR_RECORD=all", "WEIR_RECONNECT=300ms")
	ts, boxed := makeChoir(t)
	all := []string{"-map", "0"}
	var rows sync.WaitGroup
	for _, w := range []struct {
		name  string
		named bool // the languages are told
		moves bool
		begin func(t *testing.T) (end func() error)
	}{
		{"srt-choir", true, false, func(t *testing.T) func() error {
			return publishFFmpeg(t, ts, append(all, "-f", "mpegts", "srt://"+s.srt+"?mode=caller&streamid=publish:srt-choir")...)
		}},
		{"rtsp-choir", false, true, func(t *testing.T) func() error {
			return publishFFmpeg(t, boxed, append(all, "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://"+s.rtsp+"/live/rtsp-choir")...)
		}},
		{"rtmp-choir", false, false, func(t *testing.T) func() error {
			x := readTape(t, ts)
			send, hangUp := openChoir(t, s, x, "rtmp-choir")
			end := roll(x, send, hangUp)
			t.Cleanup(func() { _ = end() })
			return end
		}},
	} {
		rows.Go(func() {
			t.Run(w.name, func(t *testing.T) { listenTo(t, s, w.name, w.named, w.moves, w.begin(t)) })
		})
	}
	rows.Wait()
	if r := s.stop(); r.code != 0 || strings.Contains(r.stderr, `"ERROR"`) || t.Failed() {
		t.Errorf("stopped with %d:\n%s", r.code, r.stderr)
	}
}

// listenTo listens to the sounds of one stream, and of its recording.
func listenTo(t *testing.T, s *station, name string, named, moves bool, end func() error) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	v := s.hears(ctx, t, name, len(tones))
	v.moves = moves
	for i, x := range v.master.Renditions {
		if named && x.Language != languages[i%len(tones)] { // those as sent are the second group
			t.Errorf("sound %d is in %q", i, x.Language)
		}
	}
	for _, u := range append(v.sounds, v.pictures[0]) {
		if _, err := v.until(ctx, u, closedSegments(5)); err != nil {
			t.Fatal(err)
		}
	}
	var live sync.WaitGroup
	for i, tone := range tones {
		live.Go(func() {
			t.Run("LL-HLS "+strconv.Itoa(i), func(t *testing.T) {
				one := *v
				one.sound, one.tone = v.sounds[i], tone
				cell(t, func() (onsets, error) { return watchParts(ctx, &one, t.TempDir(), looked) })
			})
			t.Run("DASH "+strconv.Itoa(i), func(t *testing.T) {
				cell(t, func() (onsets, error) {
					return watchDASH(ctx, s, ear{i, tone}, t.TempDir(), "/live/"+name+"/manifest.mpd", looked)
				})
			})
		})
	}
	if len(v.sent) != len(tones) || v.sent[0] != v.sounds[0] || v.sent[1] == v.sounds[1] || v.sent[2] != v.sounds[2] {
		t.Errorf("as sent: %q, what is made: %q", v.sent, v.sounds)
	} else {
		live.Go(func() {
			t.Run("LL-HLS 1, Opus", func(t *testing.T) {
				one := *v
				one.sound, one.tone = v.sent[1], tones[1]
				cell(t, func() (onsets, error) { return watchParts(ctx, &one, t.TempDir(), looked) })
			})
		})
	}
	live.Wait()
	if err := end(); err != nil {
		t.Errorf("the publisher: %v", err)
	}
	id := s.recordingOf(t, name)
	for i, tone := range tones {
		t.Run("recording "+strconv.Itoa(i), func(t *testing.T) {
			cell(t, func() (onsets, error) { return ear{i, tone}.watch(looked, s.web+"/vod/"+id+"/index.m3u8") })
		})
	}
}

// TestSoundsChange: a publisher with three sounds drops, one with one sound goes on in its
// place, and one with three again: by three protocols, in one session, and viewers of the
// other sounds wait in it.
func TestSoundsChange(t *testing.T) {
	t.Parallel()
	s, ctx := startStation(t, "WEIR_TAKEOVER=true"), limited(t)
	moving := func(sounds int) (args []string) {
		args = []string{"-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25"}
		maps := []string{"-map", "0"}
		for i := range sounds {
			args = append(args, "-re", "-f", "lavfi", "-i", "sine=r=48000:f="+strconv.Itoa(tones[i]))
			maps = append(maps, "-map", strconv.Itoa(i+1))
		}
		return append(append(args, maps...), "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "0", "-c:a", "aac", "-ac", "2")
	}
	feed := srtPublish(t, s, "change", moving(3)...)
	v := s.hears(ctx, t, "change", 3)
	until := func(urls []string, satisfied func(*playlist.Media) bool) {
		t.Helper()
		for _, u := range urls {
			if _, err := v.until(ctx, u, satisfied); err != nil {
				t.Fatalf("%s: %v", u, err)
			}
		}
	}
	everything := append([]string{v.pictures[0]}, v.sounds...)
	until(everything, closedSegments(4))
	for change, next := range []func() *tool{
		func() *tool { return ffmpegPublish(t, s, "change", moving(1)...) },
		func() *tool { return rtspPublish(t, s, "tcp", "change", moving(3)...) },
	} {
		feed.signal(os.Kill)
		<-feed.done
		feed = next()
		until(everything, func(m *playlist.Media) bool { return discontinuities(m) == change+1 })
		gaps := change == 0
		until(v.sounds[1:], func(m *playlist.Media) bool { return len(m.Segments) > 0 && m.Segments[len(m.Segments)-1].Gap == gaps })
	}
	again, err := s.view(ctx, "change")
	if err != nil || epoch(again.pictures[0]) != epoch(v.pictures[0]) || len(again.sounds) != 3 {
		t.Errorf("another session: %v, %v and %v", err, again, v)
	}
	v.moves = true
	if err := v.check(ctx); err != nil {
		t.Error(err)
	}
	feed.signal(os.Interrupt)
	until(everything, func(m *playlist.Media) bool { return m.Endlist })
}
