// Package rtc is the one way to WebRTC (pion) that publishers (ingest/whip) and
// viewers (packager/whep) share: one UDP and one TCP port for all connections, an
// ICE-lite agent, and the codecs that weir takes and gives.
//
// A Port is opened once. A viewer's packets go through a sender of their connection, which
// numbers them, sends again what is asked for (NACK) and estimates the bandwidth
// (transport-wide congestion control); what a frame becomes goes to the kernel in one
// call (Burst). A publisher gets the NACKs, receiver reports and feedback that it
// steers by from pion's interceptors. What peers send waits in inboxes, a bounded number
// of each connection.
//
// What WHIP and WHEP say over HTTP alike is here too: an offer, its answer, and the
// session that comes of it. It knows no stream.
package rtc
