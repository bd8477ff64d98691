package rtmp

// MessageType is what a message carries (RTMP 5.4, 6.2, 7.1).
type MessageType uint8

// Message types.
const (
	TypeSetChunkSize     MessageType = 1
	TypeAbort            MessageType = 2
	TypeAck              MessageType = 3
	TypeUserControl      MessageType = 4
	TypeWindowAckSize    MessageType = 5
	TypeSetPeerBandwidth MessageType = 6
	TypeAudio            MessageType = 8
	TypeVideo            MessageType = 9
	TypeDataAMF3         MessageType = 15
	TypeSharedObjectAMF3 MessageType = 16
	TypeCommandAMF3      MessageType = 17
	TypeData             MessageType = 18
	TypeSharedObject     MessageType = 19
	TypeCommand          MessageType = 20
	TypeAggregate        MessageType = 22
)

// Message is one whole RTMP message.
type Message struct {
	Type     MessageType
	StreamID uint32
	// Timestamp is in milliseconds on the sender's clock and wraps at 2^32.
	Timestamp uint32
	// Body belongs to the receiver. The messages of one aggregate share an array.
	Body []byte
}

// isMedia tells whether bodies of type t count as media for Limits.
func (t MessageType) isMedia() bool {
	return t == TypeAudio || t == TypeVideo || t == TypeAggregate
}

// isControl tells whether messages of type t speak about the connection itself
// (RTMP 5.4, 7.1.7); the longest that is defined has 10 bytes.
func (t MessageType) isControl() bool { return t >= TypeSetChunkSize && t <= TypeSetPeerBandwidth }

// User control events (RTMP 7.1.7).
const (
	eventStreamBegin  = 0
	eventStreamEOF    = 1
	eventPingRequest  = 6
	eventPingResponse = 7
)

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

func appendUint24(b []byte, v uint32) []byte { return append(b, byte(v>>16), byte(v>>8), byte(v)) }
