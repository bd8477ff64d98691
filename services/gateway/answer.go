package gateway

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// longBody is the time to send a body to a service that takes more than
// DefaultBodyLimit; bodyTimeout is that of others.
const longBody = 30 * time.Second

// bound gives the body a size and a time, and answers one that is too long.
func (up *upstream) bound(w http.ResponseWriter, r *http.Request) (*timedBody, bool) {
	if r.ContentLength > up.BodyLimit {
		w.Header().Set("Connection", "close")
		problem(w, http.StatusRequestEntityTooLarge, "The body is too large.")
		return nil, false
	}
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return nil, true
	}
	limit := bodyTimeout
	if up.BodyLimit > DefaultBodyLimit {
		limit = longBody
	}
	b := &timedBody{ReadCloser: http.MaxBytesReader(w, r.Body, up.BodyLimit), control: http.NewResponseController(w)}
	// An error means a connection that has no deadlines, as in tests.
	_ = b.control.SetReadDeadline(time.Now().Add(limit))
	r.Body = b
	return b, true
}

type bodyKey struct{}

// timedBody frees the connection of its deadline when the body is there, so that
// the answer may take its time.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	whole   atomic.Bool // all of it is there
	failed  atomic.Bool // the client sent too slowly, or broke off
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.whole.Store(true)
		// As in bound.
		_ = b.control.SetReadDeadline(time.Time{})
	case err != nil:
		b.failed.Store(true)
	}
	return n, err
}

// cut ends a body that nobody reads any more, as the service has answered before its
// end; the server would wait for the rest before it sends the answer. It says whether
// there was anything to cut.
func (b *timedBody) cut() bool {
	if b == nil || b.whole.Load() {
		return false
	}
	// As in bound.
	_ = b.control.SetReadDeadline(time.Unix(1, 0))
	return true
}

const eventStream = "text/event-stream"

// answer is the server's ResponseWriter with a look at the status. It gives a
// stream of events new time at each flush, as long as the client takes them.
type answer struct {
	http.ResponseWriter
	status       int
	streams      bool
	writeTimeout time.Duration
}

// Unwrap is for http.ResponseController, by which ReverseProxy flushes and hijacks.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader notes the final status.
func (a *answer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		a.status = status
		a.streams = strings.HasPrefix(a.Header().Get("Content-Type"), eventStream)
	}
	a.ResponseWriter.WriteHeader(status)
}

// FlushError sends what is buffered.
func (a *answer) FlushError() error {
	c := http.NewResponseController(a.ResponseWriter)
	if a.streams {
		// As in bound.
		_ = c.SetWriteDeadline(time.Now().Add(a.writeTimeout))
	}
	return c.Flush()
}

// isWebSocket says whether a request asks for one, and takes away the wish for
// anything else.
func isWebSocket(r *http.Request) bool {
	switch upgrade := r.Header.Get("Upgrade"); {
	case upgrade == "":
		return false
	case strings.EqualFold(upgrade, "websocket"):
		return true
	default:
		r.Header.Del("Upgrade")
		return false
	}
}

// buffers are lent to ReverseProxy for copying bodies.
type buffers struct{ pool sync.Pool }

// Get lends a buffer of 32 KiB.
func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

// Put takes one back.
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
