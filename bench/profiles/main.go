// profiles measures what it costs to read a user's profile through the gateway: the
// user-service is in the same process, or, with WEIR_DATABASE_URL, on PostgreSQL. The
// client is on the same machine and writes HTTP by hand.
package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"sync"
	"time"

	"weir/bench/rig"
)

func main() {
	conns := flag.Int("conns", 32, "readers at a time")
	length := flag.Duration("length", 10*time.Second, "of the measurement")
	flag.Parse()
	rig.Main(func(ctx context.Context) error { return measure(ctx, *conns, *length) })
}

func measure(ctx context.Context, conns int, length time.Duration) (err error) {
	settings, where := []string{"WEIR_LADDER=off"}, "embedded"
	if url := os.Getenv("WEIR_DATABASE_URL"); url != "" {
		key := strings.Repeat("0b", 32) // the same each time, as the database stays
		settings, where = append(settings, "WEIR_DATABASE_URL="+url, "WEIR_SECRET_KEY="+key), "PostgreSQL"
	}
	s, err := rig.Start(ctx, nil, settings...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	const path = "/api/v1/users/by-name/admin" // the first account
	if _, err := s.Get(ctx, path); err != nil {
		return err
	}
	list, err := rig.DialAll(ctx, strings.TrimPrefix(s.Web, "http://"), conns, 4096)
	if err != nil {
		return err
	}
	defer rig.HangUp(list)
	var delays []time.Duration
	cpu, took, err := s.CPUFor(func() (err error) {
		delays, err = read(list, path, length)
		return err
	})
	if err != nil {
		return err
	}
	n := float64(len(delays))
	more := map[string]any{"a_second": n / took.Seconds(), "p50_ms": rig.Quantile(delays, 0.5) / 1e6, "p99_ms": rig.Quantile(delays, 0.99) / 1e6}
	return rig.Result{What: "a profile through the gateway, " + where, Value: cpu.Seconds() / n * 1e6, Unit: "us CPU", More: more}.Print()
}

// read asks over all connections, one request after the other on each, and tells how
// long each answer took.
func read(list []*rig.Conn, path string, length time.Duration) (delays []time.Duration, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	end := time.Now().Add(length)
	for _, c := range list {
		all.Go(func() {
			var mine []time.Duration
			var e error
			for now := time.Now(); e == nil && now.Before(end); {
				if e = c.Ask(path); e == nil {
					_, e = c.Answer()
				}
				then := now
				now = time.Now()
				mine = append(mine, now.Sub(then))
			}
			mu.Lock()
			defer mu.Unlock()
			delays, err = append(delays, mine...), errors.Join(err, e)
		})
	}
	all.Wait()
	return delays, err
}
