package srt

import (
	"math/rand/v2"
	"testing"
)

// TestBuffer compares with the simplest thing that could do the same: all packets in a map.
func TestBuffer(t *testing.T) {
	const room = 1000
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		first := uint32(seqMask - random.IntN(2000)) // it wraps on the way
		b, came := newBuffer(first, room), map[uint32]int64{}
		head, due, newest, now := first, first, first, int64(0)
		for range 20000 {
			now += int64(random.IntN(3))
			seq := plus(newest, random.IntN(80)-40)
			if random.IntN(200) == 0 {
				seq = plus(newest, random.IntN(3000)-1000)
			}
			_, known := came[seq]
			want := fresh
			switch {
			case after(seq, due) < 0, known:
				want = stale
			case after(seq, head) >= room:
				want = beyond
			}
			if got := b.find(seq); got != want {
				t.Fatalf("seed %d: %d is %v, want %v", seed, after(seq, first), got, want)
			}
			if want == fresh {
				at := now + int64(random.IntN(100))
				b.add(seq, &packet{due: at})
				came[seq] = at
				if after(seq, newest) >= 0 {
					newest = next(seq)
				}
			}
			lost := 0
			for seq, gap := due, 0; seq != newest; seq = next(seq) {
				at, ok := came[seq]
				if ok && at > now {
					break
				}
				if gap++; ok {
					due, lost, gap = next(seq), lost+gap-1, 0
				}
			}
			if got := b.advance(now); got != lost || b.due != due {
				t.Fatalf("seed %d: %d lost, due %d; want %d, %d", seed, got, after(b.due, first), lost, after(due, first))
			}
			ack := due
			for _, ok := came[ack]; ok; _, ok = came[ack] {
				ack = next(ack)
			}
			if b.ack != ack || b.end != newest || len(b.slots) > 2*room {
				t.Fatalf("seed %d: ack %d, end %d, %d slots", seed, after(b.ack, ack), after(b.end, newest), len(b.slots))
			}
			if random.IntN(3) > 0 {
				continue
			}
			for ; head != due; head = next(head) {
				at, ok := came[head]
				if !ok {
					continue
				}
				if p := b.pop(); p == nil || p.due != at {
					t.Fatalf("seed %d: another packet than %d", seed, after(head, first))
				}
			}
			if p := b.pop(); p != nil || b.head != head {
				t.Fatalf("seed %d: more packets", seed)
			}
		}
		for seq := range came {
			if after(seq, head) < 0 {
				delete(came, seq)
			}
		}
		if b.held != len(came) {
			t.Errorf("seed %d: %d packets are held, not %d", seed, b.held, len(came))
		}
	}
}

// TestOtherSide: half of all numbers away is too far for the reader's end, too.
func TestOtherSide(t *testing.T) {
	b := newBuffer(5, 100)
	b.add(5, &packet{})
	b.add(50, &packet{})
	b.advance(0)
	for far := range uint32(100) {
		if p := b.find(1<<30 - 40 + far); p == fresh {
			t.Fatalf("%d would be kept", 1<<30-40+far)
		}
	}
}

func TestFinish(t *testing.T) {
	b := newBuffer(5, 100)
	for _, seq := range []uint32{5, 6, 8, 9} {
		b.add(seq, &packet{due: 1000})
	}
	b.finish()
	n := 0
	for b.pop() != nil {
		n++
	}
	if n != 2 || b.held != 0 || b.head != b.end {
		t.Errorf("%d packets, %+v", n, b)
	}
}

func TestRestart(t *testing.T) {
	b := newBuffer(5, 100)
	for _, seq := range []uint32{5, 6, 8} {
		b.add(seq, &packet{})
	}
	b.advance(0)
	if lost := b.restart(1000); lost != 3+1000-9 {
		t.Errorf("%d lost", lost)
	}
	if b.held != 0 || b.find(999) != stale || b.find(1000) != fresh || b.pop() != nil {
		t.Errorf("%+v", b)
	}
}

