// Package rtmp is the RTMP wire, both ends: handshake, chunks, AMF0, messages,
// the commands of a publisher, and Enhanced RTMP v2. A ServerConn is one
// publisher that talks to us, a Client is us talking to somebody else's server.
//
// It stands before everything else in the walk of a frame: bytes from a socket
// become Messages here, and ingest/rtmp makes packets of them. It knows no hub,
// no session and no listener, and closes no connection that it did not open.
//
// Invariants. What a peer can make us allocate is bounded by Limits and grows
// only with what it really sent. A media body is read into the buffer that its
// receiver will own. The stream key is in PublishRequest.Key and nowhere else:
// no error and no String method shows it.
//
// Clauses named in the code are those of "Adobe's Real Time Messaging Protocol",
// version 1.0 (2012), the Action Message Format AMF0 specification, Adobe's Video
// File Format specification 10.1 (FLV, annex E) and Veovera's Enhanced RTMP v2.
package rtmp
