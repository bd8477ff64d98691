// load measures what a stream costs that passes through: many publishers replay a
// clip of 720p at 3 Mbit/s, LL-HLS is on, nobody watches.
package main

import (
	"context"
	"errors"
	"flag"
	"time"

	"weir/bench/rig"
)

func main() {
	streams := flag.Int("streams", 50, "publishers")
	warmup := flag.Duration("warmup", 20*time.Second, "before the measurement")
	length := flag.Duration("length", 30*time.Second, "of the measurement")
	flag.Parse()
	rig.Main(func(ctx context.Context) error { return measure(ctx, *streams, *warmup, *length) })
}

func measure(ctx context.Context, streams int, warmup, length time.Duration) (err error) {
	clip, err := rig.OpenClip(ctx, rig.ClipConfig{Width: 1280, Height: 720, FPS: 30, Keys: 60, Bitrate: "3M", Seconds: 20})
	if err != nil {
		return err
	}
	s, err := rig.Start(ctx, nil, "WEIR_LADDER=off", "WEIR_DVR=20s")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	idle, err := s.RSS()
	if err != nil {
		return err
	}
	for n := range streams {
		_, off, err2 := rig.OnAir(ctx, s, "load-"+name(n), clip, nil)
		if err2 != nil {
			return err2
		}
		defer func() { err = errors.Join(err, off()) }()
		// Key frames are not to coincide.
		if err := rig.Sleep(ctx, 2*time.Second/time.Duration(streams)); err != nil {
			return err
		}
	}
	if err := rig.Sleep(ctx, warmup); err != nil {
		return err
	}
	cpu, took, err := s.CPUFor(func() error { return rig.Sleep(ctx, length) })
	if err != nil {
		return err
	}
	full, err := s.RSS()
	if err != nil {
		return err
	}
	each := rig.Millis(cpu) / took.Seconds() / float64(streams)
	more := map[string]any{"streams": streams, "seconds": took.Seconds(), "cpu_percent": 100 * cpu.Seconds() / took.Seconds()}
	err = rig.Result{What: "CPU of a stream that passes through", Value: each, Unit: "ms/s", Most: 3, More: more}.Print()
	return errors.Join(err, rig.Result{
		What: "memory of a stream that passes through", Value: float64(full-idle) / float64(streams) / 1e6, Unit: "MB", Most: 8,
		More: map[string]any{"rss_mb": float64(full) / 1e6, "idle_mb": float64(idle) / 1e6},
	}.Print())
}

// name counts in letters.
func name(n int) string { return string([]byte{byte('a' + n/26), byte('a' + n%26)}) }
