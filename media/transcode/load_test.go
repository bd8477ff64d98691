package transcode

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestLoad plays a session in tenths of a second: how late the encoded rungs are, and
// what is decided.
func TestLoad(t *testing.T) {
	tests := []struct {
		name    string
		rungs   int
		keepOne bool
		lag     func(second int, off []bool) time.Duration
		seconds int
		want    []string // "SECOND-RUNG" shed, "SECOND+RUNG" back
	}{
		{"on time", 3, false, func(int, []bool) time.Duration { return 200 * time.Millisecond }, 600, nil},
		{"late at the start only", 3, false, func(s int, _ []bool) time.Duration {
			return time.Duration(max(0, 6-s)) * time.Second
		}, 60, nil},
		{"hiccup", 3, false, func(s int, _ []bool) time.Duration {
			return time.Duration(btoi(s == 20)) * 2 * time.Second
		}, 60, nil},
		{"too much for one", 2, false, func(_ int, off []bool) time.Duration {
			return time.Duration(btoi(!off[0])) * 2 * time.Second
		}, 200, []string{"7-0", "37+0", "40-0", "100+0", "103-0"}},
		{"too much for any", 2, false, func(int, []bool) time.Duration { return 2 * time.Second }, 30, []string{"7-0", "10-1"}},
		{"nothing is passed through", 2, true, func(int, []bool) time.Duration { return 2 * time.Second }, 30, []string{"7-0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, began := newLoad(tt.rungs), time.Unix(1000, 0)
			l.setKeepOne(tt.keepOne)
			var got []string
			note := func(second int, c change, ok bool) {
				if ok {
					got = append(got, fmt.Sprintf("%d%c%d", second, "+-"[btoi(c.shed)], c.rung))
				}
			}
			for tick := range 10 * tt.seconds {
				s, now := tick/10, began.Add(time.Duration(tick)*time.Second/10)
				c, ok := l.observe(-1, 0, now)
				note(s, c, ok)
				for r := range tt.rungs {
					if !l.off[r] {
						c, ok := l.observe(r, tt.lag(s, l.off), now)
						note(s, c, ok)
					}
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLoadForgetsTroubleOfLongAgo(t *testing.T) {
	l := newLoad(1)
	l.quiet, l.restored = longestQuiet, time.Unix(1000, 0)
	l.began, l.changed = time.Unix(0, 0), time.Unix(1000, 0)
	later := time.Unix(1000, 0).Add(3 * longestQuiet)
	l.observe(0, time.Minute, later)
	if c, ok := l.observe(0, time.Minute, later.Add(lateFor)); !ok || !c.shed || l.quiet != firstQuiet {
		t.Errorf("%+v, %v, quiet %v", c, ok, l.quiet)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
