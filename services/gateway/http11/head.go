package http11

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
)

const (
	// maxHead is how long a request's head may be, in bytes; net/http says what is wrong
	// with a longer one.
	maxHead = 16 << 10
	// maxLines bounds the header fields of a request that is answered here.
	maxLines = 64
	// shortHead is the size of the buffers that nearly all heads fit into.
	shortHead = 4 << 10
)

// verdict is what the bytes of a connection turn out to be.
type verdict int

const (
	more    verdict = iota // the beginning of a request that may be for us
	plain                  // a whole head
	foreign                // net/http's
)

// scan looks for the end of a head, RFC 9112 section 2.1. What can no more become a
// request for one of the prefixes is known by its first bytes.
func scan(b []byte, prefixes []string) (length int, v verdict) {
	if !begins(b, prefixes) {
		return 0, foreign
	}
	if i := bytes.Index(b, []byte("\r\n\r\n")); i >= 0 {
		if i+4 > maxHead {
			return 0, foreign
		}
		return i + 4, plain
	}
	if len(b) >= maxHead || bareLF(b) {
		return 0, foreign
	}
	return 0, more
}

// begins says whether b is the beginning of a GET or HEAD of one of the prefixes, as far
// as it goes.
func begins(b []byte, prefixes []string) bool {
	for _, method := range [...]string{"GET ", "HEAD "} {
		n := min(len(b), len(method))
		if string(b[:n]) != method[:n] {
			continue
		}
		for _, p := range prefixes {
			m := min(len(b)-n, len(p))
			if string(b[n:n+m]) == p[:m] {
				return true
			}
		}
	}
	return false
}

// bareLF finds a line that ends without CR: a server may take it for an end (section 2.2),
// and one that does not would wait for it.
func bareLF(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return false
		}
		if i == 0 || b[i-1] != '\r' {
			return true
		}
		b = b[i+1:]
	}
}

// request is what a handler gets, in one piece of memory.
type request struct {
	http.Request
	url url.URL
}

// parse makes a request of a whole head; false means that net/http has to judge it. Of
// from, everything that requests of one connection have in common is taken.
func parse(head string, from *http.Request) (*http.Request, bool) {
	// request-line = method SP request-target SP HTTP-version (section 3). SP is one
	// space, and there is none in a target.
	line, fields, _ := strings.Cut(head, "\r\n")
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	path, query, hasQuery := strings.Cut(target, "?")
	if method != http.MethodGet && method != http.MethodHead || version != "HTTP/1.1" ||
		!only(path, inPath) || hasQuery && (query == "" || !only(query, inQuery)) {
		return nil, false
	}
	r := &request{Request: *from}
	r.Method, r.RequestURI = method, target
	r.url.Path, r.url.RawQuery = path, query
	r.URL = &r.url
	return &r.Request, readFields(&r.Request, strings.TrimSuffix(fields, "\r\n"))
}

// readFields reads the header section, section 5: no folding (5.2), no space before the
// colon (5.1), and nothing in it that says how a message ends or goes on (6, 7.8).
func readFields(r *http.Request, fields string) bool {
	n := strings.Count(fields, "\r\n")
	if n > maxLines {
		return false
	}
	r.Header = make(http.Header, n)
	values := make([]string, n)
	hosts := 0
	for fields != "" {
		var line string
		line, fields, _ = strings.Cut(fields, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t") // OWS
		if !ok || name == "" || !only(name, inToken) || !only(value, inValue) {
			return false
		}
		switch name = http.CanonicalHeaderKey(name); name {
		case "Host": // one, section 3.2
			if hosts++; hosts > 1 || value == "" || !only(value, inHost) {
				return false
			}
			r.Host = value
			continue
		case "Connection": // keep-alive changes nothing in HTTP/1.1, section 9.3
			if !strings.EqualFold(value, "keep-alive") {
				return false
			}
		case "Content-Length", "Transfer-Encoding", "Trailer", "Upgrade", "Http2-Settings", "Expect", "Pragma":
			return false
		}
		if r.Header[name] == nil {
			values[0] = value
			r.Header[name], values = values[:1:1], values[1:]
		} else {
			r.Header[name] = append(r.Header[name], value)
		}
	}
	return hosts == 1
}

// only says whether all bytes of s are allowed.
func only(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z'
}

// inPath is less than RFC 3986 allows: what net/url leaves as it is, so that the decoded
// path is the one on the wire.
func inPath(c byte) bool {
	return alphanumeric(c) || c == '/' || c == '-' || c == '_' || c == '.' || c == '~'
}

func inQuery(c byte) bool { return inPath(c) || c == '=' || c == '&' || c == '%' }

func inHost(c byte) bool {
	return alphanumeric(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']'
}

// inToken is tchar, RFC 9110 section 5.6.2.
func inToken(c byte) bool {
	return alphanumeric(c) || c == '-' || c != 0 && strings.IndexByte("!#$%&'*+.^_`|~", c) >= 0
}

// inValue is field-vchar, SP and HTAB, RFC 9110 section 5.5.
func inValue(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' }
