package ingest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"weir/ingest"
	"weir/media"
)

// told is a Writer that notes what it was told.
type told struct {
	lines  []string
	refuse error
}

func (s *told) Start(tracks []*media.Track) error {
	var kinds []string
	for _, t := range tracks {
		kinds = append(kinds, t.Kind.String())
	}
	s.lines = append(s.lines, "start "+strings.Join(kinds, "+"))
	return s.refuse
}

func (s *told) Write(p *media.Packet) error {
	number := ""
	if p.Sound > 0 {
		number = fmt.Sprint("/", p.Sound)
	}
	s.lines = append(s.lines, fmt.Sprintf("%v%s %d", p.Kind(), number, p.DTS/media.Second))
	return nil
}

// TestCollectorNumbersSounds: sounds are numbered without holes, in order of their
// protocol's numbers; what is configured before the first packet is there from the start,
// what is promised is waited for, for a second of media, and what is late has the next number.
func TestCollectorNumbersSounds(t *testing.T) {
	video := &media.Track{Kind: media.Video}
	sounds := []*media.Track{{Kind: media.Audio, Language: "a"}, {Kind: media.Audio, Language: "b"}, {Kind: media.Audio, Language: "c"}, {Kind: media.Audio, Language: "d"}}
	seen := func(second float64) *media.Packet {
		return &media.Packet{Track: video, DTS: media.Time(second * float64(media.Second)), Key: true}
	}
	heard := func(n int, second float64) *media.Packet {
		return &media.Packet{Track: sounds[n], Sound: n, DTS: media.Time(second * float64(media.Second)), Key: true}
	}
	for name, c := range map[string]struct {
		expect  int // sounds; -1: nothing is said
		know    []int
		packets []*media.Packet
		want    string
	}{
		"configured":   {-1, []int{2, 0}, []*media.Packet{seen(0), heard(2, 0), heard(0, 0)}, "start video+audio+audio, video 0, audio/1 0, audio 0"},
		"promised":     {2, []int{0}, []*media.Packet{seen(0), heard(0, 0), heard(1, 0)}, "start video+audio+audio, video 0, audio 0, audio/1 0"},
		"never comes":  {2, []int{3}, []*media.Packet{seen(0), heard(3, 0), seen(1), heard(3, 2)}, "start video+audio, video 0, audio 0, video 1, audio 2"},
		"comes late":   {-1, []int{1}, []*media.Packet{seen(0), heard(1, 0), heard(0, 1), heard(3, 1), heard(1, 2)}, "start video+audio, video 0, audio 0, audio/1 1, audio/2 1, audio 2"},
		"all are late": {0, nil, []*media.Packet{seen(0), heard(2, 1), heard(1, 1), seen(2), heard(1, 2), heard(2, 2)}, "start video, video 0, start video+audio+audio, video 2, audio 2, audio/1 2"},
		"no picture":   {-1, []int{0, 1}, []*media.Packet{heard(0, 0), heard(1, 0), heard(0, 1)}, "start audio+audio, audio 0, audio/1 0, audio 1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &told{}
			x := ingest.NewCollector(s)
			if c.expect >= 0 {
				x.Expect(true, c.expect)
			}
			if name != "no picture" {
				x.Know(0, video)
			}
			for _, n := range c.know {
				x.Know(n, sounds[n])
			}
			for _, p := range c.packets {
				if p.Kind() == media.Audio {
					x.Know(p.Sound, p.Track)
				}
				if err, bad := x.Write(p), (*ingest.BadMedia)(nil); err != nil && !errors.As(err, &bad) {
					t.Error(err)
				}
			}
			if got := strings.Join(s.lines, ", "); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// TestCollectorTakesALateKind: picture that comes after the sound, and the other way round,
// begins the stream anew once, at a key frame, and nothing of it comes before that.
func TestCollectorTakesALateKind(t *testing.T) {
	video, audio := &media.Track{Kind: media.Video}, &media.Track{Kind: media.Audio}
	packet := func(track *media.Track, second int, key bool) *media.Packet {
		return &media.Packet{Track: track, DTS: media.Time(second) * media.Second, Key: key}
	}
	for _, c := range []struct {
		name    string
		packets []*media.Packet
		want    string
	}{
		{"picture", []*media.Packet{
			packet(audio, 0, true), packet(audio, 1, true), packet(video, 2, false), packet(audio, 2, true), packet(video, 3, true), packet(audio, 3, true), packet(video, 4, true),
		}, "start audio, audio 0, audio 1, audio 2, start video+audio, video 3, audio 3, video 4"},
		{"sound", []*media.Packet{
			packet(video, 0, true), packet(video, 1, true), packet(audio, 2, true), packet(video, 2, false), packet(audio, 3, true), packet(video, 3, true), packet(audio, 4, true),
		}, "start video, video 0, video 1, video 2, start video+audio, video 3, audio 4"},
	} {
		s := &told{}
		x := ingest.NewCollector(s)
		x.Know(0, c.packets[0].Track)
		for _, p := range c.packets {
			if err, bad := x.Write(p), (*ingest.BadMedia)(nil); err != nil && !errors.As(err, &bad) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if got := strings.Join(s.lines, ", "); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
		s.refuse = errors.New("no")
		y := ingest.NewCollector(s)
		y.Expect(true, 0)
		y.Know(0, video)
		var refused *ingest.StreamError
		if err := y.Write(packet(video, 0, true)); !errors.As(err, &refused) {
			t.Errorf("%s: a start that fails: %v", c.name, err)
		}
	}
}
