package media_test

import (
	"testing"
	"time"

	"weir/media"
)

func TestTimeIsWholeForRatesInUse(t *testing.T) {
	for _, r := range []media.Rational{{Num: 24000, Den: 1001}, {Num: 24, Den: 1}, {Num: 25, Den: 1}, {Num: 30000, Den: 1001}, {Num: 30, Den: 1}, {Num: 50, Den: 1}, {Num: 60000, Den: 1001}, {Num: 60, Den: 1}} {
		if got := r.Interval() * media.Time(r.Num); got != media.Second*media.Time(r.Den) {
			t.Errorf("%d/%d: %d frames are %d ticks", r.Num, r.Den, r.Num, got)
		}
	}
	for _, hz := range []int64{8000, 16000, 22050, 32000, 44100, 48000, 96000} {
		if got := media.FromScale(1, hz) * media.Time(hz); got != media.Second {
			t.Errorf("%d Hz: a second is %d ticks", hz, got)
		}
	}
}

func TestTimeConversions(t *testing.T) {
	year := 365 * 24 * time.Hour
	for _, d := range []time.Duration{0, time.Millisecond, -time.Millisecond, 3*time.Second + 1, -7 * time.Second / 3, 100 * year} {
		got := media.FromDuration(d).Duration()
		if diff := got - d; diff > 2 || diff < -2 {
			t.Errorf("%v became %v", d, got)
		}
	}
	for _, v := range []int64{0, 1, -1, 90000, -90001, 1 << 40} {
		if got := media.FromScale(v, 90000).In(90000); got != v {
			t.Errorf("%d/90000 became %d", v, got)
		}
	}
}

func TestStreamName(t *testing.T) {
	if n := media.StreamID("a/720p").Name(); n != "a" {
		t.Error(n)
	}
	if n := media.StreamID("a").Name(); n != "a" {
		t.Error(n)
	}
}
