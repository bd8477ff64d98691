package dash

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/media"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

var epoch = time.Date(2026, 11, 23, 13, 15, 17, 633_000_000, time.UTC)

func video(timing Timing) Set {
	return Set{
		ID: 1, Kind: media.Video, Media: "e1/$RepresentationID$/d$Number$.m4s", Timing: timing, Prft: true,
		Representations: []Representation{
			{ID: "source", Bandwidth: 3_000_000, Codecs: "avc1.64001f", Width: 1280, Height: 720, FrameRate: media.Rational{Num: 30000, Den: 1001}, Init: "e1/source/init0.mp4"},
			{ID: "360p", Bandwidth: 800_000, Codecs: "avc1.4d401e", Width: 640, Height: 360, FrameRate: media.Rational{Num: 30, Den: 1}, Init: "e1/360p/init1.mp4"},
		},
	}
}

func audio(timing Timing) Set {
	return Set{
		ID: 2, Kind: media.Audio, Language: "de", Media: "e1/$RepresentationID$/d$Number$.m4s", Timing: timing, Prft: true,
		Representations: []Representation{{ID: "audio", Bandwidth: 128_000, Codecs: "mp4a.40.2", SampleRate: 48000, Channels: 2, Init: "e1/audio/init0.mp4"}},
	}
}

func live(periods ...Period) *Presentation {
	return &Presentation{
		Start: epoch, Published: epoch.Add(42 * time.Second), Update: 2 * time.Second, Rewind: 10 * time.Minute,
		UTCTiming: "/time?a=1&b=<2>", MaxSegment: 2002 * time.Millisecond, MinBuffer: time.Second, Periods: periods,
	}
}

// presentations are one of each form.
func presentations() map[string]*Presentation {
	const gop = media.Second * 2002 / 1000
	numbers := Timing{Segment: gop, Early: 1801 * time.Millisecond}
	first, second := numbers, Timing{First: 21, Segment: gop, Early: 1801 * time.Millisecond}
	first.Last = 20
	list := Timing{First: 7, Early: 1800 * time.Millisecond}
	at := 5 * media.Second
	for _, d := range []media.Time{gop, gop, gop, media.Second, media.Second * 4 / 3, media.Second * 4 / 3, media.Second * 4 / 3} {
		list.Timeline = append(list.Timeline, Entry{at, d})
		at += d
	}
	list.Timeline = append(list.Timeline, Entry{at + media.Second, gop}) // after a hole
	whole := list
	whole.First, whole.Early = 0, 0
	recording := &Presentation{
		Static: true, Duration: 20 * media.Second, MaxSegment: 2 * time.Second, Start: epoch, UTCTiming: "/time",
		Periods: []Period{{Sets: []Set{video(Timing{Segment: 2 * media.Second, Last: 9}), audio(Timing{Segment: 2 * media.Second, Last: 9})}, Duration: 20 * media.Second}},
	}
	loose := audio(whole)
	loose.Loose, loose.Prft = true, false
	both := video(numbers)
	both.Representations = append(both.Representations, Representation{ID: "original", Bandwidth: 2_000_000, Codecs: "av01.0.05M.08", Width: 1280, Height: 720, Init: "e1/original/init0.mp4"})
	var sounds []Set
	labels := map[int]string{0: "English", 1: "The <crowd> & I", 2: "Sound 3"}
	for i, name := range []string{"audio", "audio-2", "audio-3", "original-audio-2"} {
		own := Sound(name, labels)
		own.Language, own.Timing, own.Prft, own.Media = [...]string{"en", "en-US", "", "en-US"}[i], numbers, true, "e1/$RepresentationID$/d$Number$.m4s"
		own.Representations = []Representation{{ID: name, Bandwidth: 128_000, Codecs: [...]string{"mp4a.40.2", "mp4a.40.2", "mp4a.40.2", "opus"}[i], SampleRate: 48000, Channels: 2, Init: "e1/" + name + "/init0.mp4"}}
		sounds = append(sounds, own)
	}
	ended := live(Period{Start: 5 * media.Second, Sets: []Set{loose}})
	ended.Update, ended.Duration, ended.UTCTiming = 0, 20*media.Second, ""
	return map[string]*Presentation{
		"number":   live(Period{Sets: []Set{video(numbers), audio(numbers)}}),
		"periods":  live(Period{Sets: []Set{video(first), audio(first)}}, Period{Start: 45*media.Second + 777_777, Sets: []Set{video(second), audio(second)}}),
		"timeline": live(Period{Start: 5 * media.Second, Sets: []Set{video(list), audio(list)}}),
		"codings":  live(Period{Sets: append(both.ByCoding(3), audio(numbers))}),
		"sounds":   live(Period{Sets: append([]Set{video(numbers)}, Prefer(sounds)...)}),
		"ended":    ended,
		"vod":      recording,
	}
}

func TestRender(t *testing.T) {
	for name, p := range presentations() {
		t.Run(name, func(t *testing.T) {
			got, err := p.Render()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, got)
			again, err := p.Render()
			if err != nil || !bytes.Equal(got, again) {
				t.Errorf("differs the second time, %v", err)
			}
			for d := xml.NewDecoder(bytes.NewReader(got)); ; {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("not well formed: %v", err)
				}
			}
		})
	}
}

