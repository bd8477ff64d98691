package gateway

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/services/proxied"
)

// router sorts requests by path. It is what the server calls first.
type router struct {
	cfg   Config
	pages *pages
	api   *api
	proxy *proxy

	media, apiCount, page, other prometheus.Counter
}

func newRouter(cfg Config, m *metrics) (*router, error) {
	p, err := loadPages(cfg.Web)
	if err != nil {
		return nil, err
	}
	px, err := newProxy(cfg, m)
	if err != nil {
		return nil, err
	}
	a, err := newAPI(cfg, px)
	if err != nil {
		return nil, err
	}
	count := func(route string) prometheus.Counter { return m.requests.WithLabelValues(route) }
	return &router{cfg: cfg, pages: p, api: a, proxy: px, media: count("media"), apiCount: count("api"), page: count("page"), other: count("other")}, nil
}

// ServeHTTP hands w on as it is: see the package comment.
func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	via := believeProxy(r, rt.cfg.TrustedProxies)
	path := r.URL.Path
	if len(path) > maxPathBytes || len(r.URL.RawQuery) > maxQueryBytes {
		rt.other.Inc()
		w.Header().Set("Connection", "close")
		problem(w, http.StatusRequestURITooLong, "The address is too long.")
		return
	}
	if !cleanPath(path) {
		rt.other.Inc()
		rt.notFound(w, r)
		return
	}
	switch first, _, _ := strings.Cut(path[1:], "/"); first {
	case "live", "vod":
		boundBody(w, r)
		rt.media.Inc()
		rt.serveMedia(w, r)
	case "api", wellKnown[1:]:
		rt.apiCount.Inc()
		if up := rt.proxy.find(path); up != nil {
			up.serve(w, r, via)
			return
		}
		boundBody(w, r)
		if first != "api" {
			problem(w, http.StatusNotFound, "There is nothing here.")
			return
		}
		rt.api.ServeHTTP(w, r)
	case "healthz", "readyz", "time":
		boundBody(w, r)
		rt.other.Inc()
		rt.serveProbe(w, r)
	default:
		boundBody(w, r)
		rt.page.Inc()
		rt.pages.ServeHTTP(w, r)
	}
}

func (rt *router) serveMedia(w http.ResponseWriter, r *http.Request) {
	if rt.cfg.Media == nil {
		w.Header().Set("Retry-After", "5")
		problem(w, http.StatusServiceUnavailable, "This process has no media role.")
		return
	}
	rt.cfg.Media.ServeHTTP(w, r)
}

func (rt *router) serveProbe(w http.ResponseWriter, r *http.Request) {
	if !getOnly(w, r) {
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	status, text := http.StatusOK, "ok\n"
	switch r.URL.Path {
	case "/healthz":
	case "/readyz":
		if err := rt.cfg.Ready(); err != nil {
			status, text = http.StatusServiceUnavailable, err.Error()+"\n"
		}
	case "/time":
		// The clock that DASH players set theirs by, ISO/IEC 23009-1 5.8.5.7
		// urn:mpeg:dash:utc:http-xsdate; they may come from any site.
		h.Set("Access-Control-Allow-Origin", "*")
		text = rt.cfg.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	default:
		rt.notFound(w, r)
		return
	}
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// notFound answers with a page, or with problem details below /api/ and for media.
func (rt *router) notFound(w http.ResponseWriter, r *http.Request) {
	for _, prefix := range []string{"/api/", "/live/", "/vod/"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			problem(w, http.StatusNotFound, "There is nothing here.")
			return
		}
	}
	rt.pages.notFound(w, r)
}

// cleanPath says whether a decoded path is absolute, without empty, "." and ".."
// elements (a slash at the end is fine), backslashes and control characters.
func cleanPath(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	for i := range len(path) {
		if c := path[i]; c < 0x20 || c == 0x7f || c == '\\' {
			return false
		}
	}
	rest := path[1:]
	for rest != "" {
		element, after, _ := strings.Cut(rest, "/")
		if element == "" || element == "." || element == ".." {
			return false
		}
		rest = after
	}
	return true
}

// boundBody gives a body that comes with a request a size and a time; a body is
// read by the server even where the handler does not look at it.
func boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 || r.Body == nil {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	// An error means a connection that has no deadlines, as in tests.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
}

// getOnly answers 405 to everything but GET and HEAD.
func getOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	h := w.Header()
	h.Set("Allow", "GET, HEAD")
	if r.ContentLength != 0 {
		h.Set("Connection", "close")
	}
	problem(w, http.StatusMethodNotAllowed, "Only GET and HEAD are served here.")
	return false
}

// believeProxy makes r.RemoteAddr the viewer's address when the peer is a trusted
// proxy, and takes the forwarding headers away from handlers in any case. Of the
// addresses in X-Forwarded-For the last that is not itself a trusted proxy counts:
// everything before it could be the viewer's invention. What else a trusted proxy
// says is returned.
func believeProxy(r *http.Request, trusted []netip.Prefix) via {
	headers := r.Header["X-Forwarded-For"]
	var v via
	if len(trusted) > 0 {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && proxied.Within(trusted, peer.Addr()) {
			v = via{trusted: true, proto: r.Header.Get("X-Forwarded-Proto"), host: r.Header.Get("X-Forwarded-Host"), id: r.Header.Get(requestIDHeader)}
		}
	}
	for _, name := range [...]string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded", "X-Real-Ip"} {
		delete(r.Header, name)
	}
	if len(headers) == 0 || !v.trusted {
		return v
	}
	hops := strings.Split(strings.Join(headers, ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		addr, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		r.RemoteAddr = netip.AddrPortFrom(addr, 0).String()
		if !proxied.Within(trusted, addr) {
			break
		}
	}
	return v
}

// parseHop reads an address with or without a port.
func parseHop(hop string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(hop); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(hop); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}
