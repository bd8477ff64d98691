package packager_test

import (
	"log/slog"
	"testing"
	"time"

	"weir/media"
	"weir/media/hub"
	"weir/media/mediatest"
	"weir/packager"
	"weir/packager/window"
)

// furtherSounds are sounds of a rig beside the first: what it says, in a coding of their own.
type furtherSounds struct {
	*rig
	streams []*hub.Stream
	tracks  []*media.Track
	src     *mediatest.Source
}

// newSounds makes a rig with n further sounds.
func newSounds(t *testing.T, src *mediatest.Source, n int) *furtherSounds {
	f := &furtherSounds{src: src}
	f.rig = newRig(t, src, func(r *rig, cfg *packager.Config) {
		for i := range n {
			track := mediatest.Audio(src.SampleRate, 1)
			s, _ := r.hub.Create(media.StreamID("x/sound-"+string(rune('2'+i))), epoch, []*media.Track{track})
			f.streams, f.tracks = append(f.streams, s), append(f.tracks, track)
			cfg.Sounds = append(cfg.Sounds, packager.Input{Name: media.SoundName(i + 1), Stream: s})
		}
	})
	t.Cleanup(f.close)
	return f
}

func (f *furtherSounds) close() {
	for _, s := range f.streams {
		s.Close()
	}
	f.rig.end()
}

// write is rig.write, with the further sounds where says has it that they say something.
func (f *furtherSounds) write(list []*media.Packet, says func(sound int, at media.Time) bool) {
	f.t.Helper()
	f.slowly(list, func(second []*media.Packet) { f.some(second, says) })
}

func (f *furtherSounds) some(list []*media.Packet, says func(sound int, at media.Time) bool) {
	for _, p := range list {
		f.rig.write([]*media.Packet{p}, true)
		if p.Track.Kind != media.Audio {
			continue
		}
		for i, s := range f.streams {
			if says(i+2, p.DTS) {
				own := *p
				own.Track, own.Boundary = f.tracks[i], media.NoBoundary
				s.Write(&own)
			}
		}
	}
}

func (f *furtherSounds) segments() map[string][]*window.Segment {
	f.close()
	return f.rig.segments()
}

func always(int, media.Time) bool { return true }

func TestSoundsAreCutAlike(t *testing.T) {
	f := newSounds(t, &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}, 3)
	f.write(f.src.Packets(21*media.Second), always)
	all := f.segments()
	check(t, all, 2, media.Second/5)
	if len(all) != 5 {
		t.Fatalf("%d renditions", len(all))
	}
	for _, name := range []string{"audio-2", "audio-3", "audio-4"} {
		if len(all[name]) != len(all["audio"]) {
			t.Fatalf("%s: %d segments, the first sound has %d", name, len(all[name]), len(all["audio"]))
		}
		for i, s := range all[name] {
			if first := all["audio"][i]; s.MSN != first.MSN || s.Start != first.Start || s.Duration != first.Duration || s.Gap || s.Mini != first.Mini {
				t.Errorf("%s %d: %+v, the first sound %+v", name, i, s, first)
			}
		}
	}
}

// A sound that never begins, one that stops for a while and one that stops for good: the
// others do not wait, and each has as many segments as they.
func TestSilentSoundsHaveGaps(t *testing.T) {
	f := newSounds(t, &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}, 3)
	const from, to = 7*media.Second + media.Second/3, 13*media.Second + media.Second/2
	const over = 6 * media.Second // a cut, beyond which the last frame reaches
	list := f.src.Packets(30 * media.Second)
	f.write(list, func(sound int, at media.Time) bool {
		switch sound {
		case 3:
			return at < from || at >= to
		case 4:
			return at < over
		}
		return false
	})
	edge := map[string]media.Time{}
	for _, track := range f.pack.Window().Tracks() {
		track.View(func(v *window.View) { edge[track.Name] = v.Segments[len(v.Segments)-1].End() })
	}
	for name, at := range edge {
		least := 30*media.Second - media.Second/10
		if name == "audio-2" || name == "audio-4" {
			least -= 4 * media.Second
		}
		if at < least {
			t.Errorf("%s is at %v", name, at.Duration())
		}
	}
	all := f.segments()
	for _, name := range []string{"audio-2", "audio-3", "audio-4"} {
		for i, s := range all[name] {
			pic := all["source"][i]
			if s.MSN != pic.MSN || (s.Start-pic.Start).Duration().Abs() > 25*time.Millisecond || (s.End()-pic.End()).Duration().Abs() > 25*time.Millisecond {
				t.Errorf("%s %d: from %v to %v, the picture from %v to %v", name, s.MSN, s.Start.Duration(), s.End().Duration(), pic.Start.Duration(), pic.End().Duration())
			}
			if i > 0 && s.Start < all[name][i-1].End() {
				t.Errorf("%s %d begins at %v, the one before ends at %v", name, s.MSN, s.Start.Duration(), all[name][i-1].End().Duration())
			}
			silent := name == "audio-2" || name == "audio-3" && s.Start > from && s.Start < to || name == "audio-4" && s.Start >= over
			if s.Gap != silent {
				t.Errorf("%s %d from %v: gap %v", name, s.MSN, s.Start.Duration(), s.Gap)
			}
		}
		if n := len(all["source"]); len(all[name]) < n-1 { // what was open at the end of the stream
			t.Errorf("%s: %d segments, the picture has %d", name, len(all[name]), n)
		}
	}
}