// TestParsesBack reads the MPDs with the library's parser and computes where
// segments are, as a player does.
func TestParsesBack(t *testing.T) {
	for name, p := range presentations() {
		t.Run(name, func(t *testing.T) {
			data, err := p.Render()
			if err != nil {
				t.Fatal(err)
			}
			m, err := mpd.MPDFromBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			if (m.GetType() == "static") != p.Static || len(m.Periods) != len(p.Periods) {
				t.Fatalf("type %s, %d periods", m.GetType(), len(m.Periods))
			}
			if !p.Static && p.UTCTiming != "" && m.UTCTimings[0].Value != p.UTCTiming {
				t.Errorf("UTCTiming %s", m.UTCTimings[0].Value)
			}
			for i, period := range m.Periods {
				for j, set := range period.AdaptationSets {
					in := p.Periods[i].Sets[j]
					if len(set.Representations) != len(in.Representations) {
						t.Errorf("%d representations", len(set.Representations))
					}
					checkTimes(t, &p.Periods[i], &in.Timing, period, set.SegmentTemplate)
				}
			}
		})
	}
}

// checkTimes compares the presentation times of segments with what was meant.
func checkTimes(t *testing.T, in *Period, timing *Timing, period *mpd.Period, tmpl *mpd.SegmentTemplateType) {
	t.Helper()
	start, pto := time.Duration(*period.Start), uint64(0)
	if tmpl.PresentationTimeOffset != nil {
		pto = *tmpl.PresentationTimeOffset
	}
	near := func(what string, unit uint64, want media.Time) {
		t.Helper()
		got := start + time.Duration(float64(int64(unit)-int64(pto))/float64(*tmpl.Timescale)*1e9)
		if diff := got - want.Duration(); diff < -time.Millisecond || diff > time.Millisecond {
			t.Errorf("%s at %v, want %v", what, got, want.Duration())
		}
	}
	if uint64(*tmpl.StartNumber) != timing.First {
		t.Errorf("startNumber %d", *tmpl.StartNumber)
	}
	if len(timing.Timeline) == 0 {
		near("first", pto, in.Start)
		near("tenth", pto+9*uint64(*tmpl.Duration), in.Start+9*timing.Segment)
		return
	}
	n, at := 0, uint64(0)
	for _, s := range tmpl.SegmentTimeline.S {
		if s.T != nil {
			at = *s.T
		}
		for range s.R + 1 {
			near("segment", at, timing.Timeline[n].Start)
			at += s.D
			near("end", at, timing.Timeline[n].Start+timing.Timeline[n].Duration)
			n++
		}
	}
	if n != len(timing.Timeline) {
		t.Errorf("%d segments of %d", n, len(timing.Timeline))
	}
}

func TestIncomplete(t *testing.T) {
	edit := func(f func(p *Presentation)) *Presentation {
		p := presentations()["number"]
		f(p)
		return p
	}
	for name, p := range map[string]*Presentation{
		"no period":         edit(func(p *Presentation) { p.Periods = nil }),
		"no set":            edit(func(p *Presentation) { p.Periods[0].Sets = nil }),
		"no representation": edit(func(p *Presentation) { p.Periods[0].Sets[0].Representations = nil }),
		"no bandwidth":      edit(func(p *Presentation) { p.Periods[0].Sets[0].Representations[0].Bandwidth = 0 }),
		"no codecs":         edit(func(p *Presentation) { p.Periods[0].Sets[1].Representations[0].Codecs = "" }),
		"no init":           edit(func(p *Presentation) { p.Periods[0].Sets[1].Representations[0].Init = "" }),
		"no timing":         edit(func(p *Presentation) { p.Periods[0].Sets[1].Timing.Segment = 0 }),
		"no length":         edit(func(p *Presentation) { p.Static = true }),
	} {
		if b, err := p.Render(); !errors.Is(err, ErrIncomplete) || b != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDriftless renders a day of 29.97 fps segments: every time is the rounding
// of the exact one.
func TestDriftless(t *testing.T) {
	const gop = media.Second * 1001 / 500
	timing := Timing{}
	for i := range media.Time(43000) {
		timing.Timeline = append(timing.Timeline, Entry{i * gop, gop})
	}
	if s := timeline(timing.Timeline).S; len(s) != 1 || s[0].R != 42999 || s[0].D != 180180 {
		t.Errorf("%d runs, first %+v", len(s), s[0])
	}
	for i := range timing.Timeline { // a third of a tick of the 44.1 kHz clock
		timing.Timeline[i] = Entry{media.FromScale(int64(i)*88064, 44100), media.FromScale(int64(i+1)*88064, 44100) - media.FromScale(int64(i)*88064, 44100)}
	}
	var end uint64
	for _, s := range timeline(timing.Timeline).S {
		if s.T != nil {
			end = *s.T
		}
		end += s.D * uint64(s.R+1)
	}
	if want := uint64(media.FromScale(43000*88064, 44100).In(timescale)); end != want {
		t.Errorf("ends at %d, want %d", end, want)
	}
}

// BenchmarkManifest asks what a refresh of the MPD costs; it happens once a
// segment, not once a request.
func BenchmarkManifest(b *testing.B) {
	for name, p := range presentations() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Render(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
