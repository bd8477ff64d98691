package http11

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// sniffed is how much of a body without a length is kept back, to see whether that is
// all of it; as in net/http.
const sniffed = 2048

// response is the http.ResponseWriter of one request. It implements io.ReaderFrom,
// Flush and SetWriteDeadline.
type response struct {
	c      *conn
	header http.Header
	head   bool // the request was HEAD

	status  int   // 0: not said yet
	length  int64 // of the body; -1: not known
	wrote   int64 // bytes of the body
	sent    bool  // the head is on its way
	chunked bool
	last    bool   // the connection ends with this answer
	kept    []byte // the beginning of a body of unknown length
	until   time.Time
	err     error // of the connection
}

func (w *response) begin(c *conn, head bool) {
	header := w.header
	if header == nil {
		header = make(http.Header, 8)
	}
	clear(header)
	*w = response{c: c, header: header, head: head, length: -1, until: time.Now().Add(c.server.WriteTimeout)}
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader notes the status; the head leaves with the first bytes of the body.
// Interim answers (1xx) are none of ours.
func (w *response) WriteHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	if text := w.first("Content-Length"); text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
			w.length = n
		} else {
			delete(w.header, "Content-Length")
		}
	}
}

func (w *response) first(key string) string {
	if v := w.header[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// hasBody is RFC 9110 section 6.4.1.
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// Write implements io.Writer.
func (w *response) Write(p []byte) (int, error) {
	if err := w.admit(int64(len(p))); err != nil || len(p) == 0 {
		return 0, err
	}
	w.wrote += int64(len(p))
	switch {
	case w.length < 0 && !w.sent && len(w.kept)+len(p) <= sniffed:
		w.kept = append(w.kept, p...)
		return len(p), nil
	case w.head:
		w.sniff(p)
		return len(p), nil
	}
	if err := w.send(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// sniff guesses the type of a body that begins with p, as net/http does for handlers that
// do not say it.
func (w *response) sniff(p []byte) {
	if !w.sent && len(p) > 0 && hasBody(w.status) && w.header["Content-Type"] == nil && w.first("Content-Encoding") == "" {
		w.header["Content-Type"] = []string{http.DetectContentType(p)}
	}
}

// admit says why n more bytes of the body are not welcome.
func (w *response) admit(n int64) error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case !hasBody(w.status):
		return http.ErrBodyNotAllowed
	case w.length >= 0 && w.wrote+n > w.length:
		return http.ErrContentLength
	}
	return w.err
}

// ReadFrom lets the system send a file where nothing stands in the way.
func (w *response) ReadFrom(r io.Reader) (int64, error) {
	if err := w.admit(0); err != nil {
		return 0, err
	}
	rf, ok := w.c.rwc.(io.ReaderFrom)
	if !ok || w.length < 0 || w.head || w.header["Content-Type"] == nil {
		return io.Copy(struct{ io.Writer }{w}, r)
	}
	left := w.length - w.wrote
	if l, ok := r.(*io.LimitedReader); !ok || l.N > left {
		r = io.LimitReader(r, left)
	}
	if err := w.send(nil, false); err != nil {
		return 0, err
	}
	w.c.writeUntil(w.until, time.Now())
	n, err := rf.ReadFrom(r)
	w.wrote += n
	w.err = err
	return n, err
}

// FlushError sends what there is. http.ResponseController finds it.
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.send(nil, false)
}

// Flush implements http.Flusher.
func (w *response) Flush() { _ = w.FlushError() }

// SetWriteDeadline is for http.ResponseController. It counts from the next write on.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.until = t
	return nil
}

// finish sends what is left; false: the connection ends.
func (w *response) finish() (again bool) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.sent && w.length < 0 && hasBody(w.status) && (!w.head || len(w.kept) > 0) && w.wrote == int64(len(w.kept)) {
		w.length = w.wrote
		w.header["Content-Length"] = []string{strconv.FormatInt(w.length, 10)}
	}
	if w.send(nil, true) != nil {
		return false
	}
	if !w.head && hasBody(w.status) && !w.chunked && w.wrote != w.length {
		return false // the client waits for more, section 6.3
	}
	return !w.last
}
