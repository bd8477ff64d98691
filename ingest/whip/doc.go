// Package whip takes publishers over WebRTC (WHIP, RFC 9725): browsers, OBS, GStreamer.
//
//	POST   /whip, /NAME/whip         an SDP offer; the key is the Bearer token, or NAME
//	                                 where anyone may publish; the answer names the session
//	PATCH  /whip/ID, /NAME/whip/ID   trickled candidates, which an ICE-lite server does not need
//	DELETE /whip/ID, /NAME/whip/ID   the publisher's goodbye
//
//	server   addresses, keys, bounds
//	conn     one connection: its peer, its key frames, its end
//	map      frames (of media/frames) -> media.Packet
//	picture  what a frame of each codec tells
//
// Packets that come in another order are put right, those that are missing are asked
// for again, and what is lost for good is told to the encoder, which sends a key frame;
// until then nothing of the picture is taken. Key frames are also asked for where a
// segment should begin. Of several layers of one picture (simulcast) the largest that
// comes is taken. Sound follows the picture by the sender reports of both. Who has lost
// the connection may say goodbye afterwards, as OBS does.
package whip
