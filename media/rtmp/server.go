package rtmp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

const (
	serverWriteBuffer = 2 << 10
	maxStreams        = 8        // message streams that a peer may create
	lingerBytes       = 64 << 10 // input that is thrown away at the end
)

// ServerConn is one publisher's connection. The calls come in this order, from
// one goroutine: AcceptPublish; Grant or Refuse; after Grant, ReadMessage until
// it fails; Linger. Only Interrupt may be called from elsewhere.
type ServerConn struct {
	wire wire

	plays     bool // it is a ViewerConn's
	connected bool
	streams   uint32 // message streams created so far
	fcPublish bool   // the peer said FCPublish and awaits onFCPublish
	request   PublishRequest
	streamID  uint32 // that is being published on, or played
	agg       aggregate
}

// PublishRequest is what a publisher asks for, before it is promised anything.
type PublishRequest struct {
	App      string // as in rtmp://host/APP/KEY, without query
	Key      string // the secret, without query; "" when the publisher gave none
	Called   string // the app as it came: with its query, and with the key where that was in it
	FlashVer string // what the publisher calls itself
	Encoding int    // AMF version that it asked for; it is answered in AMF0
	Peer     Capabilities
	Via      []string // Target.Via, where a weir sends the stream on
}

// String leaves the key out.
func (r PublishRequest) String() string {
	return fmt.Sprintf("app %q, encoder %q", r.App, r.FlashVer)
}

// LogValue leaves the key out.
func (r PublishRequest) LogValue() slog.Value { return slog.StringValue(r.String()) }

// NewServerConn begins to serve a connection: the time to be granted runs from
// here. The caller closes c.
func NewServerConn(c Conn, l Limits) *ServerConn {
	s := new(ServerConn)
	s.wire.init(c, l, serverWriteBuffer)
	return s
}

// AcceptPublish does the handshake and answers the peer's commands until it asks
// to publish. It blocks for Limits.GreetingTime at most. A peer that wants to
// play is told no; the error is ErrPlay then.
func (s *ServerConn) AcceptPublish() (PublishRequest, error) { return s.accept() }

// accept serves a peer until it asks for what is offered.
func (s *ServerConn) accept() (PublishRequest, error) {
	if err := serveHandshake(s.wire.src, outbound{&s.wire}); err != nil {
		return PublishRequest{}, err
	}
	for {
		m, err := s.wire.next()
		if err != nil {
			return PublishRequest{}, fmt.Errorf("before publishing or playing: %w", err)
		}
		if m.Type != TypeCommand && m.Type != TypeCommandAMF3 {
			continue // media too early, data, shared objects
		}
		c, err := parseCommand(m, s.wire.limits)
		if err != nil {
			return PublishRequest{}, err
		}
		asked, err := s.greet(c)
		if err != nil {
			return PublishRequest{}, err
		}
		if asked {
			return s.request, nil
		}
	}
}

// greet answers one command before publishing or playing. It reports whether that was
// what is offered here.
func (s *ServerConn) greet(c command) (asked bool, err error) {
	if !s.connected && c.name != "connect" {
		return false, fmt.Errorf("before publishing: %w: a command before connect", ErrProtocol)
	}
	switch c.name {
	case "connect":
		return false, s.connect(c)
	case "createStream":
		return false, s.createStream(c)
	case "releaseStream":
		return false, s.reply(c, nil, Undefined{})
	case "FCPublish":
		s.fcPublish = true
		return false, s.reply(c, nil, Undefined{})
	case "publish", "play", "play2":
		if s.plays == (c.name == "publish") {
			return false, s.decline(c)
		}
		s.request.App, s.request.Key = publishName(s.request.App, c.text(1))
		s.streamID = c.streamID
		return true, nil
	}
	return false, nil
}

// decline refuses what is not offered here.
func (s *ServerConn) decline(c command) error {
	code, words, why := CodePlayNotFound, "this port offers no playing", ErrPlay
	if s.plays {
		code, words, why = CodePublishBadName, "this port offers no publishing", ErrPublish
	}
	if err := s.status(c.streamID, "error", code, words); err != nil {
		return err
	}
	return why
}

