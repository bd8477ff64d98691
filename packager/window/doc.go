// Package window is what viewers can ask for right now: for every rendition of a
// stream the segments of the rewind window and the parts of the live edge.
//
// One writer (the packager) appends; any number of readers look, or wait for the
// live edge to move. Bytes of the live edge are held in memory, about three
// target durations; older segments are known here and read from where the
// packager stored them. Published fields of a segment never change.
//
// It knows no playlist format and no HTTP.
package window
