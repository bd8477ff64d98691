// Package hub holds the live streams of this process and fans their packets out.
//
// A Stream is written by one goroutine and read by any number of Readers, each
// behind a bounded ring of its own: a slow reader loses packets up to the next
// key frame, the writer and the other readers never notice. A consumer that never
// waits can do without a ring and be a tap. What the ladder makes of stream "x" is
// just another stream, "x/720p".
//
// The hub decides nothing about time, cuts or permission; that is ingest's work.
package hub
