package http11

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// joined is the size up to which a body is copied behind its head, so that both leave in
// one write of one piece; longer ones leave in one write of two.
const joined = 4 << 10

// send writes the head, where it has not left, what was kept, and p. The end of a chunked
// body comes with over.
func (w *response) send(p []byte, over bool) error {
	if w.err != nil {
		return w.err
	}
	out := w.c.server.answers.lend()
	defer w.c.server.answers.take(out)
	b := (*out)[:0]
	if !w.sent {
		if len(w.kept) > 0 {
			w.sniff(w.kept)
		} else {
			w.sniff(p)
		}
		w.sent = true
		b = w.appendHead(b)
	}
	kept := w.kept
	if w.head || !hasBody(w.status) {
		kept, p = nil, nil
	}
	w.kept = nil
	switch {
	case !w.chunked:
		b = append(b, kept...)
		w.err = w.write(out, b, p, "")
	default:
		// chunked-body, section 7.1
		if n := len(kept) + len(p); n > 0 {
			b = strconv.AppendInt(b, int64(n), 16)
			b = append(b, "\r\n"...)
			b = append(b, kept...)
			tail := "\r\n"
			if over {
				tail = "\r\n0\r\n\r\n"
			}
			w.err = w.write(out, b, p, tail)
		} else if over {
			w.err = w.write(out, b, nil, "0\r\n\r\n")
		} else {
			w.err = w.write(out, b, nil, "")
		}
	}
	return w.err
}

// write sends b, p and tail in one call of the system.
func (w *response) write(out *[]byte, b, p []byte, tail string) (err error) {
	if len(p) <= joined {
		b = append(append(b, p...), tail...)
		p, tail = nil, ""
	}
	*out = b
	w.c.writeUntil(w.until, time.Now())
	switch {
	case len(p) > 0 && len(b) > 0:
		pieces := net.Buffers{b, p}
		if tail != "" {
			pieces = append(pieces, []byte(tail))
		}
		_, err = pieces.WriteTo(w.c.rwc)
	case len(p) > 0: // a body whose head has left; one in chunks has its size in b
		_, err = w.c.rwc.Write(p)
	case len(b) > 0:
		err = w.c.put(b)
	}
	return err
}

// appendHead writes status line and fields, RFC 9112 sections 4 and 5. What frames the
// message is decided here, section 6.3.
func (w *response) appendHead(b []byte) []byte {
	if w.first("Connection") == "close" || w.c.server.closing() {
		w.last = true
	}
	w.chunked = w.length < 0 && !w.head && hasBody(w.status)
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(w.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(w.status)...)
	b = append(b, "\r\n"...)
	for key, values := range w.header {
		if w.left(key) {
			continue
		}
		for _, v := range values {
			b = appendField(b, key, v)
		}
	}
	if len(w.header["Date"]) == 0 {
		b = appendField(b, "Date", w.c.server.dateOf(time.Now()))
	}
	if w.chunked {
		b = appendField(b, "Transfer-Encoding", "chunked")
	}
	if w.last {
		b = appendField(b, "Connection", "close")
	}
	return append(b, "\r\n"...)
}

// left says whether a field of the handler's stays out of the head.
func (w *response) left(key string) bool {
	switch key {
	case "Transfer-Encoding":
		return true
	case "Connection":
		return w.last
	case "Content-Length":
		return w.chunked || !hasBody(w.status)
	case "Content-Type":
		return w.status == http.StatusNotModified
	}
	return !only(key, inToken)
}

// appendField keeps a value within its line.
func appendField(b []byte, key, value string) []byte {
	b = append(b, key...)
	b = append(b, ": "...)
	if strings.ContainsAny(value, "\r\n") {
		value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	b = append(b, value...)
	return append(b, "\r\n"...)
}
