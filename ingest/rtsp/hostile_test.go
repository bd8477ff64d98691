package rtsp

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/ingest"
	"weir/ingest/ingesttest"
	"weir/media"
)

const offer = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
	"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:streamid=0\r\n"

// hand is an RTSP client that says what it likes.
type hand struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	base string
	seq  int
	to   string // its Location
	asks string // the last answer's WWW-Authenticate, one after the other
}

func dialHand(t *testing.T, s *Server) *hand {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return &hand{t: t, conn: c, in: bufio.NewReader(c), base: "rtsp://" + s.Addr().String() + "/live/"}
}

// ask sends a request and gives the status line and the session of the answer.
func (h *hand) ask(method, path, body string, headers ...string) (status, session string) {
	h.t.Helper()
	h.seq++
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%s RTSP/1.0\r\nCSeq: %d\r\n", method, h.base, path, h.seq)
	for _, x := range headers {
		b.WriteString(x + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/sdp\r\nContent-Length: %d\r\n", len(body))
	}
	_, _ = io.WriteString(h.conn, b.String()+"\r\n"+body)
	h.asks, h.to = "", ""
	for {
		line, err := h.in.ReadString('\n')
		if err != nil {
			return status, session
		}
		line = strings.TrimSpace(line)
		switch name, value, _ := strings.Cut(line, ": "); {
		case status == "":
			status = line
		case name == "Location":
			h.to = value
		case name == "WWW-Authenticate":
			h.asks += value + "; "
		case name == "Session":
			session, _, _ = strings.Cut(value, ";")
		case line == "":
			return status, session
		}
	}
}

// record brings a publisher of a picture to the point where it may send.
func (h *hand) record(name string) {
	h.t.Helper()
	if status, _ := h.ask("ANNOUNCE", name, offer); !strings.Contains(status, "200") {
		h.t.Fatalf("ANNOUNCE: %s", status)
	}
	_, session := h.ask("SETUP", name+"/streamid=0", "", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record")
	if status, _ := h.ask("RECORD", name, "", "Session: "+session); !strings.Contains(status, "200") {
		h.t.Fatalf("RECORD: %s", status)
	}
}

// gone waits until the server has hung up.
func (h *hand) gone() error {
	_, err := io.Copy(io.Discard, h.in)
	if err != nil && strings.Contains(err.Error(), "timeout") {
		return err
	}
	return nil
}

// TestHostile: what strangers send costs nothing that lasts, and nobody else.
func TestHostile(t *testing.T) {
	r := ingesttest.New(t, patient)
	s, log := start(t, r, func(c *Config) { c.OpenTime = 2 * time.Second })
	var feed sync.WaitGroup
	feed.Go(func() {
		args := append(inputs("6"), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac")
		if out, err := publish(t, "tcp", "rtsp://"+s.Addr().String()+"/live/honest", args...); err != nil {
			t.Errorf("the honest publisher: %v\n%s", err, out)
		}
	})
	honest := r.Next(t)
	random := rand.New(rand.NewPCG(3, 5))
	garbage := make([]byte, 100_000)
	for i := range garbage {
		garbage[i] = byte(random.Uint32())
	}
	for name, bad := range map[string]func(h *hand){
		"garbage":         func(h *hand) { _, _ = h.conn.Write(garbage) },
		"nothing":         func(*hand) {},
		"half a request":  func(h *hand) { _, _ = io.WriteString(h.conn, "ANNOUNCE rtsp://x/live/a RTS") },
		"a long method":   func(h *hand) { _, _ = io.WriteString(h.conn, "AN"+strings.Repeat("X", 100_000)) },
		"endless headers": func(h *hand) { flood(h, "OPTIONS * RTSP/1.0\r\n", "X-A: "+strings.Repeat("y", 2000)+"\r\n") },
		"HTTP":            func(h *hand) { flood(h, "GET / HTTP/1.1\r\n", "X-A: "+strings.Repeat("y", 2000)+"\r\n") },
		"HTTP, one line":  func(h *hand) { flood(h, "POST / HTTP/1.1\r\nX-A: ", strings.Repeat("y", 2000)) },
		"requests":        func(h *hand) { flood(h, "", "OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n") },
		"a body that is too large": func(h *hand) {
			_, _ = io.WriteString(h.conn, "ANNOUNCE rtsp://x/live/a RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999999\r\n\r\n")
		},
		"RECORD without SETUP": func(h *hand) {
			h.ask("ANNOUNCE", "e", offer)
			h.ask("RECORD", "e", "", "Session: x")
		},
		"no media": func(h *hand) { h.ask("ANNOUNCE", "e", "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n") },
		"a description that the library panics at": func(h *hand) {
			h.ask("ANNOUNCE", "e", strings.Replace(offer, "H264/90000\r\na=fmtp:96 ", "MP4A-LATM/48000/2\r\na=fmtp:96 cpresent=0;config=400223203fe3fc;", 1))
		},
		"many media": func(h *hand) {
			h.ask("ANNOUNCE", "e", offer+strings.Repeat("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", 500))
		},
		"SETUPs": func(h *hand) {
			flood(h, "", "SETUP rtsp://x/live/a/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n")
		},
		"PLAY": func(h *hand) {
			h.ask("SETUP", "honest/trackID=0", "", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
		},
		"announced, no more":        func(h *hand) { h.ask("ANNOUNCE", "idler", offer) },
		"interleaved before RECORD": func(h *hand) { flood(h, "", "$\x00\xff\xff"+string(garbage[:65535])) },
	} {
		h := dialHand(t, s)
		bad(h)
		if err := h.gone(); err != nil {
			t.Errorf("%s: not sent away: %v", name, err)
		}
	}
	feed.Wait()
	if n := len(honest.Packets(media.Video)); n < 140 {
		t.Errorf("the honest publisher's pictures: %d of 150", n)
	}
	if strings.Contains(log.String(), "connection failed") {
		t.Errorf("something panicked:\n%s", log)
	}
}

// flood writes some bytes and then others again and again, until that fails.
func flood(h *hand, first, again string) {
	var answers sync.WaitGroup
	answers.Go(func() { _, _ = io.Copy(io.Discard, h.in) })
	defer answers.Wait()
	if _, err := io.WriteString(h.conn, first); err != nil {
		return
	}
	for range 20_000 {
		if _, err := io.WriteString(h.conn, again); err != nil {
			return
		}
	}
}

// TestFloods: who may send, and sends what is of no use, is sent away, in bounded memory.
func TestFloods(t *testing.T) {
	r := ingesttest.New(t, func(c *ingest.Config) { c.Reconnect = -1 })
	s, log := start(t, r, func(c *Config) { c.IdleTime = time.Second })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, payload := range map[string][]byte{
		"large":     bytes.Repeat([]byte{0x65}, 60_000),
		"unending":  append([]byte{0x7c, 0x05}, bytes.Repeat([]byte{1}, 60_000)...),
		"aggregate": append([]byte{0x18}, bytes.Repeat([]byte{0, 1, 0x65}, 20_000)...),
		"empty":     nil,
	} {
		h := dialHand(t, s)
		h.record("flood-" + name)
		for i := range 2000 {
			p, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: uint16(i), Timestamp: 7}, Payload: payload}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.conn.Write(append([]byte{'$', 0, byte(len(p) >> 8), byte(len(p))}, p...)); err != nil {
				break
			}
		}
		if err := h.gone(); err != nil {
			t.Errorf("%s: not sent away: %v", name, err)
		}
	}
	log.Await(t, "publisher lost", 4)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("%d MiB more are held", grown>>20)
	}
}

// TestTooMany: one address has so many connections and no more.
func TestTooMany(t *testing.T) {
	r := ingesttest.New(t, nil)
	s, log := start(t, r, func(c *Config) { c.MaxConnsPerIP = 2 })
	one, two := dialHand(t, s), dialHand(t, s)
	one.record("one")
	two.ask("OPTIONS", "", "")
	if err := dialHand(t, s).gone(); err != nil {
		t.Errorf("the third: %v", err)
	}
	log.Await(t, ingest.ErrTooMany.Error(), 1)
	two.conn.Close()
	for {
		h := dialHand(t, s)
		if status, _ := h.ask("OPTIONS", "", ""); strings.Contains(status, "200") {
			break
		}
	}
}

// FuzzMapper: whatever comes for whatever format, it is an error or bounded.
func FuzzMapper(f *testing.F) {
	f.Add([]byte{0, 3, 0, 0x67, 1, 2, 3, 4, 5, 6, 7})
	f.Fuzz(func(t *testing.T, data []byte) {
		var sdp description.Session
		formats := []format.Format{
			&format.H264{PayloadTyp: 96}, &format.H265{PayloadTyp: 97}, &format.Opus{PayloadTyp: 98, ChannelCount: 2},
			&format.MPEG1Audio{}, &format.G711{SampleRate: 8000, ChannelCount: 1}, &format.AC3{PayloadTyp: 99, SampleRate: 48000, ChannelCount: 2},
		}
		for _, x := range formats {
			sdp.Medias = append(sdp.Medias, &description.Media{Formats: []format.Format{x}})
			l := newLane(x)
			m := newMapper(&sink{}, time.Unix(1000, 0), []*lane{l})
			now, data, seq := time.Unix(1000, 0), data, uint16(0)
			for len(data) > 3 {
				n := min(int(data[1]), len(data)-3)
				now, seq = now.Add(time.Duration(data[0])*time.Millisecond), seq+1+uint16(data[2]&1)
				if data[2]&2 != 0 {
					m.report(l, &rtcp.SenderReport{NTPTime: uint64(data[0]) << 56, RTPTime: uint32(data[1]) << 24})
				}
				_ = m.packet(l, &rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: uint32(data[0]) << (data[2] >> 3), Marker: data[2]&4 != 0}, Payload: data[3 : 3+n]}, now)
				data = data[3+n:]
			}
		}
		if _, err := announced(sdp.Medias, nil); err == nil {
			t.Error("media of no type were taken")
		}
	})
}

