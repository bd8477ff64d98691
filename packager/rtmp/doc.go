// Package rtmp shows what is live to players that speak RTMP: H.264 and AAC to all of them,
// HEVC, AV1 and VP9 to those that say they take it (Enhanced RTMP), as they were sent.
//
// server.go accepts and asks whether somebody may watch, viewer.go is one player. The wire
// is media/rtmp's, the tags are packager/flv's.
//
// Invariants. Each viewer has a bounded queue: who is slow misses pictures up to a key
// frame, and who takes nothing for ten seconds is sent away; the stream notices neither.
// Viewers are asked for their right again and again while they watch. When Run returns,
// every goroutine that it started has ended. A path is never logged: there may be a pass
// in it.
package rtmp
