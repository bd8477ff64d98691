package rtc_test

import (
	"fmt"
	"testing"
	"time"

	"weir/media/rtc"
)

func TestTurnstile(t *testing.T) {
	for name, c := range map[string]struct {
		peer, same, other string
	}{
		"IPv4": {"192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1"},
		"IPv6": {"[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", "[2001:db8:2::1]:1"},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1000, 0)
			x := rtc.Turnstile{Now: func() time.Time { return now }}
			enter := func(peer string, ok bool) func() {
				t.Helper()
				stood, wait := x.Enter(peer)
				if (wait == 0) != ok || (stood != nil) != ok {
					t.Fatalf("%s: wait %v", peer, wait)
				}
				return stood
			}
			var all []func()
			for range 8 {
				all = append(all, enter(c.peer, true))
			}
			enter(c.same, false)
			enter(c.other, true)
			for _, stood := range all {
				stood()
				stood()
			}
			for range 12 { // of 20 at once
				enter(c.same, true)()
			}
			enter(c.peer, false)
			now = now.Add(200 * time.Millisecond)
			enter(c.peer, true)()
			enter(c.peer, false)
			now = now.Add(time.Hour)
			for range 20 {
				enter(c.peer, true)()
			}
			enter(c.peer, false)
		})
	}
}

// However many networks there are, only so many are known.
func TestTurnstileOfMany(t *testing.T) {
	now := time.Unix(1000, 0)
	x := rtc.Turnstile{Now: func() time.Time { return now }}
	refused := 0
	for i := range 70_000 {
		if _, wait := x.Enter(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)); wait > 0 {
			refused++
		}
	}
	if refused != 70_000-1<<16-8 {
		t.Errorf("%d were refused", refused)
	}
}
