package outside

import (
	"context"
	"net"
	"net/http"
	"time"
)

const maxHeader = 32 << 10 // bytes of an answer's header

// Client asks over https what g allows; plain http only what is in g.Private, since
// everybody between could read along. It follows no redirects, uses no proxy, and keeps
// no connections. within bounds a whole request, the answer's body included.
func (g Guard) Client(within time.Duration) *http.Client {
	open, inside := g.Dialer(), g.private()
	transport := func(dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
		return &http.Transport{
			DialContext: dial, ForceAttemptHTTP2: true, DisableKeepAlives: true, DisableCompression: true,
			TLSHandshakeTimeout: dialWithin, MaxResponseHeaderBytes: maxHeader,
		}
	}
	return &http.Client{
		Transport: byScheme{secure: transport(open.DialContext), plain: transport(inside.DialContext)}, Timeout: within,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// byScheme has a way for each of the two schemes.
type byScheme struct{ secure, plain *http.Transport }

// RoundTrip is http.RoundTripper.
func (b byScheme) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return b.secure.RoundTrip(r)
	}
	return b.plain.RoundTrip(r)
}
