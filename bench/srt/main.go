// srt measures what an SRT publisher costs the server over a network that loses 2 % of the
// datagrams and delays them by up to 40 ms, with and without encryption, and what is lost
// for good. The publishers are gosrt's, in a process of their own with the network.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"weir/bench/rig"
)

const secret = "ten publishers of three megabits"

func main() {
	publishers := flag.Int("publishers", 10, "publishers")
	warmup := flag.Duration("warmup", 5*time.Second, "before the measurement")
	length := flag.Duration("length", 20*time.Second, "of the measurement")
	publish := flag.String("publish", "", "be the publishers of this address")
	encrypt := flag.Bool("encrypt", false, "with -publish: encrypted")
	flag.Parse()
	rig.Main(func(ctx context.Context) error {
		file, err := stream(ctx)
		if err != nil {
			return err
		}
		if *publish != "" {
			return crowd(ctx, *publish, file, *publishers, *encrypt)
		}
		return errors.Join(measure(ctx, *publishers, *warmup, *length, false), measure(ctx, *publishers, *warmup, *length, true))
	})
}

func measure(ctx context.Context, publishers int, warmup, length time.Duration, encrypt bool) error {
	addr, err := rig.FreePort(ctx)
	if err != nil {
		return err
	}
	admin, err := rig.FreePort(ctx)
	if err != nil {
		return err
	}
	if a := os.Getenv("WEIR_BENCH_ADMIN"); a != "" {
		admin = a
	}
	settings := []string{"WEIR_LADDER=off", "WEIR_DVR=20s", "WEIR_SRT_ADDR=" + addr, "WEIR_SRT_LATENCY=800ms", "WEIR_ADMIN_ADDR=" + admin}
	args, what := []string{"-publish", addr, "-publishers", strconv.Itoa(publishers)}, "CPU of an SRT publisher of 3 Mbit/s, 2 % loss"
	if encrypt {
		settings, args, what = append(settings, "WEIR_SRT_PASSPHRASE="+secret), append(args, "-encrypt"), what+", encrypted"
	}
	s, err := rig.Start(ctx, nil, settings...)
	if err != nil {
		return err
	}
	r := rig.Result{What: what, Unit: "% of a core", Most: 1.5}
	err = rig.Child(ctx, args, func(line string, _ rig.Process) error {
		if line != "ready" {
			return fmt.Errorf("the publishers said %q", line)
		}
		if err := rig.Sleep(ctx, warmup); err != nil {
			return err
		}
		before, err := read(ctx, admin)
		if err != nil {
			return err
		}
		cpu, took, err := s.CPUFor(func() error { return rig.Sleep(ctx, length) })
		if err != nil {
			return err
		}
		after, err := read(ctx, admin)
		n := after.since(before)
		r.Value = 100 * cpu.Seconds() / took.Seconds() / float64(publishers)
		r.More = map[string]any{"publishers": publishers, "packets": n["packets"], "missing_at_first": n["lost_packets"]}
		return err
	})
	if err = errors.Join(err, s.Stop()); err != nil {
		return err
	}
	left, holes := parted(s.Log())
	if left < publishers { // one whose handshake was lost has called again
		return fmt.Errorf("%d of %d publishers left a word in the log", left, publishers)
	}
	r.More["holes"] = holes
	return r.Print()
}

// parted reads in the server's log how many publishers left, and how many packets of their
// transport streams were missing after all.
func parted(log string) (left, holes int) {
	for line := range strings.Lines(log) {
		var l struct {
			Holes *int `json:"holes"`
		}
		if json.Unmarshal([]byte(line), &l) != nil || l.Holes == nil {
			continue // another line
		}
		left++
		holes += *l.Holes
	}
	return left, holes
}

// counters are the server's, summed over all publishers, by the middle of their names.
type counters map[string]float64

func (c counters) since(before counters) counters {
	out := counters{}
	for name, v := range c {
		out[name] = v - before[name]
	}
	return out
}

// read asks the operators' port.
func read(ctx context.Context, admin string) (counters, error) {
	page, err := (&rig.Server{Web: "http://" + admin}).Get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	c := counters{}
	for line := range strings.Lines(page) {
		rest, ok := strings.CutPrefix(line, "weir_srt_")
		if !ok {
			continue
		}
		name, value, ok := strings.Cut(rest, "_total{")
		if !ok {
			continue
		}
		_, value, _ = strings.Cut(value, "} ")
		n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return nil, err
		}
		c[name] += n
	}
	if c["packets"] == 0 {
		return nil, errors.New("the server has no packets of SRT")
	}
	return c, nil
}
