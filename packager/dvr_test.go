package packager_test

import (
	"runtime"
	"testing"
	"time"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager"
	"weir/packager/hls"
	"weir/packager/window"
)

// longWindow packages so much of a stream with a rewind window of the same length, and
// returns the bytes that the process holds more than before and what it takes to
// render a playlist, whole and as a delta update.
func longWindow(t *testing.T, length media.Time) (held int64, whole, delta time.Duration) {
	t.Helper()
	before := heap()
	src := &mediatest.Source{FrameRate: media.Rational{Num: 5, Den: 1}, GOPs: []int{10}, Bitrate: 40_000, SampleRate: 8000, AudioBitrate: 8000}
	r := newRig(t, src, func(_ *rig, cfg *packager.Config) { cfg.Rewind = length })
	var second []*media.Packet
	for p := range src.All() {
		if p.DTS >= length+20*media.Second {
			break
		}
		if len(second) > 0 && p.DTS >= second[0].DTS+media.Second {
			r.writeSlowly(second)
			second = nil
		}
		second = append(second, p)
	}
	held = heap() - before
	track := r.pack.Window().Track("source")
	m := &hls.Media{TargetDuration: 2, PartTarget: media.Second / 5, Epoch: epoch}
	buf := make([]byte, 0, 1<<16)
	measure := func(skip bool) time.Duration {
		best := time.Hour
		for range 50 {
			start := time.Now()
			track.View(func(v *window.View) { m.Render(buf, v, skip) })
			best = min(best, time.Since(start))
		}
		return best
	}
	whole, delta = measure(false), measure(true)
	r.end()
	return held, whole, delta
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestLongWindow holds that two hours of rewinding take little more memory than ten
// minutes: what is old lies in files.
func TestLongWindow(t *testing.T) {
	short, whole10, delta10 := longWindow(t, 600*media.Second)
	long, whole120, delta120 := longWindow(t, 7200*media.Second)
	t.Logf("10 min: %d kB, playlist %v, delta %v; 2 h: %d kB, playlist %v, delta %v", short>>10, whole10, delta10, long>>10, whole120, delta120)
	if more := long - short; more > 4<<20 {
		t.Errorf("two hours take %d bytes more than ten minutes", more)
	}
}
