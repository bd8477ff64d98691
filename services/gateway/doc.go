// Package gateway is the one public port: every request of a viewer or of a
// program enters weir here.
//
// It is a net/http server (HTTP/1.1, and HTTP/2 with TLS) that sorts requests by
// their first path element: /live/ and /vod/ go to the media origin, /api/ to the
// API, the rest is the web app out of an fs.FS. It owns the limits that all of
// them share: connections, header size, time to send a header, time to take an
// answer.
//
// Invariants: the origin gets the server's own ResponseWriter, unwrapped, so that
// files leave by sendfile and flushes reach the wire; a path with an empty, "." or
// ".." element reaches no handler; X-Forwarded-For is believed only from networks
// that the configuration names, and no handler sees it otherwise.
//
// It knows nothing of media, and of streams only the list that it is given.
package gateway
