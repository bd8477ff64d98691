package rtsp

import (
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"weir/ingest"
)

// mostRedirects is how often a camera may send on to another address.
const mostRedirects = 3

// redirects bounds how a camera sends on to other addresses. The library follows each, for
// ever and with the password, which only the host that it was given for may have.
type redirects struct {
	host   string // of the camera
	secret bool   // there is a password
	n      int
	err    error // why one was not followed
}

// look is told of each answer, before the library follows it. It runs in the library's
// goroutine, which is done with it when its calls return.
func (r *redirects) look(res *base.Response) {
	to := res.Header["Location"]
	if res.StatusCode < base.StatusMovedPermanently || res.StatusCode > base.StatusUseProxy || len(to) != 1 {
		return
	}
	u, err := base.ParseURL(to[0])
	switch r.n++; {
	case err != nil:
		return // the library refuses it
	case r.n > mostRedirects:
		r.err = &ingest.StreamError{Words: "the camera sends on to other addresses too often"}
	case r.secret && !strings.EqualFold(u.Hostname(), r.host):
		r.err = &ingest.StreamError{Words: "the camera sends on to another host, which is not given the password"}
	default:
		return
	}
	delete(res.Header, "Location")
}
