// viewers measures what viewers cost: thousands of playlist requests that are held
// for one part, requests that are not held, and ready segments, the last against a
// bare net/http handler with the bytes in memory. The client is on the same machine
// and writes HTTP by hand, to leave the processor to the server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"weir/bench/rig"
)

func main() {
	viewers := flag.Int("viewers", 5000, "held requests at a time")
	rounds := flag.Int("rounds", 10, "parts that are waited for")
	length := flag.Duration("length", 5*time.Second, "of each of the other measurements")
	bare := flag.Int("bare", 0, "serve so many bytes and nothing else: what segments are compared with")
	flag.Parse()
	if *bare > 0 {
		rig.Main(func(ctx context.Context) error { return serveBytes(ctx, *bare) })
		return
	}
	rig.Main(func(ctx context.Context) error { return measure(ctx, *viewers, *rounds, *length) })
}

// stage is the stream that all of it is about.
type stage struct {
	server   *rig.Server
	diary    *rig.Diary
	addr     string
	playlist string
	idle     float64 // CPU seconds a second that the stream takes without viewers
}

func measure(ctx context.Context, viewers, rounds int, length time.Duration) (err error) {
	clip, err := rig.OpenClip(ctx, rig.ClipConfig{Width: 1280, Height: 720, FPS: 30, Keys: 60, Bitrate: "2M", Seconds: 20})
	if err != nil {
		return err
	}
	s, err := rig.Start(ctx, nil, "WEIR_LADDER=off")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	st := &stage{server: s, diary: rig.NewDiary(), addr: strings.TrimPrefix(s.Web, "http://")}
	_, off, err := rig.OnAir(ctx, s, "viewers", clip, st.diary.Wrote)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, off()) }()
	if st.playlist, err = s.Playlist(ctx, "viewers"); err != nil {
		return err
	}
	st.diary.Await(60) // some segments are there
	cpu, took, err := s.CPUFor(func() error { return rig.Sleep(ctx, length) })
	if err != nil {
		return err
	}
	st.idle = cpu.Seconds() / took.Seconds()
	fmt.Fprintf(os.Stderr, "the stream alone takes %.1f ms of CPU a second\n", st.idle*1000)
	if err := st.free(ctx, length); err != nil {
		return fmt.Errorf("requests that are not held: %w", err)
	}
	if err := st.segments(ctx, length); err != nil {
		return fmt.Errorf("segments: %w", err)
	}
	if err := st.held(ctx, viewers, rounds); err != nil {
		return fmt.Errorf("held requests: %w", err)
	}
	return nil
}

// cost is the server's CPU for what f does, in microseconds of f's requests; what
// the stream takes anyway is left out.
func (st *stage) cost(f func() (requests int, err error)) (micros float64, requests int, err error) {
	cpu, took, err := st.server.CPUFor(func() error {
		var err error
		requests, err = f()
		return err
	})
	return (cpu.Seconds() - st.idle*took.Seconds()) / float64(requests) * 1e6, requests, err
}
