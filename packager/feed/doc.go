// Package feed chooses what a player of a protocol other than HLS and DASH gets of a live
// stream: each kind as its publisher sent it where the protocol has a place for that, else
// what was made of it for everybody, where something was.
//
// It decides once, when a player begins, and reads nothing: packager/rtmp and packager/srt
// subscribe to what it finds.
package feed
