package main

import (
	"strconv"
	"testing"

	"weir/media"
)

func TestGOPs(t *testing.T) {
	g := &gops{usual: 2 * media.Second, by: make(map[string]media.Time)}
	for i, tc := range []struct{ gop, known media.Time }{
		{media.Second, 0}, {5 * media.Second, 5 * media.Second}, {0, 5 * media.Second}, {3 * media.Second, 3 * media.Second}, {2 * media.Second, 0},
	} {
		if g.seen("name", tc.gop); g.of("name") != tc.known {
			t.Errorf("%d: %v after %v, want %v", i, g.of("name"), tc.gop, tc.known)
		}
	}
	for i := range 2 * gopsMost {
		g.seen(strconv.Itoa(i), 9*media.Second)
	}
	if n := len(g.by); n != gopsMost || g.of(strconv.Itoa(2*gopsMost-1)) == 0 {
		t.Errorf("%d names are kept, the newest as %v", n, g.of(strconv.Itoa(2*gopsMost-1)))
	}
}
