// Package media says what a picture and a sound are while they travel through
// weir: a Packet of coded bytes on a Track, dated in Time, belonging to a
// stream named by a StreamID.
//
// It is the vocabulary of the video pillar and imports nothing but the standard
// library. Fan-out is media/hub, clocks are media/timing, bit-streams are
// media/codec.
package media
