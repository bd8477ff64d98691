//go:build cgo

package transcode

import (
	"syscall"
	"testing"

	"weir/media/ladder"
	"weir/media/testcard"
)

// BenchmarkLadder asks how many seconds of CPU time a second of source costs: the
// picture decoded, and the rungs scaled and encoded. 1080p30x4 is pass-through
// with 720p, 480p and 360p below it; 1080p30x4full re-encodes the top as well.
func BenchmarkLadder(b *testing.B) {
	for name, mode := range map[string]SourceMode{"1080p30x4": SourceNever, "1080p30x4full": SourceAlways} {
		b.Run(name, func(b *testing.B) {
			source, tracks := shoot(b, testcard.CameraConfig{Width: 1920, Height: 1080, Bitrate: 6_000_000, Silent: true}, 60)
			used := 0.0
			for b.Loop() {
				s := newStage(b, tracks)
				j := s.open(Config{Ladder: ladder.Auto(), Source: mode})
				before := cpuTime(b)
				s.play(j, source)
				used += cpuTime(b) - before
			}
			b.ReportMetric(used/(float64(b.N)*2), "cpu-s/s")
		})
	}
}

func cpuTime(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// BenchmarkOpen asks how long a publisher's first packet waits for the encoders.
func BenchmarkOpen(b *testing.B) {
	_, tracks := shoot(b, testcard.CameraConfig{Width: 1920, Height: 1080}, 1)
	for b.Loop() {
		s := newStage(b, tracks)
		j := s.open(Config{Ladder: ladder.Auto()})
		b.StopTimer()
		s.play(j, nil)
		b.StartTimer()
	}
}
