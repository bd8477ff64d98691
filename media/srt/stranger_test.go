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

// TestManyHandshakes: so many are answered in one tick, and others in the next.
func TestManyHandshakes(t *testing.T) {
	l, from, p := quiet(t, 300), netip.MustParseAddrPort("127.0.0.1:9"), new(packet)
	out := newOutbox(l.batches)
	answered := func(now int64) (n int) {
		for range 3 * shakes {
			l.datagram(p, copy(p.data[:], hello5(handshake{version: 4, kind: hsInduction, id: 7})), from, now, out)
			n += out.n
			out.n = 0
		}
		return n
	}
	first, second := answered(5), answered(5+tick.Microseconds())
	if first != shakes || second != shakes {
		t.Errorf("%d and %d handshakes were answered", first, second)
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
