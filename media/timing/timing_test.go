package timing_test

import (
	"testing"

	"weir/media"
	"weir/media/timing"
)

func TestUnwrap(t *testing.T) {
	for _, start := range []uint64{0, 1, 1 << 31, 1<<32 - 2, 1<<32 - 1} {
		u := timing.Unwrapper{Bits: 32}
		base := u.Unwrap(start)
		want := base
		for _, step := range []int64{1, 40, -20, 1 << 30, 1 << 30, 1 << 30, 1 << 30, -(1 << 30), 0} {
			want += step
			if got := u.Unwrap(uint64(want) & (1<<32 - 1)); got != want {
				t.Fatalf("from %d, step %d: %d, want %d", start, step, got, want)
			}
		}
	}
}

// millis is what RTMP makes of a time.
func millis(at media.Time) media.Time { return at / media.Millisecond * media.Millisecond }

func TestCadenceRestoresTheGrid(t *testing.T) {
	for _, r := range []media.Rational{{Num: 24000, Den: 1001}, {Num: 25, Den: 1}, {Num: 30000, Den: 1001}, {Num: 30, Den: 1}, {Num: 60000, Den: 1001}} {
		c := timing.Cadence{Interval: r.Interval()}
		for i := range 5000 {
			ideal := media.Time(i) * r.Interval()
			at, dur := c.Next(millis(ideal))
			if d := at - ideal; dur != r.Interval() || d > media.Millisecond || d < -media.Millisecond {
				t.Fatalf("%v frame %d: at %v (ideal %v) for %v", r, i, at, ideal, dur)
			}
		}
	}
}

func TestCadenceLearnsTheRate(t *testing.T) {
	var c timing.Cadence
	step := media.Rational{Num: 30, Den: 1}.Interval()
	var dur media.Time
	for i := range 30 {
		_, dur = c.Next(millis(media.Time(i) * step))
	}
	if dur != step {
		t.Errorf("learnt %d, want %d", dur, step)
	}
}

func TestCadenceFillsAMissingFrame(t *testing.T) {
	step := media.Rational{Num: 30, Den: 1}.Interval()
	c := timing.Cadence{Interval: step, Fill: media.Second / 2}
	end := media.Time(0)
	for i := range 60 {
		if i == 20 || i == 21 {
			continue
		}
		at, dur := c.Next(millis(media.Time(i) * step))
		if d := at - end; d > media.Millisecond || d < -media.Millisecond {
			t.Fatalf("frame %d begins at %v, the one before ended at %v", i, at, end)
		}
		end = at + dur
	}
}

func TestCadenceGivesUpOnVariableRate(t *testing.T) {
	c := timing.Cadence{Interval: media.Rational{Num: 30, Den: 1}.Interval()}
	at, dur := media.Time(0), media.Time(1)
	for i := range 40 {
		at += media.Time(10+7*(i%5)) * media.Millisecond
		_, dur = c.Next(at)
	}
	if dur != 0 {
		t.Errorf("a source without a rate got duration %v", dur)
	}
}

func TestDrift(t *testing.T) {
	var d timing.Drift
	var verdicts int
	for i := range 200 {
		wall := media.Time(i) * 100 * media.Millisecond
		late := media.Time(i%7) * 20 * media.Millisecond // jitter of the network
		if most, least, ok := d.Observe(wall-late-2*media.Second, wall); ok {
			verdicts++
			if most != -2*media.Second || least >= most {
				t.Errorf("most %v least %v", most, least)
			}
		}
	}
	if verdicts < 3 {
		t.Errorf("%d verdicts in 20 s", verdicts)
	}
}
