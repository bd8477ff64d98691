package hls_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/media"
	"weir/packager/hls"
	"weir/packager/window"
)

var update = flag.Bool("update", false, "write the golden files anew")

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const part = media.Second / 5

// live fills a window: five mini segments, then segments of 2 s with ten parts,
// the last one open with three.
func live(segments int) (*window.Window, *window.Track) {
	w := window.New(epoch)
	v, a := w.Add("source", media.Video), w.Add("audio", media.Audio)
	at := media.Time(0)
	msn := uint64(0)
	for i := range 5 + segments {
		n := 10
		if i < 5 {
			n = 1
		}
		if i == 4+segments {
			n = 3
		}
		for _, t := range []*window.Track{v, a} {
			t.Open(window.Segment{MSN: msn, Start: at, Mini: i < 5, Discontinuity: i == 7})
			for j := range n {
				t.AddPart(window.Part{Data: make([]byte, 100), Duration: part, Independent: j == 0 && (i == 0 || i >= 5)})
			}
			if i < 4+segments {
				t.Close(0)
			}
		}
		at += media.Time(n) * part
		msn++
	}
	return w, v
}

func render(m *hls.Media, t *window.Track, skip bool) (text string) {
	t.View(func(v *window.View) {
		p := m.Render(nil, v, skip)
		p.Each(func(piece []byte) { text += string(piece) })
	})
	return text
}

func newMedia() *hls.Media { return &hls.Media{TargetDuration: 2, PartTarget: part, Epoch: epoch} }

func TestGolden(t *testing.T) {
	for name, tt := range map[string]struct {
		segments int
		skip     bool
		minis    bool
	}{
		"young": {1, false, true}, "minis": {3, false, true}, "full": {14, false, false}, "delta": {14, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, v := live(tt.segments)
			if !tt.minis {
				v.Trim(window.Keep{Playlist: media.Second * 60, Memory: media.Second * 6, Minis: media.Second * 8})
			}
			got := render(newMedia(), v, tt.skip)
			golden(t, name, got)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".m3u8")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("got\n%s\nwant (%v)\n%s", got, err, want)
	}
}

// TestStartAt: who comes while there are mini segments begins at a key frame. No media
// playlist says so: the line would have to go away.
func TestStartAt(t *testing.T) {
	for segments, want := range map[int]media.Time{0: media.Millisecond, 1: media.Second, 2: 0} {
		_, v := live(segments)
		var got media.Time
		v.View(func(v *window.View) { got = hls.StartAt(v) })
		if got != want {
			t.Errorf("%d: %v, want %v", segments, got, want)
		}
	}
}

// TestLinesNeverChange renders after every change and holds each segment's lines
// against those of the rendering before; an independent parser must read all.
func TestLinesNeverChange(t *testing.T) {
	w := window.New(epoch)
	v := w.Add("source", media.Video)
	m := newMedia()
	seen := map[string]string{}
	for msn := range uint64(40) {
		v.Open(window.Segment{MSN: msn, Start: media.Time(msn) * 2 * media.Second})
		for range 10 {
			v.AddPart(window.Part{Data: []byte{1}, Duration: part, Independent: true})
			text := render(m, v, false)
			for _, block := range strings.SplitAfter(text, ".m4s\n") {
				uri := block[strings.LastIndex(strings.TrimSuffix(block, "\n"), "\n")+1:]
				if strings.HasPrefix(uri, "#") || !strings.HasSuffix(uri, ".m4s\n") {
					continue
				}
				plain := withoutParts(block)
				if was, ok := seen[uri]; ok && was != plain {
					t.Fatalf("segment %s changed from\n%s\nto\n%s", uri, was, plain)
				}
				seen[uri] = plain
			}
			if _, err := playlist.Unmarshal([]byte(text)); err != nil && msn > 0 { // the parser wants a whole segment
				t.Fatalf("%v in\n%s", err, text)
			}
		}
		v.Close(0)
		v.Trim(window.Keep{Playlist: 30 * media.Second, Memory: 6 * media.Second, Minis: 8 * media.Second})
	}
	if len(seen) != 39 {
		t.Errorf("%d segments were listed", len(seen))
	}
}

func withoutParts(block string) string {
	var keep []string
	for line := range strings.Lines(block) {
		if strings.HasPrefix(line, "#EXT-X-PROGRAM-DATE-TIME") || strings.HasPrefix(line, "#EXTINF") || strings.HasPrefix(line, "#EXT-X-DISCONTINUITY\n") {
			keep = append(keep, line)
		}
	}
	return strings.Join(keep, "")
}

