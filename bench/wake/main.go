// wake measures from the last frame of a part, written to the RTMP connection, to
// the whole part at a client whose request was held for it, and to the playlist that
// lists it; the stream passes through.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"weir/bench/rig"
)

func main() {
	parts := flag.Int("parts", 200, "parts to look at")
	flag.Parse()
	rig.Main(func(ctx context.Context) error {
		return errors.Join(measure(ctx, *parts, "off", ""), measure(ctx, *parts, "all", ", recorded"))
	})
}

// measure does it with WEIR_RECORD; as says so.
func measure(ctx context.Context, parts int, record, as string) (err error) {
	clip, err := rig.OpenClip(ctx, rig.ClipConfig{Width: 1280, Height: 720, FPS: 30, Keys: 60, Bitrate: "3M", Seconds: 20})
	if err != nil {
		return err
	}
	s, err := rig.Start(ctx, nil, "WEIR_LADDER=off", "WEIR_RECORD="+record)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	diary := rig.NewDiary()
	_, off, err := rig.OnAir(ctx, s, "wake", clip, diary.Wrote)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, off()) }()
	playlist, err := s.Playlist(ctx, "wake")
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(playlist, "index.m3u8")
	type answer struct {
		delays []time.Duration
		err    error
	}
	byPart, byList := make(chan answer, 1), make(chan answer, 1)
	first := diary.Parts() + 12 // beyond the mini segments
	diary.Await(first - 2)
	if _, err := s.Get(ctx, playlist+rig.Blocking(first-1)); err != nil {
		return err
	}
	follow := func(to chan answer, address func(n int) string) {
		d, err := follow(ctx, s, diary, first, parts, address)
		to <- answer{d, err}
	}
	go follow(byPart, func(n int) string {
		msn, part := rig.Part(n)
		if part == 0 { // it is not known yet that a segment begins
			return playlist + rig.Blocking(n)
		}
		return fmt.Sprintf("%s%d.%d.m4s", base, msn, part)
	})
	go follow(byList, func(n int) string { return playlist + rig.Blocking(n) })
	for _, x := range []struct {
		what string
		from chan answer
	}{{"last frame of a part to the whole part at a held request", byPart}, {"last frame of a part to the playlist at a held request", byList}} {
		a := <-x.from
		if a.err != nil {
			err = errors.Join(err, a.err)
			continue
		}
		err = errors.Join(err, rig.Result{What: x.what + as, Value: rig.Quantile(a.delays, 0.5) / 1e6, Unit: "ms", Most: 10, More: map[string]any{
			"p95_ms": rig.Quantile(a.delays, 0.95) / 1e6, "max_ms": rig.Quantile(a.delays, 1) / 1e6, "parts": len(a.delays),
		}}.Print())
	}
	return err
}

// follow asks for one part after the other, each before its last frame was sent. A
// request that came too late for that is left out.
func follow(ctx context.Context, s *rig.Server, diary *rig.Diary, first, parts int, address func(n int) string) (delays []time.Duration, err error) {
	for n := first; n < first+parts; n++ {
		held := diary.Parts() <= n
		if _, err := s.Get(ctx, address(n)); err != nil {
			return nil, err
		}
		got := time.Now()
		if wrote := diary.Await(n); held {
			if got.Before(wrote) {
				return nil, fmt.Errorf("part %d came %v before it was sent: it is another one", n, wrote.Sub(got))
			}
			delays = append(delays, got.Sub(wrote))
		}
	}
	return delays, nil
}
