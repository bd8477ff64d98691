package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/media"
	"weir/media/mpegts"
)

// The source of the matrix is black, with flashes and a beep at each, at distances of
// 0.8, 1 and 1.2 s by turns, so that no flash can be taken for another one's beep.
const (
	flashRound   = 3  // seconds until they come again
	flashRate    = 50 // pictures a second
	flashLength  = 30 // seconds of a tape, a multiple of flashRound
	flashSegment = 2  // seconds: WEIR_SEGMENT
	// offSync is how far apart a flash and its beep may be: seconds. The ffmpeg program's
	// reader of MP4 files shows pictures with B-frames one of them late.
	offSync = 0.040
)

// flashes is the source, coded once for all rows: transport streams of a constant bit
// rate, in a temporary folder.
type flashes struct {
	boxed                        string // reordered as Matroska, with the parameter sets that an SDP wants apart
	plain, reordered, opus, hevc string // H.264 and AAC, with B-frames, H.264 and Opus, HEVC and Opus
}

// makeFlashes codes the source by the ffmpeg program.
func makeFlashes(t *testing.T) flashes {
	t.Helper()
	dir := t.TempDir()
	in := func(file string) string { return filepath.Join(dir, file) }
	f := flashes{boxed: in("reordered.mkv"), plain: in("plain.ts"), reordered: in("reordered.ts"), opus: in("opus.ts"), hevc: in("hevc.ts")}
	picture := fmt.Sprintf("color=black:s=256x144:r=%d:d=%d,drawbox=color=white:t=fill:enable='lt(mod(n,150),10)+between(mod(n,150),40,49)+between(mod(n,150),90,99)'", flashRate, flashLength)
	sound := fmt.Sprintf("aevalsrc='0.8*sin(2*PI*1000*t)*(lt(mod(t,3),0.2)+gte(mod(t,3),0.8)*lt(mod(t,3),1)+gte(mod(t,3),1.8)*lt(mod(t,3),2))':s=48000:d=%d:c=stereo", flashLength)
	x264 := []string{"-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0"}
	args := []string{"-y", "-v", "error", "-nostdin", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound}
	for _, out := range []struct {
		file, sound string
		video       []string
	}{
		{f.plain, "aac", append(x264, "-bf", "0")},
		{f.reordered, "aac", append(x264, "-bf", "2")},
		{f.opus, "libopus", append(x264, "-bf", "0")},
		{f.hevc, "libopus", []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=50:min-keyint=50:bframes=0:scenecut=0:log-level=none"}},
	} {
		args = append(append(append(args, "-map", "0", "-map", "1", "-threads", "1", "-pix_fmt", "yuv420p"), out.video...), "-c:a", out.sound, "-muxrate", strconv.Itoa(flashMux), "-f", "mpegts", out.file)
	}
	if out, err := runTool("ffmpeg", args...); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := runTool("ffmpeg", "-y", "-v", "error", "-nostdin", "-i", f.reordered, "-c", "copy", f.boxed); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return f
}

// flashMux is the bit rate of the transport streams.
const flashMux = 800_000

// shelf collects what is in a transport stream.
type shelf struct {
	tracks  [1 + media.MaxSounds]*media.Track // the picture first
	packets []*media.Packet
}

func (s *shelf) Streams(bool, int) error { return nil }

func (s *shelf) Track(sound int, t *media.Track) error {
	at := 0
	if t.Kind == media.Audio {
		at = 1 + sound
	}
	s.tracks[at] = t
	return nil
}

func (s *shelf) Packet(p *media.Packet) error {
	s.packets = append(s.packets, p)
	return nil
}

// readTape is a transport stream as packets.
func readTape(t *testing.T, file string) *tape {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s shelf
	d := mpegts.New(0, &s)
	if err := d.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	x := &tape{length: flashLength * media.Second}
	for _, track := range s.tracks {
		if track != nil {
			x.tracks = append(x.tracks, track)
		}
	}
	first := s.packets[0].DTS
	for _, p := range s.packets {
		first = min(first, p.DTS)
	}
	for _, p := range s.packets {
		p.DTS, p.PTS = p.DTS-first, p.PTS-first
		if p.DTS < x.length {
			x.packets = append(x.packets, p)
		}
	}
	sortPackets(x.packets)
	return x
}

// onsets are when flashes and beeps begin, in seconds of one clock.
type onsets struct {
	flashes, beeps []float64
	lossy          bool // they came over a network that may lose some
}

// light notes pictures, given in order by their brightness: 16 is black, 235 white.
type light struct {
	onsets []float64
	dark   bool
}

func (l *light) see(at, brightness float64) {
	if l.dark && brightness > 120 {
		l.onsets = append(l.onsets, at)
	}
	l.dark = brightness <= 120
}

// lostBeep is farther than a beep that is merely late can be from a flash; half of the
// least distance between two.
const lostBeep = 0.4

// enoughPairs is how many flashes with a beep are needed for a judgement: a whole round.
const enoughPairs = 3

// worst is by how much a flash and its beep are apart at most, of so many.
func (o onsets) worst() (apart float64, pairs int) {
	for _, f := range o.flashes {
		nearest := math.Inf(1)
		for _, b := range o.beeps {
			if math.Abs(b-f) < math.Abs(nearest) {
				nearest = b - f
			}
		}
		// One at either end may have been left out of what was looked at.
		inside := len(o.beeps) > 0 && f > o.beeps[0]-offSync && f < o.beeps[len(o.beeps)-1]+offSync
		if !inside || o.lossy && math.Abs(nearest) > lostBeep {
			continue
		}
		pairs++
		if math.Abs(nearest) > math.Abs(apart) {
			apart = nearest
		}
	}
	return apart, pairs
}

// check is the judgement.
func (o onsets) check() error {
	switch apart, pairs := o.worst(); {
	case pairs < enoughPairs:
		return fmt.Errorf("%d flashes with a beep: flashes at %.3f, beeps at %.3f", pairs, o.flashes, o.beeps)
	case math.Abs(apart) > offSync:
		return fmt.Errorf("the sound is %.0f ms behind the picture: flashes at %.3f, beeps at %.3f", 1000*apart, o.flashes, o.beeps)
	}
	return nil
}

var (
	brightnessLine = regexp.MustCompile(`lavfi\.signalstats\.YAVG=([\d.]+)`)
	frameLine      = regexp.MustCompile(`^frame:\d+\s+pts:\S+\s+pts_time:(-?[\d.]+)`)
	beepLine       = regexp.MustCompile(`silence_end: (-?[\d.]+)`)
)

// ear is what is listened to.
type ear struct {
	sound int // of several, from 0
	tone  int // Hz: nothing else is heard; 0: all is
}

// watchByFFmpeg is what an ear without a choice hears.
func watchByFFmpeg(seconds int, inputs ...string) (onsets, error) {
	return ear{}.watch(seconds, inputs...)
}

// watch plays some seconds, or all there is, by the ffmpeg program, which tells of every picture how
// bright it is, and of every end of silence. The sound is in the last input.
func (e ear) watch(seconds int, inputs ...string) (onsets, error) {
	heard := "silencedetect=n=-20dB:d=0.1"
	if e.tone > 0 {
		heard = fmt.Sprintf("bandpass=f=%d:width_type=h:w=%d,%s", e.tone, e.tone/5, heard)
	}
	args := []string{"-v", "info", "-nostdin", "-hide_banner", "-nostats"}
	if len(inputs) > 1 {
		args = append(args, "-copyts") // both are by one clock, and begin where they begin
	}
	for _, in := range inputs {
		args = append(args, "-i", in)
	}
	if seconds > 0 {
		args = append(args, "-t", strconv.Itoa(seconds))
	}
	args = append(args, "-map", "0:v:0", "-vf", "signalstats,metadata=mode=print:key=lavfi.signalstats.YAVG:file=-",
		"-map", fmt.Sprintf("%d:a:%d", len(inputs)-1, e.sound), "-af", heard, "-f", "null", "-")
	cmd := exec.Command("ffmpeg", args...)
	var pictures, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &pictures, &words
	if err := cmd.Run(); err != nil {
		return onsets{}, fmt.Errorf("%s: %w: %s", inputs, err, words.String())
	}
	var l light
	at := 0.0
	for line := range strings.Lines(pictures.String()) {
		if m := frameLine.FindStringSubmatch(line); m != nil {
			at, _ = strconv.ParseFloat(m[1], 64)
		} else if m := brightnessLine.FindStringSubmatch(line); m != nil {
			b, _ := strconv.ParseFloat(m[1], 64)
			l.see(at, b)
		}
	}
	o := onsets{flashes: l.onsets}
	for _, m := range beepLine.FindAllStringSubmatch(words.String(), -1) {
		b, _ := strconv.ParseFloat(m[1], 64)
		o.beeps = append(o.beeps, b)
	}
	return o, nil
}

// manifest is what is needed of an MPD.
type manifest struct {
	Periods []struct {
		Sets []struct {
			Kind            string   `xml:"contentType,attr"`
			Template        template `xml:"SegmentTemplate"`
			Representations []struct {
				ID  string    `xml:"id,attr"`
				Own *template `xml:"SegmentTemplate"` // instead of that of the set
			} `xml:"Representation"`
		} `xml:"AdaptationSet"`
	} `xml:"Period"`
}

type template struct {
	Init  string `xml:"initialization,attr"`
	Media string `xml:"media,attr"`
	First int    `xml:"startNumber,attr"`
}

// skipped is how many of the first segments of an MPD are left out: they are the first to
// leave the window.
const skipped = 1

// watchDASH fetches segments of a stream as its MPD says, also those that are not there
// yet, and has the ffmpeg program decode them.
func watchDASH(ctx context.Context, s *station, e ear, dir, u string, seconds int) (onsets, error) {
	text, err := s.must(ctx, u)
	if err != nil {
		return onsets{}, err
	}
	var m manifest
	if err := xml.Unmarshal([]byte(text), &m); err != nil {
		return onsets{}, err
	}
	files := map[string]string{}
	sounds := 0
	for _, set := range m.Periods[0].Sets {
		if set.Kind == "audio" {
			if sounds++; sounds != e.sound+1 {
				continue
			}
		}
		r := set.Representations[0]
		from := set.Template
		if r.Own != nil {
			from = *r.Own
		}
		refs := []string{strings.ReplaceAll(from.Init, "$RepresentationID$", r.ID)}
		for n := range (seconds + flashSegment - 1) / flashSegment {
			refs = append(refs, strings.NewReplacer("$RepresentationID$", r.ID, "$Number$", strconv.Itoa(from.First+skipped+n)).Replace(from.Media))
		}
		var media strings.Builder
		for _, ref := range refs {
			data, err := s.await(ctx, resolve(s.web+u, ref))
			if err != nil {
				return onsets{}, err
			}
			media.WriteString(data)
		}
		if files[set.Kind], err = keep(dir, set.Kind, media.String()); err != nil {
			return onsets{}, err
		}
	}
	if files["audio"] == "" {
		return onsets{}, fmt.Errorf("%d sounds in\n%s", sounds, text)
	}
	return ear{tone: e.tone}.watch(2*seconds, files["video"], files["audio"])
}

// await is must for what is not there yet; who asks too early is told so.
func (s *station) await(ctx context.Context, u string) (string, error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		status, body, err := s.get(ctx, u)
		if err != nil || status == http.StatusOK {
			return body, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", fmt.Errorf("%s: %d: %w", u, status, ctx.Err())
		}
	}
}

