package httpd

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
	"go.opentelemetry.io/otel/propagation"
)

const requestIDHeader = "X-Request-Id"

// maxUserAgent bounds Request.UserAgent, in bytes.
const maxUserAgent = 256

// Request is what a handler may want to know of the request beside its input. It
// is a value and may be kept.
type Request struct {
	ID        string     // the same in the log, in X-Request-Id and in a problem's instance
	Client    netip.Addr // who calls, as the gateway says; invalid when not known
	UserAgent string     // as the caller says, cut at 256 bytes
	// Origin is scheme and host that the caller used, such as
	// "https://tv.example.org"; empty when the host is no host. The caller chooses
	// it: never put it into a mail.
	Origin string
}

type requestKey struct{}

// From returns the request that a handler's context belongs to; zero outside of
// one.
func From(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey{}).(Request)
	return r
}

// Outgoing adds to the header of a request to another service what ties it to the
// request that ctx belongs to: X-Request-Id, and traceparent (W3C Trace Context).
// It adds no token.
func Outgoing(ctx context.Context, h http.Header) {
	if id := From(ctx).ID; id != "" {
		h.Set(requestIDHeader, id)
	}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
}

// readRequest believes what the headers say of the client only when the peer is a
// trusted one. All strings are copies.
func (s *Server) readRequest(f *fasthttp.RequestCtx) Request {
	h := &f.Request.Header
	r := Request{UserAgent: printable(string(h.UserAgent()), maxUserAgent)}
	scheme, host := "http", string(h.Host())
	if f.IsTLS() {
		scheme = "https"
	}
	peer := f.RemoteAddr()
	r.Client = address(peer.String())
	if s.trusts(peer.Network(), r.Client) {
		if id := string(h.Peek(requestIDHeader)); ValidRequestID(id) {
			r.ID = id
		}
		if a, err := netip.ParseAddr(string(h.Peek("X-Forwarded-For"))); err == nil {
			r.Client = a.Unmap().WithZone("")
		}
		if p := string(h.Peek("X-Forwarded-Proto")); p == "https" || p == "http" {
			scheme = p
		}
		if fh := string(h.Peek("X-Forwarded-Host")); fh != "" {
			host = fh
		}
	}
	if validHost(host) {
		r.Origin = scheme + "://" + host
	}
	if r.ID == "" {
		r.ID = NewRequestID()
	}
	return r
}

// NewRequestID is a UUID version 7: ids of later requests sort after earlier ones.
func NewRequestID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil.String() // crypto/rand does not fail
	}
	return id.String()
}

// ValidRequestID says whether an id from a trusted peer can be used: up to 64 letters,
// digits, "-" and "_".
func ValidRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// trusts says whether a peer may speak for others: one in this process, on this
// machine, or in the configured networks.
func (s *Server) trusts(network string, a netip.Addr) bool {
	if network == memoryNetwork || a.IsLoopback() {
		return true
	}
	for _, n := range s.cfg.TrustedPeers {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// validHost says whether h is a host as in a URL, with or without a port (RFC 3986
// section 3.2.2, without percent-encoding).
func validHost(h string) bool {
	if h == "" || len(h) > 255 {
		return false
	}
	for _, c := range []byte(h) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._:[]", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// printable cuts s to limit bytes and puts "?" in place of what is not printable
// ASCII.
func printable(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s)
}