// What a silent sound holds back is bounded: the cuts are forgotten as without it.
func TestSilentSoundLetsTheWindowGo(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{60}, SampleRate: 48000, Bitrate: 100_000}
	f := newSounds(t, src, 1)
	f.write(src.Packets(150*media.Second), func(int, media.Time) bool { return false })
	for _, track := range f.pack.Window().Tracks() {
		track.View(func(v *window.View) {
			if n := len(v.Segments); n < 25 || n > 40 {
				t.Errorf("%s lists %d segments of a window of 60 s", track.Name, n)
			}
		})
	}
	if n := len(f.pack.Window().Marks()); n > 40 {
		t.Errorf("%d DASH segments are known", n)
	}
}

func TestSoundsAreBounded(t *testing.T) {
	var h hub.Hub
	src := &mediatest.Source{SampleRate: 48000}
	s, _ := h.Create("x", epoch, src.Tracks())
	defer s.Close()
	cfg := packager.Config{Name: "x", Epoch: epoch, Log: slog.New(slog.DiscardHandler), Source: s, Target: 2, Segment: media.Second, PartTarget: media.Second / 5}
	for i := range media.MaxSounds + 1 {
		cfg.Sounds = append(cfg.Sounds, packager.Input{Name: media.SoundName(i), Stream: s})
	}
	if _, err := packager.New(cfg); err == nil {
		t.Error("five sounds are taken")
	}
}

// What a publisher sends as Opus is cut like what is made of it, and has gaps while it sends
// something else.
func TestOriginalSound(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}
	var sent *hub.Stream
	opus := mediatest.Opus(2)
	r := newRig(t, src, func(r *rig, cfg *packager.Config) {
		sent, _ = r.hub.Create("x/sent", epoch, []*media.Track{opus})
		cfg.Originals = []packager.Input{{Name: media.OriginalSound(0), Stream: sent}}
	})
	const from, to = 9*media.Second + media.Second/3, 15*media.Second + media.Second/2
	r.slowly(src.Packets(24*media.Second), func(second []*media.Packet) {
		for _, p := range second {
			r.write([]*media.Packet{p}, true)
			if p.Track.Kind == media.Audio {
				own := *p
				if own.Track = opus; p.DTS >= from && p.DTS < to {
					own.Track = p.Track
				}
				sent.Write(&own)
				r.pack.Window().Track("original-audio").View(func(v *window.View) {
					if v.Shed != (own.Track != opus) {
						t.Fatalf("at %v: it is not offered: %v", p.DTS.Duration(), v.Shed)
					}
				})
			}
		}
	})
	sent.Close()
	all := r.segments()
	if len(all["original-audio"]) != len(all["audio"]) || len(all["audio"]) < 10 {
		t.Fatalf("%d segments, of what was made %d", len(all["original-audio"]), len(all["audio"]))
	}
	gaps := 0
	for i, s := range all["original-audio"] {
		made := all["audio"][i]
		if s.Gap {
			gaps++
			if s.End() <= from || s.Start >= to+2*media.Second {
				t.Errorf("%d, a gap from %v", s.MSN, s.Start.Duration())
			}
		}
		if s.MSN != made.MSN || s.Start-made.Start > 25*media.Millisecond || made.Start-s.Start > 25*media.Millisecond {
			t.Errorf("%+v, what was made %+v", s, made)
		}
	}
	if gaps < 2 || gaps > 4 {
		t.Errorf("%d gaps", gaps)
	}
	for _, track := range r.pack.Window().Tracks() {
		track.View(func(v *window.View) {
			for _, x := range v.Inits {
				if (x.Track.Codec == media.Opus) != (track.Name == "original-audio") && x.Track.Kind == media.Audio {
					t.Errorf("%s has %v", track.Name, x.Track.Codec)
				}
			}
		})
	}
}

// A sound that cannot be passed on any more comes from another stream from there on.
func TestResound(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}
	r := newRig(t, src, nil)
	opus, aac := mediatest.Opus(2), mediatest.Audio(48000, 2)
	var made *hub.Stream
	const from = 10 * media.Second
	r.slowly(src.Packets(20*media.Second), func(second []*media.Packet) {
		for _, p := range second {
			if p.DTS >= from && made == nil {
				made, _ = r.hub.Create("x/audio", epoch, []*media.Track{aac})
				r.pack.Resound(0, made)
			}
			if p.Track.Kind == media.Video || made == nil {
				r.write([]*media.Packet{p}, true)
				continue
			}
			sent, coded := *p, *p
			sent.Track, coded.Track = opus, aac
			r.write([]*media.Packet{&sent}, true)
			made.Write(&coded)
		}
	})
	made.Close()
	all := r.segments()
	check(t, all, 2, media.Second/5)
	if n := len(all["audio"]); n != len(all["source"]) {
		t.Errorf("%d segments, of the picture %d", n, len(all["source"]))
	}
	for _, s := range all["audio"] {
		if want := min(1, int(s.Start/(from-media.Second))); s.Gap || s.Init != want {
			t.Errorf("%d at %v: %+v", s.MSN, s.Start.Duration(), s)
		}
	}
	r.pack.Window().Track("audio").View(func(v *window.View) {
		if len(v.Inits) != 2 || v.Inits[1].Track != aac {
			t.Errorf("%+v", v.Inits)
		}
	})
}
