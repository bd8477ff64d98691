package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRoutes(t *testing.T) {
	named := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", name, r.URL.Path) })
	}
	full := newTestRouter(t, Config{Media: named("media"), API: named("api"), Web: webApp(),
		Now: func() time.Time { return time.Date(2026, 11, 23, 13, 4, 5, 6_700_000, time.FixedZone("", 3600)) }})
	bare := newTestRouter(t, Config{Ready: func() error { return errors.New("media is starting") }})
	const page, prob, text = "text/html; charset=utf-8", "application/problem+json", "text/plain; charset=utf-8"
	tests := []struct {
		h              http.Handler
		method, target string
		status         int
		kind, body     string // Content-Type; part of the body
	}{
		{full, "GET", "/live/main/index.m3u8", 200, "", "media /live/main/index.m3u8"},
		{full, "POST", "/live/main/whep", 200, "", "media /live/main/whep"},
		{full, "OPTIONS", "/vod/1/index.m3u8", 200, "", "media /vod/1/index.m3u8"},
		{full, "GET", "/live/a%2f..%2fb", 404, prob, ""},
		{full, "GET", "/live/%2e%2e/x", 404, prob, ""},
		{full, "GET", "/live//x", 404, prob, ""},
		{full, "GET", "/live/a%5cb", 404, prob, ""},
		{full, "GET", "/live/a%00b", 404, prob, ""},
		{full, "GET", "/", 200, page, "app"},
		{full, "HEAD", "/", 200, page, ""},
		{full, "GET", "/watch/main", 200, page, "app with a player"},
		{full, "GET", "/watch.html", 404, page, ""},
		{full, "GET", "/u/ada", 200, page, "app"},
		{full, "GET", "/settings/security", 200, page, "app"},
		{full, "GET", "/reset-password", 200, page, "app"},
		{full, "GET", "/settings/else", 404, page, "nothing here"},
		{full, "GET", "/studio", 200, page, "app"},
		{full, "GET", "/studio/main/history", 200, page, "app"},
		{full, "GET", "/studio/main/restream", 200, page, "app"},
		{full, "GET", "/admin/webhooks", 200, page, "app"},
		{full, "GET", "/replay/01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11", 200, page, "app"},
		{full, "GET", "/replay/01935a1c", 404, page, "nothing here"},
		{full, "GET", "/studio/main/else", 404, page, "nothing here"},
		{full, "GET", "/sign-in/x", 404, page, "nothing here"},
		{full, "GET", "/watch/MAIN", 404, page, "nothing here"},
		{full, "GET", "/watch/", 404, page, ""},
		{full, "GET", "/watch/main/x", 404, page, ""},
		{full, "GET", "/index.html", 404, page, ""},
		{full, "GET", "/.keep", 404, page, ""},
		{full, "GET", "/assets", 404, page, ""},
		{full, "GET", "/assets/", 404, page, ""},
		{full, "GET", "/assets/app-1a2b3c4d.js", 200, "text/javascript; charset=utf-8", "console.log"},
		{full, "GET", "/favicon.svg", 200, "image/svg+xml", "<svg/>"},
		{full, "GET", "/favicon.ico", 200, "image/svg+xml", "<svg/>"},
		{bare, "GET", "/favicon.ico", 204, "", ""},
		{full, "DELETE", "/", 405, prob, ""},
		{full, "GET", "/api/v1/streams", 200, "application/json", `{"streams":[]}`},
		{full, "POST", "/api/v1/streams", 405, prob, ""},
		{full, "GET", "/api/v1/other", 200, "", "api /api/v1/other"},
		{full, "GET", "/api/other", 404, prob, ""},
		{full, "GET", "/api/docs", 200, page, "GET /api/v1/streams"},
		{full, "GET", "/api/docs.css", 200, "text/css; charset=utf-8", "body"},
		{full, "GET", "/api/v1/openapi.yaml", 200, "application/yaml", "openapi: 3.1"},
		{full, "GET", "/healthz", 200, text, "ok"},
		{full, "GET", "/healthz/x", 404, page, ""},
		{full, "GET", "/readyz", 200, text, "ok"},
		{full, "POST", "/healthz", 405, prob, ""},
		{full, "GET", "/time", 200, text, "2026-11-23T12:04:05.006Z"},
		{bare, "GET", "/readyz", 503, text, "media is starting"},
		{bare, "GET", "/healthz", 200, text, "ok"},
		{bare, "GET", "/", 404, page, ""},
		{bare, "GET", "/live/main/index.m3u8", 503, prob, "no media role"},
		{bare, "GET", "/api/v1/other", 404, prob, ""},
	}
	for _, tc := range tests {
		w := do(tc.h, tc.method, tc.target)
		if w.Code != tc.status || tc.kind != "" && w.Header().Get("Content-Type") != tc.kind || !strings.Contains(w.Body.String(), tc.body) {
			t.Errorf("%s %s: %d %s %.80q; want %d %s %q", tc.method, tc.target, w.Code, w.Header().Get("Content-Type"), w.Body, tc.status, tc.kind, tc.body)
		}
		if tc.kind == page && (w.Header().Get("Content-Security-Policy") != contentSecurity || w.Header().Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("%s %s: security headers are missing", tc.method, tc.target)
		}
		if tc.kind == prob {
			var d details
			if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || d.Status != tc.status || d.Title == "" || d.Type != "about:blank" {
				t.Errorf("%s %s: problem %s (%v)", tc.method, tc.target, w.Body, err)
			}
		}
	}
}

