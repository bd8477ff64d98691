// Package rtsp stands between gortsplib's servers and strangers: a Listener gives each
// connection a seat, a time and a number of bytes in which it has to become somebody's.
// Known lets it wait for nobody's address. Serve runs such a server. Legible keeps
// descriptions from it that would end the program.
//
// It reads no RTSP but the first bytes, which must not be those of HTTP. Publishers
// (ingest/rtsp) and viewers (packager/rtsp) come through it.
package rtsp
