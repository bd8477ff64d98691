// Package rtsp takes publishers in over RTSP 1.0 (RFC 2326): ANNOUNCE and RECORD, RTP over
// UDP or between the requests of the TCP connection.
//
// It has the shape of every way in: server.go accepts and counts, conn.go carries one
// publisher from its key to its last packet, map.go turns RTP into packets for the
// session (package ingest). proof.go reads keys and digests of them, lane.go and latm.go know the
// payload formats, media/rtsp bounds what a stranger may send. The wire is gortsplib's, the order of packets media/frames'.
//
// RTP tells when a picture is shown and not when it is decoded; decode times are made by
// timing.Reorder. Sound is put beside the picture by the sender reports of both.
//
// Invariants. Nothing is promised to a publisher before Opener.Open has said yes. A
// publisher is gone when its connection is, also where its media comes over UDP. When
// Run returns, every goroutine that it started has ended. A path is never logged: there
// may be a key in it.
package rtsp