func TestTimeMayBeReadFromAnySite(t *testing.T) {
	w := do(newTestRouter(t, Config{}), "GET", "/time")
	if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", w.Header())
	}
}

func TestCachingOfPages(t *testing.T) {
	h := newTestRouter(t, Config{Web: webApp()})
	js := do(h, "GET", "/assets/app-1a2b3c4d.js", "Accept-Encoding", "br, gzip;q=0.5")
	if js.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || js.Header().Get("Content-Encoding") != "gzip" ||
		js.Header().Get("Vary") != "Accept-Encoding" || js.Body.Len() > 1000 {
		t.Errorf("hashed asset: %v, %d bytes", js.Header(), js.Body.Len())
	}
	for _, no := range []string{"gzip;q=0", "gzip; q=0.000", "br", "", "identity"} {
		if w := do(h, "GET", "/assets/app-1a2b3c4d.js", "Accept-Encoding", no); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("Accept-Encoding %q got %s", no, w.Header().Get("Content-Encoding"))
		}
	}
	index := do(h, "GET", "/")
	if index.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("index: %v", index.Header())
	}
	for _, w := range []*httptest.ResponseRecorder{index, js} {
		target, encoding := "/", ""
		if w == js {
			target, encoding = "/assets/app-1a2b3c4d.js", "gzip"
		}
		if again := do(h, "GET", target, "If-None-Match", w.Header().Get("ETag"), "Accept-Encoding", encoding); again.Code != http.StatusNotModified {
			t.Errorf("%s with its ETag: %d", target, again.Code)
		}
	}
}

func TestForwardedAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	tests := map[string]struct {
		peer    string
		trusted []netip.Prefix
		header  []string
		want    string
	}{
		"nobody is trusted":        {"10.0.0.1:5", nil, []string{"203.0.113.9"}, "10.0.0.1:5"},
		"stranger":                 {"198.51.100.7:5", trusted, []string{"203.0.113.9"}, "198.51.100.7:5"},
		"no header":                {"10.0.0.1:5", trusted, nil, "10.0.0.1:5"},
		"one hop":                  {"10.0.0.1:5", trusted, []string{"203.0.113.9"}, "203.0.113.9:0"},
		"invented first hop":       {"10.0.0.1:5", trusted, []string{"1.2.3.4, 203.0.113.9"}, "203.0.113.9:0"},
		"two proxies":              {"10.0.0.1:5", trusted, []string{"203.0.113.9", "10.9.9.9"}, "203.0.113.9:0"},
		"with a port":              {"10.0.0.1:5", trusted, []string{"203.0.113.9:4711"}, "203.0.113.9:0"},
		"IPv6":                     {"[2001:db8::1]:5", trusted, []string{"2001:4860::8"}, "[2001:4860::8]:0"},
		"IPv6 with a port":         {"10.0.0.1:5", trusted, []string{"[2001:4860::8]:4711"}, "[2001:4860::8]:0"},
		"IPv4 in IPv6 peer":        {"[::ffff:10.0.0.1]:5", trusted, []string{"::ffff:203.0.113.9"}, "203.0.113.9:0"},
		"rubbish":                  {"10.0.0.1:5", trusted, []string{"evil"}, "10.0.0.1:5"},
		"rubbish before a proxy":   {"10.0.0.1:5", trusted, []string{"evil, 10.0.0.2"}, "10.0.0.2:0"},
		"proxies only":             {"10.0.0.1:5", trusted, []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0"},
		"empty element at the end": {"10.0.0.1:5", trusted, []string{"203.0.113.9,"}, "10.0.0.1:5"},
	}
	for name, tc := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tc.peer
		r.Header["X-Forwarded-For"] = tc.header
		r.Header.Set("X-Forwarded-Proto", "https")
		believeProxy(r, tc.trusted)
		if r.RemoteAddr != tc.want || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("X-Forwarded-Proto") != "" {
			t.Errorf("%s: %s, headers %v; want %s", name, r.RemoteAddr, r.Header, tc.want)
		}
	}
}

func FuzzRouter(f *testing.F) {
	for _, path := range []string{"/", "/live/../x", "/live/%2e%2e/x", "/watch/main", "/assets/app-1a2b3c4d.js", "//", "/a\\b", "*", "", "/live/a/./b", "/time/"} {
		f.Add(path, "gzip", "1.2.3.4")
	}
	media := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for element := range strings.SplitSeq(strings.Trim(r.URL.Path, "/"), "/") {
			if element == "" || element == "." || element == ".." {
				panic("the origin got " + r.URL.Path)
			}
		}
	})
	h := newTestRouter(f, Config{Media: media, Web: webApp(), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	f.Fuzz(func(t *testing.T, path, encoding, forwarded string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL = &url.URL{Path: path}
		r.Header.Set("Accept-Encoding", encoding)
		r.Header.Set("X-Forwarded-For", forwarded)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code < 200 || w.Code > 599 {
			t.Fatalf("status %d", w.Code)
		}
	})
}

func BenchmarkRouterToMedia(b *testing.B) {
	h := newTestRouter(b, Config{Media: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	r := httptest.NewRequest("GET", "/live/main/720p/video.m3u8?_HLS_msn=12&_HLS_part=3", nil)
	w := httptest.NewRecorder()
	w.Body = nil
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}
