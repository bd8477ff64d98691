package srt

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

// comes hands c a datagram of its sender's.
func comes(c *Conn, b []byte, now int64, out *outbox) (over bool) {
	p := new(packet)
	p.from, p.to = headSize, copy(p.data[:], b)
	h, _ := parseHead(b)
	_, over = c.datagram(h, p, now, out)
	return over
}

// at gives a data packet a time stamp.
func at(stamp uint32, b []byte) []byte {
	binary.BigEndian.PutUint32(b[8:], stamp)
	return b
}

// TestManyDrops: of a tick so many are listened to, so that one sender cannot take the time
// of all.
func TestManyDrops(t *testing.T) {
	l := quiet(t, 300)
	c, out := sender(l, nil), newOutbox(l.batches)
	first := c.buf.end
	comes(c, data(plus(first, 200), 7, []byte{1}), 0, out)
	drop := func(from, to int) {
		body := binary.BigEndian.AppendUint32(nil, plus(first, from))
		body = binary.BigEndian.AppendUint32(body, plus(first, to))
		comes(c, append(appendControl(nil, ctrlDropReq, 0, 0, 0, 7), body...), 0, out)
	}
	for range 2 {
		was := len(c.losses.list)
		for i := range 100 {
			drop(2*i, 2*i)
		}
		if n := was - len(c.losses.list); n != maxDrops {
			t.Errorf("%d were dropped in a tick", n)
		}
		c.tick(1, out)
	}
	for _, absurd := range [][2]int{{1 << 30, 1<<30 - 1}, {5, 4}, {0, 1 << 30}, {-1 << 30, 1 << 29}, {1 << 29, -1 << 29}} {
		drop(absurd[0], absurd[1])
	}
	drop(0, 199)
	if c.tick(2, out); len(c.losses.list) != 0 {
		t.Errorf("%d are missed", len(c.losses.list))
	}
}

// TestJump: a sender whose clock jumps is played on, whichever way it jumps.
func TestJump(t *testing.T) {
	l := quiet(t, 300)
	for _, jump := range []int64{0, 600_000_000, -600_000_000, 1 << 31, 3_600_000_000} {
		c, out := sender(l, nil), newOutbox(l.batches)
		seq, now := c.buf.end, int64(0)
		for i := range 500 {
			now += 10_000
			stamp := now
			if i >= 250 {
				stamp += jump
			}
			comes(c, at(uint32(stamp), data(plus(seq, i), 7, []byte{1})), now, out)
			c.tick(now, out)
			out.n = 0
			if wait := int64(after(c.buf.end, c.buf.due)) * 10_000; wait > c.latency+ahead+20_000 {
				t.Fatalf("%d: packets wait for %d µs", jump, wait)
			}
			c.read(make([]byte, 2000))
		}
		if s := c.stats; s.Packets != 500 || s.Dropped != 0 || c.err != nil {
			t.Errorf("%d: %+v, %v", jump, s, c.err)
		}
	}
}

// TestOddAnswers: answers to what was not asked, or from before it was, change nothing.
func TestOddAnswers(t *testing.T) {
	l := quiet(t, 300)
	c, out := sender(l, nil), newOutbox(l.batches)
	comes(c, data(c.buf.end, 7, []byte{1}), 0, out)
	c.tick(10_000, out)
	for _, no := range []uint32{0, 2, 1 + ackHistory, 1<<32 - 1} {
		comes(c, appendControl(nil, ctrlACKACK, 0, no, 0, 7), 20_000, out)
	}
	if c.rtt != 100_000 {
		t.Errorf("the round trip is %d µs", c.rtt)
	}
	comes(c, appendControl(nil, ctrlACKACK, 0, 1, 0, 7), 5_000, out)
	if c.rtt != 0 {
		t.Errorf("the round trip is %d µs", c.rtt)
	}
}

// TestPanic: a panic over one connection ends that, for who reads from it, too.
func TestPanic(t *testing.T) {
	l, err := Listen(Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conns := make(chan *Conn, 2)
	go func() {
		for range 2 {
			if r, err := l.Accept(); err == nil {
				c, _ := r.Accept()
				conns <- c
			}
		}
	}()
	call(t, l, handshake{})
	bad := <-conns
	other := call(t, l, handshake{})
	good := <-conns
	bad.mu.Lock()
	bad.buf.end++ // a packet that is not there
	bad.mu.Unlock()
	if _, err := bad.Read(make([]byte, 2000)); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	other.Write(data(1000, other.answer.id, numbered(1)))
	read(t, good, 1, 1)
}

// TestWish: a caller's wish for latency counts within bounds.
func TestWish(t *testing.T) {
	l, conns := open(t, Config{Latency: time.Second, Longest: 3 * time.Second}, "")
	for wish, want := range map[uint16]uint16{0: 1000, 2000: 2000, 65535: 3000} {
		c := call(t, l, handshake{version: 5, hello: &hello{version: srtVersion, flags: ourFlags, send: wish}})
		if in := <-conns; c.answer.hello.receive != want || in.latency != int64(want)*1000 {
			t.Errorf("%d: %+v, %d", wish, c.answer.hello, in.latency)
		}
	}
}
