//go:build servers

package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
	"golang.org/x/sys/unix"

	"weir/services/backing/blob/blobtest"
	"weir/services/live"
)

// balancer is a TCP forwarder that takes the first server that can be reached, as an L4
// balancer in front of nodes.
type balancer struct {
	listener net.Listener
	wait     sync.WaitGroup

	mu    sync.Mutex
	to    []string
	conns map[net.Conn]bool
}

func startBalancer(t *testing.T, to ...string) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{listener: l, to: to, conns: map[net.Conn]bool{}}
	b.wait.Go(b.accept)
	t.Cleanup(func() {
		l.Close()
		b.cut()
		b.wait.Wait()
	})
	return b
}

func (b *balancer) addr() string { return b.listener.Addr().String() }

// turn makes it send new connections to others.
func (b *balancer) turn(to ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to = to
}

// cut ends what it has passed on.
func (b *balancer) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.conns {
		c.Close()
	}
}

func (b *balancer) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.wait.Go(func() { b.forward(c) })
	}
}

func (b *balancer) forward(c net.Conn) {
	defer c.Close()
	b.mu.Lock()
	to := b.to
	b.mu.Unlock()
	for _, addr := range to {
		far, err := net.Dial("tcp", addr)
		if err != nil {
			continue
		}
		defer far.Close()
		b.mu.Lock()
		b.conns[c], b.conns[far] = true, true
		b.mu.Unlock()
		b.wait.Go(func() {
			defer far.Close()
			_, _ = io.Copy(far, c) // until either end is closed
		})
		_, _ = io.Copy(c, far)
		return
	}
}

// host is the host:port of a URL.
func host(u string) string { return strings.TrimPrefix(u, "http://") }

// behind is both nodes as one station behind a balancer, the first before the second.
func (p *pair) behind(t *testing.T) (s *station, web, rtmp *balancer) {
	t.Helper()
	web = startBalancer(t, host(p.first.web), host(p.second.web))
	rtmp = startBalancer(t, p.first.rtmp, p.second.rtmp)
	all := *p.first.station
	all.web, all.rtmp = "http://"+web.addr(), rtmp.addr()
	all.flaky = true
	all.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	return &all, web, rtmp
}

// TestNodesFailover kills the node that has a stream: at the other one its publisher goes
// on with the session, and those who watch need no new address.
func TestNodesFailover(t *testing.T) {
	t.Parallel()
	onePair(t, func(t *testing.T, p *pair) {
		ctx := limited(t)
		s, _, _ := p.behind(t)
		c := p.channel(t, "anna")
		first := air(t, s, "anna")
		f := follow(ctx, t, s, "anna")
		before, old := f.last, f.seen(ctx, t)
		if err := p.first.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		if first.lost(t) == nil {
			t.Fatal("the publisher has not lost its connection")
		}
		again := air(t, s, "anna")
		wentOn(ctx, t, f, before)
		old.check(ctx, http.StatusOK)
		t.Logf("new media %v after the end of the node, %v after the newest of the old", time.Since(killed).Round(100*time.Millisecond), f.pause.Round(100*time.Millisecond))
		v, err := s.view(ctx, "anna")
		if err != nil || v.pictures[0] != f.url {
			t.Fatalf("another address: %v", err)
		}
		if err := v.check(ctx); err != nil {
			t.Error(err)
		}
		if x := c.sessions(t); len(x) != 1 || x[0].State != live.OnAir || x[0].Stats.Reconnects != 1 {
			t.Errorf("sessions: %+v", x)
		}
		if err := again.leave(); err != nil {
			t.Error(err)
		}
		if err := f.until(ctx, func(m *playlist.Media) bool { return m.Endlist }); err != nil {
			t.Error(err)
		}
		c.ended(t, p.second.station, before)
	}, bucket(t)...)
}

