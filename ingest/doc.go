// Package ingest is where every way in meets: a protocol turns its wire into
// packets, a Session makes them one stream.
//
// A connection asks Sessions.Open with the key it was given; the Gate says which
// name that is. From then on every protocol is equal: the session dates packets on
// the stream's own clock, keeps them monotonic and near the wall clock, marks
// where segments begin, and survives a publisher that drops and comes back.
//
// It knows no protocol, packages nothing and transcodes nothing.
package ingest