// keep writes what was fetched of a track to a file.
func keep(dir, name, media string) (string, error) {
	file := filepath.Join(dir, name+".mp4")
	return file, os.WriteFile(file, []byte(media), 0o600)
}

// watchParts follows the parts of a stream's LL-HLS playlists by blocking requests, and has
// the ffmpeg program, which knows segments only, decode them.
func watchParts(ctx context.Context, v *viewing, dir string, seconds int) (onsets, error) {
	type track struct {
		file string
		err  error
	}
	follow := func(u, name string) <-chan track {
		done := make(chan track, 1)
		go func() {
			var x track
			var media string
			if media, x.err = v.parts(ctx, u, time.Duration(seconds)*time.Second); x.err == nil {
				x.file, x.err = keep(dir, name, media)
			}
			done <- x
		}()
		return done
	}
	pictures, sounds := follow(v.pictures[0], "pictures"), follow(v.sound, "sounds")
	p, s := <-pictures, <-sounds
	if err := errors.Join(p.err, s.err); errors.Is(err, errBehind) {
		return watchParts(ctx, v, dir, seconds)
	} else if err != nil {
		return onsets{}, err
	}
	return ear{tone: v.tone}.watch(0, p.file, s.file)
}

// errBehind says that a playlist was followed too slowly: parts are listed for some
// seconds only.
var errBehind = errors.New("parts were missed")

