package rtc

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"weir/media/rtc/congestion"
)

const (
	sentPackets = 1024 // whose arrival may be told of: a second of 10 Mbit/s
	keptPackets = 512  // for those who ask for one again: more than a second of 3 Mbit/s

	againAfter = 5 * time.Millisecond   // and a round trip: a packet that was asked for twice
	againFor   = 500 * time.Millisecond // of the estimate may be sent again at once
)

// sender stands between a viewer's tracks and its transport: it numbers the packets for
// transport-wide congestion control, keeps those of pictures for a while, and learns from
// what the viewer says of them. It is pion's interceptor of one connection.
type sender struct {
	interceptor.NoOp
	start time.Time

	mu       sync.Mutex
	number   uint16 // of the next packet
	sent     [sentPackets]sentPacket
	streams  map[uint32]*sendStream // by SSRC
	estimate *congestion.Estimator
	told     []congestion.Packet // scratch
	since    int64               // of the last message, in ticks; all its 64 bits are right
	some     bool                // since is valid
	again    budget

	rate      atomic.Int64 // bit/s
	congested atomic.Bool
}

// sentPacket is one whose arrival has not been told of.
type sentPacket struct {
	at     time.Duration
	size   int // 0: none
	number uint16
}

var _ interceptor.Factory = (*sender)(nil)

func newSender() *sender {
	s := &sender{
		start: time.Now(), streams: map[uint32]*sendStream{},
		estimate: congestion.New(congestion.Config{First: firstEstimate, Least: leastEstimate, Most: mostEstimate}),
	}
	s.rate.Store(firstEstimate)
	return s
}

// NewInterceptor is called by pion, once: there is a sender for each connection.
func (s *sender) NewInterceptor(string) (interceptor.Interceptor, error) { return s, nil }

// sendStream is one track on its way to the transport. One goroutine at a time writes it,
// beside the packets that are sent again.
type sendStream struct {
	sender *sender
	next   interceptor.RTPWriter
	ext    uint8        // ID of the number in a header; 0: the viewer takes none
	number [2]byte      // what the header of the packet that is being sent has
	kept   []keptPacket // by sequence number; nil: none is sent again
}

// keptPacket shares its payload with all viewers.
type keptPacket struct {
	payload []byte // nil: none
	again   time.Duration
	time    uint32
	seq     uint16
	kind    uint8
	marker  bool
}

// BindLocalStream is called by pion with each track.
func (s *sender) BindLocalStream(info *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	st := &sendStream{sender: s, next: next}
	for _, e := range info.RTPHeaderExtensions {
		if e.URI == sdp.TransportCCURI {
			st.ext = uint8(e.ID)
		}
	}
	if slices.Contains(info.RTCPFeedback, interceptor.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK}) {
		st.kept = make([]keptPacket, keptPackets)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[info.SSRC] = st
	return st
}

// UnbindLocalStream is called by pion when a track ends.
func (s *sender) UnbindLocalStream(info *interceptor.StreamInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, info.SSRC)
}

// Write sends a packet. The header is changed; the payload must not change any more.
func (st *sendStream) Write(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
	s := st.sender
	s.mu.Lock()
	if st.kept != nil {
		st.kept[h.SequenceNumber%keptPackets] = keptPacket{payload: payload, time: h.Timestamp, seq: h.SequenceNumber, kind: h.PayloadType, marker: h.Marker}
		s.again.sent(len(payload), s.estimate.Rate())
	}
	err := st.mark(h, len(payload), st.number[:], time.Since(s.start))
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return st.next.Write(h, payload, a)
}

// mark gives a packet its number, in two bytes that the header keeps. The caller holds the lock.
func (st *sendStream) mark(h *rtp.Header, size int, number []byte, now time.Duration) error {
	if st.ext == 0 {
		return nil
	}
	s := st.sender
	binary.BigEndian.PutUint16(number, s.number)
	s.sent[s.number%sentPackets] = sentPacket{now, h.MarshalSize() + size, s.number}
	s.number++
	return h.SetExtension(st.ext, number)
}

// missing sends packets again that a viewer asks for (RFC 4585 6.2.1), if they are still there.
func (s *sender) missing(ssrc uint32, first uint16, more uint16) {
	for i := range 17 {
		if i == 0 || more>>(i-1)&1 != 0 {
			s.resend(ssrc, first+uint16(i))
		}
	}
}

func (s *sender) resend(ssrc uint32, seq uint16) {
	s.mu.Lock()
	st := s.streams[ssrc]
	if st == nil || st.kept == nil {
		s.mu.Unlock()
		return
	}
	k := &st.kept[seq%keptPackets]
	now := time.Since(s.start)
	early := k.again != 0 && now-k.again < againAfter+s.estimate.RoundTrip()
	if k.payload == nil || k.seq != seq || early || !s.again.take(len(k.payload)) {
		s.mu.Unlock()
		return
	}
	k.again = now
	h := rtp.Header{Version: 2, Marker: k.marker, PayloadType: k.kind, SequenceNumber: seq, Timestamp: k.time, SSRC: ssrc}
	payload := k.payload
	err := st.mark(&h, len(payload), make([]byte, 2), now)
	s.mu.Unlock()
	if err == nil {
		_, _ = st.next.Write(&h, payload, nil) // what cannot be sent will be asked for again
	}
}

// budget bounds how much is sent again: what a viewer asks for is no more than what was sent
// before, nor at once than its way carries in a moment.
type budget struct{ left int } // bytes

// sent is called with each packet that is sent for the first time.
func (b *budget) sent(size, rate int) {
	b.left = min(b.left+size, int(int64(rate)/8*int64(againFor)/int64(time.Second)))
}

// take tells whether so many bytes may be sent again.
func (b *budget) take(size int) bool {
	if b.left < size {
		return false
	}
	b.left -= size
	return true
}
