package rtc

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
)

const testExtension = 5

// outgoing is what leaves a sender.
type outgoing struct {
	t               *testing.T
	sender          *sender
	pictures, sound interceptor.RTPWriter
	out             []rtp.Packet
}

func newOutgoing(t *testing.T) *outgoing {
	l := &outgoing{t: t, sender: newSender()}
	bind := func(ssrc uint32, feedback ...interceptor.RTCPFeedback) interceptor.RTPWriter {
		return l.sender.BindLocalStream(&interceptor.StreamInfo{
			SSRC: ssrc, RTCPFeedback: feedback,
			RTPHeaderExtensions: []interceptor.RTPHeaderExtension{{URI: sdp.TransportCCURI, ID: testExtension}},
		}, interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) {
			data, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
			if err != nil {
				return 0, err
			}
			var p rtp.Packet
			if err := p.Unmarshal(data); err != nil {
				return 0, err
			}
			l.out = append(l.out, p)
			return len(data), nil
		}))
	}
	l.pictures = bind(1, interceptor.RTCPFeedback{Type: "nack"}, interceptor.RTCPFeedback{Type: "nack", Parameter: "pli"})
	l.sound = bind(2)
	return l
}

// send sends some packets of pictures, and has sound between them.
func (l *outgoing) send(first uint16, n int) {
	l.t.Helper()
	h := &rtp.Header{Version: 2, PayloadType: 102, SequenceNumber: first, SSRC: 1}
	for i := range n {
		h.Timestamp, h.Marker = uint32(i/3), i%3 == 2
		if _, err := l.pictures.Write(h, []byte{byte(i), byte(i >> 8)}, nil); err != nil {
			l.t.Fatal(err)
		}
		h.SequenceNumber++
		if i%4 == 0 {
			if _, err := l.sound.Write(&rtp.Header{Version: 2, PayloadType: 111, SequenceNumber: uint16(i), SSRC: 2}, []byte("sound"), nil); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

func (l *outgoing) say(packets ...rtcp.Packet) (wantKey bool) {
	l.t.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.sender.listen(b)
}

func number(p rtp.Packet) uint16 { return binary.BigEndian.Uint16(p.GetExtension(testExtension)) }

func TestSenderNumbers(t *testing.T) {
	t.Parallel()
	l := newOutgoing(t)
	l.send(65530, 20)
	l.say(&rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: []rtcp.NackPair{{PacketID: 2}}})
	for i, p := range l.out {
		if int(number(p)) != i {
			t.Fatalf("packet %d has number %d", i, number(p))
		}
	}
}

func TestSenderSendsAgain(t *testing.T) {
	t.Parallel()
	l := newOutgoing(t)
	l.send(65000, keptPackets+100)
	sent := slices.Clone(l.out)
	ask := func(ssrc uint32, pairs ...rtcp.NackPair) []rtp.Packet {
		l.out = nil
		l.say(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: pairs})
		return l.out
	}
	first := uint16(65535)
	again := ask(1, rtcp.NackPair{PacketID: first, LostPackets: 0b1000_0000_0000_0101})
	var got []uint16
	for _, p := range again {
		got = append(got, p.SequenceNumber)
		i := slices.IndexFunc(sent, func(q rtp.Packet) bool { return q.SSRC == 1 && q.SequenceNumber == p.SequenceNumber })
		if i < 0 || p.Timestamp != sent[i].Timestamp || p.Marker != sent[i].Marker || p.PayloadType != 102 || !bytes.Equal(p.Payload, sent[i].Payload) {
			t.Errorf("%d is not what it was: %v", p.SequenceNumber, p)
		}
	}
	if want := []uint16{first, first + 1, first + 3, first + 16}; !slices.Equal(got, want) {
		t.Errorf("%v were sent again, not %v", got, want)
	}
	for what, n := range map[string]int{
		"at once":            len(ask(1, rtcp.NackPair{PacketID: first})),
		"no more there":      len(ask(1, rtcp.NackPair{PacketID: 65000})),
		"not sent":           len(ask(1, rtcp.NackPair{PacketID: 64999})),
		"sound":              len(ask(2, rtcp.NackPair{PacketID: 4})),
		"of nobody's stream": len(ask(3, rtcp.NackPair{PacketID: first})),
	} {
		if n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	l.sender.mu.Lock()
	l.sender.streams[1].kept[first%keptPackets].again -= time.Second
	l.sender.mu.Unlock()
	if n := len(ask(1, rtcp.NackPair{PacketID: first})); n != 1 {
		t.Errorf("%d a second later", n)
	}
	l.sender.UnbindLocalStream(&interceptor.StreamInfo{SSRC: 1})
	if n := len(ask(1, rtcp.NackPair{PacketID: first + 5})); n != 0 {
		t.Errorf("%d of a stream that has ended", n)
	}
}

// No more is sent again than was sent, and not more at once than the way carries in half a second.
func TestSenderSendsAgainBounded(t *testing.T) {
	t.Parallel()
	const rate = 800_000
	for sent, want := range map[int]int{0: 0, 3: 3, 50: 50, 1000: 50} {
		var b budget
		for range sent {
			b.sent(1000, rate)
		}
		again := 0
		for b.take(1000) {
			again++
		}
		if again != want {
			t.Errorf("%d packets sent again of %d", again, sent)
		}
	}
}

// The messages are those of pion's own recorder, as a viewer sends them.
func TestSenderEstimates(t *testing.T) {
	t.Parallel()
	l := newOutgoing(t)
	if r := l.sender.rate.Load(); r != firstEstimate {
		t.Fatalf("%d before the first message", r)
	}
	feedback := func(lost func(i int) bool, start time.Duration) {
		r := twcc.NewRecorder(9)
		for i, p := range l.out {
			if !lost(i) {
				r.Record(1, number(p), (start + time.Duration(i)*time.Millisecond).Microseconds())
			}
		}
		l.out = nil
		if l.say(r.BuildFeedbackPacket()...) {
			t.Error("a key frame is wanted")
		}
	}
	// The time of the messages has 24 bits of 64 ms.
	for i, start := range []time.Duration{arrivalsTick*arrivalsWraps - 100*time.Millisecond, arrivalsTick * arrivalsWraps, arrivalsTick*arrivalsWraps + 100*time.Millisecond} {
		l.send(uint16(50*i), 50)
		feedback(func(int) bool { return false }, start)
		if len(l.sender.told) != 63 || l.sender.congested.Load() {
			t.Fatalf("%d packets were told of, congested: %v", len(l.sender.told), l.sender.congested.Load())
		}
		if came := l.sender.told[0].Came; came.Round(time.Millisecond) != start {
			t.Errorf("it came at %v, not %v", came, start)
		}
	}
	for i := range 20 {
		l.sender.start = l.sender.start.Add(-100 * time.Millisecond) // which pass
		l.send(uint16(200+50*i), 50)
		feedback(func(i int) bool { return i%2 == 1 }, time.Duration(i)*100*time.Millisecond)
	}
	if r := l.sender.rate.Load(); r >= firstEstimate || !l.sender.congested.Load() {
		t.Errorf("half of all is lost: %d bit/s, congested: %v", r, l.sender.congested.Load())
	}
	// What was told of as come is not told of twice.
	l.send(5000, 10)
	out := l.out
	feedback(func(int) bool { return false }, 3*time.Second)
	l.out = out
	feedback(func(int) bool { return false }, 3*time.Second)
	if n := len(l.sender.told); n != 0 {
		t.Errorf("%d packets were told of twice", n)
	}
}

func TestSenderWantsKey(t *testing.T) {
	t.Parallel()
	l := newOutgoing(t)
	for _, c := range []struct {
		say  []rtcp.Packet
		want bool
	}{
		{[]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: 1}}, true},
		{[]rtcp.Packet{&rtcp.ReceiverReport{}, &rtcp.PictureLossIndication{MediaSSRC: 1}}, true},
		{[]rtcp.Packet{&rtcp.FullIntraRequest{MediaSSRC: 1, FIR: []rtcp.FIREntry{{SSRC: 1}}}}, true},
		{[]rtcp.Packet{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 1}}}}, false},
		{[]rtcp.Packet{&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1e6, SSRCs: []uint32{1}}}, false},
	} {
		if got := l.say(c.say...); got != c.want {
			t.Errorf("%v: %v", c.say, got)
		}
	}
}

