// Package rtmp takes publishers in over RTMP and RTMPS: a listener, one goroutine
// a connection, and the mapping from FLV bodies to packets.
//
// In the walk of a frame it stands between the wire (media/rtmp) and the session
// (package ingest): server.go accepts and counts, conn.go carries one publisher
// from its key to its last frame, map.go turns messages into packets on tracks.
//
// Invariants. Nothing is promised to a publisher before Sessions.Open has said
// yes. When Run returns, every goroutine that it started has ended. Nobody is
// banned; caps count what is connected now. A key is never logged.
//
// It does not date packets on the stream's clock, keep them monotonic or pace
// publishers: that is the session's. It plays nothing to anybody.
package rtmp
