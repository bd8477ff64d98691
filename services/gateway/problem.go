package gateway

import (
	"encoding/json"
	"net/http"
)

// details is an error answer, RFC 9457 section 3.1. Its type is always
// "about:blank": the status says it all.
type details struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// problem answers with problem details. The detail is for people and shows
// nothing of the inside.
func problem(w http.ResponseWriter, status int, detail string) {
	body, err := json.Marshal(details{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail})
	if err != nil {
		body = []byte(`{"type":"about:blank"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
