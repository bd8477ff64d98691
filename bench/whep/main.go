// whep measures what a WebRTC viewer costs the server: CPU, and how long a frame takes
// from the stream's writer to the last of its packets, by the server's own histogram. The
// viewers are pion's, in a process of their own.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"weir/bench/rig"
)

func main() {
	viewers := flag.Int("viewers", 100, "viewers")
	warmup := flag.Duration("warmup", 5*time.Second, "before the measurement")
	length := flag.Duration("length", 20*time.Second, "of the measurement")
	watch := flag.String("watch", "", "be the viewers of this address")
	flag.Parse()
	rig.Main(func(ctx context.Context) error {
		if *watch != "" {
			return crowd(ctx, *watch, *viewers)
		}
		return measure(ctx, *viewers, *warmup, *length)
	})
}

func measure(ctx context.Context, viewers int, warmup, length time.Duration) (err error) {
	clip, err := rig.OpenClip(ctx, rig.ClipConfig{Width: 1280, Height: 720, FPS: 30, Keys: 60, Bitrate: "3M", Seconds: 20})
	if err != nil {
		return err
	}
	var ports [2]string
	for i := range ports {
		if ports[i], err = rig.FreePort(ctx); err != nil {
			return err
		}
	}
	admin := cmp.Or(os.Getenv("WEIR_BENCH_ADMIN"), ports[1])
	s, err := rig.Start(ctx, nil, "WEIR_LADDER=off", "WEIR_DVR=20s", "WEIR_WEBRTC_ADDR="+ports[0], "WEIR_ADMIN_ADDR="+admin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	_, off, err := rig.OnAir(ctx, s, "whep", clip, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, off()) }()
	if _, err := s.Playlist(ctx, "whep"); err != nil {
		return err
	}
	// One viewer has the sound encoded, which all share.
	one, _, err := watched(ctx, s, admin, 1, warmup, length)
	if err != nil {
		return err
	}
	all, late, err := watched(ctx, s, admin, viewers, warmup, length)
	if err != nil {
		return err
	}
	more := map[string]any{"viewers": viewers, "cpu_percent_of_one": one, "cpu_percent_of_all": all}
	err = rig.Result{What: "CPU of a WHEP viewer of 3 Mbit/s", Value: (all - one) / float64(viewers-1), Unit: "% of a core", Most: 0.5, More: more}.Print()
	p99, frames := late.quantile(0.99)
	p50, _ := late.quantile(0.5)
	return errors.Join(err, rig.Result{
		What: "a frame in the server, from its writer to its last packet to a WHEP viewer, p99", Value: p99 * 1000, Unit: "ms", Most: 10,
		More: map[string]any{"p50_ms": p50 * 1000, "frames": frames},
	}.Print())
}

// watched has so many viewers watch, and gives the CPU that the server has meanwhile, in
// percent of a core, and how late its frames were.
func watched(ctx context.Context, s *rig.Server, admin string, viewers int, warmup, length time.Duration) (percent float64, late histogram, err error) {
	args := []string{"-watch", s.Web + "/live/whep/whep", "-viewers", strconv.Itoa(viewers)}
	err = rig.Child(ctx, args, func(line string, clients rig.Process) error {
		if line != "ready" {
			return fmt.Errorf("the viewers said %q", line)
		}
		if err := rig.Sleep(ctx, warmup); err != nil {
			return err
		}
		before, err := read(ctx, admin)
		if err != nil {
			return err
		}
		theirs, err := clients.CPU()
		if err != nil {
			return err
		}
		cpu, took, err := s.CPUFor(func() error { return rig.Sleep(ctx, length) })
		if err != nil {
			return err
		}
		after, err := read(ctx, admin)
		if err != nil {
			return err
		}
		all, err := clients.CPU()
		fmt.Fprintf(os.Stderr, "%d viewers: the server had %.1f %% of a core, they %.1f %%\n", viewers, 100*cpu.Seconds()/took.Seconds(), 100*(all-theirs).Seconds()/took.Seconds())
		percent, late = 100*cpu.Seconds()/took.Seconds(), after.since(before)
		return err
	})
	return percent, late, err
}

// bucket is how many frames took at most so long, in seconds.
type bucket struct{ most, frames float64 }

// histogram is the server's, by bounds that grow.
type histogram []bucket

const series = `weir_whep_frame_latency_seconds_bucket{le="`

// read asks the operators' port.
func read(ctx context.Context, admin string) (h histogram, err error) {
	page, err := (&rig.Server{Web: "http://" + admin}).Get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(page) {
		rest, ok := strings.CutPrefix(line, series)
		if !ok {
			continue
		}
		bound, count, _ := strings.Cut(rest, `"} `)
		var b bucket
		if b.most, err = strconv.ParseFloat(bound, 64); err != nil {
			return nil, err
		}
		if b.frames, err = strconv.ParseFloat(strings.TrimSpace(count), 64); err != nil {
			return nil, err
		}
		h = append(h, b)
	}
	if len(h) == 0 {
		return nil, errors.New("the server has no " + series)
	}
	return h, nil
}

// since is what came after another reading.
func (h histogram) since(before histogram) histogram {
	out := append(histogram(nil), h...)
	for i := range out {
		out[i].frames -= before[i].frames
	}
	return out
}

// quantile is the time that so large a part of the frames took at most, by straight lines
// between the bounds, in seconds, the largest bound for what is beyond it; and how many
// frames there were.
func (h histogram) quantile(q float64) (seconds, frames float64) {
	frames = h[len(h)-1].frames
	var below bucket
	for _, b := range h {
		if want := q * frames; b.frames >= want && b.frames > below.frames {
			if math.IsInf(b.most, 1) {
				break
			}
			return below.most + (b.most-below.most)*(want-below.frames)/(b.frames-below.frames), frames
		}
		below = b
	}
	return below.most, frames
}
