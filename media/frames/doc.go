// Package frames makes frames of RTP packets: it puts them in order, waits a moment for
// one that is missing, and joins those of one time. Whatever came over RTP goes through
// it, WebRTC and RTSP alike.
//
// Which packets belong to one frame is told by their time and their marker; what is in
// them is a depacketizer's affair. All that is kept is bounded, in packets, bytes and
// time; what was lost costs the frames that it was part of, and the next one says so.
// It knows no sockets and reads no clock.
package frames
