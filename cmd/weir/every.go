package main

import (
	"context"
	"log/slog"
	"time"
)

// every calls do after each period until ctx ends.
func every(ctx context.Context, period time.Duration, do func()) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// chore is what is done again and again, whether it works or not.
type chore struct {
	period       time.Duration
	log          *slog.Logger
	fails, works string // lines of the log: when it begins to fail, and when it works again
}

// keep calls do after each period until ctx ends.
func (c chore) keep(ctx context.Context, do func(context.Context) error) {
	ill := false
	every(ctx, c.period, func() {
		err := do(ctx)
		bad := err != nil && ctx.Err() == nil
		switch {
		case bad && !ill:
			c.log.Warn(c.fails, "err", err)
		case !bad && ill:
			c.log.Info(c.works)
		}
		ill = bad
	})
}
