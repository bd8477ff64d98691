package auth

import (
	"fmt"
	"net/url"
	"strings"

	"weir/services/fault"
)

// BrowserCheck lets a request with a cookie pass only when a page of ours sent it.
// It guards the few routes that read the refresh cookie, all of which are POST.
//
// Why this and not a double-submit token: Sec-Fetch-Site and Origin are written by
// the browser and cannot be set by a script, so there is nothing to issue, store,
// keep in step or leak; a double-submit cookie can be planted from a sister domain
// or over plain HTTP unless it is also bound to the session. Sec-Fetch-Site is sent
// to https and localhost only, and by browsers since 2023, so Origin, which all
// browsers send with a POST from elsewhere, stands in for it. A request with neither
// is refused: it is no browser's, and whoever writes it can send the refresh token in
// the body. SameSite of the cookie is the second wall, not the only one.
type BrowserCheck struct {
	origins map[string]bool
}

// NewBrowserCheck returns a check that takes the service's own origin, and the others
// given: "https://video.example.org", with a port where it is not the scheme's own.
func NewBrowserCheck(origins ...string) (*BrowserCheck, error) {
	c := &BrowserCheck{origins: map[string]bool{}}
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			return nil, fmt.Errorf("auth: origin %q must be like https://video.example.org", origin)
		}
		c.origins[strings.ToLower(origin)] = true
	}
	return c, nil
}

// Check returns nil, or a fault.Denied with ErrCrossSite. host is the Host that the
// browser asked for (from the gateway when there is one); header gives a request's
// header, "" when it is missing. It does not block.
func (c *BrowserCheck) Check(host string, header func(name string) string) error {
	origin, site := strings.ToLower(header("Origin")), header("Sec-Fetch-Site")
	switch {
	case origin != "" && c.origins[origin]:
		return nil
	case site == "same-origin":
		return nil
	case site == "" && origin != "" && sameHost(origin, host):
		return nil
	}
	return fault.Wrap(fault.Denied, "this may only be called from weir's own pages; other programs send the refresh token in the body", ErrCrossSite)
}

// sameHost compares without the scheme: TLS may end before us.
func sameHost(origin, host string) bool {
	scheme, rest, ok := strings.Cut(origin, "://")
	return ok && host != "" && (scheme == "http" || scheme == "https") && rest == strings.ToLower(host)
}
