package timing_test

import (
	"testing"
	"time"

	"weir/media"
	"weir/media/timing"
)

// ntp is a wall time as sender reports have it.
func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+2_208_988_800)<<32 | uint64(t.Nanosecond())<<32/1e9
}

func near(a, b media.Time) bool { return (a - b).Duration().Abs() < time.Microsecond }

// TestRTP: the first frame is where it arrived, and the other track where the reports say.
func TestRTP(t *testing.T) {
	wall := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	picture, sound := timing.RTP{Rate: 90000}, timing.RTP{Rate: 48000}
	// The clocks wrap in a moment. Sound arrives 300 ms late.
	picture.Hear(ntp(wall), 0xffffff00)
	if at := picture.Place(0xffffff00, media.Second, nil); at != media.Second {
		t.Errorf("the first picture is at %v", at.Duration())
	}
	if at := picture.Place(0xffffff00+90000&0xffffffff-1<<32, 9*media.Second, nil); at != 2*media.Second {
		t.Errorf("a second later: %v", at.Duration())
	}
	sound.Hear(ntp(wall.Add(100*time.Millisecond)), 7000)
	if at := sound.Place(7000, 1300*media.Millisecond+media.Millisecond*100, &picture); !near(at, 1100*media.Millisecond) {
		t.Errorf("sound is at %v", at.Duration())
	}
	late := timing.RTP{Rate: 48000}
	if at := late.Place(7000, 1300*media.Millisecond, &picture); at != 1300*media.Millisecond {
		t.Errorf("without a report: %v", at.Duration())
	}
	late.Hear(ntp(wall.Add(100*time.Millisecond)), 7000)
	late.Follow(&picture)
	if at := late.Place(7000, 0, &picture); !near(at, 1100*media.Millisecond) {
		t.Errorf("with its first report it is at %v", at.Duration())
	}
	late.Hear(ntp(wall.Add(110*time.Millisecond)), 7000)
	late.Follow(&picture)
	if at := late.Place(7000, 0, &picture); !near(at, 1100*media.Millisecond+media.Millisecond/2) {
		t.Errorf("it is not moved by half a millisecond: %v", at.Duration())
	}
	for range 1000 {
		late.Follow(&picture)
	}
	if at := late.Place(7000, 0, &picture); !near(at, 1110*media.Millisecond) {
		t.Errorf("after a while: %v", at.Duration())
	}
	late.Hear(ntp(wall.Add(time.Hour)), 7000) // nonsense
	late.Follow(&picture)
	if at := late.Place(7000, 0, &picture); !near(at, 1110*media.Millisecond) {
		t.Errorf("a report an hour away moved it to %v", at.Duration())
	}
}

// shown are the presentation times of groups of pictures in decode order, by their places
// in the group.
func shown(groups int, order ...int) (out []media.Time) {
	for g := range groups {
		for _, n := range order {
			out = append(out, media.Time(g*len(order)+n)*media.Second/25)
		}
	}
	return out
}

func TestReorder(t *testing.T) {
	for name, tt := range map[string]struct {
		order []int
		depth int // told before
		want  int // in the end
		free  int // pictures at the start whose times may be after their presentation
	}{
		"none":              {[]int{0, 1, 2, 3}, 0, 0, 0},
		"two b":             {[]int{0, 3, 1, 2}, 1, 1, 0},
		"pyramid":           {[]int{0, 4, 2, 1, 3}, 2, 2, 0},
		"told too much":     {[]int{0, 3, 1, 2}, 4, 4, 0},
		"told nothing":      {[]int{0, 4, 2, 1, 3}, 0, 2, 7},
		"told what is wild": {[]int{0, 1}, 99, 16, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := timing.Reorder{Depth: tt.depth, Interval: media.Second / 25}
			list := shown(20, tt.order...)
			last := media.Time(-1 << 60)
			for i, pts := range list {
				dts := r.Next(pts)
				if dts <= last || dts > pts && i >= tt.free {
					t.Fatalf("picture %d, shown at %v: decoded at %v after %v", i, pts.Duration(), dts.Duration(), last.Duration())
				}
				if i > tt.free && dts != media.Time(i-tt.want)*media.Second/25 {
					t.Fatalf("picture %d is decoded at %v", i, dts.Duration())
				}
				last = dts
			}
			if r.Depth != tt.want {
				t.Errorf("%d pictures, want %d", r.Depth, tt.want)
			}
			for _, jump := range []media.Time{3600 * media.Second, -7200 * media.Second} {
				for i, pts := range list[:20] {
					if dts := r.Next(pts + jump); dts > pts+jump && i >= tt.free || pts+jump-dts > 2*media.Second {
						t.Fatalf("after a jump of %v picture %d, shown at %v, is decoded at %v", jump.Duration(), i, (pts + jump).Duration(), dts.Duration())
					}
				}
			}
		})
	}
}
