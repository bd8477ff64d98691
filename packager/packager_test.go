package packager_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"go.uber.org/goleak"

	"weir/media"
	"weir/media/cut"
	"weir/media/hub"
	"weir/media/mediatest"
	"weir/packager"
	"weir/packager/archive"
	"weir/packager/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// rig runs a packager over a synthetic source without any clock.
type rig struct {
	t      *testing.T
	hub    hub.Hub
	source *hub.Stream
	rung   *hub.Stream
	pack   *packager.Packager
	done   chan struct{}
	cutter cut.Cutter
	dir    string
}

func newRig(t *testing.T, src *mediatest.Source, change func(*rig, *packager.Config)) *rig {
	t.Helper()
	r := &rig{t: t, done: make(chan struct{}), dir: filepath.Join(t.TempDir(), "session")}
	r.cutter = cut.Cutter{Segment: 2 * media.Second, Longest: 5 * media.Second / 2}
	r.source, _ = r.hub.Create("x", epoch, src.Tracks())
	frame := media.Second / 30
	cfg := packager.Config{
		Name: "x", Epoch: epoch, Log: slog.New(slog.DiscardHandler), Sink: &archive.Files{Dir: r.dir}, Source: r.source,
		Target: 2, Segment: 2 * media.Second, PartTarget: 6 * frame, Frame: frame, Rewind: media.Second * 60,
	}
	if !src.NoVideo {
		cfg.Pictures = []packager.Input{{Name: "source", Stream: r.source}}
	}
	if src.SampleRate > 0 {
		cfg.Sounds = []packager.Input{{Name: media.AudioName, Stream: r.source}}
	}
	if change != nil {
		change(r, &cfg)
	}
	var err error
	if r.pack, err = packager.New(cfg); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.done)
		r.pack.Run(context.Background())
	}()
	t.Cleanup(r.end)
	return r
}

func (r *rig) end() {
	if r.source == nil {
		return
	}
	r.source.Close()
	if r.rung != nil {
		r.rung.Close()
	}
	r.source = nil
	<-r.done
}

// write marks and writes packets as a session does.
func (r *rig) write(list []*media.Packet, video bool) {
	for _, p := range list {
		p.Boundary = media.NoBoundary
		if p.Track.Kind == media.Video || !video {
			p.Boundary = r.cutter.Mark(p.DTS, p.Key, p.Discontinuity)
		}
		r.source.Write(p)
		if r.rung != nil && p.Track.Kind == media.Video {
			low := *p
			low.Track, low.Data = rungTrack, p.Data[:len(p.Data)/2]
			low.Key = p.Boundary != media.NoBoundary
			r.rung.Write(&low)
		}
	}
}

var rungTrack = mediatest.Video(640, 360, media.Rational{Num: 30, Den: 1}, false)

// segments waits for the end and returns what each rendition lists.
func (r *rig) segments() map[string][]*window.Segment {
	r.end()
	out := map[string][]*window.Segment{}
	for _, t := range r.pack.Window().Tracks() {
		t.View(func(v *window.View) { out[t.Name] = v.Segments })
	}
	return out
}

// check holds the rules that every rendition of a stream must obey.
func check(t *testing.T, all map[string][]*window.Segment, target int, part media.Time) {
	t.Helper()
	starts := map[uint64]media.Time{}
	for _, name := range []string{"source", "360p", "audio", "audio-2", "audio-3", "audio-4"} {
		var end media.Time
		for i, s := range all[name] {
			if i > 0 && s.MSN != all[name][i-1].MSN+1 {
				t.Errorf("%s: MSN %d after %d", name, s.MSN, all[name][i-1].MSN)
			}
			if got := (s.Duration.Duration() + 500*time.Millisecond).Truncate(time.Second); got > time.Duration(target)*time.Second {
				t.Errorf("%s %d: %v long, target %d s", name, s.MSN, s.Duration.Duration(), target)
			}
			if d := s.Start - end; i > 0 && !s.Discontinuity && (d > 2*media.Millisecond || d < -2*media.Millisecond) {
				t.Errorf("%s %d: starts at %v, the one before ended at %v", name, s.MSN, s.Start.Duration(), end.Duration())
			}
			if at, ok := starts[s.MSN]; !ok {
				starts[s.MSN] = s.Start
			} else if d := s.Start - at; d > 25*media.Millisecond || d < -2*media.Millisecond {
				t.Errorf("%s %d: starts at %v, another rendition at %v", name, s.MSN, s.Start.Duration(), at.Duration())
			}
			end = s.End()
			for j, p := range s.Parts {
				last := j == len(s.Parts)-1
				if s.Merged {
					break // the parts are not told apart any more
				}
				if p.Duration > part+media.Millisecond || !last && p.Duration*100 < part*85 {
					t.Errorf("%s %d.%d: part of %v, target %v", name, s.MSN, j, p.Duration.Duration(), part.Duration())
				}
			}
		}
	}
}

