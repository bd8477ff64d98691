package rtmp

import (
	"fmt"
	"strings"
)

// ViewerConn is one player's connection. The calls come in this order, from one goroutine:
// AcceptPlay; Begin or Refuse; after Begin the Write methods; End; Linger. Listen runs in
// another one from Begin on. Only Interrupt may be called at any time.
type ViewerConn struct{ server ServerConn }

// PlayRequest is what a player asks for.
type PlayRequest struct {
	Path   string // "/APP/NAME" of rtmp://host/APP/NAME, without query; there may be a secret in it
	Player string // what it calls itself
	Peer   Capabilities
}

// String leaves the path out.
func (r PlayRequest) String() string { return fmt.Sprintf("player %q", r.Player) }

// NewViewerConn begins to serve a connection, as NewServerConn does for publishers.
func NewViewerConn(c Conn, l Limits) *ViewerConn {
	v := new(ViewerConn)
	v.server.plays = true
	v.server.wire.init(c, l, clientWriteBuffer)
	return v
}

// AcceptPlay does the handshake and answers the peer's commands until it asks to play. It
// blocks for Limits.GreetingTime at most. A peer that wants to publish is told no; the
// error is ErrPublish then.
func (v *ViewerConn) AcceptPlay() (PlayRequest, error) {
	r, err := v.server.accept()
	if err != nil {
		return PlayRequest{}, err
	}
	path := "/" + strings.TrimPrefix(r.App+"/"+r.Key, "/")
	return PlayRequest{Path: path, Player: r.FlashVer, Peer: r.Peer}, nil
}

// Takes tells whether the player says that it can decode a codec of Enhanced RTMP.
func (r PlayRequest) Takes(f FourCC) bool {
	for _, name := range [...]string{f.String(), "*"} {
		if r.Peer.VideoInfo[name]&CanDecode != 0 || r.Peer.AudioInfo[name]&CanDecode != 0 {
			return true
		}
		for _, s := range r.Peer.FourCCList {
			if s == name {
				return true
			}
		}
	}
	return false
}

// Begin tells the player that it gets the stream (RTMP 7.2.2.1).
func (v *ViewerConn) Begin() error {
	s := &v.server
	s.wire.granted()
	s.wire.patient = true // it has nothing more to say
	if err := s.wire.send(csControl, event(eventStreamBegin, s.streamID)); err != nil {
		return err
	}
	if err := s.status(s.streamID, "status", CodePlayReset, "resetting"); err != nil {
		return err
	}
	return s.status(s.streamID, "status", CodePlayStart, "playing")
}

// Refuse tells the player that it gets nothing, with words for its user. Linger should
// follow.
func (v *ViewerConn) Refuse(code, words string) error { return v.server.Refuse(code, words) }

// Listen answers the player until its connection ends, which is the error: ErrGoodbye when
// it wants no more. A player that sends media has no business here.
func (v *ViewerConn) Listen() error {
	s := &v.server
	for {
		m, err := s.wire.next()
		if err != nil {
			return err
		}
		switch m.Type {
		case TypeAudio, TypeVideo, TypeAggregate:
			return fmt.Errorf("%w: media from a player", ErrProtocol)
		case TypeCommand, TypeCommandAMF3:
			if err := s.command(m); err != nil {
				return err
			}
		}
	}
}

// WriteVideo sends one Tag, as Client's does.
func (v *ViewerConn) WriteVideo(timestamp uint32, t Tag) error {
	return v.write(csVideo, TypeVideo, timestamp, appendTagHeader(nil, t, true), t.Body)
}

// WriteAudio sends one Tag, as Client's does.
func (v *ViewerConn) WriteAudio(timestamp uint32, t Tag) error {
	return v.write(csAudio, TypeAudio, timestamp, appendTagHeader(nil, t, false), t.Body)
}

// WriteMetadata sends onMetaData; call it before the first frame.
func (v *ViewerConn) WriteMetadata(timestamp uint32, properties Array) error {
	return v.write(csData, TypeData, timestamp, appendAMF0(nil, "onMetaData", properties), nil)
}

func (v *ViewerConn) write(csid byte, t MessageType, timestamp uint32, head, body []byte) error {
	m := Message{Type: t, StreamID: v.server.streamID, Timestamp: timestamp, Body: head}
	return v.server.wire.sendParts(csid, m, body)
}

// End tells the player that the stream is over. Linger should follow.
func (v *ViewerConn) End() error {
	s := &v.server
	if err := s.wire.send(csControl, event(eventStreamEOF, s.streamID)); err != nil {
		return err
	}
	return s.status(s.streamID, "status", CodePlayGone, "the stream has ended")
}

// Linger is ServerConn's; Listen must have ended.
func (v *ViewerConn) Linger() { v.server.Linger() }

// Interrupt is ServerConn's: Listen ends at once, writes within a second.
func (v *ViewerConn) Interrupt() { v.server.wire.interrupt() }

// event is a user control message about a message stream.
func event(kind byte, streamID uint32) Message {
	return Message{Type: TypeUserControl, Body: []byte{0, kind, byte(streamID >> 24), byte(streamID >> 16), byte(streamID >> 8), byte(streamID)}}
}
