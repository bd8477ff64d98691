// Package whep lets viewers watch over WebRTC, with the delay of a video call
// (draft-ietf-wish-whep).
//
//	POST   /NAME/whep      an SDP offer; the answer names the session
//	PATCH  /NAME/whep/ID   trickled candidates, which an ICE-lite server does not need
//	DELETE /NAME/whep/ID   the end
//
// A viewer gets H.264 and Opus. The publisher's own picture is sent as it came when
// nothing in it is shown in another order than it is decoded; that is found out from
// its packets. Else a rendition of the ladder is sent, and where there is none one is
// made as long as somebody watches. Sound that is not Opus is made so once for all
// viewers of a stream.
//
//	feed      one stream of the hub, cut into RTP payloads once for all its viewers
//	channel   the feeds of one name; which of them suit
//	viewer    one connection: its queue, its clock, the feed that its bandwidth allows
//
// A feed is called by the stream's writer and waits for nobody; each viewer has a
// bounded queue, and what does not fit is left out up to the next key frame. A viewer
// goes from one feed to another at a key frame, with the same SSRC and numbers that
// go on. All tracks are dated by the stream's clock, and sender reports tie it to the
// wall clock: sound and picture are in sync whatever they went through.
package whep
