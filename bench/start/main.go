// start measures from the moment at which a publisher is let in to the first frame
// on screen, key frames 2 s apart, ladder on: with a page that is open already, and
// with one that is opened 0.3 s later.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"weir/bench/rig"
)

func main() {
	runs := flag.Int("runs", 10, "runs of each kind")
	seconds := flag.Int("seconds", 30, "to look for stalls after the first frame, when the page was open before")
	flag.Parse()
	rig.Main(func(ctx context.Context) error { return measure(ctx, *runs, *seconds) })
}

// late is when a page is opened, after the publisher was let in.
const late = 300 * time.Millisecond

// kind is a viewer and when it comes.
type kind struct {
	player string // hls, dash or watch
	late   bool
	most   float64
}

func measure(ctx context.Context, runs, seconds int) (err error) {
	clip, err := rig.OpenClip(ctx, rig.ClipConfig{Width: 1280, Height: 720, FPS: 30, Keys: 60, Bitrate: "3M", Seconds: 20})
	if err != nil {
		return err
	}
	s, err := rig.Start(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	b, err := rig.OpenBrowser(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	kinds := []kind{{"hls", false, 800}, {"dash", false, 600}, {"watch", false, 800}, {"hls", true, 1100}, {"dash", true, 1100}, {"watch", true, 1100}}
	for i, k := range kinds {
		if err := repeat(ctx, s, b, clip, k, fmt.Sprintf("k%d", i), runs, seconds); err != nil {
			return err
		}
	}
	return nil
}

func repeat(ctx context.Context, s *rig.Server, b *rig.Browser, clip *rig.Clip, k kind, prefix string, runs, seconds int) error {
	what := "publish to first frame, " + k.player + ", page open before"
	if k.late {
		what, seconds = "publish to first frame, "+k.player+", page opened 0.3 s after", min(seconds, 3)
	}
	var took []float64
	clean, stalls := 0, []int{}
	for n := range runs {
		ms, seen, err := once(ctx, s, b, clip, k, fmt.Sprintf("%s-%d", prefix, n), seconds)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %.0f ms, %d stalls of %.0f ms %v\n", what, ms, seen.Stalls, seen.StallTime, seen.Fatal)
		took = append(took, ms)
		stalls = append(stalls, seen.Stalls)
		if seen.Stalls == 0 {
			clean++
		}
	}
	slices.Sort(took)
	return rig.Result{What: what, Value: rig.Quantile(took, 0.5), Unit: "ms", Most: k.most, More: map[string]any{
		"runs_ms": took, "runs_without_stall": clean, "stalls": stalls, "seconds": seconds,
	}}.Print()
}

// once publishes under a name that was never used, so that nothing is known of it.
func once(ctx context.Context, s *rig.Server, b *rig.Browser, clip *rig.Clip, k kind, name string, seconds int) (ms float64, seen rig.Seen, err error) {
	v := rig.View{Player: k.player, Seconds: seconds, URL: s.Web + "/live/" + name + "/index.m3u8"}
	switch k.player {
	case "dash":
		v.URL = s.Web + "/live/" + name + "/manifest.mpd"
	case "watch":
		v.Player, v.URL, v.Watch = "", "", s.Web+"/watch/"+name
	}
	v.Tab = k.late
	w, err := b.Watch(v)
	if err != nil {
		return 0, seen, err
	}
	if err = b.Ready(w); err != nil {
		return 0, seen, err
	}
	// The page settles, as one that was open for long.
	if err = rig.Sleep(ctx, 1500*time.Millisecond); err != nil {
		return 0, seen, err
	}
	p, off, err := rig.OnAir(ctx, s, name, clip, nil)
	if err != nil {
		return 0, seen, err
	}
	defer func() { err = errors.Join(err, off()) }()
	if k.late {
		if err = rig.Sleep(ctx, late); err != nil {
			return 0, seen, err
		}
		if err = b.Go(w); err != nil {
			return 0, seen, err
		}
	}
	seen, err = b.Report(w)
	return float64(seen.FirstFrame - p.Accepted.UnixMilli()), seen, err
}
