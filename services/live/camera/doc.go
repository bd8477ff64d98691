// Package camera is where the streams of channels come from that nobody sends: cameras
// that weir pulls over RTSP, one for a channel.
//
// Place in the walk: gateway -> httpd -> http.go -> Service -> the database. Every media
// node asks once a second, by Take, which cameras it is to pull, and tells how they do, by
// Report. It is a part of the live-service, whose migrations make its table; who manages a
// channel it asks through Channels.
//
// Invariants: a camera's user and password are sealed in the database and shown to nobody
// again; whoever changes its address gives them again, else they could be had by sending
// them elsewhere. One node pulls a camera: it holds a lease in the row, which is over soon
// when the node is. How cameras do is in Redis, and is forgotten soon after nobody tells
// it any more.
//
// It pulls nothing: ingest/rtsp does.
package camera
