// Package restream publishes a live stream to somebody else's server over RTMP or RTMPS.
//
// Place in the walk: it reads a stream of media/hub beside the packager, and writes to
// the client of media/rtmp. cmd/weir starts and stops a Push for each target.
//
// Invariants: the stream waits for no target: each has a bounded queue, which drops to
// the next key frame when the target is slow; whatever a target does, its Push tries
// again, later each time, until it is told to end; a target's key is in no error and in
// no Status.
//
// It encodes nothing: H.264 and AAC are sent as they came, and what else there is is
// left out or refused, with words.
package restream
