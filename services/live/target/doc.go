// Package target is where the streams of channels are sent on: servers of other people,
// which their managers name.
//
// Place in the walk: gateway -> httpd -> http.go -> Service -> the database. The process
// that has a stream asks once a second, by Wanted, where it is to go, and tells how that
// does, by Report. It is a part of the live-service, whose migrations make its table; who
// manages a channel it asks through Channels.
//
// Invariants: a target's stream key is sealed in the database, and is shown to nobody
// again; a changed row counts within a second; how targets do is in Redis, and is
// forgotten soon after nobody tells it any more.
//
// It sends nothing: packager/restream does.
package target
