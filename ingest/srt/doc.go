// Package srt takes publishers in over SRT (draft-sharabayko-srt): MPEG-TS with the
// stream key in the streamid.
//
// It has the shape of every way in: server.go accepts and counts, conn.go carries one
// publisher from its key to its last frame, map.go turns what media/mpegts finds into
// packets for the session (package ingest). streamid.go reads streamids. The wire is
// media/srt's.
//
// Invariants. Nothing is promised to a publisher before Opener.Open has said yes. When
// Run returns, every goroutine that it started has ended. Nobody is banned; caps count
// what is connected now. A streamid is never logged: there is a key in it.
package srt
