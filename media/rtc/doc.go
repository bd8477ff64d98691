// Package rtc is the one way to WebRTC (pion) that publishers (ingest/whip) and
// viewers (packager/whep) share: one UDP and one TCP port for all connections, an
// ICE-lite agent, and the codecs that weir takes and gives.
//
// A Port is opened once. Every connection gets its own set of interceptors: for a
// viewer retransmission on NACK and an estimate of the bandwidth (transport-wide
// congestion control), for a publisher the NACKs, receiver reports and feedback
// that it steers by. What a frame for a viewer becomes goes to the kernel in one call
// (Burst).
//
// What WHIP and WHEP say over HTTP alike is here too: an offer, its answer, and the
// session that comes of it. It knows no stream.
package rtc
