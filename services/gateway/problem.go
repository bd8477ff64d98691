package gateway

import (
	"encoding/json"
	"net/http"

	"weir/services/fault"
)

const requestIDHeader = "X-Request-Id"

// details is an error answer, RFC 9457: the same as that of the services.
type details = fault.Problem

// problem answers with problem details. The detail is for people and shows
// nothing of the inside. The instance is the id of the request, where it has one.
func problem(w http.ResponseWriter, status int, detail string) {
	h := w.Header()
	e := fault.Error{Code: fault.FromStatus(status), Detail: detail}
	body, err := json.Marshal(e.ProblemAs(status, h.Get(requestIDHeader)))
	if err != nil {
		body = []byte(`{"type":"about:blank"}`)
	}
	h.Set("Content-Type", fault.ProblemType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
