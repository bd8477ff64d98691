package srt

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// quiet is a listener without a socket that anybody knows of.
func quiet(t testing.TB, packets int) *Listener {
	t.Helper()
	l, err := Listen(Config{Addr: "127.0.0.1:0", Packets: packets})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// sender is a connection of l's that nobody sends to.
func sender(l *Listener, k *keys) *Conn {
	peer := peerID{netip.MustParseAddrPort("127.0.0.1:9"), 7}
	hs := handshake{version: 5, isn: seqMask - 5, mtu: 1500, hello: &hello{flags: ourFlags}}
	r := &Request{l: l, peer: peer, hs: hs, when: newClock(0, 0), keys: k}
	return r.conn(0)
}

// FuzzHandshake: any bytes are a handshake that can be written, and read again, or an error.
func FuzzHandshake(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		hs, err := readHandshake(b)
		if err != nil {
			return
		}
		if len(hs.streamID) > maxStreamID {
			t.Fatal("a long stream ID")
		}
		if hs.km != nil {
			if m, err := parseMaterial(hs.km); err == nil {
				_ = (&keys{size: m.size, salt: m.salt}).knows(m)
			}
		}
		again, err := readHandshake(hs.append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if hs.hello != nil && *again.hello != *hs.hello || again.isn != hs.isn || again.kind != hs.kind || string(again.km) != string(hs.km) {
			t.Fatalf("%+v became %+v", hs, again)
		}
	})
}

// readHandshake reads all of a handshake.
func readHandshake(b []byte) (handshake, error) {
	hs, rest, err := parseHandshake(b)
	if err == nil {
		err = hs.extensions(rest)
	}
	return hs, err
}

// seeds are handshakes.
func seeds() (list [][]byte) {
	hs := handshake{version: 4, ext: 2, kind: hsInduction, id: 7, mtu: 1500, window: 8192}
	list = append(list, hs.append(nil))
	hs.version, hs.kind, hs.hello = 5, hsConclusion, &hello{version: srtVersion, flags: ourFlags, receive: 120}
	list = append(list, append(append(hs.append(nil), 0, 5, 0, 2), "lbupvil:"...))
	hs.km = append([]byte{0x12, 0x20, 0x29, 1, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 4, 4}, make([]byte, 16+24)...)
	return append(list, hs.append(nil))
}

// FuzzConn: any datagrams leave a connection whole and bounded. The input is datagrams, each
// behind two bytes of its length and one of the milliseconds that pass.
func FuzzConn(f *testing.F) {
	data := func(seq uint32, more ...byte) []byte {
		b := binary.BigEndian.AppendUint32(nil, seq)
		return append(append(b, 0xc0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7), more...)
	}
	control := func(kind, sub uint16, info uint32, body ...byte) []byte {
		return append(appendControl(nil, kind, sub, info, 5, 7), body...)
	}
	join := func(list ...[]byte) (all []byte) {
		for _, b := range list {
			all = append(binary.BigEndian.AppendUint16(all, uint16(len(b))), 20)
			all = append(all, b...)
		}
		return all
	}
	f.Add(join(data(seqMask-5, 1), data(seqMask-3, 2), data(2, 3), data(0, 4)))
	f.Add(join(data(100), data(100, 1), data(1<<30, 1), data(5000, 1)))
	f.Add(join(data(0, 1), control(ctrlACKACK, 0, 1), control(ctrlACKACK, 0, 0xffffffff), control(ctrlShutdown, 0, 0)))
	f.Add(join(data(3, 1), control(ctrlDropReq, 0, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff), control(ctrlNAK, 0, 0, 0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff)))
	f.Add(join(control(ctrlUser, extKMReq, 0, 0x12, 0x20, 0x29), control(ctrlKeepAlive, 0, 0)))
	l := quiet(f, 300)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, out, now := sender(l, nil), newOutbox(l.batches), int64(0)
		for len(b) >= 3 {
			n := min(int(binary.BigEndian.Uint16(b)), len(b)-3, maxDatagram)
			now += int64(b[2]) * 1000
			p := l.pool.Get().(*packet)
			p.from, p.to = headSize, copy(p.data[:], b[3:3+n])
			b = b[3+n:]
			h, ok := parseHead(p.data[:n])
			if !ok {
				continue
			}
			c.datagram(h, p, now, out)
			over := c.tick(now, out)
			for i := range out.n {
				if size := len(out.list[i].Buffers[0]); size < headSize || size > maxDatagram {
					t.Fatalf("%d bytes would be sent", size)
				}
			}
			out.n = 0
			if c.buf.held > c.buf.room || len(c.losses.list) > c.buf.room || len(c.buf.slots) > 2*c.buf.room {
				t.Fatalf("%d packets, %d losses", c.buf.held, len(c.losses.list))
			}
			if over {
				return
			}
		}
	})
}

// FuzzListener: any datagram of a stranger leaves the listener as it was.
func FuzzListener(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(append(appendControl(nil, ctrlHandshake, 0, 0, 0, 0), seed...))
	}
	l := quiet(f, 300)
	out := newOutbox(l.batches)
	from, now := netip.MustParseAddrPort("127.0.0.1:9"), int64(0)
	f.Fuzz(func(t *testing.T, b []byte) {
		p := new(packet)
		n := copy(p.data[:], b)
		now += tick.Microseconds() // so that the door is open
		if l.datagram(p, n, from, now, out) {
			t.Fatal("it was kept")
		}
		for i := range out.n {
			if size := len(out.list[i].Buffers[0]); size > n {
				t.Fatalf("%d bytes are answered with %d", n, size)
			}
		}
		out.n = 0
		if len(l.conns)+len(l.pending) > 0 {
			t.Fatal("a stranger is kept")
		}
	})
}
