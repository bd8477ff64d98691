package door

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Bearer is what a request shows.
type Bearer struct {
	Pass string     // empty: none
	From netip.Addr // where it comes from; the zero Addr when that is not known
}

// Door says whether who shows b may watch one stream. viewer is the number of the viewer
// that a pass was made for, 0 where none was needed. The error is ErrHidden or a Refusal.
// It is called for every request, from any goroutine, and must not block.
type Door func(b Bearer) (viewer uint64, err error)

// Admit says whether who shows b may watch what is live under a name; the error is
// ErrHidden or a Refusal. watching is to be called about once a second as long as the
// viewer is there; its error ends the viewer.
type Admit func(r *http.Request, b Bearer, name string) (watching func() error, err error)

// Guest is who came by another way than HTTP, to a path such as /live/~PASS/NAME, as the
// request that asks for the same. The name is empty where the path is none.
func Guest(path, peer string) (r *http.Request, b Bearer, name string) {
	const prefix = "/live"
	r = &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Header: http.Header{}, RemoteAddr: peer}
	if b, name = Read(r, prefix); !strings.HasPrefix(path, prefix+"/") || strings.Contains(name, "/") {
		name = ""
	}
	return r, b, name
}

// ErrHidden is for those who may not know whether there is something to watch.
var ErrHidden = errors.New("there is nothing to watch")

// Refusal is why a pass does not hold, in words for the viewer.
type Refusal struct{ Words string }

// Error is Words.
func (r Refusal) Error() string { return r.Words }

// Open lets pages of every origin read the answer, and answers what is no GET or HEAD by
// itself; false: there is nothing left to do.
func Open(w http.ResponseWriter, r *http.Request) bool {
	head := w.Header()
	head["Access-Control-Allow-Origin"] = anyOrigin
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return true
	case http.MethodOptions:
		head.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
		head.Set("Access-Control-Allow-Headers", "Range")
		head.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	default:
		head.Set("Allow", "GET, HEAD, OPTIONS")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
	return false
}

// Read takes the pass off a path below prefix, such as "/~PASS/NAME/index.m3u8", and
// returns what is left: "NAME/index.m3u8".
func Read(r *http.Request, prefix string) (b Bearer, rest string) {
	rest = strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, prefix), "/")
	if pass, ok := strings.CutPrefix(rest, "~"); ok {
		b.Pass, rest, _ = strings.Cut(pass, "/")
		if b.Pass == "" {
			b.Pass = "~" // shown, and no pass
		}
	}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		b.From = ap.Addr().Unmap().WithZone("")
	}
	return b, rest
}

// Refuse answers who has a pass that does not hold. The words are on no page and in no
// log, nor is the pass in them.
func Refuse(w http.ResponseWriter, err error) {
	words := "this pass does not hold"
	var r Refusal
	if errors.As(err, &r) {
		words = r.Words
	}
	w.Header()["Cache-Control"] = noStore
	http.Error(w, words, http.StatusForbidden)
}

// Cache sets Cache-Control: what was got with a pass is kept by nobody but the viewer,
// and no address with a pass in it is told to others.
func (b Bearer) Cache(h http.Header, value []string) {
	if b.Pass == "" {
		h["Cache-Control"] = value
		return
	}
	h["Cache-Control"] = []string{"private, " + strings.TrimPrefix(value[0], "public, ")}
	h["Referrer-Policy"] = noReferrer
}

// Values of headers, one slice each instead of one a request; never changed.
//
//nolint:gochecknoglobals // see above
var (
	anyOrigin  = []string{"*"}
	noStore    = []string{"no-store"}
	noReferrer = []string{"no-referrer"}
)
