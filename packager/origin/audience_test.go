package origin

import (
	"net/netip"
	"testing"
	"time"
)

// A network's viewers are counted as fast as they may come, up to what it may bring;
// others do not wait for it.
func TestCrowds(t *testing.T) {
	var a Audience
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	here, there := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	id := uint64(0)
	flood := func(from netip.Addr, n int) {
		for range n {
			id++
			a.count(id, from, now)
		}
	}
	flood(here, 1000)
	if n := len(a.take(now)); n != crowdBurst {
		t.Errorf("%d at once", n)
	}
	flood(there, 10)
	if n := len(a.take(now)); n != 10 {
		t.Errorf("%d of another network", n)
	}
	now = now.Add(time.Second)
	flood(here, 1000)
	if n := len(a.take(now)); n != crowdPace {
		t.Errorf("%d a second later", n)
	}
	for range 1000 {
		now = now.Add(time.Second)
		flood(here, 100)
		for known := range a.known {
			a.count(known, here, now)
		}
		a.take(now)
	}
	if n := len(a.known); n > crowdMost+10 {
		t.Errorf("%d viewers are known", n)
	}
	now = now.Add(knownFor)
	a.take(now)
	now = now.Add(knownFor)
	if a.take(now); len(a.known) != 0 || len(a.crowds) != 0 {
		t.Errorf("%d viewers and %d networks are not forgotten", len(a.known), len(a.crowds))
	}
}
