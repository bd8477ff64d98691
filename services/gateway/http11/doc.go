// Package http11 is the HTTP/1.1 server of what viewers ask for most: GET and HEAD of
// media, many times a second, mostly held for a while.
//
// It stands in front of net/http on the same port. A connection is read here, and the
// requests that it takes are answered here, one after the other. The first that is anything
// but plain ends that: the connection goes to net/http for the rest of its life, with all
// that was read. So there is one server that knows the whole of HTTP, and this one
// understands what has one reading only (RFC 9112): CRLF at the end of each line, one Host,
// no body, nothing that is escaped, folded, upgraded or expected, HTTP/1.1 to the letter.
//
// What it saves: net/http keeps two buffers, a second goroutine that watches for the
// client's end, and a context for each request that waits, and moves three deadlines with
// each. Here a request that is held is a goroutine and the request itself; the buffer it
// was read into serves another connection meanwhile. Deadlines are moved when they are more
// than a little early. One goroutine asks the system once a second which clients have left,
// of those whose requests take longer; their contexts end then, as by net/http.
//
// Invariants: what a handler gets and what a client is answered is the same as by net/http;
// a head is bounded in bytes, lines and time; the bytes of one connection never reach
// another; each connection that was accepted is either handed over or reported as ended,
// once.
//
// It knows no paths but the beginnings that it is given, no TLS and no HTTP/2.
package http11
