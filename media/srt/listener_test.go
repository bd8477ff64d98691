package srt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	srt "github.com/datarhei/gosrt"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, // what the clients of the tests leave behind is the library's
		goleak.IgnoreTopFunction("github.com/datarhei/gosrt.Dial.func1"), goleak.IgnoreTopFunction("github.com/datarhei/gosrt.Dial.func3"))
}

// open is a listener that lets everybody in with one passphrase, until the test ends.
func open(t *testing.T, cfg Config, passphrase string) (*Listener, <-chan *Conn) {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	cfg.Panicked = func(_ netip.AddrPort, what any) { t.Error("panic:", what) }
	l, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	conns, done := make(chan *Conn, 100), make(chan struct{})
	go func() {
		defer close(done)
		for {
			r, err := l.Accept()
			if err != nil {
				return
			}
			if r.Encrypted() != (passphrase != "") {
				r.Reject(CodeUnsecure)
				continue
			}
			if r.Encrypted() && r.Unlock(passphrase) != nil {
				r.Reject(CodeBadSecret)
				continue
			}
			if c, err := r.Accept(); err == nil {
				conns <- c
			}
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l, conns
}

func dial(t *testing.T, l *Listener, change func(*srt.Config)) srt.Conn {
	t.Helper()
	cfg := srt.DefaultConfig()
	cfg.StreamId = "a stream"
	if change != nil {
		change(&cfg)
	}
	c, err := srt.Dial("srt", l.Addr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// numbered is the payload of a packet.
func numbered(i int) []byte { return bytes.Repeat(binary.BigEndian.AppendUint32(nil, uint32(i)), 47*7) }

// read reads n packets that are numbered from first on.
func read(t *testing.T, c *Conn, first, n int) {
	t.Helper()
	size := len(numbered(0))
	got := make([]byte, 0, n*size)
	buf := make([]byte, 10*size)
	for len(got) < n*size {
		k, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, buf[:k]...); k%size != 0 {
			t.Fatalf("%d bytes, which are not whole packets", k)
		}
	}
	for i := range n {
		if !bytes.Equal(got[i*size:(i+1)*size], numbered(first+i)) {
			t.Fatalf("packet %d is another one", first+i)
		}
	}
}

// TestEncrypted: all sizes of keys, and keys that change while packets come.
func TestEncrypted(t *testing.T) {
	const secret, packets = "correct horse battery", 1500
	l, conns := open(t, Config{}, secret)
	for _, size := range []int{16, 24, 32} {
		out := dial(t, l, func(c *srt.Config) {
			c.Passphrase, c.PBKeylen, c.KMRefreshRate, c.KMPreAnnounce = secret, size, 400, 100
		})
		in := <-conns
		go func() {
			for i := range packets {
				if _, err := out.Write(numbered(i)); err != nil {
					t.Error(err)
					return
				}
				<-time.After(500 * time.Microsecond)
			}
		}()
		read(t, in, 0, packets)
		if s := in.Stats(); s.Packets != packets || s.Dropped != 0 {
			t.Errorf("%d: %+v", size, s)
		}
		in.Close()
	}
}

// TestGoodbye: who says goodbye is told from who is gone, and what was sent before is read.
func TestGoodbye(t *testing.T) {
	l, conns := open(t, Config{Idle: 300 * time.Millisecond, Latency: 2 * time.Second}, "")
	out := dial(t, l, nil)
	in := <-conns
	for i := range 20 {
		if _, err := out.Write(numbered(i)); err != nil {
			t.Fatal(err)
		}
	}
	for in.Stats().Packets < 20 {
		<-time.After(time.Millisecond)
	}
	out.Close()
	read(t, in, 0, 20)
	if _, err := in.Read(make([]byte, 2000)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	peer := call(t, l, handshake{})
	in = <-conns
	if _, err := in.Read(make([]byte, 2000)); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	peer.Close()
	for len(l.all(nil)) > 0 {
		<-time.After(time.Millisecond)
	}
}

// TestCloses: the sender hears our goodbye, and who reads hears of it.
func TestCloses(t *testing.T) {
	l, conns := open(t, Config{}, "")
	out := dial(t, l, nil)
	in := <-conns
	in.Close()
	in.Close()
	if _, err := in.Read(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := out.Read(make([]byte, 10)); err == nil {
		t.Error("the sender was told nothing")
	}
}

// caller speaks SRT by hand.
type caller struct {
	*net.UDPConn
	t      *testing.T
	answer handshake
}

// hear waits for a control packet of a kind.
func (c *caller) hear(kind uint16) []byte {
	c.t.Helper()
	b := make([]byte, 2000)
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		n, err := c.Read(b)
		if err != nil {
			c.t.Fatal(err)
		}
		if h, ok := parseHead(b[:n]); ok && h.control && h.kind == kind {
			return b[headSize:n]
		}
	}
}

func (c *caller) shake(hs handshake) handshake {
	c.t.Helper()
	if _, err := c.Write(hello5(hs)); err != nil {
		c.t.Fatal(err)
	}
	answer, err := readHandshake(c.hear(ctrlHandshake))
	if err != nil {
		c.t.Fatal(err)
	}
	return answer
}

// hello5 is the datagram of a handshake; the extensions are those of an answer, which are
// read just the same.
func hello5(hs handshake) []byte { return hs.append(appendControl(nil, ctrlHandshake, 0, 0, 0, 0)) }

// call makes a connection by hand, or tries to.
func call(t *testing.T, l *Listener, hs handshake) *caller {
	t.Helper()
	udp, err := net.DialUDP("udp", nil, l.Addr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	c := &caller{UDPConn: udp, t: t}
	first := c.shake(handshake{version: 4, ext: 2, kind: hsInduction, id: 77, mtu: 1500})
	if first.version != 5 || first.ext != hsMagic || first.cookie == 0 || first.kind != hsInduction {
		t.Fatalf("%+v", first)
	}
	if hs.version == 0 {
		hs.version, hs.hello = 5, &hello{version: srtVersion, flags: ourFlags, send: 300}
	}
	hs.ext, hs.kind, hs.id, hs.mtu, hs.isn = hasHS, hsConclusion, 77, 1500, 1000
	if hs.cookie == 0 {
		hs.cookie = first.cookie
	}
	c.answer = c.shake(hs)
	if c.answer.kind == hsConclusion { // the answer may be lost: the same again
		if again := c.shake(hs); again.id != c.answer.id {
			t.Fatalf("%+v, then %+v", c.answer, again)
		}
	}
	return c
}

// TestHandshakes: who cannot be let in is told why.
func TestHandshakes(t *testing.T) {
	l, conns := open(t, Config{}, "")
	good := hello{version: srtVersion, flags: ourFlags}
	message := hello{version: srtVersion, flags: ourFlags | flagStream}
	for name, tt := range map[string]struct {
		hs   handshake
		want uint32
	}{
		"good":              {handshake{}, hsConclusion},
		"a forged cookie":   {handshake{version: 5, hello: &good, cookie: 1}, uint32(CodeRogue)},
		"version 4":         {handshake{version: 4}, uint32(CodeVersion)},
		"no extension":      {handshake{version: 5}, uint32(CodeRogue)},
		"no flags":          {handshake{version: 5, hello: &hello{}}, uint32(CodeRogue)},
		"files":             {handshake{version: 5, hello: &message}, uint32(CodeMessageAPI)},
		"bad key material":  {handshake{version: 5, hello: &good, km: make([]byte, 40)}, uint32(CodeRogue)},
		"encrypted in vain": {handshake{version: 5, hello: &good, km: seeds()[2][hsSize+16+4:]}, uint32(CodeUnsecure)},
	} {
		c := call(t, l, tt.hs)
		if c.answer.kind != tt.want {
			t.Errorf("%s: %d, want %d", name, c.answer.kind, tt.want)
			continue
		}
		if tt.want == hsConclusion {
			if h := c.answer.hello; h == nil || h.receive != 300 || h.send != 120 || c.answer.id == 0 || c.answer.id == 77 {
				t.Errorf("%+v, %+v", c.answer, h)
			}
			(<-conns).Close()
			c.hear(ctrlShutdown)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) != 0 || len(l.callers) != 0 {
		t.Error("something is kept")
	}
}

// data is a data packet.
func data(seq, to uint32, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, seq)
	b = binary.BigEndian.AppendUint32(b, 3<<30|1)
	b = binary.BigEndian.AppendUint32(b, 0)
	return append(binary.BigEndian.AppendUint32(b, to), payload...)
}

// TestAsks: what is missing is asked for, and acknowledged when it came.
func TestAsks(t *testing.T) {
	l, conns := open(t, Config{Latency: 5 * time.Second}, "")
	c := call(t, l, handshake{})
	in := <-conns
	for _, seq := range []uint32{1000, 1001, 1003, 1007} {
		c.Write(data(seq, c.answer.id, numbered(int(seq))))
	}
	if list := c.hear(ctrlNAK); string(list) != "\x00\x00\x03\xea\x80\x00\x03\xec\x00\x00\x03\xee" {
		t.Errorf("asked for %x", list)
	}
	for _, seq := range []uint32{1002, 1004, 1005, 1006} {
		c.Write(data(seq, c.answer.id, numbered(int(seq))))
	}
	for binary.BigEndian.Uint32(c.hear(ctrlACK)) != 1008 {
	}
	if s := in.Stats(); s.Packets != 8 || s.Lost != 4 || s.Waiting != 8 {
		t.Errorf("%+v", s)
	}
	c.Write(appendControl(nil, ctrlShutdown, 0, 0, 0, c.answer.id))
	read(t, in, 1000, 8)
}

// TestStrangers: who knows a socket ID but has another address changes nothing, and
// packets far from all others are not kept.
func TestStrangers(t *testing.T) {
	l, conns := open(t, Config{}, "")
	c := call(t, l, handshake{})
	in := <-conns
	other, err := net.DialUDP("udp", nil, l.Addr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.Write(data(1000, c.answer.id, []byte("forged")))
	other.Write(appendControl(nil, ctrlShutdown, 0, 0, 0, c.answer.id))
	for i := range 1000 { // inductions cost nothing that lasts
		other.Write(hello5(handshake{version: 4, ext: 2, kind: hsInduction, id: uint32(i + 1)}))
	}
	c.Write(data(1<<30, c.answer.id, []byte("far")))
	c.Write(data(1000, c.answer.id, numbered(1)))
	read(t, in, 1, 1)
	if s := in.Stats(); s.Packets != 1 || s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
	// A sender that went on without us is followed.
	for i := range 40 {
		c.Write(data(1<<20+uint32(i), c.answer.id, numbered(i)))
	}
	read(t, in, lostTrack-1, 41-lostTrack)
	if s := in.Stats(); s.Dropped < 1<<20-2000 {
		t.Errorf("%+v", s)
	}
}

// TestFlood: packets that nobody reads are not kept without end.
func TestFlood(t *testing.T) {
	l, conns := open(t, Config{Packets: 300}, "")
	c := call(t, l, handshake{})
	in := <-conns
	for i := range uint32(2000) {
		c.Write(data(1000+i, c.answer.id, numbered(int(i))))
		if in.Stats().Waiting > 300 {
			t.Fatalf("%+v", in.Stats())
		}
	}
	for {
		if _, err := in.Read(make([]byte, 2000)); err != nil {
			if !errors.Is(err, ErrFlood) {
				t.Error(err)
			}
			c.hear(ctrlShutdown)
			return
		}
	}
}

// TestBothFamilies: one socket serves callers of IPv4, too.
func TestBothFamilies(t *testing.T) {
	l, err := Listen(Config{Addr: ":0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	udp, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: l.Addr().(*net.UDPAddr).Port})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	c := &caller{UDPConn: udp, t: t}
	if hs := c.shake(handshake{version: 4, ext: 2, kind: hsInduction, id: 77}); hs.cookie == 0 {
		t.Errorf("%+v", hs)
	}
}

// TestRoundTrip: it is measured, and by when the answer came, not by when it was read.
func TestRoundTrip(t *testing.T) {
	now := time.Now()
	var oob []byte
	for _, tt := range []struct {
		came time.Time
		want int64
	}{{now.Add(-7 * time.Millisecond), 7000}, {now.Add(time.Minute), 0}, {now.Add(-time.Minute), 1_000_000}} {
		oob = stamped(tt.came)
		if got := age(oob, now); got != tt.want {
			t.Errorf("%d, want %d", got, tt.want)
		}
	}
	if age(nil, now) != 0 || age(oob[:20], now) != 0 {
		t.Error("nothing has an age")
	}
	l, conns := open(t, Config{}, "")
	c := call(t, l, handshake{})
	in := <-conns
	for i := range uint32(20) {
		c.Write(data(1000+i, c.answer.id, numbered(0)))
		c.hear(ctrlACK)
		c.Write(appendControl(nil, ctrlACKACK, 0, i+1, 0, c.answer.id))
	}
	for in.Stats().RTT == 100*time.Millisecond {
		<-time.After(time.Millisecond)
	}
}

// stamped is the control message with which the kernel says when a datagram came.
func stamped(at time.Time) []byte {
	b := make([]byte, unix.CmsgSpace(stampSize))
	binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(stampSize)))
	binary.NativeEndian.PutUint32(b[8:], unix.SOL_SOCKET)
	binary.NativeEndian.PutUint32(b[12:], unix.SO_TIMESTAMPNS)
	binary.NativeEndian.PutUint64(b[16:], uint64(at.Unix()))
	binary.NativeEndian.PutUint64(b[24:], uint64(at.Nanosecond()))
	return b
}
