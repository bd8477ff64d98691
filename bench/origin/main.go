// origin measures what the gateway adds to the media origin: a playlist and a stored
// segment of 500 kB, by the same handler in the same process, once on a bare net/http
// server and once behind the gateway, in turns.
package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"weir/bench/rig"
)

func main() {
	length := flag.Duration("length", 500*time.Millisecond, "of each turn")
	turns := flag.Int("turns", 16, "of each server, for each kind of request")
	serves := flag.Bool("serve", false, "be the servers, and nothing else")
	flag.Parse()
	if *serves {
		rig.Main(serve)
		return
	}
	rig.Main(func(ctx context.Context) error {
		return rig.Child(ctx, []string{"-serve"}, func(line string, p rig.Process) error {
			bare, gateway, ok := strings.Cut(line, " ")
			if !ok {
				return fmt.Errorf("no addresses: %q", line)
			}
			for _, m := range []measurement{{"playlist", playlistPath, 64, 0}, {"stored segment", segmentPath, 8, segmentBytes}} {
				if err := m.run(ctx, p, [2]string{bare, gateway}, *length, *turns); err != nil {
					return fmt.Errorf("%s: %w", m.what, err)
				}
			}
			return nil
		})
	})
}

// measurement is one kind of request.
type measurement struct {
	what  string
	path  string
	conns int
	size  int // of the answer; 0: any
}

// run asks both servers in turns, so that a machine that changes its speed does so for
// both.
func (m measurement) run(ctx context.Context, p rig.Process, addrs [2]string, length time.Duration, turns int) error {
	var lists [2][]*rig.Conn
	for i, addr := range addrs {
		list, err := rig.DialAll(ctx, addr, m.conns, 64<<10)
		if err != nil {
			return err
		}
		defer rig.HangUp(list)
		lists[i] = list
	}
	var cpu [2]time.Duration
	var requests [2]int
	for range turns {
		for i, list := range lists {
			n, size := 0, 0
			spent, _, err := p.CPUFor(func() (err error) {
				n, size, err = rig.Hammer(list, m.path, length)
				return err
			})
			if err == nil && m.size != 0 && size != m.size {
				err = fmt.Errorf("%d bytes and not %d", size, m.size)
			}
			if err != nil {
				return err
			}
			cpu[i], requests[i] = cpu[i]+spent, requests[i]+n
		}
	}
	micros := func(i int) float64 { return cpu[i].Seconds() / float64(requests[i]) * 1e6 }
	return rig.Result{What: m.what + ", the origin behind the gateway against bare", Value: micros(1) / micros(0), Unit: "x CPU", More: map[string]any{
		"bare_us": micros(0), "gateway_us": micros(1),
	}}.Print()
}
