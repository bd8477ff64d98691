// ladder measures the CPU of a whole weir that makes 720p, 480p and 360p beside a
// 1080p30 source which passes through, against one ffmpeg process that does the same
// to the same file with the same settings of x264, one after the other.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"weir/bench/rig"
)

func main() {
	length := flag.Duration("length", 30*time.Second, "of each measurement")
	flag.Parse()
	rig.Main(func(ctx context.Context) error { return measure(ctx, *length) })
}

func measure(ctx context.Context, length time.Duration) error {
	// Sound of 44.1 kHz: both have to encode it.
	clip, err := rig.OpenClip(ctx, rig.ClipConfig{Width: 1920, Height: 1080, FPS: 30, Keys: 60, Bitrate: "6M", SampleRate: 44100, Seconds: 20})
	if err != nil {
		return err
	}
	ours, err := weir(ctx, clip, length)
	if err != nil {
		return err
	}
	theirs, err := ffmpeg(ctx, clip, length)
	if err != nil {
		return err
	}
	return rig.Result{What: "CPU of the ladder against ffmpeg", Value: ours / theirs, Unit: "x", Most: 1, More: map[string]any{
		"weir_cpu_s_per_s": ours, "ffmpeg_cpu_s_per_s": theirs, "seconds": length.Seconds(),
	}}.Print()
}

// weir returns CPU seconds for each second of the source.
func weir(ctx context.Context, clip *rig.Clip, length time.Duration) (perSecond float64, err error) {
	s, err := rig.Start(ctx, nil, "WEIR_LADDER=720p:2800k,480p:1400k,360p:800k")
	if err != nil {
		return 0, err
	}
	stopped := false
	defer func() {
		if !stopped {
			err = errors.Join(err, s.Stop())
		}
	}()
	_, off, err := rig.OnAir(ctx, s, "ladder", clip, nil)
	if err != nil {
		return 0, err
	}
	if err := rig.Sleep(ctx, 5*time.Second); err != nil {
		return 0, errors.Join(err, off())
	}
	cpu, took, err := s.CPUFor(func() error { return rig.Sleep(ctx, length) })
	if err != nil {
		return 0, errors.Join(err, off())
	}
	all, err := s.Get(ctx, "/live/ladder/index.m3u8")
	stopped = true
	if err = errors.Join(err, off(), s.Stop()); err != nil {
		return 0, err
	}
	if n := strings.Count(all, "#EXT-X-STREAM-INF"); n != 4 || strings.Contains(s.Log(), "cannot keep up") {
		return 0, fmt.Errorf("weir could not keep up: %d renditions at the end", n)
	}
	return cpu.Seconds() / took.Seconds(), nil
}

// ffmpeg does the same work by the program, paced like a live source.
func ffmpeg(ctx context.Context, clip *rig.Clip, length time.Duration) (perSecond float64, err error) {
	args := []string{
		"-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", clip.Path, "-t", fmt.Sprint(length.Seconds()),
		"-filter_complex", "[0:v]split=3[a][b][c];[a]scale=1280:720[v1];[b]scale=854:480[v2];[c]scale=640:360[v3]",
		"-map", "0:v", "-c:v:0", "copy", "-f", "flv", "/dev/null",
	}
	for i, kbit := range []int{2800, 1400, 800} {
		args = append(args, "-t", fmt.Sprint(length.Seconds()), "-map", fmt.Sprintf("[v%d]", i+1))
		if i == 0 {
			args = append(args, "-map", "0:a", "-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2")
		}
		args = append(
			args, "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p", "-threads:v", "1",
			"-bf", "0", "-sc_threshold", "0", "-g", "60", "-keyint_min", "60",
			"-b:v", fmt.Sprintf("%dk", kbit), "-maxrate", fmt.Sprintf("%dk", kbit*107/100), "-bufsize", fmt.Sprintf("%dk", kbit*3/2),
			"-x264-params", "rc-lookahead=0:mbtree=0:sync-lookahead=0:force-cfr=1", "-f", "flv", "-y", "/dev/null",
		)
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", append([]string{"-y"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return cpu.Seconds() / length.Seconds(), nil
}
