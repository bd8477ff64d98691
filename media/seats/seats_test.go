package seats

import (
	"errors"
	"net/netip"
	"testing"
)

func TestNetwork(t *testing.T) {
	for _, tt := range []struct {
		a, b   string
		v4, v6 int
		same   bool
	}{
		{"10.1.2.3:1", "10.1.2.3:2", 32, 64, true},
		{"10.1.2.3:1", "[::ffff:10.1.2.3]:2", 32, 64, true},
		{"[2001:db8:1:2:3::1]:1", "[2001:db8:1:2:4::9]:2", 32, 64, true},
		{"[fe80::1%eth0]:1", "[fe80::1%eth1]:1", 32, 64, true},
		{"10.1.2.3:1", "10.1.2.4:1", 32, 64, false},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", 32, 64, false},
		{"10.1.2.3:1", "10.1.2.200:1", 24, 64, true},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", 32, 48, true},
		{"unknown", "", 32, 64, true},
	} {
		if (Network(tt.a, tt.v4, tt.v6) == Network(tt.b, tt.v4, tt.v6)) != tt.same {
			t.Errorf("%s and %s in %d, %d bits: want the same %v", tt.a, tt.b, tt.v4, tt.v6, tt.same)
		}
	}
	for from, want := range map[string]string{"192.0.2.77": "192.0.2.0/24", "2001:db8:1:2::3": "2001:db8:1::/48"} {
		if got := Of(netip.MustParseAddr(from), 24, 48).String(); got != want {
			t.Errorf("%s is of %s", from, got)
		}
	}
	if Of(netip.Addr{}, 24, 48).IsValid() {
		t.Error("nowhere has a network")
	}
	if Host("10.1.2.3:1") != netip.MustParsePrefix("10.1.2.3/32") || Host("nowhere").IsValid() {
		t.Error("Host")
	}
}

func TestSeats(t *testing.T) {
	s := &Seats{All: 3, Each: 2}
	take := func(peer string, want error) netip.Prefix {
		t.Helper()
		seat, err := s.Take(peer)
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Fatalf("%s: %v, want %v", peer, err, want)
		}
		return seat
	}
	first := take("10.0.0.1:1", nil)
	take("10.0.0.1:2", nil)
	take("10.0.0.1:3", ErrEach)
	last := take("10.0.0.2:1", nil)
	take("10.0.0.3:1", ErrAll)
	s.Leave(first)
	take("10.0.0.3:1", nil)
	s.Leave(last)
	take("10.0.0.1:4", nil)
	take("10.0.0.1:5", ErrEach)
	wide := &Seats{All: 9, Each: 1, V4: 24}
	if _, err := wide.Take("10.0.0.1:1"); err != nil {
		t.Error(err)
	}
	if _, err := wide.Take("10.0.0.200:1"); !errors.Is(err, ErrEach) {
		t.Errorf("the same /24: %v", err)
	}
}
