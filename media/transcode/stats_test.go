//go:build cgo

package transcode

import (
	"context"
	"fmt"
	"testing"
	"time"

	"weir/media"
	"weir/media/testcard"
)

// changing is a source of ten frames each in 426x240, 256x144 and 240x426.
func changing(t *testing.T) (all []*media.Packet, tracks []*media.Track) {
	t.Helper()
	big, tracks := shoot(t, testcard.CameraConfig{Width: 426, Height: 240, Silent: true}, 10)
	lower, _ := shoot(t, testcard.CameraConfig{Width: 256, Height: 144, Silent: true}, 10)
	tall, _ := shoot(t, testcard.CameraConfig{Width: 240, Height: 426, Silent: true}, 10)
	for _, part := range [][]*media.Packet{big, lower, tall} {
		base := media.FromScale(int64(len(all)), 30)
		for i, p := range part {
			p.DTS, p.PTS = p.DTS+base, p.PTS+base
			if i == 0 {
				p.Boundary, p.Discontinuity = media.KeyBoundary, base > 0
			}
			all = append(all, p)
		}
	}
	return all, tracks
}

// What is encoded follows the size of the source.
func TestMaking(t *testing.T) {
	all, tracks := changing(t)
	s := newStage(t, tracks)
	j := s.open(Config{Ladder: small(t, "180p:300k,120p:200k")})
	ended := make(chan error)
	go func() { ended <- j.Run(context.Background()) }()
	for i, want := range []string{"426x240: 180p 320x180 120p 214x120", "256x144: 120p 214x120", "240x426: 180p 180x320 120p 120x214"} {
		for _, p := range all[10*i : 10*i+10] {
			s.source.Write(p)
		}
		until := time.Now().Add(30 * time.Second)
		for told(j) != want {
			if time.Now().After(until) {
				t.Fatalf("it makes %q, not %q", told(j), want)
			}
			time.Sleep(time.Millisecond)
		}
	}
	s.source.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := told(j); got != "240x426:" {
		t.Errorf("when it is over it makes %q", got)
	}
}

// told is what a job is making, in words.
func told(j *Job) string {
	source, list := j.Making()
	text := fmt.Sprintf("%dx%d:", source.Width, source.Height)
	for _, r := range list {
		text += fmt.Sprintf(" %s %dx%d", r.Name, r.Width, r.Height)
	}
	return text
}
