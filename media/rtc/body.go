package rtc

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// Types of bodies (RFC 9725 4.2 and 4.3.1), and the most bytes of one.
const (
	TypeSDP      = "application/sdp"
	TypeFragment = "application/trickle-ice-sdpfrag"
	maxBody      = 64 << 10
)

// Body reads a request's body of one type. It has answered when ok is false.
func Body(w http.ResponseWriter, r *http.Request, want string) (text string, ok bool) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != want {
		http.Error(w, "send "+want, http.StatusUnsupportedMediaType)
		return "", false
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		http.Error(w, "this is too large, send at most 64 KiB", http.StatusRequestEntityTooLarge)
		return "", false
	}
	if err != nil {
		http.Error(w, "the request is not complete", http.StatusBadRequest)
		return "", false
	}
	return string(data), true
}

// Options answers a preflight (CORS) for an address with such methods.
func Options(w http.ResponseWriter, methods string) {
	head := w.Header()
	head.Set("Access-Control-Allow-Methods", methods)
	head.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	head.Set("Access-Control-Max-Age", "86400")
	head.Set("Accept-Post", TypeSDP)
	w.WriteHeader(http.StatusNoContent)
}

// Share lets scripts of all sites read an answer (CORS), which nobody keeps.
func Share(w http.ResponseWriter) {
	head := w.Header()
	head.Set("Access-Control-Allow-Origin", "*")
	head.Set("Access-Control-Expose-Headers", "Location, ETag, Link, Accept-Patch, Retry-After")
	head.Set("Cache-Control", "no-store")
}

// Created answers an offer. location is the session's address without its ID.
func (s Session) Created(w http.ResponseWriter, location, answer string) {
	head := w.Header()
	head.Set("Content-Type", TypeSDP)
	head.Set("Location", location+"/"+s.ID)
	head.Set("ETag", s.ETag)
	head.Set("Accept-Patch", TypeFragment)
	w.WriteHeader(http.StatusCreated)
	io.WriteString(w, answer)
}

// Secure tells whether a request came over TLS, here or at a proxy, by the word of whoever
// passed it on: who claims that without need is only kept from addresses without TLS.
func Secure(r *http.Request) bool {
	proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(proto), "https")
}
