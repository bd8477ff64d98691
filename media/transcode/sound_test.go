//go:build cgo

package transcode

import (
	"math"
	"os"
	"testing"

	"weir/media"
	"weir/media/av"
	"weir/media/hub"
	"weir/media/testcard"
)

// burst is the recording testdata/burst-44100-mono.aac: 1.2 s of silence with 880
// Hz from 0.5 to 0.6 s, behind the 1024 samples that its encoder put first.
func burst(t *testing.T) ([]*media.Packet, *media.Track) {
	t.Helper()
	adts, err := os.ReadFile("testdata/burst-44100-mono.aac")
	if err != nil {
		t.Fatal(err)
	}
	track := &media.Track{Kind: media.Audio, Codec: media.AAC, Config: []byte{0x12, 0x08}, SampleRate: 44100, Channels: 1}
	var out []*media.Packet
	for len(adts) > 7 {
		size := int(adts[3]&3)<<11 | int(adts[4])<<3 | int(adts[5])>>5
		at := media.FromScale(int64(len(out))*1024, 44100)
		out = append(out, &media.Packet{Track: track, DTS: at, PTS: at, Duration: media.FromScale(1024, 44100), Key: true, Data: adts[7:size]})
		adts = adts[size:]
	}
	return out, track
}

func shift(packets []*media.Packet, by media.Time) []*media.Packet {
	for _, p := range packets {
		p.DTS, p.PTS = p.DTS+by, p.PTS+by
	}
	return packets
}

// hear decodes packets of "NAME/audio" and gives the middle of each loud stretch.
func hear(t *testing.T, packets []*media.Packet) (bursts []media.Time) {
	t.Helper()
	d, err := av.OpenDecoder(packets[0].Track)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var from, until media.Time
	flush := func() {
		if until > from {
			bursts = append(bursts, (from+until)/2)
		}
		from, until = 0, 0
	}
	for _, p := range packets {
		if err := d.Send(p.Data, p.PTS); err != nil {
			t.Fatal(err)
		}
		f, err := d.Receive()
		if err != nil {
			t.Fatal(err)
		}
		left, right, err := f.Sound()
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range left {
			if math.Abs(float64(v)) < 0.25 || math.Abs(float64(right[i])) < 0.25 {
				continue
			}
			at := f.PTS + media.FromScale(int64(i), av.SoundRate)
			if gap := at - until; gap > media.Second/10 || gap < 0 {
				flush()
				from = at
			}
			until = at
		}
		f.Free()
	}
	flush()
	return bursts
}

func TestSoundKeepsItsPlace(t *testing.T) {
	const start = 100 * media.Second
	source, track := burst(t)
	track.Language = "de"
	s := newStage(t, []*media.Track{track})
	j := s.open(Config{})
	source[0].Boundary, source[20].Boundary = media.KeyBoundary, media.KeyBoundary
	s.play(j, shift(source, start))
	got := s.packets(media.AudioName)
	if l := got[0].Track.Language; l != "de" {
		t.Errorf("the language %q", l)
	}
	for i, p := range got {
		if want := start + media.Time(i)*av.SoundDuration; p.DTS != want || p.PTS != want || p.Duration != av.SoundDuration || !p.Key {
			t.Fatalf("packet %d: %+v, want it at %v", i, p, want)
		}
		after := p.DTS >= source[20].DTS && got[max(i-1, 0)].DTS < source[20].DTS
		if cut := p.Boundary == media.KeyBoundary; cut != (i == 0 || after) {
			t.Errorf("packet %d at %v: boundary %d", i, p.DTS, p.Boundary)
		}
	}
	checkBursts(t, hear(t, got), start+media.Second*55/100+media.FromScale(1024, 44100))
}

func checkBursts(t *testing.T, got []media.Time, want ...media.Time) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("heard %v, want %v", got, want)
	}
	for i := range got {
		if d := got[i] - want[i]; d > 2*media.Millisecond || d < -2*media.Millisecond {
			t.Errorf("burst %d is heard %v late", i, d.Duration())
		}
	}
}

func TestSoundFollowsGapsAndJumps(t *testing.T) {
	first, track := burst(t)
	second, _ := burst(t)
	third, _ := burst(t)
	second, third = shift(second, 5*media.Second), shift(third, media.Second)
	third[0].Discontinuity = true
	var all []*media.Packet
	for _, part := range [][]*media.Packet{first, second, third} {
		for _, p := range part {
			p.Track = track
		}
		all = append(all, part...)
	}
	s := newStage(t, []*media.Track{track})
	j := s.open(Config{})
	s.play(j, all)
	got := s.packets(media.AudioName)
	jump := 0
	for i, p := range got[1:] {
		if step := p.DTS - got[i].DTS; step < av.SoundDuration/2 {
			jump++
			if !p.Discontinuity || p.DTS != media.Second {
				t.Errorf("packet %d steps by %v", i+1, step.Duration())
			}
		}
	}
	if jump != 1 {
		t.Errorf("%d jumps", jump)
	}
	middle := media.Second*55/100 + media.FromScale(1024, 44100)
	checkBursts(t, hear(t, got), middle, 5*media.Second+middle, media.Second+middle)
}

func TestSoundForgivesRoundedStamps(t *testing.T) {
	source, track := burst(t)
	for _, p := range source { // RTMP: whole milliseconds
		p.PTS = media.FromScale(p.PTS.In(1000), 1000)
		p.DTS = p.PTS
	}
	s := newStage(t, []*media.Track{track})
	j := s.open(Config{})
	s.play(j, source)
	for i, p := range s.packets(media.AudioName) {
		if p.DTS != media.Time(i)*av.SoundDuration {
			t.Fatalf("packet %d at %v", i, p.DTS.Duration())
		}
	}
}

// Each further sound that is not fit for viewers is made anew in its place, beside a first
// one that passes.
func TestFurtherSounds(t *testing.T) {
	_, tracks := shoot(t, testcard.CameraConfig{Width: 320, Height: 180}, 1)
	s := newStage(t, tracks)
	var further []*hub.Stream
	var sources [][]*media.Packet
	for i, fit := range []bool{false, true, false} {
		list, track := burst(t)
		track.Language, track.Label = []string{"de", "fr", "it"}[i], "commentary"
		if fit {
			track = tracks[1]
		}
		st, err := s.hub.Create(s.source.ID().Sound(i+1), s.source.Epoch(), []*media.Track{track})
		if err != nil {
			t.Fatal(err)
		}
		further, sources = append(further, st), append(sources, shift(list, media.Time(i)*media.Second))
	}
	j := s.open(Config{Sounds: further})
	for i, want := range []bool{false, true, false, true} {
		if name := media.SoundName(i); j.Makes(name) != want {
			t.Errorf("%s is made: %v", name, !want)
		}
	}
	for _, i := range []int{0, 2} {
		for _, p := range sources[i] {
			further[i].Write(p)
		}
	}
	for _, st := range further {
		st.Close()
	}
	s.play(j, nil)
	if n := len(j.Stats()); n != 2 {
		t.Errorf("%d renditions", n)
	}
	for i, language := range map[int]string{1: "de", 3: "it"} {
		got := s.packets(media.SoundName(i))
		if x := got[0].Track; x.Language != language || x.Label != "commentary" || got[0].Boundary != media.NoBoundary {
			t.Errorf("sound %d: %+v", i, x)
		}
		checkBursts(t, hear(t, got), media.Time(i-1)*media.Second+media.Second*55/100+media.FromScale(1024, 44100))
	}
}
