package lane

import (
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLanesKeepOrderInside(t *testing.T) {
	var l Lanes
	var mu sync.Mutex
	got := map[string][]int{}
	for i := range 10_000 {
		key := strconv.Itoa(i % 37)
		l.Go(key, func() {
			mu.Lock()
			defer mu.Unlock()
			got[key] = append(got[key], i)
		})
	}
	l.Wait()
	n := 0
	for key, list := range got {
		for i := 1; i < len(list); i++ {
			if list[i] <= list[i-1] {
				t.Fatalf("lane %s: %d after %d", key, list[i], list[i-1])
			}
		}
		n += len(list)
	}
	if n != 10_000 {
		t.Errorf("%d of 10000 ran", n)
	}
	if len(l.waiting) != 0 {
		t.Errorf("%d lanes are left", len(l.waiting))
	}
}

func TestLanesRunSideBySide(t *testing.T) {
	var l Lanes
	stop := make(chan struct{})
	done := make(chan string, 3)
	l.Go("a", func() { <-stop; done <- "a1" })
	l.Go("a", func() { done <- "a2" })
	l.Go("b", func() { done <- "b" })
	l.Go("", func() { <-stop })
	l.Go("", func() { close(stop) })
	var got []string
	for range 3 {
		got = append(got, <-done)
	}
	l.Wait()
	if a1, a2 := index(got, "a1"), index(got, "a2"); a1 > a2 {
		t.Errorf("order %v", got)
	}
}

func index(list []string, s string) int {
	for i, v := range list {
		if v == s {
			return i
		}
	}
	return -1
}

func BenchmarkWhatDoesALaneCost(b *testing.B) {
	var l Lanes
	keys := make([]string, 64)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	i := 0
	for b.Loop() {
		l.Go(keys[i%64], func() {})
		i++
	}
	l.Wait()
}
