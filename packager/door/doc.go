// Package door is where viewers come in: what a request for media shows, and who says
// whether that is enough.
//
// A pass is an element of the path, which all relative addresses below it inherit:
//
//	/~PASS/NAME/index.m3u8    instead of    /NAME/index.m3u8
//
// Who may watch is decided elsewhere, by a Door; this package knows neither channels nor
// passes. A Door is asked again whenever a request has waited, so that whoever may watch
// no longer gets nothing more than the segment that is on its way.
package door
