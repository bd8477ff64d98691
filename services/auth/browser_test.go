package auth

import (
	"errors"
	"testing"

	"weir/services/fault"
)

func TestBrowserCheck(t *testing.T) {
	check, err := NewBrowserCheck("https://tv.example.org", "http://localhost:5173")
	ok(t, err)
	const host = "weir.example:8080"
	for _, c := range []struct {
		name, site, origin, host string
		want                     bool
	}{
		{"own page", "same-origin", "https://weir.example:8080", host, true},
		{"own page, GET-like without Origin", "same-origin", "", host, true},
		{"own page, older browser", "", "https://weir.example:8080", host, true},
		{"own page, plain HTTP", "", "http://weir.example:8080", host, true},
		{"own page, other case", "", "HTTP://Weir.Example:8080", host, true},
		{"another origin of ours", "cross-site", "https://tv.example.org", host, true},
		{"another origin, older browser", "", "http://localhost:5173", host, true},
		{"other site", "cross-site", "https://evil.example", host, false},
		{"other site, older browser", "", "https://evil.example", host, false},
		{"sister domain", "same-site", "https://blog.weir.example", host, false},
		{"other port", "same-site", "https://weir.example:9090", host, false},
		{"typed address", "none", "", host, false},
		{"no browser", "", "", host, false},
		{"sandboxed frame", "cross-site", "null", host, false},
		{"sandboxed frame, older browser", "", "null", host, false},
		{"host as a prefix", "", "https://weir.example:8080.evil.example", host, false},
		{"host as user", "", "https://weir.example:8080@evil.example", host, false},
		{"host as path", "", "https://evil.example/weir.example:8080", host, false},
		{"other scheme", "", "ftp://weir.example:8080", host, false},
		{"no host", "", "https://", "", false},
		{"site lies in case", "Same-Origin", "https://evil.example", host, false},
		{"site contradicts the host", "cross-site", "https://weir.example:8080", host, false},
		{"list as a prefix", "cross-site", "https://tv.example.org.evil.example", host, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site}
			err := check.Check(c.host, func(name string) string { return headers[name] })
			if (err == nil) != c.want {
				t.Fatalf("got %v", err)
			}
			if err != nil && (!errors.Is(err, ErrCrossSite) || !fault.Is(err, fault.Denied)) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestBrowserCheckNeedsOrigins(t *testing.T) {
	for _, origin := range []string{"", "*", "null", "tv.example.org", "https://", "https://x/", "https://x/y", "https://u@x", "https://x?q", "file:///x"} {
		if _, err := NewBrowserCheck(origin); err == nil {
			t.Errorf("%q was taken", origin)
		}
	}
}
