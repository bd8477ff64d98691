package ingesttest

import (
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Run runs a server until the test ends, or stop is called, which waits for its end. Its
// error fails the test.
func Run(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// FFmpeg runs the ffmpeg program to its end; output is what it complained about.
func FFmpeg(t testing.TB, args ...string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	b, err := exec.CommandContext(ctx, "ffmpeg", append([]string{"-hide_banner", "-nostdin", "-loglevel", "warning"}, args...)...).CombinedOutput()
	return string(b), err
}
