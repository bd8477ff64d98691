// Package gateway is the one public port: every request of a viewer or of a
// program enters weir here.
//
// It is a net/http server (HTTP/1.1, and HTTP/2 with TLS; without, what viewers ask for
// most is answered by http11 in front of it) that sorts requests by
// their first path element: /live/ and /vod/ go to the media origin, /api/ and
// /.well-known/ to the services by a table of paths, the rest is the web app out of
// an fs.FS. A service is in this process or elsewhere, which no caller can tell;
// WebSockets and streams of events pass through. The descriptions of all services
// are merged into one. The gateway owns the limits that all of them share:
// connections, header size, time to send a header, time to take an answer.
//
// Invariants: the origin gets the server's own ResponseWriter, unwrapped, so that
// files leave by sendfile and flushes reach the wire; a path with an empty, "." or
// ".." element reaches no handler; X-Forwarded-* and the PROXY protocol are believed
// only from networks that the configuration names; of the headers by which a service
// is told of its caller (X-Request-Id, X-Forwarded-*), none is the caller's own.
//
// It knows nothing of media, and of streams only the list that it is given.
package gateway