// sink takes everything.
type sink struct{}

func (*sink) Start([]*media.Track) error { return nil }
func (*sink) Write(*media.Packet) error  { return nil }

func TestKeyOf(t *testing.T) {
	basic := func(s string) []string { return []string{"Basic " + s} }
	for _, tt := range []struct {
		path string
		auth []string
		want string
	}{
		{"/live/abc", nil, "abc"},
		{"/live/abc/", nil, "abc"},
		{"live/abc", nil, "abc"},
		{"/live/name", basic("eDphYmM="), "abc"},
		{"/live/name", basic("%%%"), "name"},
		{"/live/name", []string{`Digest username="x", realm="r", nonce="n", uri="u", response="0"`}, ""}, // nobody asked for one
		{"/live", nil, ""},
		{"/live/", nil, ""},
		{"/live/a/b", nil, ""},
		{"/vod/abc", nil, ""},
		{"/live/" + strings.Repeat("a", 200), nil, ""},
	} {
		var r ingest.Request
		req := &base.Request{Header: base.Header{"Authorization": tt.auth}}
		if err := new(caller).show(&r, req, tt.path); (err == nil) != (tt.want != "") || err == nil && r.Key != tt.want {
			t.Errorf("%s, %v: %q, %v", tt.path, tt.auth, r.Key, err)
		}
	}
}
