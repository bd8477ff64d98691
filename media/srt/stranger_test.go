package srt

import (
	"net/netip"
	"testing"
)

// TestEcho: what a listener says to a stranger is no handshake to another, which a forged
// address would have them exchange without end.
func TestEcho(t *testing.T) {
	a, b := quiet(t, 300), quiet(t, 300)
	from := netip.MustParseAddrPort("127.0.0.1:9")
	for _, kind := range []uint32{hsInduction, hsConclusion} {
		for _, id := range []uint32{0, 7} {
			out, p := newOutbox(a.batches), new(packet)
			n := copy(p.data[:], hello5(handshake{version: 5, kind: kind, id: id}))
			a.datagram(p, n, from, 5, out)
			if out.n == 0 {
				continue
			}
			n = copy(p.data[:], out.list[0].Buffers[0])
			out.n = 0
			if b.datagram(p, n, from, 5, out); out.n != 0 {
				t.Errorf("kind %x of %d is answered on and on", kind, id)
			}
		}
	}
}

// TestManyHandshakes: so many are answered in one tick, of a network and of all, and others in
// the next.
func TestManyHandshakes(t *testing.T) {
	l, p := quiet(t, 300), new(packet)
	out := newOutbox(l.batches)
	answered := func(n int, now int64, from netip.AddrPort) (answers int) {
		for range n {
			l.datagram(p, copy(p.data[:], hello5(handshake{version: 4, kind: hsInduction, id: 7})), from, now, out)
			answers += out.n
			out.n = 0
		}
		return answers
	}
	host := func(n int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 9)
	}
	for now := range int64(3) {
		now *= tick.Microseconds()
		if n := answered(1000, now, host(1)); n != each {
			t.Errorf("%d handshakes of one address were answered", n)
		}
		all := each
		for i := 2; i < 100; i++ {
			all += answered(each, now, host(i))
		}
		if all != shakes {
			t.Errorf("%d handshakes were answered", all)
		}
	}
}

// BenchmarkStranger tells what the handshakes of a stranger cost.
func BenchmarkStranger(b *testing.B) {
	hs := handshake{version: 5, kind: hsConclusion, id: 7}
	forged := hello5(hs)
	for len(forged)+8 <= maxDatagram {
		forged = append(forged, 0, extStreamID, 0, 1, 'a', 'b', 'c', 'd')
	}
	for name, datagram := range map[string][]byte{
		"induction": hello5(handshake{version: 4, kind: hsInduction, id: 7}), "forged": forged,
	} {
		b.Run(name, func(b *testing.B) {
			l, from, p := quiet(b, 300), netip.MustParseAddrPort("127.0.0.1:9"), new(packet)
			out, now := newOutbox(l.batches), int64(0)
			n := copy(p.data[:], datagram)
			b.ReportAllocs()
			for b.Loop() {
				now += tick.Microseconds()
				l.datagram(p, n, from, now, out)
				out.n = 0
			}
		})
	}
}
