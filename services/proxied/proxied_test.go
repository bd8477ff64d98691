package proxied

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// v2 is a version 2 header.
func v2(command, family byte, body string) string {
	return v2Start + string([]byte{0x20 | command, family, byte(len(body) >> 8), byte(len(body))}) + body
}

const (
	v2four = "\xcb\x00\x71\x09\x0a\x00\x00\x01\x12\x34\x01\xbb"
	v2six  = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09" + "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "\x12\x34\x01\xbb"
)

func headers() map[string]struct {
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
		"v2 version":         {v2Start + "\x31\x11\x00\x00", "", ""},
		"v2 command":         {v2(2, 0x11, v2four), "", ""},
		"v2 huge":            {v2Start + "\x21\x11\xff\xff", "", ""},
	}
}

func TestParseHeader(t *testing.T) {
	for name, tc := range headers() {
		client, n, err := parseHeader([]byte(tc.in))
		switch {
		case tc.want == "":
			if !errors.Is(err, errBad) {
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
			if _, _, err := parseHeader([]byte(tc.in[:i])); !errors.Is(err, errMore) {
				t.Errorf("%s, %d bytes of it: %v", name, i, err)
			}
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	for _, tc := range headers() {
		f.Add([]byte(tc.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		client, n, err := parseHeader(b)
		switch {
		case n < 0 || n > len(b) || n > v2Max:
			t.Fatalf("length %d of %d", n, len(b))
		case errors.Is(err, errMore) && len(b) >= v2Max:
			t.Fatalf("asks for more than %d bytes", len(b))
		case err != nil && (client.IsValid() || n != 0):
			t.Fatalf("%v, %d and %v", client, n, err)
		}
	})
}

// What a connection says and gives, over a real one, when it comes from a proxy that is
// trusted, and when not.
func TestListener(t *testing.T) {
	loopback, elsewhere := netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")
	const header = "PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\n"
	for name, tc := range map[string]struct {
		trusted []netip.Prefix
		send    string
		client  string // as it begins
		rest    string
		fails   bool
	}{
		"trusted":     {[]netip.Prefix{elsewhere, loopback}, header + "hello", "203.0.113.9:4660", "hello", false},
		"no header":   {[]netip.Prefix{loopback}, "hello", "127.0.0.1:", "hello", false},
		"malformed":   {[]netip.Prefix{loopback}, "PROXY TCP4 here there 1 2\r\nhello", "127.0.0.1:", "", true},
		"cut off":     {[]netip.Prefix{loopback}, header[:9], "127.0.0.1:", "", false},
		"not trusted": {[]netip.Prefix{elsewhere}, header, "127.0.0.1:", header, false},
		"off":         {nil, header, "127.0.0.1:", header, false},
	} {
		t.Run(name, func(t *testing.T) {
			inner, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			l := Listener{inner, tc.trusted, 10 * time.Second}
			defer l.Close()
			peer, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(peer, tc.send)
			peer.Close()
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			got, err := io.ReadAll(c)
			if client := c.RemoteAddr().String(); !strings.HasPrefix(client, tc.client) || string(got) != tc.rest || (err != nil) != tc.fails {
				t.Errorf("%s, %q, %v", client, got, err)
			}
		})
	}
}
