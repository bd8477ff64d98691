package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// DefaultBodyLimit is the most bytes that a body may have where a Service does not
// say.
const DefaultBodyLimit = 1 << 20

const (
	apiPrefix = "/api/v1/"
	wellKnown = "/.well-known"
)

// ErrServices is the error of Open for a table of services that cannot be served.
var ErrServices = errors.New("table of services")

// Service says which addresses a service answers, and how it is reached: in this
// process by Dial, or elsewhere by URL.
type Service struct {
	Name string // as in metrics and problems, such as "user"

	// Routes are beginnings of paths below /api/v1/, such as "users" or
	// "channels/*/followers", where * is any one element; or /.well-known, or below
	// it, with the slash. The longest that fits counts.
	Routes []string

	Dial func(context.Context) (net.Conn, error) // of httpd.Memory; nil: URL
	URL  string                                  // such as http://10.0.0.7:8081, without a path

	BodyLimit int64 // bytes; 0 means DefaultBodyLimit
}

// route is one line of the table, in elements.
type route struct {
	elements []string
	to       *upstream
}

// table finds the service of a path.
type table []route

// newTable checks the services and opens nothing.
func newTable(services []Service, p *proxy) (table, []*upstream, error) {
	var t table
	var all []*upstream
	taken := map[string]string{}
	for _, s := range services {
		up, err := newUpstream(s, p)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, up)
		for _, pattern := range s.Routes {
			full := pattern
			if !strings.HasPrefix(pattern, "/") {
				full = apiPrefix + pattern
			} else if pattern != wellKnown && !strings.HasPrefix(pattern, wellKnown+"/") {
				return nil, nil, fmt.Errorf("%w: %s: %s is not below /api/v1/ or /.well-known", ErrServices, s.Name, pattern)
			}
			if pattern == "" || !cleanPath(full) || strings.HasSuffix(full, "/") {
				return nil, nil, fmt.Errorf("%w: %s: %q is no path", ErrServices, s.Name, pattern)
			}
			if other, ok := taken[full]; ok {
				return nil, nil, fmt.Errorf("%w: %s belongs to %s and %s", ErrServices, full, other, s.Name)
			}
			taken[full] = s.Name
			t = append(t, route{strings.Split(full[1:], "/"), up})
		}
	}
	return t, all, nil
}

// find returns the service that path belongs to, nil for none.
func (t table) find(path string) *upstream {
	var best *upstream
	most := -1
	for _, r := range t {
		if n := r.fits(path); n > most {
			best, most = r.to, n
		}
	}
	return best
}

// fits says how well a path fits: more elements, and fewer stars among them, count
// more; -1 is not at all.
func (r route) fits(path string) int {
	score := 0
	rest := strings.TrimPrefix(path, "/")
	for _, want := range r.elements {
		var element string
		element, rest, _ = strings.Cut(rest, "/")
		switch {
		case element == "":
			return -1
		case want == element:
			score += 64
		case want == "*":
			score += 63
		default:
			return -1
		}
	}
	return score
}

// target is where requests to a service go. In process the host means nothing.
func (s Service) target() (*url.URL, error) {
	if s.Dial != nil {
		return &url.URL{Scheme: "http", Host: s.Name}, nil
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		// The text is not shown: it may hold a password.
		return nil, fmt.Errorf("%w: the address of %s must be a URL such as http://10.0.0.7:8081", ErrServices, s.Name)
	}
	return u, nil
}
