package rtmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is both ends of a TCP connection.
func pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	client, err = net.Dial("tcp", lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = lis.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// peer is a publisher whose every message the test decides on.
type peer struct {
	t testing.TB
	net.Conn
	in  *chunkReader
	out *chunkWriter
}

// newPeer connects a peer that has done its handshake to a ServerConn.
func newPeer(t testing.TB, l Limits) (*peer, *ServerConn) {
	c, sc := pair(t)
	p := &peer{t: t, Conn: c, out: newChunkWriter(c, 512)}
	src := newSource(c, greetingBuffer, -1)
	p.in = newChunkReader(src, Limits{}.withDefaults())
	s := NewServerConn(sc, l)
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	hello := append([]byte{version}, make([]byte, 2*handshakeSize)...)
	if _, err := c.Write(hello); err != nil { // C0, C1 and C2 at once
		t.Fatal(err)
	}
	return p, s
}

// skipHandshake reads S0, S1 and S2.
func (p *peer) skipHandshake() {
	p.t.Helper()
	if err := p.in.src.full(make([]byte, 1+2*handshakeSize)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) send(m Message) {
	p.t.Helper()
	if err := errors.Join(p.out.message(csCommand, m, nil), p.out.flush()); err != nil {
		p.t.Fatal(err)
	}
}

// next is the next message of one of the types, with chunk sizes obeyed.
func (p *peer) next(types ...MessageType) Message {
	p.t.Helper()
	for {
		m, done, err := p.in.next()
		if err != nil {
			p.t.Fatal(err)
		}
		if done && m.Type == TypeSetChunkSize {
			p.in.chunkSize = int(binary.BigEndian.Uint32(m.Body))
		}
		for _, t := range types {
			if done && m.Type == t {
				return m
			}
		}
	}
}

func (p *peer) command() command {
	p.t.Helper()
	c, err := parseCommand(p.next(TypeCommand), Limits{})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *peer) publish(key string) {
	p.t.Helper()
	p.send(commandMessage(0, "connect", 1, Object{{"app", "live"}}))
	p.send(commandMessage(0, "createStream", 2, nil))
	p.send(commandMessage(1, "publish", 3, nil, key, "live"))
}

// granted is a peer that publishes.
func granted(t testing.TB, l Limits) (*peer, *ServerConn) {
	t.Helper()
	p, s := newPeer(t, l)
	p.publish("secretkey")
	if _, err := s.AcceptPublish(); err != nil {
		t.Fatal(err)
	}
	if err := s.Grant(); err != nil {
		t.Fatal(err)
	}
	p.skipHandshake()
	for p.command().name != "onStatus" {
	}
	return p, s
}

// Only who can connect anew by itself is asked to; all are told where.
func TestAskToReconnect(t *testing.T) {
	const to = "rtmp://b.example.com/live?weir-sent=1"
	for caps, want := range map[float64]string{CapReconnect | CapModEx: CodeReconnectRequest, CapModEx: CodeFailed} {
		p, s := newPeer(t, Limits{})
		p.send(commandMessage(0, "connect", 1, Object{{"app", "live?a=b"}, {"capsEx", caps}}))
		p.send(commandMessage(0, "createStream", 2, nil))
		p.send(commandMessage(1, "publish", 3, nil, "k", "live"))
		if r, err := s.AcceptPublish(); err != nil || r.Called != "live?a=b" || r.App != "live" || r.Reconnects() != (want == CodeReconnectRequest) {
			t.Fatalf("%+v, %v", r, err)
		}
		if err := errors.Join(s.AskToReconnect("go", to), s.AskToReconnect("here", ""), s.Redirect(CodeFailed, "gone", to)); err != nil {
			t.Error(err)
		}
		p.skipHandshake()
		next := func() (c command, info Object) {
			for c.name != "onStatus" {
				c = p.command()
			}
			return c, c.args[1].(Object)
		}
		c, info := next()
		if got := info.Text("code"); got != want || (want == CodeReconnectRequest) != (c.streamID == 0) {
			t.Fatalf("with %v: %q on stream %d, want %q", caps, got, c.streamID, want)
		}
		if want == CodeReconnectRequest {
			if info.Text("tcUrl") != to {
				t.Errorf("it is to connect to %q", info.Text("tcUrl"))
			}
			if _, here := next(); here.Text("code") != want || here.Get("tcUrl") != nil {
				t.Errorf("without an address: %v", here)
			}
			c, info = next()
		}
		ex, _ := info.Get("ex").(Object)
		if code, _ := ex.Number("code"); c.streamID != 1 || info.Text("code") != CodeFailed || code != 302 || ex.Text("redirect") != to {
			t.Errorf("refused with %v", info)
		}
	}
}

func TestConnectReply(t *testing.T) {
	p, s := newPeer(t, Limits{})
	p.send(commandMessage(0, "connect", 1, Object{
		{"app", "live/"}, {"pageUrl", Undefined{}}, {"flashVer", "enc 1"}, {"objectEncoding", 3.0},
		{"capsEx", 2.0}, {"fourCcList", []any{"hvc1", "*"}},
		{"videoFourCcInfoMap", Object{{"av01", 4.0}}}, {"audioFourCcInfoMap", Array{{"Opus", 1.0}}},
		{"weirVia", "a b"},
	}))
	p.send(commandMessage(0, "releaseStream", 2, nil, "k"))
	p.send(commandMessage(0, "FCPublish", 3, nil, "k"))
	p.send(commandMessage(0, "somethingNew", 9, nil))
	p.send(commandMessage(0, "createStream", 4, nil))
	p.send(commandMessage(1, "publish", 5, nil, "key_1?x=y", "live"))
	req, err := s.AcceptPublish()
	if err != nil {
		t.Fatal(err)
	}
	want := `{App:live Key:key_1 Called:live/ FlashVer:enc 1 Encoding:3 Peer:{CapsEx:2 FourCCList:[hvc1 *] VideoInfo:map[av01:4] AudioInfo:map[Opus:1]} Via:[a b]}`
	type plain PublishRequest
	if got := fmt.Sprintf("%+v", plain(req)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if text := fmt.Sprintf("%v %+v %s", req, req, req.LogValue()); strings.Contains(text, "key_1") {
		t.Errorf("the key is shown: %s", text)
	}
	p.skipHandshake()
	if m := p.next(TypeWindowAckSize); binary.BigEndian.Uint32(m.Body) != ourWindow {
		t.Errorf("window % x", m.Body)
	}
	c := p.command()
	for i := range 2 {
		o := Properties(c.args[i])
		if readCapabilities(o).VideoInfo["hvc1"] != CanDecode|CanForward || readCapabilities(o).CapsEx == 0 || len(readCapabilities(o).FourCCList) == 0 {
			t.Errorf("argument %d of %s: %v", i, c.name, o)
		}
	}
	if Properties(c.args[1]).Text("code") != CodeConnectSuccess || p.in.chunkSize != ourChunkSize {
		t.Errorf("reply %v, chunk size %d", c, p.in.chunkSize)
	}
	for _, transaction := range []float64{2, 3, 4} {
		if c := p.command(); c.name != "_result" || c.transaction != transaction {
			t.Errorf("got %v for %v", c, transaction)
		}
	}
	if err := s.Grant(); err != nil {
		t.Fatal(err)
	}
	if m := p.next(TypeUserControl); !bytes.Equal(m.Body, []byte{0, 0, 0, 0, 0, 1}) {
		t.Errorf("stream begin % x", m.Body)
	}
	if c := p.command(); c.name != "onStatus" || Properties(c.args[1]).Text("code") != CodePublishStart || c.streamID != 1 {
		t.Errorf("got %v", c)
	}
}

func TestAMF3Commands(t *testing.T) {
	p, s := newPeer(t, Limits{})
	for i, m := range []Message{
		commandMessage(0, "connect", 1, Object{{"app", "live"}}),
		commandMessage(0, "createStream", 2, nil),
		commandMessage(1, "publish", 3, nil, "key", "live"),
	} {
		m.Type, m.Body = TypeCommandAMF3, append([]byte{0}, m.Body...)
		if i == 1 {
			m.Body = append(m.Body, amfAMF3, 10, 11, 1) // an argument in AMF3
		}
		p.send(m)
	}
	if req, err := s.AcceptPublish(); err != nil || req.Key != "key" {
		t.Fatal(req, err)
	}
	if err := s.Grant(); err != nil {
		t.Fatal(err)
	}
	body := appendAMF0(nil, "@setDataFrame", "onMetaData", Array{{"width", 1.0}})
	p.send(Message{Type: TypeDataAMF3, Body: append([]byte{0}, body...)})
	m, err := s.ReadMessage()
	if err != nil || m.Type != TypeData || !bytes.Equal(m.Body, body) {
		t.Errorf("got %v %v", m, err)
	}
}

// TestPeculiarPublishers: what closes the connection elsewhere and must not here.
func TestPeculiarPublishers(t *testing.T) {
	p, s := granted(t, Limits{})
	for _, m := range []Message{
		{Type: TypeAudio}, {Type: TypeVideo}, {Type: TypeCommand}, {Type: TypeData}, {Type: TypeAggregate}, // empty
		{Type: TypeUserControl, Body: []byte{0, 31, 0, 0}}, // unknown event
		{Type: TypeUserControl, Body: []byte{0}},
		{Type: TypeWindowAckSize, Body: []byte{1}},
		{Type: TypeAbort, Body: []byte{0, 0, 0, 77}},
		{Type: TypeSetPeerBandwidth, Body: []byte{0, 0, 1, 0, 2}},
		{Type: TypeAck, Body: []byte{0, 0, 0, 1}},
		{Type: TypeSharedObject, Body: []byte{1, 2, 3}}, {Type: TypeSharedObjectAMF3, Body: []byte{1}}, {Type: 99, Body: []byte{1}},
		{Type: TypeCommand, Body: []byte{amfNull}}, // no name
		commandMessage(0, "_result", 77, nil), commandMessage(0, "_error", 78, nil), commandMessage(0, "_checkbw", 5, nil),
		commandMessage(0, "deleteStream", 0, nil, 5.0), commandMessage(7, "closeStream", 0, nil),
		commandMessage(0, "deleteStream", 0, nil, "one"), commandMessage(0, "deleteStream", 0),
		commandMessage(0, "createStream", 9, nil),
		commandMessage(2, "publish", 10, nil, "another", "live"),
		{Type: TypeVideo, StreamID: 1, Timestamp: 40, Body: []byte{1}},
	} {
		p.send(m)
	}
	m, err := s.ReadMessage()
	if err != nil || m.Type != TypeVideo || m.Timestamp != 40 {
		t.Fatalf("got %v %v", m, err)
	}
	if m := p.next(TypeWindowAckSize); binary.BigEndian.Uint32(m.Body) != 256 {
		t.Errorf("bandwidth answered with % x", m.Body)
	}
	if c := p.command(); c.name != "_result" || c.transaction != 9 {
		t.Errorf("createStream: %v", c)
	}
	if c := p.command(); Properties(c.args[1]).Text("code") != CodePublishBadName {
		t.Errorf("second publish: %v", c)
	}
	p.send(Message{Type: TypeUserControl, Body: []byte{0, eventPingRequest, 1, 2, 3, 4}})
	p.send(commandMessage(1, "closeStream", 0, nil))
	if _, err := s.ReadMessage(); !errors.Is(err, ErrGoodbye) {
		t.Errorf("closeStream: %v", err)
	}
	if m := p.next(TypeUserControl); !bytes.Equal(m.Body, []byte{0, eventPingResponse, 1, 2, 3, 4}) {
		t.Errorf("ping answered with % x", m.Body)
	}
}

func TestAggregateMessage(t *testing.T) {
	p, s := granted(t, Limits{})
	p.send(Message{Type: TypeAggregate, StreamID: 1, Timestamp: 500, Body: cat(
		[]byte{8, 0, 0, 1, 0, 0, 10, 0, 0, 0, 0, 0xaa, 0, 0, 0, 12}, []byte{9, 0, 0, 1, 0, 0, 30, 0, 0, 0, 0, 0xbb, 0, 0, 0, 12})})
	for _, want := range []Message{{TypeAudio, 1, 500, []byte{0xaa}}, {TypeVideo, 1, 520, []byte{0xbb}}} {
		if m, err := s.ReadMessage(); err != nil || fmt.Sprint(m) != fmt.Sprint(want) {
			t.Errorf("got %v %v, want %v", m, err, want)
		}
	}
}

// TestAcknowledgements: a peer that wants one for each byte gets few.
func TestAcknowledgements(t *testing.T) {
	p, s := granted(t, Limits{})
	p.send(number(TypeWindowAckSize, 1))
	p.out.chunkSize = 1000
	p.send(number(TypeSetChunkSize, 1000))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		p.send(Message{Type: TypeVideo, StreamID: 1, Body: make([]byte, 300_000)})
	}()
	if m, err := s.ReadMessage(); err != nil || len(m.Body) != 300_000 {
		t.Fatal(err)
	}
	<-sent
	p.send(commandMessage(1, "closeStream", 0, nil))
	if _, err := s.ReadMessage(); !errors.Is(err, ErrGoodbye) {
		t.Fatal(err)
	}
	acks, last := 0, uint32(0)
	for {
		m := p.next(TypeAck, TypeCommand)
		if m.Type == TypeCommand {
			break
		}
		acks++
		if v := binary.BigEndian.Uint32(m.Body); v <= last {
			t.Errorf("acknowledged %d after %d", v, last)
		} else {
			last = v
		}
	}
	if acks < 3 || acks > 5 {
		t.Errorf("%d acknowledgements of 300 kB", acks)
	}
}

func TestRefusals(t *testing.T) {
	many := func(p *peer) {
		p.send(commandMessage(0, "connect", 1, Object{{"app", "live"}}))
		for range 20 {
			p.send(commandMessage(0, "createStream", 0, nil))
		}
	}
	tests := []struct {
		name string
		do   func(p *peer)
		want error
	}{
		{"play", func(p *peer) {
			p.send(commandMessage(0, "connect", 1, Object{{"app", "live"}}))
			p.send(commandMessage(1, "play", 2, nil, "key"))
		}, ErrPlay},
		{"no connect", func(p *peer) { p.send(commandMessage(1, "publish", 2, nil, "key")) }, ErrProtocol},
		{"connect twice", func(p *peer) {
			p.send(commandMessage(0, "connect", 1, nil))
			p.send(commandMessage(0, "connect", 1, nil))
		}, ErrProtocol},
		{"many streams", many, ErrLimit},
		{"too much before publishing", func(p *peer) {
			for range 30 {
				if p.out.message(csAudio, Message{Type: TypeAudio, Body: make([]byte, 4000)}, nil) != nil {
					return
				}
			}
			_ = p.out.flush() // the server may have closed already
		}, ErrLimit},
		{"nothing comes", func(*peer) {}, os.ErrDeadlineExceeded},
		{"it goes", func(p *peer) { p.Close() }, io.EOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, s := newPeer(t, Limits{GreetingTime: 300 * time.Millisecond})
			tt.do(p)
			if _, err := s.AcceptPublish(); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestSlowly: a byte now and then does not keep a greeting alive.
func TestSlowly(t *testing.T) {
	c, sc := pair(t)
	s := NewServerConn(sc, Limits{GreetingTime: 200 * time.Millisecond})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		b := []byte{version}
		for range tick.C {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	}()
	if _, err := s.AcceptPublish(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	sc.Close()
	<-ended
}

func TestReadDeadlineAfterGrant(t *testing.T) {
	_, s := granted(t, Limits{ReadTime: 50 * time.Millisecond})
	if _, err := s.ReadMessage(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

func TestInterrupt(t *testing.T) {
	_, s := granted(t, Limits{})
	go s.Interrupt()
	if _, err := s.ReadMessage(); !errors.Is(err, ErrInterrupted) {
		t.Error(err)
	}
	if _, err := s.ReadMessage(); !errors.Is(err, ErrInterrupted) {
		t.Error(err)
	}
	if err := s.Refuse(CodeFailed, "bye"); err != nil {
		t.Error(err)
	}
}

func TestFirstByte(t *testing.T) {
	for _, b := range []byte{0, 2, 6, 22, 'G'} {
		c, sc := pair(t)
		if _, err := c.Write(bytes.Repeat([]byte{b}, 10)); err != nil {
			t.Fatal(err)
		}
		if _, err := NewServerConn(sc, Limits{}).AcceptPublish(); !errors.Is(err, ErrProtocol) {
			t.Errorf("%d: %v", b, err)
		}
	}
}
