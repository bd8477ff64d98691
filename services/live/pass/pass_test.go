package pass_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/live/pass"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ring(t testing.TB, keys ...pass.Key) *pass.Ring {
	t.Helper()
	r := &pass.Ring{}
	if err := r.Set(keys...); err != nil {
		t.Fatal(err)
	}
	return r
}

func key(number uint32, created time.Time) pass.Key {
	return pass.Key{Number: number, Secret: pass.NewSecret(), Created: created}
}

func some() pass.Pass {
	return pass.Pass{
		Channel: uuid.MustParse("01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11"), Name: "anna", Viewer: 7,
		Holder: pass.Holder{Kind: pass.Link, ID: uuid.MustParse("01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a12")},
		Issued: now, Expires: now.Add(12 * time.Hour),
	}
}

func TestRoundTrip(t *testing.T) {
	r := ring(t, key(1, now))
	for name, change := range map[string]func(*pass.Pass){
		"link":    func(*pass.Pass) {},
		"anybody": func(p *pass.Pass) { p.Holder = pass.Holder{} },
		"user":    func(p *pass.Pass) { p.Holder.Kind = pass.User },
		"IPv4":    func(p *pass.Pass) { p.Network = netip.MustParsePrefix("198.51.100.7/32") },
		"IPv6":    func(p *pass.Pass) { p.Network = netip.MustParsePrefix("2001:db8::/64") },
		"longest": func(p *pass.Pass) {
			p.Name = strings.Repeat("x", 63)
			p.Network = netip.MustParsePrefix("2001:db8::1/128")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := some()
			change(&p)
			from := netip.MustParseAddr("203.0.113.1")
			if p.Network.IsValid() {
				from = p.Network.Addr()
			}
			text := r.Sign(p, now)
			got, err := r.Read(text, from, now.Add(time.Hour))
			if err != nil || fmt.Sprint(got) != fmt.Sprint(p) {
				t.Errorf("got %+v, %v, want %+v", got, err, p)
			}
			if len(text) > 300 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
				t.Errorf("%d bytes: %s", len(text), text)
			}
			if p.Network.IsValid() {
				for _, from := range []netip.Addr{netip.MustParseAddr("198.51.100.8"), netip.MustParseAddr("2001:db9::1"), {}} {
					if _, err := r.Read(text, from, now); !errors.Is(err, pass.ErrAddress) {
						t.Errorf("from %v: %v", from, err)
					}
				}
			}
		})
	}
}

// Every bit counts, and so does the end.
func TestForged(t *testing.T) {
	r := ring(t, key(1, now))
	text := r.Sign(some(), now)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range text {
		for _, c := range alphabet {
			forged := text[:i] + string(c) + text[i+1:]
			if _, err := r.Read(forged, netip.Addr{}, now); forged != text && !errors.Is(err, pass.ErrInvalid) {
				t.Fatalf("%q in place %d: %v", c, i, err)
			}
		}
	}
	for _, forged := range []string{"", "~", text + "A", text + text, text[:len(text)-1], text[1:], strings.Repeat("A", 500), "a b", text + "="} {
		if _, err := r.Read(forged, netip.Addr{}, now); !errors.Is(err, pass.ErrInvalid) {
			t.Errorf("%.20q: %v", forged, err)
		}
	}
	if _, err := ring(t, key(1, now)).Read(text, netip.Addr{}, now); !errors.Is(err, pass.ErrInvalid) {
		t.Errorf("of another installation: %v", err)
	}
	if _, err := new(pass.Ring).Read(text, netip.Addr{}, now); !errors.Is(err, pass.ErrInvalid) {
		t.Errorf("without keys: %v", err)
	}
	if got := new(pass.Ring).Sign(some(), now); got != "" {
		t.Errorf("signed without a key: %q", got)
	}
}

func TestExpiry(t *testing.T) {
	r := ring(t, key(1, now))
	text := r.Sign(some(), now)
	if _, err := r.Read(text, netip.Addr{}, now.Add(12*time.Hour-time.Second)); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(text, netip.Addr{}, now.Add(12*time.Hour)); !errors.Is(err, pass.ErrExpired) {
		t.Error(err)
	}
}

// A key to come does not sign; what an old one has signed holds until it is left out.
func TestRotation(t *testing.T) {
	old, next := key(1, now.Add(-time.Hour)), key(2, now.Add(time.Minute))
	both := ring(t, old, next)
	text := both.Sign(some(), now)
	if _, err := ring(t, old).Read(text, netip.Addr{}, now); err != nil {
		t.Errorf("signed with a key that has not begun: %v", err)
	}
	later := both.Sign(some(), now.Add(time.Minute))
	if _, err := ring(t, next).Read(later, netip.Addr{}, now); err != nil {
		t.Errorf("not signed with the newest key: %v", err)
	}
	if _, err := both.Read(text, netip.Addr{}, now); err != nil {
		t.Error(err)
	}
	if _, err := ring(t, next).Read(text, netip.Addr{}, now); !errors.Is(err, pass.ErrInvalid) {
		t.Errorf("a key that was left out: %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v", old, old, old); strings.Contains(text, fmt.Sprint(old.Secret[0], old.Secret[1])) {
		t.Error("a key prints its secret")
	}
}

func TestCookies(t *testing.T) {
	r := ring(t, key(1, now))
	cookie, other := r.Cookie("anna", now), r.Cookie("anna", now)
	a, ok := r.Viewer("anna", cookie)
	b, fine := r.Viewer("anna", other)
	if !ok || !fine || a == b || a == 0 {
		t.Errorf("%d %v, %d %v", a, ok, b, fine)
	}
	for _, forged := range []string{"", cookie[1:], cookie + "A", "B" + cookie[1:], cookie[:20] + other[20:], strings.Repeat("a", 24), strings.Repeat("A", 38)} {
		if n, ok := r.Viewer("anna", forged); ok {
			t.Errorf("%q is viewer %d", forged, n)
		}
	}
	if _, ok := r.Viewer("ben", cookie); ok {
		t.Error("the cookie of another stream")
	}
}

func FuzzRead(f *testing.F) {
	r := ring(f, key(1, now))
	f.Add(r.Sign(some(), now))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := r.Read(text, netip.Addr{}, now)
		if err == nil && r.Sign(p, now) != text {
			t.Errorf("%q is a pass, and not one of ours", text)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	r := ring(b, key(1, now))
	text := r.Sign(some(), now)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(text, netip.Addr{}, now); err != nil {
			b.Fatal(err)
		}
	}
}
