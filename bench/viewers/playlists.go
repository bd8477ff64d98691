package main

import (
	"context"
	"sync"
	"time"

	"weir/bench/rig"
)

// free measures playlist requests that are answered at once.
func (st *stage) free(ctx context.Context, length time.Duration) error {
	list, err := rig.DialAll(ctx, st.addr, 64, 4096)
	if err != nil {
		return err
	}
	defer rig.HangUp(list)
	size := 0
	micros, n, err := st.cost(func() (n int, err error) {
		n, size, err = rig.Hammer(list, st.playlist, length)
		return n, err
	})
	if err != nil {
		return err
	}
	theirs, err := bare(ctx, size, func(addr string, p rig.Process) (float64, error) {
		list, err := rig.DialAll(ctx, addr, len(list), 4096)
		if err != nil {
			return 0, err
		}
		defer rig.HangUp(list)
		micros, _, err := (&stage{server: &rig.Server{Process: p}}).cost(func() (n int, err error) {
			n, _, err = rig.Hammer(list, "/", length)
			return n, err
		})
		return micros, err
	})
	if err != nil {
		return err
	}
	return rig.Result{What: "playlist request that is not held", Value: micros, Unit: "us CPU", Most: 15, More: map[string]any{
		"requests": n, "bytes": size, "bare_handler_us": theirs,
	}}.Print()
}

// ahead is how many parts before a part the requests for it are sent: long enough
// for all of them to arrive, and within what the server lets them ask for.
const ahead = 9

// held measures many requests that wait for the same part.
func (st *stage) held(ctx context.Context, viewers, rounds int) error {
	before, err := st.server.RSS()
	if err != nil {
		return err
	}
	list, err := rig.DialAll(ctx, st.addr, viewers, 4096)
	if err != nil {
		return err
	}
	defer rig.HangUp(list)
	var delays []time.Duration
	var memory int64
	micros, n, err := st.cost(func() (int, error) {
		for range rounds {
			d, rss, err := st.round(list)
			if err != nil {
				return 0, err
			}
			memory = max(memory, rss)
			delays = append(delays, d...)
		}
		return viewers * rounds, nil
	})
	if err != nil {
		return err
	}
	more := map[string]any{"requests": n, "viewers": viewers, "p50_ms": rig.Quantile(delays, 0.5) / 1e6, "max_ms": rig.Quantile(delays, 1) / 1e6}
	if err := (rig.Result{What: "held playlist request, part to answer, p99", Value: rig.Quantile(delays, 0.99) / 1e6, Unit: "ms", Most: 250, More: more}).Print(); err != nil {
		return err
	}
	if err := (rig.Result{What: "held playlist request", Value: micros, Unit: "us CPU", Most: 30}).Print(); err != nil {
		return err
	}
	return rig.Result{What: "held playlist request, memory", Value: float64(memory-before) / float64(viewers) / 1000, Unit: "kB", Most: 20}.Print()
}

// round asks for a part to come on every connection, and says how long after its
// last frame was sent each answer was there, and how much memory the server had
// while all waited.
func (st *stage) round(list []*rig.Conn) (delays []time.Duration, rss int64, err error) {
	part := st.diary.Parts() + ahead
	path := st.playlist + rig.Blocking(part)
	for _, c := range list {
		if err := c.Ask(path); err != nil {
			return nil, 0, err
		}
	}
	st.diary.Await(part - 1)
	if rss, err = st.server.RSS(); err != nil {
		return nil, 0, err
	}
	delays = make([]time.Duration, len(list))
	got := make([]time.Time, len(list))
	errs := make([]error, len(list))
	var all sync.WaitGroup
	for i, c := range list {
		all.Go(func() {
			_, errs[i] = c.Answer()
			got[i] = time.Now()
		})
	}
	wrote := st.diary.Await(part)
	all.Wait()
	for i := range list {
		if errs[i] != nil {
			return nil, 0, errs[i]
		}
		delays[i] = got[i].Sub(wrote)
	}
	return delays, rss, nil
}
