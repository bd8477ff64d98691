// Package rtsp shows what is live to players that speak RTSP 1.0 (RFC 2326), over the TCP
// connection alone: H.264, H.265, AAC and Opus as their publisher sent them.
//
// server.go accepts and asks whether somebody may watch, channel.go is one stream while it
// is watched, payload.go cuts packets into RTP. The wire is gortsplib's; media/rtsp bounds
// what strangers may do.
//
// Invariants. A stream is cut once for all its viewers, in its writer's turn; each viewer
// has a bounded queue, and one that is too slow for it is sent away. Viewers are asked for
// their right again and again while they watch. A path is never logged: there may be a
// pass in it.
package rtsp