// TestNodesFrozen stops the node that has a stream for longer than nodes are waited for, and
// lets it run again: what another one has gone on with meanwhile is not disturbed, and the
// recording of both is whole.
func TestNodesFrozen(t *testing.T) {
	t.Parallel()
	onePair(t, func(t *testing.T, p *pair) {
		ctx := limited(t)
		s, web, rtmp := p.behind(t)
		c := p.channel(t, "anna")
		first := air(t, s, "anna")
		f := follow(ctx, t, s, "anna")
		before := f.last
		web.turn(host(p.second.web))
		rtmp.turn(p.second.rtmp)
		if err := p.first.cmd.Process.Signal(unix.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.first.cmd.Process.Signal(unix.SIGCONT) })
		web.cut() // as balancers do to who does not answer
		again := air(t, s, "anna")
		wentOn(ctx, t, f, before)
		if err := p.first.cmd.Process.Signal(unix.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if first.lost(t) == nil {
			t.Error("the publisher that was taken over has not lost its connection")
		}
		v, err := p.first.view(ctx, "anna") // the other node's, through the one that was away
		if err != nil {
			t.Fatal(err)
		}
		then := f.last.MediaSequence + len(f.last.Segments)
		if err := f.until(ctx, func(m *playlist.Media) bool { return m.MediaSequence+len(m.Segments) > then+2 }); err != nil {
			t.Fatal(err)
		}
		if err := v.check(ctx); err != nil {
			t.Error(err)
		}
		if x := c.sessions(t); len(x) != 1 || x[0].State != live.OnAir || x[0].Stats.Reconnects != 1 {
			t.Errorf("sessions: %+v", x)
		}
		if err := again.leave(); err != nil {
			t.Error(err)
		}
		c.ended(t, p.second.station, before)
	}, bucket(t)...)
}

// channel makes one, asked of the second node.
func (p *pair) channel(t *testing.T, name string) *ownedChannel {
	t.Helper()
	return channelAt(t, p.second.web, p.first.password, name)
}

// bucket is a store that nodes share, as settings.
func bucket(t *testing.T) []string {
	t.Helper()
	c := blobtest.Bucket(t)
	return []string{"WEIR_S3_ENDPOINT=" + c.Endpoint, "WEIR_S3_BUCKET=" + c.Bucket, "WEIR_S3_ACCESS_KEY=" + c.AccessKey, "WEIR_S3_SECRET_KEY=" + c.SecretKey}
}

// TestNodesDrain stops the node that has a stream: it hands it over, and leaves.
func TestNodesDrain(t *testing.T) {
	t.Parallel()
	onePair(t, func(t *testing.T, p *pair) {
		ctx := limited(t)
		s, _, rtmp := p.behind(t)
		c := p.channel(t, "anna")
		first := air(t, s, "anna")
		f := follow(ctx, t, s, "anna")
		before := f.last
		rtmp.turn(p.second.rtmp)
		stopped := make(chan result, 1)
		began := time.Now()
		go func() { stopped <- p.first.stop() }()
		eventually(t, "not ready", func() bool {
			status, _, err := p.first.get(ctx, p.first.admin+"/readyz")
			return err == nil && status == http.StatusServiceUnavailable
		})
		if _, err := dialCaster(t, p.first.station, "ben"); err == nil || !strings.Contains(err.Error(), "going away") {
			t.Errorf("a publisher who comes too late: %v", err)
		}
		if first.lost(t) == nil || !first.wire.heard("going away, connect again") {
			t.Error("the publisher was not told to connect again")
		}
		again := air(t, s, "anna")
		wentOn(ctx, t, f, before)
		r := <-stopped
		if r.code != 0 || !strings.Contains(r.stderr, `"stream handed over"`) || time.Since(began) > 30*time.Second {
			t.Errorf("%d after %v", r.code, time.Since(began))
		}
		t.Logf("a pause of %v", f.pause.Round(100*time.Millisecond))
		if x := c.sessions(t); len(x) != 1 || x[0].Stats.Reconnects != 1 {
			t.Errorf("sessions: %+v", x)
		}
		if err := again.leave(); err != nil {
			t.Error(err)
		}
		c.ended(t, p.second.station, before)
	}, bucket(t)...)
}
