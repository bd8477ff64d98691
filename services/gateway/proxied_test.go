package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// v2 is a version 2 header.
func v2(command, family byte, body string) string {
	return proxyV2Start + string([]byte{0x20 | command, family, byte(len(body) >> 8), byte(len(body))}) + body
}

const (
	v2four = "\xcb\x00\x71\x09\x0a\x00\x00\x01\x12\x34\x01\xbb"
	v2six  = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09" + "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "\x12\x34\x01\xbb"
)

func proxyHeaders() map[string]struct {
	in   string
	want string // address; "-": the connection's own; "": an error
	rest string
} {
	return map[string]struct{ in, want, rest string }{
		"none":               {"GET / HTTP/1.1\r\n", "-", "GET / HTTP/1.1\r\n"},
		"TLS":                {"\x16\x03\x01", "-", "\x16\x03\x01"},
		"v1 TCP4":            {"PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\nGET", "203.0.113.9:4660", "GET"},
		"v1 TCP6":            {"PROXY TCP6 2001:db8::9 2001:db8::1 4660 443\r\n", "[2001:db8::9]:4660", ""},
		"v1 unknown":         {"PROXY UNKNOWN\r\nGET", "-", "GET"},
		"v1 unknown, more":   {"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nGET", "-", "GET"},
		"v1 wrong family":    {"PROXY TCP4 2001:db8::9 10.0.0.1 4660 443\r\n", "", ""},
		"v1 no such family":  {"PROXY UDP4 203.0.113.9 10.0.0.1 4660 443\r\n", "", ""},
		"v1 port":            {"PROXY TCP4 203.0.113.9 10.0.0.1 65536 443\r\n", "", ""},
		"v1 port with zeros": {"PROXY TCP4 203.0.113.9 10.0.0.1 0080 443\r\n", "", ""},
		"v1 words":           {"PROXY TCP4 203.0.113.9 10.0.0.1  4660 443\r\n", "", ""},
		"v1 zone":            {"PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n", "", ""},
		"v1 only newline":    {"PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\n", "", ""},
		"v1 no end":          {"PROXY " + strings.Repeat("x", 200), "", ""},
		"v1 end too late":    {"PROXY UNKNOWN" + strings.Repeat(" ", 200) + "\r\n", "", ""},
		"v2 TCP4":            {v2(1, 0x11, v2four) + "GET", "203.0.113.9:4660", "GET"},
		"v2 TCP6":            {v2(1, 0x21, v2six) + "GET", "[2001:db8::9]:4660", "GET"},
		"v2 with TLVs":       {v2(1, 0x11, v2four+"\x04\x00\x01x") + "GET", "203.0.113.9:4660", "GET"},
		"v2 local":           {v2(0, 0, "") + "GET", "-", "GET"},
		"v2 unix":            {v2(1, 0x31, strings.Repeat("x", 216)) + "GET", "-", "GET"},
		"v2 too short":       {v2(1, 0x11, v2four[:11]), "", ""},
		"v2 version":         {proxyV2Start + "\x31\x11\x00\x00", "", ""},
		"v2 command":         {v2(2, 0x11, v2four), "", ""},
		"v2 huge":            {proxyV2Start + "\x21\x11\xff\xff", "", ""},
	}
}

func TestParseProxyHeader(t *testing.T) {
	for name, tc := range proxyHeaders() {
		client, n, err := parseProxyHeader([]byte(tc.in))
		switch {
		case tc.want == "":
			if !errors.Is(err, errProxyBad) {
				t.Errorf("%s: %v %v", name, client, err)
			}
			continue
		case err != nil:
			t.Errorf("%s: %v", name, err)
			continue
		case tc.want == "-" && client.IsValid(), tc.want != "-" && client.String() != tc.want, tc.in[n:] != tc.rest:
			t.Errorf("%s: %v, rest %q", name, client, tc.in[n:])
		}
		for i := 1; i < n; i++ { // whatever arrives first
			if _, _, err := parseProxyHeader([]byte(tc.in[:i])); !errors.Is(err, errProxyMore) {
				t.Errorf("%s, %d bytes of it: %v", name, i, err)
			}
		}
	}
}

func FuzzParseProxyHeader(f *testing.F) {
	for _, tc := range proxyHeaders() {
		f.Add([]byte(tc.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		client, n, err := parseProxyHeader(b)
		switch {
		case n < 0 || n > len(b) || n > proxyV2Max:
			t.Fatalf("length %d of %d", n, len(b))
		case errors.Is(err, errProxyMore) && len(b) >= proxyV2Max:
			t.Fatalf("asks for more than %d bytes", len(b))
		case err != nil && (client.IsValid() || n != 0):
			t.Fatalf("%v, %d and %v", client, n, err)
		}
	})
}

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
		"v2 in pieces":  {loopback, []string{v2(1, 0x11, v2four)[:5], v2(1, 0x11, v2four)[5:], get}, "203.0.113.9:4660 true"},
		"local":         {loopback, []string{v2(0, 0, "") + get}, "198.51.100.1:0 true"},
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
	c := proxiedClient(t, pool, v2(1, 0x21, v2six))
	res, err := c.Get("https://" + addr + "/live/x")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "[2001:db8::9]:4660 HTTP/2.0" {
		t.Errorf("%s", body)
	}
}