// connect answers RTMP 7.2.1.1.
func (s *ServerConn) connect(c command) error {
	if s.connected {
		return fmt.Errorf("before publishing: %w: connect came twice", ErrProtocol)
	}
	s.connected = true
	o := c.object()
	s.request.Called = o.Text("app")
	s.request.App = s.request.Called
	s.request.FlashVer = o.Text("flashVer")
	if f, ok := o.Number("objectEncoding"); ok && f == 3 {
		s.request.Encoding = 3
	}
	s.request.Peer = readCapabilities(o)
	s.request.Via = strings.Fields(o.Text(viaProperty))

	bandwidth := number(TypeSetPeerBandwidth, ourWindow)
	bandwidth.Body = append(bandwidth.Body, 2) // dynamic
	s.wire.window = ourWindow
	for _, m := range [...]Message{number(TypeWindowAckSize, ourWindow), bandwidth} {
		if err := s.wire.send(csControl, m); err != nil {
			return err
		}
	}
	if err := s.wire.announceChunkSize(); err != nil {
		return err
	}
	ours := ourCapabilities().properties()
	props := append(Object{{"fmsVer", "FMS/3,5,7,7009"}, {"capabilities", 31.0}, {"mode", 1.0}}, ours...)
	info := append(status("status", CodeConnectSuccess, "connected"), Property{"objectEncoding", 0.0})
	info = append(info, ours...)
	return s.reply(c, props, info)
}

// ourCapabilities is what the wire carries, whatever the rest of weir makes of it.
func ourCapabilities() Capabilities {
	video, audio := map[string]uint32{}, map[string]uint32{}
	var list []string
	for _, f := range [...]FourCC{FourCCAVC, FourCCHEVC, FourCCAV1, FourCCVP9} {
		video[f.String()] = CanDecode | CanForward
		list = append(list, f.String())
	}
	for _, f := range [...]FourCC{FourCCAAC, FourCCOpus} {
		audio[f.String()] = CanDecode | CanForward
		list = append(list, f.String())
	}
	return Capabilities{
		CapsEx:     CapMultitrack | CapModEx | CapTimestampOffset,
		FourCCList: list, VideoInfo: video, AudioInfo: audio,
	}
}

// createStream answers RTMP 7.2.1.3. Streams cost nothing here, but nobody needs
// many.
func (s *ServerConn) createStream(c command) error {
	if s.streams >= maxStreams {
		return fmt.Errorf("%w: more than %d streams", ErrLimit, maxStreams)
	}
	s.streams++
	return s.reply(c, nil, float64(s.streams))
}

// reply answers a command; one with transaction 0 wants no answer (RTMP 7.2.1.2).
func (s *ServerConn) reply(c command, values ...any) error {
	if c.transaction == 0 {
		return nil
	}
	return s.wire.send(csCommand, commandMessage(0, "_result", c.transaction, values...))
}

// status sends an onStatus command (RTMP 7.2.2).
func (s *ServerConn) status(streamID uint32, level, code, words string) error {
	return s.tell(streamID, status(level, code, words))
}

func (s *ServerConn) tell(streamID uint32, info Object) error {
	return s.wire.send(csData, commandMessage(streamID, "onStatus", 0, nil, info))
}

// Grant tells the publisher to begin. From now on ReadMessage may be called, and
// the limits of the greeting are lifted.
func (s *ServerConn) Grant() error {
	s.wire.granted()
	if s.fcPublish {
		info := status("status", CodePublishStart, "publishing")
		if err := s.wire.send(csCommand, commandMessage(0, "onFCPublish", 0, nil, info)); err != nil {
			return err
		}
	}
	if err := s.wire.send(csControl, event(eventStreamBegin, s.streamID)); err != nil {
		return err
	}
	return s.status(s.streamID, "status", CodePublishStart, "publishing")
}

// Refuse tells the publisher that it may not go on, with one of the codes above
// and words for its user. It serves after AcceptPublish and also later. Linger
// should follow, or the words may be lost.
func (s *ServerConn) Refuse(code, words string) error {
	return s.status(s.streamID, "error", code, words)
}

