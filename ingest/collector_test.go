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
	s.lines = append(s.lines, fmt.Sprintf("%v %d", p.Kind(), p.DTS/media.Second))
	return nil
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
		if err := x.Know(c.packets[0].Track); err != nil {
			t.Fatal(err)
		}
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
		y.Expect(true, false)
		var refused *ingest.StreamError
		if err := y.Know(video); !errors.As(err, &refused) {
			t.Errorf("%s: a start that fails: %v", c.name, err)
		}
	}
}