// A packet costs no memory on its way through.
func TestSenderAllocates(t *testing.T) {
	s := newSender()
	w := s.BindLocalStream(&interceptor.StreamInfo{
		SSRC: 1, RTCPFeedback: []interceptor.RTCPFeedback{{Type: "nack"}},
		RTPHeaderExtensions: []interceptor.RTPHeaderExtension{{URI: sdp.TransportCCURI, ID: testExtension}},
	}, interceptor.RTPWriterFunc(func(*rtp.Header, []byte, interceptor.Attributes) (int, error) { return 0, nil }))
	h, payload := &rtp.Header{Version: 2, SSRC: 1}, make([]byte, 1200)
	n := testing.AllocsPerRun(1000, func() {
		h.SequenceNumber++
		if _, err := w.Write(h, payload, nil); err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever a viewer says, it is read as pion reads it, or left out.
func FuzzListen(f *testing.F) {
	add := func(packets ...rtcp.Packet) {
		b, err := rtcp.Marshal(packets)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	r := twcc.NewRecorder(9)
	for i := range 100 {
		if i%7 != 3 && i/20 != 2 {
			r.Record(1, uint16(65500+i), int64(i*i*100))
		}
	}
	add(r.BuildFeedbackPacket()...)
	add(&rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: []rtcp.NackPair{{PacketID: 3, LostPackets: 0xffff}}})
	add(&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 1}}}, &rtcp.PictureLossIndication{MediaSSRC: 1})
	f.Add([]byte{0x8f, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newSender()
		s.BindLocalStream(&interceptor.StreamInfo{SSRC: 1, RTCPFeedback: []interceptor.RTCPFeedback{{Type: "nack"}}}, interceptor.RTPWriterFunc(
			func(*rtp.Header, []byte, interceptor.Attributes) (int, error) { return 0, nil }))
		s.listen(b)
		var theirs rtcp.TransportLayerCC
		if theirs.Unmarshal(b) != nil || theirs.PacketStatusCount == 0 {
			return
		}
		a, err := parseArrivals(b[rtcpHead+rtcpSSRCs:])
		if err != nil {
			return
		}
		var at, delta int
		err = a.each(func(number uint16, came time.Duration, lost bool) {
			if number != theirs.BaseSequenceNumber+uint16(at) {
				t.Fatalf("packet %d is %d", at, number)
			}
			at++
			if !lost {
				delta++
			}
		})
		if err == nil && (at != int(theirs.PacketStatusCount) || delta > len(theirs.RecvDeltas)) {
			t.Fatalf("%d packets with %d times, not %d with %d", at, delta, theirs.PacketStatusCount, len(theirs.RecvDeltas))
		}
	})
}
