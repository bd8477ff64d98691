// Package mpegts reads MPEG transport streams (ISO/IEC 13818-1): packets of 188 bytes
// in, access units and audio frames of one programme out.
//
// ts.go finds packets and hands their payloads on, psi.go learns from the tables which
// streams there are, pes.go puts units together and dates them, video.go and sound.go
// cut them into what media.Packet holds.
//
// All input is taken to be hostile: tables, units and what is kept of them are bounded,
// nothing panics. What was lost on the way costs the units that it was part of. One
// goroutine uses a Demuxer. It knows no sockets and reads no clock.
package mpegts
