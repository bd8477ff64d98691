// Package cut decides where segments begin: once, on the packets of the leading
// track, before they fan out. The mark travels with the packet (media.Boundary),
// encoders put a key frame under it, and so all renditions are cut at the same
// Time without talking to each other.
//
// Pure: no clock, no goroutine. Parts, which each rendition cuts for itself, are
// packager/segment.
package cut
