package place_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/services/backing/redis"
	"weir/services/backing/redis/redistest"
	"weir/services/live/place"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a Table with what its owner would say.
type node struct {
	name string
	*place.Table
	mu      sync.Mutex
	streams []place.Stream
	yields  bool
	free    float64
	lost    []string
	stop    func()
}

func (n *node) Placed() []place.Stream {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.streams
}

func (n *node) Yield(name string, takeover bool) bool {
	n.mu.Lock()
	yes := n.yields || takeover
	n.mu.Unlock()
	if yes {
		n.Release(name)
	}
	return yes
}

func (n *node) Takes() (place.Doors, float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return place.Doors{"rtmp": n.door()}, n.free
}

func (n *node) Lost(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lost = append(n.lost, name)
}

func start(t *testing.T, c *redis.Client, name string) *node {
	t.Helper()
	n := &node{name: name, free: 1}
	n.Table = place.New(place.Config{Redis: c, Node: name, URL: "http://" + name, Remember: time.Minute, Owner: n, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(n.stop)
	return n
}

// door is where publishers reach n.
func (n *node) door() string { return n.name + ".example.com:1935" }

// air puts a stream on the air at n.
func (n *node) air(t *testing.T, name string) {
	t.Helper()
	if err := n.Claim(t.Context(), name, false); err != nil {
		t.Fatal(err)
	}
	n.Hold(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.streams = append(n.streams, place.Stream{Name: name, Epoch: "e", Info: json.RawMessage(`{}`)})
}

// sees waits until ok of n.
func (n *node) sees(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		moved := n.Moved()
		if ok() {
			return
		}
		select {
		case <-moved:
		case <-late:
			t.Fatalf("never: %s", what)
		}
	}
}

// becomes waits for what nobody tells: nodes that come and go without a stream.
func becomes(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestOneNodeHasAName(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		a, b := start(t, c, "a"), start(t, c, "b")
		a.air(t, "x")
		b.sees(t, "x at a", func() bool { p, ok := b.Find("x"); return ok && p.Node == "a" && p.URL == "http://a" })
		if n := b.Others(); n != 1 {
			t.Errorf("%d others, want a", n)
		}
		if n, err := place.Nodes(t.Context(), c); err != nil || n != 2 {
			t.Errorf("%d nodes in all, %v", n, err)
		}
		if list := b.Streams(); len(list) != 1 || list[0].Name != "x" {
			t.Errorf("streams of others: %+v", list)
		}
		if err := b.Claim(t.Context(), "x", false); !errors.Is(err, place.ErrElsewhere) {
			t.Errorf("claim of a name that another node keeps: %v", err)
		}
		if err := a.Claim(t.Context(), "x", false); err != nil {
			t.Errorf("claim of an own name: %v", err)
		}
		if err := b.Claim(t.Context(), "x", true); err != nil {
			t.Errorf("claim with takeover: %v", err)
		}
		b.Hold("x")
		b.Release("x")
		if err := a.Claim(t.Context(), "x", false); err != nil {
			t.Errorf("claim of what is over: %v", err)
		}
	})
}

func TestADroppedPublisherReturnsElsewhere(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		a, b := start(t, c, "a"), start(t, c, "b")
		a.air(t, "x")
		a.mu.Lock()
		a.yields = true
		a.mu.Unlock()
		if err := b.Claim(t.Context(), "x", false); err != nil {
			t.Error(err)
		}
	})
}

// A node that is gone is missed, and its names are free.
func TestNodeThatIsGone(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		a, b := start(t, c, "a"), start(t, c, "b")
		a.air(t, "x")
		b.sees(t, "x at a", func() bool { _, ok := b.Find("x"); return ok })
		a.stop()
		b.sees(t, "x missed", func() bool { return b.Missed("x") })
		if _, ok := b.Find("x"); ok {
			t.Error("it is still found")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := b.Claim(ctx, "x", false); err != nil {
			t.Errorf("claim of a dead node's name: %v", err)
		}
	})
}

// A node that leaves is none that others could leave their streams to.
func TestLeave(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		a, b := start(t, c, "a"), start(t, c, "b")
		a.air(t, "x")
		b.sees(t, "x at a", func() bool { _, ok := b.Find("x"); return ok && b.Others() == 1 })
		a.Leave()
		late := time.After(30 * time.Second)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for b.Others() != 0 {
			select {
			case <-tick.C:
			case <-late:
				t.Fatal("b was never told")
			}
		}
		if _, ok := b.Find("x"); !ok {
			t.Error("what it has is gone")
		}
	})
}

// What a node hands over it misses itself, until another one has it.
func TestMiss(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		a, b := start(t, c, "a"), start(t, c, "b")
		a.Miss(place.Stream{Name: "x", Info: json.RawMessage(`{}`)})
		if _, ok := a.Find("x"); ok || !a.Missed("x") || !a.Listed("x") || len(a.Streams()) != 0 {
			t.Error("x is not missed")
		}
		b.air(t, "x")
		a.sees(t, "x at b", func() bool { _, ok := a.Find("x"); return ok && !a.Missed("x") })
		a.Miss(place.Stream{Name: "x"})
		if a.Missed("x") {
			t.Error("what another node has is missed")
		}
	})
}

// What another node gave up is missed here also when its publisher has come here, and not
// begun yet.
func TestMissedUntilItBegins(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		a, b := start(t, c, "a"), start(t, c, "b")
		a.air(t, "x")
		b.sees(t, "x at a", func() bool { _, ok := b.Find("x"); return ok })
		a.mu.Lock()
		a.streams = nil
		a.mu.Unlock()
		a.Release("x")
		if err := b.Claim(t.Context(), "x", false); err != nil {
			t.Fatal(err)
		}
		b.Hold("x")
		b.sees(t, "x given up", func() bool { _, ok := b.Find("x"); return !ok })
		if !b.Missed("x") || !b.Listed("x") {
			t.Error("x is not missed")
		}
	})
}

// Who has no streams sees the nodes, and they do not see it.
func TestWatch(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		a, b := start(t, c, "a"), start(t, c, "b")
		a.air(t, "x")
		w := place.New(place.Config{Redis: c, Remember: time.Minute, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Watch(ctx) }()
		becomes(t, "two nodes, x at a", func() bool { p, ok := w.Find("x"); return ok && p.Node == "a" && len(w.Peers()) == 2 })
		if p := w.Peers(); p[0].Node != "a" || p[1].Node != "b" {
			t.Errorf("nodes: %+v", p)
		}
		b.sees(t, "x at a", func() bool { _, ok := b.Find("x"); return ok })
		if n := b.Others(); n != 1 {
			t.Errorf("b sees %d others, want a alone", n)
		}
		a.stop()
		becomes(t, "one node, x missed", func() bool { return w.Missed("x") && len(w.Peers()) == 1 })
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A node that was away too long hears that it has lost a name.
func TestLost(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		a := start(t, c, "a")
		a.air(t, "x")
		if err := c.Set(t.Context(), "weir:place:name:x", "b", time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		late := time.After(30 * time.Second)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			a.mu.Lock()
			lost := len(a.lost)
			a.mu.Unlock()
			if lost == 1 {
				return
			}
			select {
			case <-tick.C:
			case <-late:
				t.Fatal("it was never told")
			}
		}
	})
}
