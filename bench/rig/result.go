package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// Result is one line of output. Most, when it is not zero, is what the project
// holds itself to.
type Result struct {
	What  string         `json:"what"`
	Value float64        `json:"value"`
	Unit  string         `json:"unit"`
	Most  float64        `json:"most,omitempty"`
	More  map[string]any `json:"more,omitempty"`
}

// Print writes r to stdout.
func (r Result) Print() error {
	if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
		return fmt.Errorf("%s was not measured", r.What)
	}
	r.Value = math.Round(r.Value*1000) / 1000
	return json.NewEncoder(os.Stdout).Encode(r)
}

// Main runs a program's measurement and exits with 1 when that fails. ctx ends when
// the program is asked to stop, and with it what was started.
func Main(measure func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := measure(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// Sleep lets time pass; the error is that of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Quantile of values, 0 to 1; NaN for none.
func Quantile[T ~int64 | ~float64](values []T, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))])
}

// Millis is a duration in milliseconds.
func Millis(d time.Duration) float64 { return d.Seconds() * 1000 }
