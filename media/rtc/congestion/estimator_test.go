package congestion_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"weir/media/rtc/congestion"
)

// network is a way with a queue before it, and a stream of 30 pictures a second on it, of
// which every sixtieth is six times as large as the others.
type network struct {
	t      *testing.T
	e      *congestion.Estimator
	random *rand.Rand
	now    time.Duration
	free   time.Duration // when the queue is empty
	told   time.Duration
	flight []congestion.Packet
	frames int

	stream int // bit/s
	rate   int // bit/s that the way carries
	queue  time.Duration
	jitter time.Duration
	lost   float64
}

func over(t *testing.T) *network {
	return &network{
		t: t, e: congestion.New(congestion.Config{First: 4_000_000, Least: 100_000, Most: 100_000_000}),
		random: rand.New(rand.NewPCG(1, 2)), stream: 3_000_000, rate: 20_000_000, queue: time.Second,
	}
}

// run lets time pass, and calls look, which may be nil, after each message of the peer.
func (n *network) run(length time.Duration, look func()) {
	const (
		frame  = time.Second / 30
		packet = 1200 // bytes
		away   = 20 * time.Millisecond
		zero   = time.Hour // of the peer's clock
		every  = 100 * time.Millisecond
	)
	for end := n.now + length; n.now < end; n.now += frame {
		size := n.stream / 8 / 30 * 60 / 65
		if n.frames%60 == 0 {
			size *= 6
		}
		n.frames++
		for at := n.now; size > 0; size -= packet {
			p := congestion.Packet{Size: min(size, packet), Sent: at}
			at += 3 * time.Microsecond
			n.free = max(n.free, at)
			if n.free-at > n.queue || n.random.Float64() < n.lost {
				p.Lost = true
			} else {
				n.free += time.Duration(8 * p.Size * int(time.Second) / n.rate)
				p.Came = zero + n.free + away
				if n.jitter > 0 {
					p.Came += time.Duration(n.random.Int64N(int64(n.jitter)))
				}
			}
			n.flight = append(n.flight, p)
		}
		if n.now-n.told < every {
			continue
		}
		n.told = n.now
		var there []congestion.Packet
		for i, p := range n.flight {
			if !p.Lost && p.Came > zero+n.now {
				there = n.flight[:i]
				break
			}
		}
		n.flight = append([]congestion.Packet(nil), n.flight[len(there):]...)
		n.e.Feedback(n.now+away, there)
		if look != nil {
			look()
		}
	}
}

func TestWide(t *testing.T) {
	t.Parallel()
	for _, jitter := range []time.Duration{0, 5 * time.Millisecond, 30 * time.Millisecond} {
		n := over(t)
		n.jitter = jitter
		congested := 0
		n.run(60*time.Second, func() {
			if n.e.Rate() < n.stream {
				t.Fatalf("jitter %v, after %v: %d bit/s, less than there is room for", jitter, n.now, n.e.Rate())
			}
			if n.e.Congested() {
				congested++
			}
		})
		if congested > 6 { // of 600
			t.Errorf("jitter %v: congested %d times", jitter, congested)
		}
		if r := n.e.Rate(); r < n.stream*5/4 || r > 2*n.stream {
			t.Errorf("jitter %v: %d bit/s of a stream of %d", jitter, r, n.stream)
		}
		if rtt := n.e.RoundTrip(); rtt < 20*time.Millisecond || rtt > 200*time.Millisecond {
			t.Errorf("jitter %v: %v there and back", jitter, rtt)
		}
	}
}

func TestNarrow(t *testing.T) {
	t.Parallel()
	for _, queue := range []time.Duration{50 * time.Millisecond, 300 * time.Millisecond, 5 * time.Second} {
		n := over(t)
		n.run(10*time.Second, nil)
		n.rate, n.queue = 1_000_000, queue
		began, seen, fell := n.now, false, time.Duration(0)
		n.run(5*time.Second, func() {
			seen = seen || n.e.Congested()
			if fell == 0 && n.e.Rate() < 1_500_000 {
				fell = n.now - began
			}
		})
		if fell == 0 || fell > 2*time.Second || !seen {
			t.Errorf("queue of %v: fell after %v, congested: %v", queue, fell, seen)
		}
		// A stream that fits, once the queue is empty.
		n.stream = 400_000
		n.run(20*time.Second, nil)
		if r := n.e.Rate(); r < n.stream || r > 1_200_000 || n.e.Congested() {
			t.Errorf("queue of %v, a stream of %d: %d bit/s, congested: %v", queue, n.stream, r, n.e.Congested())
		}
		// More room, and more in it.
		n.rate, n.stream = 20_000_000, 3_000_000
		n.run(40*time.Second, func() {
			if n.now-began > 27*time.Second && n.e.Congested() {
				t.Fatalf("queue of %v: congested at %v", queue, n.now)
			}
		})
		if r := n.e.Rate(); r < n.stream {
			t.Errorf("queue of %v, with room again: %d bit/s of %d", queue, r, n.stream)
		}
	}
}

// A little too narrow is found out as well, only later.
func TestLittleNarrow(t *testing.T) {
	t.Parallel()
	n := over(t)
	n.run(10*time.Second, nil)
	n.rate = n.stream * 9 / 10
	n.run(10*time.Second, nil)
	if r := n.e.Rate(); r > n.stream {
		t.Errorf("%d bit/s", r)
	}
}

func TestLoss(t *testing.T) {
	t.Parallel()
	n := over(t)
	n.run(10*time.Second, nil)
	before := n.e.Rate()
	n.lost = 0.01
	n.run(10*time.Second, nil)
	if r := n.e.Rate(); r < before*9/10 {
		t.Errorf("a packet of a hundred: %d bit/s after %d", r, before)
	}
	n.lost = 0.3
	n.run(5*time.Second, nil)
	if r := n.e.Rate(); r > n.stream*2/3 || !n.e.Congested() {
		t.Errorf("three of ten: %d bit/s, congested: %v", r, n.e.Congested())
	}
	n.lost = 0
	n.run(30*time.Second, nil)
	if r := n.e.Rate(); r < n.stream || n.e.Congested() {
		t.Errorf("none again: %d bit/s, congested: %v", r, n.e.Congested())
	}
}

// Whatever a peer tells, the estimate is within its bounds.
func FuzzFeedback(f *testing.F) {
	f.Add(uint64(1), int64(time.Millisecond), int64(time.Hour))
	f.Add(uint64(2), int64(-time.Hour), int64(1<<62))
	f.Fuzz(func(t *testing.T, seed uint64, spread, zero int64) {
		random := rand.New(rand.NewPCG(seed, 1))
		e := congestion.New(congestion.Config{First: 4_000_000, Least: 100_000, Most: 100_000_000})
		for now := time.Duration(0); now < 10*time.Second; now += 100 * time.Millisecond {
			list := make([]congestion.Packet, random.IntN(50))
			for i := range list {
				came := time.Duration(zero)
				if spread != 0 {
					came += time.Duration(random.Int64() % spread)
				}
				list[i] = congestion.Packet{Size: 1 + random.IntN(1200), Sent: now + time.Duration(i)*time.Millisecond, Came: came, Lost: random.IntN(10) == 0}
			}
			e.Feedback(now, list)
			if r := e.Rate(); r < 100_000 || r > 100_000_000 {
				t.Fatalf("%d bit/s", r)
			}
		}
	})
}
