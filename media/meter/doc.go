// Package meter measures a live stream as its publisher sends it: bit rate, frame rate,
// distance of key frames, how far its media is from the wall clock.
//
// A Meter is fed by the stream's writer (hub.Stream.Tap) and read now and then by
// somebody else. It keeps counts for each of the last seconds and a few packets of
// sound, both bounded; it decodes nothing and has no clock but the packets' own.
package meter