// parts fetches the parts of a playlist, from the beginning of a segment on.
func (v *viewing) parts(ctx context.Context, u string, length time.Duration) (string, error) {
	type piece struct {
		text string
		err  error
	}
	get := func(ref string) <-chan piece { // at once: parts are there for some seconds
		c := make(chan piece, 1)
		go func() {
			text, err := v.station.must(ctx, resolve(u, ref))
			c <- piece{text, err}
		}()
		return c
	}
	var pieces []<-chan piece
	var have time.Duration
	newest := -1 // segment of which there are parts in pieces
	taken := 0   // how many
	behind := false
	take := func(msn int, parts []*playlist.MediaPart) {
		if msn < newest || len(parts) <= taken && msn == newest {
			return
		}
		if msn > newest {
			newest, taken = msn, 0
		}
		for _, p := range parts[taken:] {
			pieces, have = append(pieces, get(p.URI)), have+p.Duration
		}
		taken = len(parts)
	}
	first, err := v.until(ctx, u, func(m *playlist.Media) bool {
		for i, s := range m.Segments {
			msn := m.MediaSequence + i
			behind = behind || len(s.Parts) == 0 && len(pieces) > 0 && msn >= newest
			take(msn, s.Parts)
		}
		take(m.MediaSequence+len(m.Segments), m.Parts)
		return have >= length || behind
	})
	if err != nil {
		return "", err
	}
	if behind {
		return "", errBehind
	}
	var media strings.Builder
	for _, c := range append([]<-chan piece{get(first.Map.URI)}, pieces...) {
		x := <-c
		if x.err != nil {
			return "", x.err
		}
		media.WriteString(x.text)
	}
	return media.String(), nil
}

// TestFlashes: the measure itself tells what is in sync from what is not.
func TestFlashes(t *testing.T) {
	t.Parallel()
	at := []float64{0, 0.8, 1.8, 3, 3.8, 4.8}
	for late, good := range map[float64]bool{0: true, 0.03: true, -0.03: true, 0.05: false, -0.05: false, 0.8: false, 1: false, -1.2: false} {
		for _, lossy := range []bool{false, true} {
			o := onsets{flashes: at, lossy: lossy}
			for _, x := range at {
				o.beeps = append(o.beeps, x+late)
			}
			if err := o.check(); (err == nil) != good {
				t.Errorf("sound that is %v s late: %v", late, err)
			}
		}
	}
	for _, lossy := range []bool{false, true} {
		if err := (onsets{flashes: at, beeps: append(at[:2:2], at[3:]...), lossy: lossy}).check(); (err == nil) != lossy {
			t.Errorf("a beep is missing: %v", err)
		}
	}
}
