package outside

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCheck(t *testing.T) {
	home := Guard{Private: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}}
	for text, c := range map[string]struct{ strict, home bool }{
		"8.8.8.8": {true, true}, "1.1.1.1": {true, true}, "172.15.255.255": {true, true}, "172.32.0.0": {true, true}, "100.63.255.255": {true, true}, "100.128.0.0": {true, true},
		"2606:4700:4700::1111": {true, true}, "2001:4860:4860::8888": {true, true}, "::ffff:8.8.8.8": {true, true},
		"10.1.2.3": {false, true}, "::ffff:10.1.2.3": {false, true}, "fd00::1": {false, true}, "10.2.0.1": {false, false},
		"127.0.0.1": {}, "127.255.0.9": {}, "0.0.0.0": {}, "0.1.2.3": {}, "::": {}, "::1": {}, "::ffff:127.0.0.1": {}, "::127.0.0.1": {},
		"172.16.0.1": {}, "172.31.255.255": {}, "192.168.0.1": {}, "169.254.169.254": {}, "::ffff:169.254.169.254": {}, "100.64.0.1": {}, "100.100.100.200": {}, "192.0.0.192": {}, "168.63.129.16": {},
		"192.0.2.1": {}, "198.51.100.1": {}, "203.0.113.1": {}, "198.18.0.1": {}, "198.19.255.255": {}, "192.88.99.1": {}, "224.0.0.1": {}, "239.1.1.1": {}, "240.0.0.1": {}, "255.255.255.255": {},
		"fe80::1": {}, "fe80::1%eth0": {}, "2606:4700::1%eth0": {}, "fec0::1": {}, "fc00::1": {}, "ff02::1": {}, "64:ff9b::7f00:1": {}, "64:ff9b::808:808": {}, "64:ff9b:1::1": {}, "100::1": {},
		"2002:7f00:1::": {}, "2002:a00:1::1": {}, "2001::1": {}, "2001:0:7f00:1::": {}, "2001:db8::1": {}, "3fff::1": {}, "4000::1": {}, "::ffff:0:127.0.0.1": {},
	} {
		a := netip.MustParseAddr(text)
		if err := (Guard{}).Check(a); (err == nil) != c.strict || err != nil && !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", text, err)
		}
		if err := home.Check(a); (err == nil) != c.home {
			t.Errorf("%s with networks allowed: %v", text, err)
		}
	}
}

// A name that stands for this machine is noticed when the connection is made.
func TestDialer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "::ffff:127.0.0.1", "2130706433", "0x7f000001", "127.1"} {
		c, err := (Guard{}).Dialer().DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err == nil {
			c.Close()
			t.Errorf("%s was reached", host)
		}
		var name *net.DNSError
		if !errors.Is(err, ErrAddress) && !errors.As(err, &name) {
			t.Errorf("%s: %v", host, err)
		}
	}
	c, err := Guard{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}.Dialer().DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestClient(t *testing.T) {
	var asked []string
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	plain, secure := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	defer plain.Close()
	defer secure.Close()
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:9")
	here := Guard{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	for _, url := range []string{plain.URL, secure.URL, strings.Replace(plain.URL, "127.0.0.1", "localhost", 1)} {
		if res, err := (Guard{}).Client(time.Minute).Get(url + "/strict"); !errors.Is(err, ErrAddress) {
			if err == nil {
				res.Body.Close()
			}
			t.Errorf("%s: %v", url, err)
		}
	}
	res, err := here.Client(time.Minute).Get(plain.URL + "/allowed")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusTemporaryRedirect || len(asked) != 1 || asked[0] != "/allowed" {
		t.Errorf("%d, asked %v", res.StatusCode, asked)
	}
	var unknown x509.UnknownAuthorityError
	if _, err := here.Client(time.Minute).Get(secure.URL); !errors.As(err, &unknown) {
		t.Errorf("a certificate of nobody: %v", err)
	}
	if _, err := (Guard{}).Client(time.Minute).Get("http://1.1.1.1/"); !errors.Is(err, ErrAddress) {
		t.Errorf("plain http to the open Internet: %v", err)
	}
}