// TestDeltaIsTheTailOfTheFullPlaylist: what a delta update lists, the full one does.
func TestDeltaIsTheTailOfTheFullPlaylist(t *testing.T) {
	_, v := live(30)
	m := newMedia()
	full, delta := render(m, v, false), render(m, v, true)
	var skipped int
	_, after, ok := strings.Cut(delta, "#EXT-X-SKIP:SKIPPED-SEGMENTS=")
	if _, err := fmt.Sscanf(after, "%d", &skipped); !ok || err != nil {
		t.Fatalf("no skip in\n%s", delta)
	}
	_, tail, _ := strings.Cut(after, "\n")
	if !strings.HasSuffix(full, tail) {
		t.Errorf("the delta's lines are not those of the full playlist:\n%s", tail)
	}
	if n := strings.Count(full, "#EXTINF") - strings.Count(tail, "#EXTINF"); n != skipped {
		t.Errorf("%d segments are missing, %d are said to be skipped", n, skipped)
	}
}

// Parts of pictures are written a hair longer than they are, and PART-TARGET is as long as that:
// whole milliseconds where there is room.
func TestPartTarget(t *testing.T) {
	for _, tt := range []struct {
		rate   media.Rational
		frames int
		want   string
	}{
		{media.Rational{Num: 30000, Den: 1001}, 6, "0.201"},
		{media.Rational{Num: 24, Den: 1}, 5, "0.209"},
		{media.Rational{Num: 30, Den: 1}, 6, "0.20001"},
		{media.Rational{Num: 25, Den: 1}, 5, "0.20001"},
		{media.Rational{Num: 60, Den: 1}, 10, "0.167"},
	} {
		length := media.Time(tt.frames) * tt.rate.Interval()
		w := window.New(epoch)
		v := w.Add("source", media.Video)
		v.AddInit(window.Init{Track: &media.Track{Kind: media.Video}})
		v.Open(window.Segment{MSN: 1, Key: true})
		v.AddPart(window.Part{Duration: length, Independent: true})
		m := &hls.Media{TargetDuration: 2, PartTarget: length, Epoch: epoch}
		text := render(m, v, false)
		if !strings.Contains(text, "#EXT-X-PART-INF:PART-TARGET="+tt.want+"\n") {
			t.Errorf("%v: no PART-TARGET=%s in\n%s", tt.rate, tt.want, text)
		}
		_, after, _ := strings.Cut(text, "#EXT-X-PART:DURATION=")
		written, _, _ := strings.Cut(after, ",")
		d, err := strconv.ParseFloat(written, 64)
		target, _ := strconv.ParseFloat(tt.want, 64)
		if err != nil || d <= length.Seconds() || d > length.Seconds()+1.1e-5 || d > target {
			t.Errorf("%v: a part of %v s is written as %s, target %s", tt.rate, length.Seconds(), written, tt.want)
		}
	}
}

func TestEnd(t *testing.T) {
	w, v := live(3)
	v.Close(0)
	w.End()
	if text := render(newMedia(), v, true); !strings.HasSuffix(text, "#EXT-X-ENDLIST\n") || strings.Contains(text, "HINT") || strings.Contains(text, "SKIP:") {
		t.Errorf("after the end\n%s", text)
	}
}

