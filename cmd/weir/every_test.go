package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A chore that begins to fail is told of once, one that works again too, and the end is
// no failure.
func TestChore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var log bytes.Buffer
		began, n := time.Now(), 0
		chore{
			period: time.Minute, log: slog.New(slog.NewTextHandler(&log, nil)), fails: "it fails", works: "it works",
		}.keep(ctx, func(context.Context) error {
			switch n++; n {
			case 2, 3, 5:
				return errors.New("away")
			case 7:
				cancel()
				return ctx.Err()
			}
			return nil
		})
		if n != 7 || time.Since(began) != 7*time.Minute {
			t.Errorf("%d times in %v", n, time.Since(began))
		}
		var said []string
		for line := range strings.Lines(log.String()) {
			_, words, _ := strings.Cut(line, " level=")
			said = append(said, strings.TrimSpace(words))
		}
		const fails, works = `WARN msg="it fails" err=away`, `INFO msg="it works"`
		if got, want := strings.Join(said, "\n"), strings.Join([]string{fails, works, fails, works}, "\n"); got != want {
			t.Errorf("the log says\n%s", got)
		}
	})
}
