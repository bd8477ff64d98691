// Package lane runs work that is ordered by a key: what has the same key runs one
// after the other, in the order in which it was given; the rest runs side by side.
//
// In the walk both buses use it twice over: a subject's events are published one
// after the other, and handled one after the other.
//
// Invariants: one goroutine for each key that has work, none without; memory is
// bounded by the caller, who knows how much it gave and what is done.
//
// It repeats nothing and has no errors.
package lane
