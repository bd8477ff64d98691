package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// What a PROXY header of version 2 begins with, and two of them.
const (
	v2start = "\r\n\r\n\x00\r\nQUIT\n"
	v2four  = v2start + "\x21\x11\x00\x0c\xcb\x00\x71\x09\x0a\x00\x00\x01\x12\x34\x01\xbb"
	v2six   = v2start + "\x21\x21\x00\x24\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x12\x34\x01\xbb"
)

// Whose PROXY header counts, as the media origin sees it, over real connections.
func TestProxyProtocol(t *testing.T) {
	media := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, rf := w.(io.ReaderFrom)
		fmt.Fprintf(w, "%s %v", r.RemoteAddr, rf)
	})
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	const get = "GET /live/x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n"
	for name, tc := range map[string]struct {
		trusted []netip.Prefix
		pieces  []string
		want    string // part of the body; empty: no 200
	}{
		"v1":            {loopback, []string{"PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\n" + get}, "203.0.113.9:4660 true"},
		"v2 in pieces":  {loopback, []string{v2four[:5], v2four[5:], get}, "203.0.113.9:4660 true"},
		"local":         {loopback, []string{v2start + "\x20\x00\x00\x00" + get}, "198.51.100.1:0 true"},
		"none":          {loopback, []string{get}, "198.51.100.1:0 true"},
		"malformed":     {loopback, []string{"PROXY TCP4 here there 1 2\r\n" + get}, ""},
		"says nothing":  {loopback, nil, ""},
		"not trusted":   {[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []string{"PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\n" + get}, ""},
		"off":           {nil, []string{"PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\n" + get}, ""},
		"off, no proxy": {nil, []string{get}, "127.0.0.1:"},
	} {
		t.Run(name, func(t *testing.T) {
			addr, _ := start(t, Config{Media: media, TrustedProxies: tc.trusted, HeaderTimeout: 200 * time.Millisecond})
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, piece := range tc.pieces {
				io.WriteString(conn, piece)
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if tc.want == "" {
				if err == nil && res.StatusCode == 200 {
					t.Error("was served")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			if !strings.HasPrefix(string(body), tc.want) {
				t.Errorf("%s, want %s", body, tc.want)
			}
		})
	}
}

// TLS comes after the header.
func TestProxyProtocolBeforeTLS(t *testing.T) {
	secure, pool := certificate(t)
	media := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr+" "+r.Proto) })
	addr, _ := start(t, Config{Media: media, TLS: secure, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	c := proxiedClient(t, pool, v2six)
	res, err := c.Get("https://" + addr + "/live/x")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "[2001:db8::9]:4660 HTTP/2.0" {
		t.Errorf("%s", body)
	}
}