// Redirect is Refuse that names another address, rtmp://host/APP, as Adobe's servers do:
// few publishers look for it, and those that do not take it for Refuse.
func (s *ServerConn) Redirect(code, words, tcURL string) error {
	info := append(status("error", code, words), Property{"ex", Object{{"code", 302.0}, {"redirect", tcURL}}})
	return s.tell(s.streamID, info)
}

// AskToReconnect asks a publisher that can do so to connect anew (Enhanced RTMP v2,
// "Reconnect Request"), to rtmp://host/APP, or where tcURL is empty to the address that it
// has; others are told nothing. Refuse may follow.
func (s *ServerConn) AskToReconnect(words, tcURL string) error {
	if !s.request.Reconnects() {
		return nil
	}
	info := status("status", CodeReconnectRequest, words)
	if tcURL != "" {
		info = append(info, Property{"tcUrl", tcURL})
	}
	return s.tell(0, info)
}

// Reconnects tells whether the publisher says that it connects anew when it is asked to.
func (r PublishRequest) Reconnects() bool { return r.Peer.CapsEx&CapReconnect != 0 }

// ReadMessage returns the next audio, video or data message (types 8, 9, 18) of
// the publisher, everything else being dealt with on the way. Data messages of
// either encoding come as type 18 with a body in AMF0. It blocks for
// Limits.ReadTime at most while nothing comes.
//
// The error is ErrGoodbye when the publisher ended its stream, ErrInterrupted
// after Interrupt, io.EOF when it went without a word, and else wraps
// ErrProtocol, ErrLimit or an error of the connection.
func (s *ServerConn) ReadMessage() (Message, error) {
	for {
		if m, ok := s.agg.next(); ok {
			return m, nil
		}
		m, err := s.wire.next()
		if err != nil {
			return Message{}, err
		}
		switch m.Type {
		case TypeAudio, TypeVideo:
			return m, nil
		case TypeData, TypeDataAMF3:
			m.Body, m.Type = amf0Body(m), TypeData
			return m, nil
		case TypeAggregate:
			s.agg = aggregate{Message: m}
		case TypeCommand, TypeCommandAMF3:
			if err := s.command(m); err != nil {
				return Message{}, err
			}
		}
	}
}

// command obeys what a publisher may still say. What cannot be understood is
// passed over.
func (s *ServerConn) command(m Message) error {
	c, err := parseCommand(m, s.wire.limits)
	if errors.Is(err, ErrLimit) {
		return err
	}
	switch c.name {
	case "createStream":
		return s.createStream(c)
	case "publish":
		return s.status(c.streamID, "error", CodePublishBadName, "this connection publishes already")
	case "FCUnpublish":
		info := status("status", CodeUnpublishSuccess, "stream ended")
		return s.goodbye(s.wire.send(csCommand, commandMessage(0, "onFCUnpublish", 0, nil, info)))
	case "deleteStream":
		if c.number(1) != s.streamID {
			return nil
		}
		return s.goodbye(nil)
	case "closeStream":
		if c.streamID != s.streamID {
			return nil
		}
		return s.goodbye(nil)
	}
	return nil
}

// goodbye answers the end of the stream. Many peers do not wait for an answer, so
// that it does not matter whether it can be written; nor did it before (err).
func (s *ServerConn) goodbye(err error) error {
	if err == nil {
		_ = s.status(s.streamID, "status", CodeUnpublishSuccess, "stream ended")
	}
	return ErrGoodbye
}

// Linger lets the peer read our last words: it stops writing, where the
// connection can do that, and throws away what still comes until the peer closes,
// for a second and 64 KiB at most. The caller closes the connection then.
func (s *ServerConn) Linger() {
	c := s.wire.conn
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		if half.CloseWrite() != nil {
			return
		}
	}
	if c.SetReadDeadline(time.Now().Add(farewellTime)) != nil {
		return
	}
	// The peer is told all there is; how it goes does not matter any more.
	_, _ = io.CopyBuffer(io.Discard, io.LimitReader(c, lingerBytes), make([]byte, greetingBuffer))
}

// Interrupt makes a ReadMessage or AcceptPublish that is blocked, and all later
// ones, return ErrInterrupted; writes end within a second. It does not block and
// may be called from any goroutine, any number of times.
func (s *ServerConn) Interrupt() { s.wire.interrupt() }
