package srt

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	srt "github.com/datarhei/gosrt"

	"weir/ingest/ingesttest"
	"weir/media"
)

// relay stands between publishers and a server: a network that loses and delays.
type relay struct {
	front  *net.UDPConn
	target *net.UDPAddr
	loss   float64
	jitter time.Duration
	change func(datagram []byte) // of publishers, when set

	mu     sync.Mutex
	random *rand.Rand
	backs  map[string]*net.UDPConn // to the server, by publisher
	gone   bool
	work   sync.WaitGroup
}

func newRelay(t *testing.T, server net.Addr, loss float64, jitter time.Duration, change ...func([]byte)) *relay {
	t.Helper()
	front, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	_ = front.SetReadBuffer(4 << 20)
	r := &relay{
		front: front, target: server.(*net.UDPAddr), loss: loss, jitter: jitter,
		random: rand.New(rand.NewPCG(7, 11)), backs: map[string]*net.UDPConn{},
	}
	for _, f := range change {
		r.change = f
	}
	r.work.Go(r.forth)
	t.Cleanup(func() { r.cut(); r.work.Wait() })
	return r
}

func (r *relay) addr() string { return r.front.LocalAddr().String() }

// cut ends the network.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = true
	r.front.Close()
	for _, b := range r.backs {
		b.Close()
	}
}

// fate tells whether a datagram arrives, and how late.
func (r *relay) fate() (late time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone || r.random.Float64() < r.loss {
		return 0, false
	}
	if r.jitter > 0 {
		late = time.Duration(r.random.Int64N(int64(r.jitter)))
	}
	return late, true
}

func (r *relay) pass(data []byte, write func([]byte) error) {
	late, ok := r.fate()
	if !ok {
		return
	}
	if late == 0 {
		_ = write(data)
		return
	}
	r.work.Add(1)
	kept := append([]byte(nil), data...)
	time.AfterFunc(late, func() {
		defer r.work.Done()
		_ = write(kept)
	})
}

// forth carries what publishers send.
func (r *relay) forth() {
	buf := make([]byte, 2048)
	for {
		n, from, err := r.front.ReadFromUDP(buf)
		if err != nil {
			return
		}
		if r.change != nil {
			r.change(buf[:n])
		}
		back, err := r.back(from)
		if err != nil {
			return
		}
		r.pass(buf[:n], func(b []byte) error { _, err := back.Write(b); return err })
	}
}

// back is the way to the server for a publisher.
func (r *relay) back(from *net.UDPAddr) (*net.UDPConn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return nil, errors.New("the network is gone")
	}
	if c := r.backs[from.String()]; c != nil {
		return c, nil
	}
	c, err := net.DialUDP("udp", nil, r.target)
	if err != nil {
		return nil, err
	}
	r.backs[from.String()] = c
	r.work.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			r.pass(buf[:n], func(b []byte) error { _, err := r.front.WriteToUDP(b, from); return err })
		}
	})
	return c, nil
}

// TestLossyNetwork: with 2 % loss and 40 ms of jitter nothing is missing after recovery.
func TestLossyNetwork(t *testing.T) {
	r := ingesttest.New(t, nil)
	s, _ := start(t, r, func(c *Config) { c.Latency = 800 * time.Millisecond })
	way := newRelay(t, s.Addr(), 0.02, 40*time.Millisecond)
	const publishers = 3
	ts := record(t, "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=4", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-b:v", "1M")
	var all sync.WaitGroup
	for i := range publishers {
		all.Go(func() {
			var c srt.Conn
			var err error
			for range 40 { // a handshake may get lost, and where its answer was, the name is taken for a while
				if c, err = dial(way.addr(), "publish:live"+string(rune('a'+i)), nil); err == nil {
					break
				}
				<-time.After(500 * time.Millisecond)
			}
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			send(t, c, ts, 8*time.Millisecond)
			<-time.After(1500 * time.Millisecond) // for what has to come again
		})
	}
	all.Wait()
	for range publishers {
		stream := r.Next(t)
		if n := len(stream.Wait(t, media.Video, 99)); n < 99 { // the end of the last is not known
			t.Errorf("%d of 100 pictures", n)
		}
	}
}

// TestFarAhead: packets that are dated an hour ahead are not kept without end.
func TestFarAhead(t *testing.T) {
	r := ingesttest.New(t, nil)
	s, log := start(t, r, func(c *Config) { c.MaxBuffered = 1 << 20 })
	way := newRelay(t, s.Addr(), 0, 0, func(b []byte) {
		if len(b) > 1000 { // a data packet: its time stamp
			binary.BigEndian.PutUint32(b[8:], 3_000_000_000)
		}
	})
	c, err := dial(way.addr(), "publish:live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	junk := make([]byte, 1316)
	for range 4 << 20 / len(junk) {
		if _, err := c.Write(junk); err != nil {
			break // sent away
		}
		<-time.After(100 * time.Microsecond)
	}
	log.Await(t, errFlood.Words, 1)
}
