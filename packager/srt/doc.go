// Package srt shows what is live to players that call over SRT: MPEG-TS with H.264 or H.265
// and AAC, as they were sent or else as they were made for everybody.
//
// server.go accepts and asks whether somebody may watch, channel.go is one stream while it
// is watched, mux.go makes its transport stream, viewer.go is one player. The wire is
// gosrt's, the boxes of the transport stream are mediacommon's.
//
// Invariants. A stream is muxed once for all its viewers, in its writer's turn; each viewer
// has a bounded queue, misses pictures up to a key frame where it overflows, and begins
// with a key frame and its tables. Viewers are asked for their right again and again while
// they watch. When Run returns, every goroutine that it started has ended. A streamid is
// never logged: there may be a pass in it.
package srt
