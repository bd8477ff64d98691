// idle measures a weir with nothing to do: how soon it is ready and how much memory
// it has ten seconds later.
package main

import (
	"context"
	"errors"
	"flag"
	"time"

	"weir/bench/rig"
)

func main() {
	wait := flag.Duration("wait", 10*time.Second, "before the memory is read")
	flag.Parse()
	rig.Main(func(ctx context.Context) error { return measure(ctx, *wait) })
}

func measure(ctx context.Context, wait time.Duration) (err error) {
	s, err := rig.Start(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := (rig.Result{What: "start to ready", Value: rig.Millis(s.Ready), Unit: "ms", Most: 1000}).Print(); err != nil {
		return err
	}
	if err := rig.Sleep(ctx, wait); err != nil {
		return err
	}
	rss, err := s.RSS()
	if err != nil {
		return err
	}
	return rig.Result{What: "memory when idle", Value: float64(rss) / 1e6, Unit: "MB", Most: 60}.Print()
}
