// Package ingest is where every way in meets: a protocol turns its wire into
// packets, a Session makes them one stream.
//
// A connection asks Sessions.Open with the key it was given; the Gate says which
// name that is. From then on every protocol is equal: the session dates packets on
// the stream's own clock, keeps them monotonic and near the wall clock, marks
// where segments begin, and survives a publisher that drops and comes back.
//
// What protocols need on the way there is here too: Quiet bounds what strangers
// write into the log, Collector finds out which tracks a publisher has, Tolerance
// passes over media of no use, Words is what it is told of an error.
//
// It knows no protocol, packages nothing and transcodes nothing.
package ingest
