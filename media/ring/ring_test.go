package ring_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"weir/media/ring"
)

func TestOrderAndEnd(t *testing.T) {
	r := ring.New[int](ring.Limits{})
	for i := range 100 {
		if !r.Push(i, 1, true) {
			t.Fatalf("push %d refused", i)
		}
	}
	r.Close()
	if r.Push(100, 1, true) {
		t.Error("push after close was accepted")
	}
	for i := range 100 {
		if v, err := r.Pull(t.Context()); err != nil || v != i {
			t.Fatalf("pull %d: %d, %v", i, v, err)
		}
	}
	if _, err := r.Pull(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestFullRingDropsToTheNextRestart(t *testing.T) {
	for name, limits := range map[string]ring.Limits{"items": {Items: 4}, "bytes": {Bytes: 40}} {
		t.Run(name, func(t *testing.T) {
			r := ring.New[int](limits)
			for i := range 4 {
				r.Push(i, 10, i == 0)
			}
			if r.Push(4, 10, false) || r.Push(5, 10, false) {
				t.Error("a packet that depends on lost ones was queued")
			}
			if !r.Push(6, 10, true) || !r.Push(7, 10, false) {
				t.Error("the ring did not start again at the restart point")
			}
			if got := r.Dropped(); got != 6 {
				t.Errorf("dropped %d, want 6", got)
			}
			if v, _ := r.Pull(t.Context()); v != 6 {
				t.Errorf("first after the loss is %d, want 6", v)
			}
		})
	}
}

func TestOneItemLargerThanTheLimitPasses(t *testing.T) {
	r := ring.New[int](ring.Limits{Bytes: 10})
	if !r.Push(1, 100, true) {
		t.Error("an empty ring must take anything")
	}
}

func TestPullSeesContext(t *testing.T) {
	r := ring.New[int](ring.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Pull(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestConcurrent(t *testing.T) {
	r := ring.New[int](ring.Limits{Items: 8})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 10_000 {
			r.Push(i, 1, i%10 == 0)
		}
		r.Close()
	})
	last, n := -1, 0
	for {
		v, err := r.Pull(t.Context())
		if err != nil {
			break
		}
		if v <= last {
			t.Fatalf("%d after %d", v, last)
		}
		if v != last+1 && v%10 != 0 {
			t.Fatalf("went on at %d after %d: not a restart point", v, last)
		}
		last, n = v, n+1
	}
	wg.Wait()
	if uint64(n)+r.Dropped() != 10_000 {
		t.Errorf("%d pulled and %d dropped of 10000", n, r.Dropped())
	}
}

func BenchmarkPushPull(b *testing.B) {
	r := ring.New[int](ring.Limits{})
	b.ReportAllocs()
	for i := range b.N {
		r.Push(i, 1, true)
		_, _ = r.Pull(b.Context())
	}
}