// decode reads all the samples of a segment's file with an independent parser.
func decode(t *testing.T, s *window.Segment) (samples int, first uint64) {
	t.Helper()
	data, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := mp4.DecodeFile(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("segment %d: %v", s.MSN, err)
	}
	for i, seg := range f.Segments {
		for _, frag := range seg.Fragments {
			if i == 0 && samples == 0 {
				first = frag.Moof.Traf.Tfdt.BaseMediaDecodeTime()
			}
			samples += int(frag.Moof.Traf.Trun.SampleCount())
		}
	}
	return samples, first
}

func TestSegmentsOfASteadySource(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{30}, SampleRate: 48000}
	r := newRig(t, src, nil)
	r.write(src.Packets(7*media.Second), true)
	all := r.segments()
	check(t, all, 2, media.Second/5)
	video := all["source"]
	var text string
	frames := 0
	for _, s := range video {
		text += fmt.Sprintf("%.1f ", s.Duration.Seconds())
		n, first := decode(t, s)
		frames += n
		if want := uint64(s.Start.In(90000)); first != want {
			t.Errorf("segment %d: tfdt %d, want %d", s.MSN, first, want)
		}
		if s.Mini != (s.MSN <= 5) || s.Parts[0].Independent != (s.MSN == 1 || s.MSN > 5) {
			t.Errorf("segment %d: mini %v, independent %v", s.MSN, s.Mini, s.Parts[0].Independent)
		}
	}
	if want := "0.2 0.2 0.2 0.2 0.2 1.0 2.0 2.0 1.0 "; text != want || frames != 210 {
		t.Errorf("%d frames in segments of %s, want 210 in %s", frames, text, want)
	}
	if len(all["audio"]) != len(video) {
		t.Errorf("%d audio segments, %d video", len(all["audio"]), len(video))
	}
	marks := r.pack.Window().Marks()
	for i, m := range marks {
		if m.Number != uint64(i) || m.Period.Timeline || m.Start.Duration().Round(time.Millisecond) != time.Duration(i)*2*time.Second {
			t.Errorf("DASH segment %d: %+v", i, m)
		}
	}
	if len(marks) != 4 {
		t.Errorf("%d DASH segments", len(marks))
	}
}

func TestSourcesOfAllKinds(t *testing.T) {
	tests := map[string]*mediatest.Source{
		"2 s key frames":       {GOPs: []int{60}, SampleRate: 48000},
		"B-frames, 44.1 kHz":   {GOPs: []int{60}, BFrames: 2, SampleRate: 44100},
		"irregular":            {GOPs: []int{11, 40, 60, 33, 7}, SampleRate: 48000},
		"unknown durations":    {GOPs: []int{60}, SampleRate: 48000, Variable: true},
		"key frames far apart": {GOPs: []int{250}, SampleRate: 48000},
		"no audio":             {GOPs: []int{45}},
		"audio only":           {NoVideo: true, SampleRate: 48000},
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, src, nil)
			r.write(src.Packets(20*media.Second), !src.NoVideo)
			all := r.segments()
			check(t, all, 2, media.Second/5)
			for rendition, list := range all {
				if n := len(list); n < 8 {
					t.Errorf("%s: %d segments", rendition, n)
				}
				end := list[len(list)-1].End()
				if end < 20*media.Second-media.Second/20 || end > 20*media.Second+media.Second/20 {
					t.Errorf("%s ends at %v", rendition, end.Duration())
				}
			}
		})
	}
}

func withRung(r *rig, cfg *packager.Config) {
	r.rung, _ = r.hub.Create("x/360p", epoch, []*media.Track{rungTrack})
	cfg.Pictures = append(cfg.Pictures, packager.Input{Name: "360p", Stream: r.rung})
}