func TestMultivariant(t *testing.T) {
	m := hls.Multivariant{
		Independent: true,
		Variants: []hls.Variant{
			{URI: "e/source/index.m3u8", Bandwidth: 5_000_000, Codecs: "avc1.64001f", Width: 1280, Height: 720, FrameRate: 30},
			{URI: "e/360p/index.m3u8", Bandwidth: 900_000, Codecs: "avc1.64001e", Width: 640, Height: 360, FrameRate: 30},
		},
	}
	sounds := []hls.Sound{{URI: "e/audio/index.m3u8", Codecs: "mp4a.40.2", Bandwidth: 128_000}}
	told := hls.Multivariant{Independent: true, Variants: slices.Clone(m.Variants)}
	m.Hear(sounds)
	text := string(m.Render())
	p, err := playlist.Unmarshal([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	mv, ok := p.(*playlist.Multivariant)
	if !ok || len(mv.Variants) != 2 || len(mv.Renditions) != 1 || !mv.IndependentSegments {
		t.Errorf("read back as %+v from\n%s", p, text)
	}
	if strings.Count(text, "CLOSED-CAPTIONS=NONE") != 2 {
		t.Errorf("captions are not ruled out in\n%s", text)
	}
	if strings.Contains(text, "LANGUAGE") {
		t.Errorf("a language that nobody told in\n%s", text)
	}
	told.Hear([]hls.Sound{{URI: sounds[0].URI, Codecs: sounds[0].Codecs, Bandwidth: sounds[0].Bandwidth, Language: "de"}})
	if spoken := string(told.Render()); strings.Count(spoken, `,LANGUAGE="de"`) != 1 || strings.Replace(spoken, `,LANGUAGE="de"`, "", 1) != text {
		t.Errorf("the language is not told in\n%s", spoken)
	}
	if strings.Contains(text, "EXT-X-START") || mv.Start != nil {
		t.Errorf("a start in\n%s", text)
	}
	m.Start = 1500 * media.Millisecond
	if p, err = playlist.Unmarshal(m.Render()); err != nil {
		t.Fatal(err)
	}
	if mv, ok = p.(*playlist.Multivariant); !ok || mv.Start == nil || mv.Start.TimeOffset != 1500*time.Millisecond || len(mv.Variants) != 2 {
		t.Errorf("read back as %+v from\n%s", p, m.Render())
	}
}

// Players begin with what all of them can play, however small the others are.
func TestBeginsWithTheCommonCoding(t *testing.T) {
	m := hls.Multivariant{Variants: []hls.Variant{
		{URI: "source", Bandwidth: 5_000_000, Codecs: "avc1.64001f,mp4a.40.2"},
		{URI: "480p", Bandwidth: 1_500_000, Codecs: "avc1.64001e,mp4a.40.2"},
		{URI: "original", Bandwidth: 2_000_000, Codecs: "av01.0.04M.08,mp4a.40.2"},
	}}
	m.BeginLow()
	if v := m.Variants; v[0].URI != "480p" || v[1].URI != "source" || v[2].URI != "original" {
		t.Errorf("%+v", v)
	}
}

func TestRenderAllocatesNothing(t *testing.T) {
	_, v := live(30)
	m := newMedia()
	dst := make([]byte, 0, 1<<16)
	v.View(func(view *window.View) {
		m.Render(dst, view, false)
		if n := testing.AllocsPerRun(100, func() { m.Render(dst, view, false) }); n > 0 {
			t.Errorf("%.0f allocations", n)
		}
	})
}

func BenchmarkPlaylist(b *testing.B) {
	for _, n := range []int{10, 300, 3600} {
		b.Run(fmt.Sprintf("segments=%d", n), func(b *testing.B) {
			_, v := live(n)
			m := newMedia()
			dst := make([]byte, 0, 1<<16)
			b.ReportAllocs()
			v.View(func(view *window.View) {
				for b.Loop() {
					m.Render(dst, view, false)
				}
			})
		})
	}
}

// What is written of the newest segment when it is finished: its parts, until one
// follows or the stream ends.
func TestNewestSegmentIsListedByItsParts(t *testing.T) {
	_, v := live(2) // MSN 5, and 6 with three parts
	v.Close(0)
	const line = "\n6.m4s\n"
	m := newMedia()
	if got := render(m, v, false); strings.Contains(got, line) || !strings.Contains(got, `URI="6.2.m4s"`) || !strings.Contains(got, `TYPE=PART,URI="7.0.m4s"`) {
		t.Errorf("finished:\n%s", got)
	}
	v.Open(window.Segment{MSN: 7, Start: 12 * media.Second})
	if got := render(m, v, false); strings.Contains(got, line) {
		t.Errorf("the next is open:\n%s", got)
	}
	v.AddPart(window.Part{Data: []byte{1}, Duration: part})
	if got := render(m, v, false); !strings.Contains(got, line) {
		t.Errorf("a part follows:\n%s", got)
	}
	v.Close(0)
	if got := render(m, v, false); !strings.Contains(got, "\n7.m4s\n") {
		t.Errorf("a single part is a whole segment at once:\n%s", got)
	}
	w, ended := live(2)
	ended.Close(0)
	w.End()
	if got := render(newMedia(), ended, false); !strings.Contains(got, line+"#EXT-X-ENDLIST\n") {
		t.Errorf("ended:\n%s", got)
	}
}

// A delta update leaves as much as CAN-SKIP-UNTIL in whole segments, also while the
// newest is listed by its parts.
func TestDeltaLeavesTheSkipBoundary(t *testing.T) {
	_, v := live(14)
	v.Trim(window.Keep{Playlist: media.Second * 60, Memory: media.Second * 6, Minis: media.Second * 8})
	for range 8 {
		if n := strings.Count(render(newMedia(), v, true), "#EXTINF:2.00000,"); n < 6 {
			t.Errorf("%d segments of 2 s are left", n)
		}
		v.AddPart(window.Part{Data: []byte{1}, Duration: part})
	}
	v.Close(0)
	if n := strings.Count(render(newMedia(), v, true), "#EXTINF:"); n < 6 {
		t.Errorf("%d segments are left", n)
	}
}

// Sound must not end later by the playlist than by its time stamps.
func TestDatesAndLengthsAreRoundedForSound(t *testing.T) {
	w := window.New(epoch.Add(300 * time.Microsecond))
	v, a := w.Add("source", media.Video), w.Add("audio", media.Audio)
	frames := 9 * media.Second * 1024 / 44100
	for _, x := range []*window.Track{v, a} {
		x.Open(window.Segment{Start: media.Second / 3})
		x.AddPart(window.Part{Data: []byte{1}, Duration: frames})
		x.Close(0)
	}
	picture, sound := render(newMedia(), v, false), render(newMedia(), a, false)
	for text, want := range map[string]string{picture: "12:00:00.334Z", sound: "12:00:00.333Z"} {
		if !strings.Contains(text, want) || !strings.Contains(text, "#EXTINF:0.20897,") {
			t.Errorf("want %s and 0.20897 (0.208979...):\n%s", want, text)
		}
	}
}
