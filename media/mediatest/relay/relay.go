package relay

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

const (
	socketBuffer = 4 << 20
	datagram     = 2048
	room         = 300 * time.Millisecond // how long datagrams wait for a narrow link; more is lost
)

// Config says how bad the network is, in both directions unless it says something else.
type Config struct {
	Loss   float64                // of the datagrams, 0 to 1
	Jitter time.Duration          // most that one is late; they overtake each other
	Rate   int                    // bit/s to each peer; 0: any
	Change func(from []byte) bool // looks at a peer's datagram, and may change it; false: it is lost. Nil: nothing
}

// Relay is a network with one server.
type Relay struct {
	front  *net.UDPConn
	target *net.UDPAddr
	cfg    Config

	mu     sync.Mutex
	rate   int
	random *rand.Rand
	backs  map[string]*way
	gone   bool
	queue  timetable
	sooner chan struct{} // capacity 1: what is first in the queue is another one
	work   sync.WaitGroup
}

// way leads to the server for one peer.
type way struct {
	*net.UDPConn
	free time.Time // when the link to the peer has sent what it has
}

// Open begins with a network to a server. It must be closed.
func Open(server net.Addr, cfg Config) (*Relay, error) {
	target, ok := server.(*net.UDPAddr)
	if !ok {
		return nil, fmt.Errorf("relay: %v is no UDP address", server)
	}
	front, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	_ = front.SetReadBuffer(socketBuffer) // less is a network that loses more
	r := &Relay{
		front: front, target: target, cfg: cfg, rate: cfg.Rate,
		random: rand.New(rand.NewPCG(7, 11)), backs: map[string]*way{}, sooner: make(chan struct{}, 1),
	}
	r.work.Go(r.forth)
	r.work.Go(r.deliver)
	return r, nil
}

// Addr is where peers find the server.
func (r *Relay) Addr() *net.UDPAddr { return r.front.LocalAddr().(*net.UDPAddr) }

// SetRate makes the links to the peers wider or narrower; 0: without a bound.
func (r *Relay) SetRate(rate int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rate = rate
}

// Close ends the network.
func (r *Relay) Close() {
	r.mu.Lock()
	r.gone = true
	r.front.Close()
	for _, b := range r.backs {
		b.Close()
	}
	r.mu.Unlock()
	r.wake()
	r.work.Wait()
}

// pass sends a copy of data, now or later, or loses it. to is the link that it has to go
// through, nil: one that is wide enough.
func (r *Relay) pass(data []byte, to *way, write func([]byte) (int, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone || r.random.Float64() < r.cfg.Loss {
		return
	}
	now := time.Now()
	due := now
	if r.cfg.Jitter > 0 {
		due = due.Add(time.Duration(r.random.Int64N(int64(r.cfg.Jitter))))
	}
	if to != nil && r.rate > 0 {
		if to.free.Before(now) {
			to.free = now
		}
		if to.free.Sub(now) > room {
			return
		}
		to.free = to.free.Add(time.Duration(len(data)) * 8 * time.Second / time.Duration(r.rate))
		due = due.Add(to.free.Sub(now))
	}
	heap.Push(&r.queue, &letter{due: due, data: append([]byte(nil), data...), write: write})
	if r.queue[0].due.Equal(due) {
		r.wake()
	}
}

func (r *Relay) wake() {
	select {
	case r.sooner <- struct{}{}:
	default:
	}
}

// deliver sends what is due.
func (r *Relay) deliver() {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		l, wait, gone := r.next()
		switch {
		case gone:
			return
		case l != nil:
			_, _ = l.write(l.data) // the peer may be gone
			continue
		}
		t.Reset(wait)
		select {
		case <-t.C:
		case <-r.sooner:
		}
	}
}

// next takes what is due, or says how long to wait.
func (r *Relay) next() (l *letter, wait time.Duration, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return nil, 0, true
	}
	if len(r.queue) == 0 {
		return nil, time.Hour, false
	}
	if wait = time.Until(r.queue[0].due); wait > 0 {
		return nil, wait, false
	}
	return heap.Pop(&r.queue).(*letter), 0, false
}

// forth carries what peers send.
func (r *Relay) forth() {
	buf := make([]byte, datagram)
	for {
		n, from, err := r.front.ReadFromUDP(buf)
		if err != nil {
			return
		}
		if r.cfg.Change != nil && !r.cfg.Change(buf[:n]) {
			continue
		}
		back, err := r.back(from)
		if err != nil {
			return
		}
		r.pass(buf[:n], nil, back.Write)
	}
}

var errGone = errors.New("the network is gone")

// back is the way to the server for a peer.
func (r *Relay) back(from *net.UDPAddr) (*way, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return nil, errGone
	}
	if w := r.backs[from.String()]; w != nil {
		return w, nil
	}
	c, err := net.DialUDP("udp", nil, r.target)
	if err != nil {
		return nil, err
	}
	_ = c.SetReadBuffer(socketBuffer)
	w := &way{UDPConn: c}
	r.backs[from.String()] = w
	r.work.Go(func() {
		buf := make([]byte, datagram)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			r.pass(buf[:n], w, func(b []byte) (int, error) { return r.front.WriteToUDP(b, from) })
		}
	})
	return w, nil
}

// letter is a datagram on its way.
type letter struct {
	due   time.Time
	data  []byte
	write func([]byte) (int, error)
}

// timetable is a heap of letters, by when they are due.
type timetable []*letter

// Len is heap.Interface.
func (t timetable) Len() int { return len(t) }

// Less is heap.Interface.
func (t timetable) Less(i, j int) bool { return t[i].due.Before(t[j].due) }

// Swap is heap.Interface.
func (t timetable) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

// Push is heap.Interface.
func (t *timetable) Push(x any) { *t = append(*t, x.(*letter)) }

// Pop is heap.Interface.
func (t *timetable) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	return x
}
