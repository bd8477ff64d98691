package restream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/media"
	"weir/media/hub"
	"weir/media/mediatest"
	"weir/media/ring"
	"weir/media/rtmp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a stream with one Push to a target that the test plays. All of it is made in a
// bubble of testing/synctest, so that pauses cost no time.
type rig struct {
	t      *testing.T
	stream *hub.Stream
	source *mediatest.Source
	next   []*media.Packet // not written yet
	push   *Push
	viewer *hub.Reader // sees all, whatever the target does

	mu     sync.Mutex
	log    strings.Builder
	dialed []string // addresses
	wait   sync.WaitGroup
	stop   context.CancelFunc
}

func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *rig) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func (r *rig) dials() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.dialed)
}

const secret = "hunter2-of-the-target"

// start runs a Push to url, whose connections serve gets the other ends of.
func start(t *testing.T, url string, tracks []*media.Track, serve func(c net.Conn), more ...func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, source: &mediatest.Source{SampleRate: 48000, BFrames: 2, Delayed: true}}
	r.next = r.source.Packets(60 * media.Second)
	if tracks == nil {
		tracks = r.source.Tracks()
	}
	var h hub.Hub
	var err error
	r.stream, err = h.Create("anna", time.Now(), tracks)
	ok(t, err)
	r.viewer = r.stream.Subscribe(ring.Limits{Items: 1 << 20, Bytes: 1 << 30})
	c := Config{Stream: r.stream, Target: Target{URL: url, Key: secret}, Log: slog.New(slog.NewTextHandler(r, nil))}
	c.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.dialed = append(r.dialed, address)
		near, far := r.pipe()
		r.wait.Go(func() {
			defer far.Close()
			serve(far)
		})
		return near, nil
	}
	for _, change := range more {
		change(&c)
	}
	r.push = New(c)
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	r.wait.Go(func() { r.push.Run(ctx) })
	return r
}

// pipe is a connection with buffers, as those of a machine.
func (r *rig) pipe() (near, far net.Conn) {
	near, in := net.Pipe()
	far, out := net.Pipe()
	pump := func(from, to net.Conn) {
		queue := make(chan []byte, 64)
		r.wait.Go(func() {
			defer close(queue)
			for {
				buf := make([]byte, 4096)
				n, err := from.Read(buf)
				if err != nil {
					return
				}
				queue <- buf[:n]
			}
		})
		r.wait.Go(func() {
			defer to.Close()
			for b := range queue {
				if _, err := to.Write(b); err != nil {
					from.Close()
				}
			}
		})
	}
	pump(in, out)
	pump(out, in)
	return near, far
}

// play writes packets of d at their pace.
func (r *rig) play(d media.Time) (written []*media.Packet) {
	end := r.next[0].DTS + d
	for len(r.next) > 0 && r.next[0].DTS < end {
		p := r.next[0]
		r.next = r.next[1:]
		r.stream.Write(p)
		written = append(written, p)
		if len(r.next) > 0 {
			time.Sleep((r.next[0].DTS - p.DTS).Duration()) // of the bubble's clock
		}
	}
	return written
}

// end ends the Push and the stream, and holds that nobody heard the key.
func (r *rig) end(written int) {
	r.t.Helper()
	r.stop()
	r.wait.Wait()
	r.stream.Close()
	if s := r.push.Status(); s.State != Ended || strings.Contains(s.Error, secret) || strings.Contains(r.said(), secret) {
		r.t.Errorf("at the end: %+v, log %s", s, r.said())
	}
	if n := r.viewer.Len(); n != written || r.viewer.Dropped() != 0 {
		r.t.Errorf("a viewer has %d packets of %d", n, written)
	}
}

// target is a server of our own wire.
type target struct {
	mu       sync.Mutex
	requests []rtmp.PublishRequest
	messages []rtmp.Message
	ends     []error
}

// serve takes one publisher to its end.
func (x *target) serve(c net.Conn) {
	s := rtmp.NewServerConn(c, rtmp.Limits{})
	q, err := s.AcceptPublish()
	if err == nil {
		err = s.Grant()
	}
	x.mu.Lock()
	x.requests = append(x.requests, q)
	x.mu.Unlock()
	for err == nil {
		var m rtmp.Message
		if m, err = s.ReadMessage(); err == nil {
			m.Body = append([]byte(nil), m.Body...)
			x.mu.Lock()
			x.messages = append(x.messages, m)
			x.mu.Unlock()
		}
	}
	x.mu.Lock()
	x.ends = append(x.ends, err)
	x.mu.Unlock()
	if errors.Is(err, rtmp.ErrGoodbye) {
		s.Linger()
	}
}

// of are the messages of a type.
func (x *target) of(kind rtmp.MessageType) (list []rtmp.Message) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, m := range x.messages {
		if m.Type == kind {
			list = append(list, m)
		}
	}
	return list
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
