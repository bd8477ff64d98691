// Package timing turns the clocks of publishers into a stream's own time line:
// it unwraps short counters, brings RTP's stamps to one clock, makes decode times, puts
// the rounded stamps of a constant-rate source back on their grid, and watches how far
// media time is from the wall clock.
//
// Everything here is a pure step: no goroutine, no clock of its own.
package timing
