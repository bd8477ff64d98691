package cut_test

import (
	"testing"

	"weir/media"
	"weir/media/cut"
)

// seconds drives a Cutter with 30 fps and returns the times of its marks.
func marks(c *cut.Cutter, frames int, key func(i int) bool) (at []float64, forced int) {
	step := media.Rational{Num: 30, Den: 1}.Interval()
	for i := range frames {
		switch c.Mark(media.Time(i)*step, key(i), false) {
		case media.ForcedBoundary:
			forced++
			fallthrough
		case media.KeyBoundary:
			at = append(at, float64(i)/30)
		}
	}
	return at, forced
}

func every(n int) func(int) bool { return func(i int) bool { return i%n == 0 } }

func TestMark(t *testing.T) {
	tests := []struct {
		name   string
		cutter cut.Cutter
		key    func(int) bool
		want   []float64
		forced int
	}{
		{"1 s key frames fall on the grid of 2 s", cut.Cutter{}, every(30), []float64{0, 1, 2, 4, 6, 8}, 0},
		{"0.5 s key frames", cut.Cutter{}, every(15), []float64{0, .5, 2, 4, 6, 8}, 0},
		{"2 s key frames", cut.Cutter{}, every(60), []float64{0, 2, 4, 6, 8}, 0},
		{"1.5 s key frames may not be joined", cut.Cutter{}, every(45), []float64{0, 1.5, 3, 4.5, 6, 7.5, 9}, 0},
		{"key frames too far apart are noticed", cut.Cutter{}, every(250), []float64{0, 2.4, 4.4, 6.4, 8 + 1.0/3}, 3},
		{"and ignored where all is encoded here", cut.Cutter{OwnKeys: true, Forced: true}, every(250), []float64{0, 2, 4, 6, 8}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cutter.Segment, tt.cutter.Longest = 2*media.Second, 5*media.Second/2
			got, forced := marks(&tt.cutter, 280, tt.key)
			if len(got) != len(tt.want) || forced != tt.forced {
				t.Fatalf("cuts %v (%d forced), want %v (%d forced)", got, forced, tt.want, tt.forced)
			}
			for i := range got {
				if d := got[i] - tt.want[i]; d > .04 || d < -.04 {
					t.Errorf("cuts %v, want %v", got, tt.want)
					break
				}
			}
		})
	}
}

func TestNoSegmentIsTooLong(t *testing.T) {
	seed := uint32(1)
	random := func(int) bool { seed = seed*1664525 + 1013904223; return seed>>24 < 8 }
	c := cut.Cutter{Segment: 2 * media.Second, Longest: 5 * media.Second / 2}
	at, _ := marks(&c, 30*600, func(i int) bool { return i == 0 || random(i) })
	for i := 1; i < len(at); i++ {
		if d := at[i] - at[i-1]; d >= 2.5 {
			t.Fatalf("segment of %.3f s at %.3f", d, at[i-1])
		}
	}
}

func TestDiscontinuityStartsANewGrid(t *testing.T) {
	c := cut.Cutter{Segment: 2 * media.Second, Longest: 5 * media.Second / 2}
	c.Mark(0, true, false)
	if got := c.Mark(media.Second/3, true, true); got != media.KeyBoundary {
		t.Fatalf("got %v", got)
	}
}