func TestRenditionsAgree(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{30}, SampleRate: 48000}
	r := newRig(t, src, withRung)
	list := src.Packets(12 * media.Second)
	for _, p := range list {
		if p.DTS >= 6*media.Second && p.Key && p.Track.Kind == media.Video && p.DTS < 7*media.Second {
			p.Discontinuity = true
		}
	}
	r.write(list, true)
	all := r.segments()
	check(t, all, 2, media.Second/5)
	for i, s := range all["source"] {
		low := all["360p"][i]
		if low.MSN != s.MSN || low.Start != s.Start || low.Duration != s.Duration || low.Discontinuity != s.Discontinuity || all["audio"][i].Discontinuity != s.Discontinuity {
			t.Errorf("segment %d: %+v and %+v", s.MSN, s, low)
		}
	}
}

func TestShedRenditionGoesOnWithGaps(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}
	r := newRig(t, src, withRung)
	list := src.Packets(20 * media.Second)
	n := len(list) / 3
	r.write(list[:n], true)
	rung := r.rung
	r.waitFor("360p", 5*media.Second)
	r.pack.Shed("360p", true)
	r.rung = nil
	r.write(list[n:2*n], true)
	r.waitFor("source", 12*media.Second)
	r.rung = rung
	r.pack.Shed("360p", false)
	r.write(list[2*n:], true)
	all := r.segments()
	check(t, all, 2, media.Second/5)
	gaps := 0
	for i, s := range all["360p"] {
		if s.Gap {
			gaps++
		}
		if other := all["source"][i]; s.MSN != other.MSN || (s.Start-other.Start).Duration().Abs() > 3*time.Millisecond {
			t.Errorf("segment %d at %v, source %d at %v", s.MSN, s.Start.Duration(), other.MSN, other.Start.Duration())
		}
	}
	if gaps < 2 || gaps > 5 {
		t.Errorf("%d gaps", gaps)
	}
	if last := all["360p"][len(all["360p"])-1]; last.Gap {
		t.Error("the rendition did not come back")
	}
}

// What a publisher sends in another coding than everybody can play ends with the first cut
// that has no key frame; what was made of it goes on.
func TestOriginalEndsWithItsKeyFrames(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{60, 60, 60, 400}, SampleRate: 48000}
	r := newRig(t, src, func(r *rig, cfg *packager.Config) {
		withRung(r, cfg)
		cfg.Pictures[0].Name = media.OriginalName
		slices.Reverse(cfg.Pictures)
	})
	r.cutter.OwnKeys = true
	r.write(src.Packets(16*media.Second), true)
	shed := map[string]bool{}
	for _, t := range r.pack.Window().Tracks() {
		t.View(func(v *window.View) { shed[t.Name] = v.Shed })
	}
	if !shed[media.OriginalName] || shed["360p"] {
		t.Errorf("shed: %v", shed)
	}
	all := r.segments()
	all["source"] = all[media.OriginalName]
	check(t, all, 2, media.Second/5)
	for i, s := range all[media.OriginalName] {
		low := all["360p"][i]
		if s.MSN != low.MSN || low.Gap || s.Gap != (s.Start > 8*media.Second) || !s.Gap && !s.Key && !s.Mini {
			t.Errorf("segment %d at %v: gap %v, key %v", s.MSN, s.Start.Duration(), s.Gap, s.Key)
		}
	}
}

// waitFor blocks until a rendition has media up to a time.
func (r *rig) waitFor(name string, at media.Time) {
	r.t.Helper()
	if err := r.pack.Window().Track(name).Wait(context.Background(), nil, 20*time.Second, upTo(at)); err != nil {
		r.t.Fatalf("%s never got to %v: %v", name, at.Duration(), err)
	}
}

// upTo is the goal that there is media up to a time.
type upTo media.Time

func (at upTo) Met(v *window.View) bool {
	n := len(v.Segments)
	return n > 0 && v.Segments[n-1].End() >= media.Time(at)
}

func TestLostPacketsAreADiscontinuity(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{30}, SampleRate: 48000}
	r := newRig(t, src, nil)
	var list []*media.Packet
	for _, p := range src.Packets(12 * media.Second) {
		if p.DTS < 3*media.Second || p.DTS >= 7*media.Second {
			list = append(list, p)
		}
	}
	r.write(list, true)
	all := r.segments()
	check(t, all, 2, media.Second/5)
	for name, segments := range all {
		found := 0
		for _, s := range segments {
			if s.Discontinuity {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: %d discontinuities", name, found)
		}
	}
	marks := r.pack.Window().Marks()
	if p := marks[len(marks)-1].Period; p.Start != 7*media.Second || (p.Ended-3*media.Second).Duration().Abs() > 3*time.Millisecond {
		t.Errorf("the newest Period is %+v", p)
	}
}

