// Package httpd is the HTTP server that every service gets: a Fiber v3 app, and on
// it a huma API that checks input by the Go types and describes itself in OpenAPI
// 3.1.
//
// In the walk of a request it stands between services/gateway and a service's
// http.go. Around every handler it does what all of them need: the id of the
// request, who calls (auth.From) and from where (From), a time limit, safe headers,
// the answer to an error as problem details (services/fault), recovery from a
// panic, one line in the log, metrics and a span. It answers /healthz, /readyz and
// the API's own description, and drains when it is told to stop.
//
// A service writes
//
//	s := httpd.New(httpd.Config{Service: "user", ...})
//	huma.Register(s.API, huma.Operation{OperationID: "getMe", Method: "GET", Path: "/users/me", Security: httpd.Bearer()}, me)
//	err := s.Serve(ctx, listener)
//
// Invariants: every answer with a status of 400 or more is a fault.Problem; what a
// caller sent is never echoed in one, so that a password does not come back; no
// query, body, header value or raw path is logged; labels of metrics come from the
// code, never from a request; headers about the client count only from peers that
// are trusted; who may not call an operation is told so before the body is read;
// strings that Fiber hands out are copies.
//
// Fiber does not notice that a client left: a handler ends by its deadline. It has
// no HTTP/2 and no public port; both are the gateway's.
package httpd