// TestLosses: what is late as much as others were is not asked for; what is missing is, and
// again.
func TestLosses(t *testing.T) {
	b, l := newBuffer(10, 1000), losses{}
	report := func(now int64) (list []byte) {
		list, _ = l.report(nil, &b, now, 500)
		return list
	}
	b.add(10, &packet{due: 1e9})
	b.add(14, &packet{due: 1e9})
	l.skipped(11, 14, 100)
	l.came(12, false, 180, 1000) // 80 late
	b.add(12, &packet{due: 1e9})
	if l.tolerance != 100 {
		t.Errorf("tolerance %d", l.tolerance)
	}
	l.came(13, true, 180, 1000) // sent again: it says nothing about the network
	l.skipped(15, 18, 200)
	b.add(18, &packet{due: 1e9})
	for _, tt := range []struct {
		now  int64
		want string
	}{
		{199, ""},
		{200, "\x00\x00\x00\x0b\x00\x00\x00\x0d"},
		{299, ""},
		{300, "\x80\x00\x00\x0f\x00\x00\x00\x11"}, // a range
		{699, ""},
		{700, "\x00\x00\x00\x0b\x00\x00\x00\x0d"},
	} {
		if got := report(tt.now); string(got) != tt.want {
			t.Errorf("at %d: %x, want %x", tt.now, got, tt.want)
		}
	}
	l.drop(0, 15)
	if got := report(1e6); string(got) != "\x80\x00\x00\x10\x00\x00\x00\x11" {
		t.Errorf("%x", got)
	}
	if before := l.tolerance; len(report(2e6)) == 0 || l.tolerance >= before {
		t.Errorf("the tolerance stays at %d", l.tolerance)
	}
	l.came(16, false, 1e9, 300)
	if l.tolerance != 300 {
		t.Errorf("tolerance %d, which is not bounded", l.tolerance)
	}
}

// TestManyLosses: a report fits into a datagram, and the others are told next.
func TestManyLosses(t *testing.T) {
	b, l := newBuffer(0, 1<<14), losses{}
	for seq := uint32(0); seq < 4000; seq += 2 {
		b.add(seq, &packet{due: 1e9})
		l.skipped(seq+1, seq+2, 0)
	}
	n := 0
	for range 10 {
		list, lost := l.report(nil, &b, 10, 1e6)
		if len(list) > maxDatagram-headSize {
			t.Fatalf("%d bytes", len(list))
		}
		n += lost
	}
	if n != 2000 {
		t.Errorf("%d losses were told", n)
	}
}

func TestClock(t *testing.T) {
	const half = 1 << 31
	c := newClock(1<<32-1000, 5_000)
	for _, tt := range []struct {
		stamp     uint32
		now, want int64
	}{
		{1<<32 - 500, 5_600, 5_500},
		{0, 5_900, 6_000},
		{9_000, 15_100, 15_000},
		{9_000 + 3*half/2, 3*half/2 + 15_100, 3*half/2 + 15_000}, // nothing came for an hour
		{9_000 + half, 9*half + 15_900, 9*half + 15_000},         // for five
	} {
		if got := c.sent(tt.stamp, tt.now); got != tt.want {
			t.Errorf("%d was sent at %d, want %d", tt.stamp, got, tt.want)
		}
	}
}

// TestDrift: a sender whose clock is slow, and whose handshake was late, is followed.
func TestDrift(t *testing.T) {
	c := newClock(0, 30_000) // 30 ms late
	for i := range int64(20 * driftSamples) {
		stamp := i * 10_000
		c.answered(uint32(stamp), stamp+stamp/100_000+10_000, 20_000) // 10 ppm slow, 10 ms on the way
	}
	last := int64(20*driftSamples-1) * 10_000
	if off := c.sent(uint32(last), last) - (last + last/100_000 + 10_000); off < -1000 || off > 1000 {
		t.Errorf("%d microseconds off", off)
	}
}