func TestOldSegmentsGo(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{60}, SampleRate: 48000, Bitrate: 200_000}
	r := newRig(t, src, func(_ *rig, cfg *packager.Config) { cfg.Rewind = 10 * media.Second })
	r.writeSlowly(src.Packets(60 * media.Second))
	all := r.segments()
	for name, list := range all {
		first, last := list[0], list[len(list)-1]
		if listed := last.End() - first.Start; listed < 10*media.Second || listed > 14*media.Second {
			t.Errorf("%s lists %v", name, listed.Duration())
		}
		inMemory := 0
		for _, s := range list {
			for _, p := range s.Parts {
				inMemory += len(p.Data)
			}
		}
		if name == "source" && inMemory > 300_000 {
			t.Errorf("%d bytes in memory", inMemory)
		}
	}
	files, err := filepath.Glob(filepath.Join(r.dir, "source", "*.m4s"))
	if err != nil || len(files) > 20 {
		t.Errorf("%d files of 30 segments are left (%v)", len(files), err)
	}
}

// writeSlowly writes a second at a time and lets storage keep up.
func (r *rig) writeSlowly(list []*media.Packet) {
	r.t.Helper()
	r.slowly(list, func(some []*media.Packet) { r.write(some, true) })
}

func (r *rig) slowly(list []*media.Packet, write func([]*media.Packet)) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for len(list) > 0 {
		n := 0
		for n < len(list) && list[n].DTS < list[0].DTS+media.Second {
			n++
		}
		at := list[n-1].DTS
		write(list[:n])
		list = list[n:]
		for _, t := range r.pack.Window().Tracks() {
			if !t.Further {
				r.waitFor(t.Name, at-media.Second/4)
			}
			for settled := false; !settled; {
				t.View(func(v *window.View) {
					settled = !slices.ContainsFunc(v.Segments, func(s *window.Segment) bool { return s.Closed && s.Path == "" && !s.Lost && !s.Away && !s.Gap })
				})
				if ctx.Err() != nil {
					r.t.Fatal("storage never finished")
				}
				runtime.Gosched()
			}
		}
	}
}

// brokenDisk fails from segment fullAt on.
type brokenDisk struct {
	archive.Files
	fullAt uint64
}

func (b *brokenDisk) Put(f *window.Finished) (string, error) {
	if f.Segment.MSN >= b.fullAt {
		return "", errors.New("no space left on device")
	}
	return b.Files.Put(f)
}

func TestBrokenDiskShortensTheWindow(t *testing.T) {
	for _, fullAt := range []uint64{0, 12} {
		t.Run(fmt.Sprintf("full at %d", fullAt), func(t *testing.T) { testBrokenDisk(t, fullAt) })
	}
}

func testBrokenDisk(t *testing.T, fullAt uint64) {
	src := &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}
	r := newRig(t, src, func(r *rig, cfg *packager.Config) { cfg.Sink = &brokenDisk{archive.Files{Dir: r.dir}, fullAt} })
	r.writeSlowly(src.Packets(40 * media.Second))
	for name, list := range r.segments() {
		if n := list[len(list)-1].End() - list[0].Start; n < 6*media.Second || n > 12*media.Second {
			t.Errorf("%s lists %v", name, n.Duration())
		}
		for _, s := range list {
			for i := range s.Parts {
				if s.Parts[i].Data == nil {
					t.Fatalf("%s %d.%d is listed and lost", name, s.MSN, i)
				}
			}
		}
	}
}

// TestSegmentsAreNumberedFromOne keeps hls.js from loading the first parts of a stream again and
// again, which it does where their segment has the number 0.
func TestSegmentsAreNumberedFromOne(t *testing.T) {
	r := newRig(t, &mediatest.Source{GOPs: []int{30}, SampleRate: 48000}, nil)
	for name, first := range map[string]uint64{"source": 1, "audio": 1} {
		r.pack.Window().Track(name).View(func(v *window.View) {
			if v.First != first {
				t.Errorf("before its first segment %s begins at %d, want %d", name, v.First, first)
			}
		})
	}
	r.write((&mediatest.Source{GOPs: []int{30}, SampleRate: 48000}).Packets(2*media.Second), true)
	for name, list := range r.segments() {
		if list[0].MSN != 1 || !list[0].Parts[0].Independent {
			t.Errorf("%s begins with segment %d", name, list[0].MSN)
		}
	}
}
