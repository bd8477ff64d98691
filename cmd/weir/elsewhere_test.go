package main

import (
	"errors"
	"log/slog"
	"maps"
	"testing"
	"time"

	"weir/ingest"
	"weir/services/backing/redis/redistest"
	"weir/services/live/place"
)

// roomy is another node, with so many cores free.
type roomy struct {
	owner
	cores float64
}

func (o roomy) Takes() (place.Doors, float64) {
	return place.Doors{"rtmp": "b.example.com:1935", "https": "b.example.com:443"}, o.cores
}

// newFull is a node without room that refuses what does not fit, beside one with so many
// cores. Streams asked for 100 units lately, a core each, "big" in vain for 300.
func newFull(t *testing.T, cores float64) *control {
	t.Helper()
	client, log := redistest.Embedded(t), slog.New(slog.DiscardHandler)
	table := place.New(place.Config{Redis: client, Node: "a", Remember: time.Minute, Owner: owner{}, Log: log})
	keepUntilEnd(t, table.Run)
	keepUntilEnd(t, place.New(place.Config{Redis: client, Node: "b", Remember: time.Minute, Owner: roomy{cores: cores}, Log: log}).Run)
	m, c := newSpender(1)
	for range 40 {
		if !c.admit("small", 100) {
			t.Fatal("the first is not admitted")
		}
	}
	c.measure(100)
	m.runs(10*time.Second, 1)
	c.measure(100)
	for range 2 {
		if c.admit("big", 300) {
			t.Fatal("there is room")
		}
	}
	for range 40 {
		_ = c.admit("small", 100) // what streams ask for is this again
	}
	eventually(t, "the other node", func() bool { return table.Others() == 1 })
	return &control{place: table, capacity: c, log: log, names: map[string]*desk{"back": {scheme: "rtmp"}, "sent": {scheme: "rtmp", sent: true}, "srt": {}}}
}

// Before its stream begins a publisher is sent on only if it can be told, goes there by
// itself or is known to find no room, and there is room elsewhere.
func TestSpread(t *testing.T) {
	c := newFull(t, 10)
	follows := ingest.Request{Scheme: "rtmp", Follows: true}
	for what, tc := range map[string]struct {
		name string
		r    ingest.Request
		to   string
	}{
		"new":                         {"new", follows, "rtmp://b.example.com:1935"},
		"over WHIP":                   {"new", ingest.Request{Scheme: "http", Follows: true}, "https://b.example.com:443"},
		"one that comes back":         {"back", follows, ""},
		"one that was sent":           {"new", ingest.Request{Scheme: "rtmp", Follows: true, Sent: true}, ""},
		"one that does not follow":    {"new", ingest.Request{Scheme: "rtmp"}, ""},
		"that found no room":          {"big", ingest.Request{Scheme: "rtmp"}, "rtmp://b.example.com:1935"},
		"that cannot be told":         {"big", ingest.Request{Follows: true}, ""},
		"a way that b does not offer": {"big", ingest.Request{Scheme: "rtmps", Follows: true}, ""},
	} {
		if err := c.spread(tc.r, tc.name); ingest.Sends(err) != tc.to || tc.to != "" && !errors.Is(err, ingest.ErrDenied) || tc.to == "" && err != nil {
			t.Errorf("%s: %v, want to be sent to %q", what, err, tc.to)
		}
	}
	full := newFull(t, 0.5)
	if err := full.spread(follows, "new"); err != nil {
		t.Errorf("nobody has room: %v", err)
	}
	full.capacity = nil
	if err := c.spread(ingest.Request{Scheme: "http", Follows: true}, "small"); ingest.Sends(err) == "" {
		t.Errorf("with a name that is planned here and not on the air: %v", err)
	}
	if err := full.spread(follows, "big"); err != nil {
		t.Errorf("where nobody is refused: %v", err)
	}
}

// Who finds no room when the stream was to begin is sent on, once, if there is room
// elsewhere; the reason stays.
func TestSendOn(t *testing.T) {
	reason := ingest.Refusal{Words: "full"}
	c := newFull(t, 10)
	for name, want := range map[string]string{"back": "rtmp://b.example.com:1935", "sent": "", "srt": "", "gone": ""} {
		err := c.sendOn(name, reason)
		if got := ingest.Sends(err); got != want || !errors.Is(err, ingest.ErrDenied) {
			t.Errorf("%s is sent to %q, want %q: %v", name, got, want, err)
		}
	}
	for cores, want := range map[float64]string{2: "", 4: "rtmp://b.example.com:1935"} { // big needs 3
		c := newFull(t, cores)
		c.names["big"] = &desk{scheme: "rtmp"}
		if got := ingest.Sends(c.sendOn("big", reason)); got != want {
			t.Errorf("with %v cores free elsewhere it is sent to %q, want %q", cores, got, want)
		}
	}
	alone := &control{names: c.names, capacity: c.capacity}
	if err := alone.sendOn("back", reason); ingest.Sends(err) != "" {
		t.Errorf("alone: %v", err)
	}
}

// A node that leaves names another one even if that has less room than it would need.
func TestLeavingSends(t *testing.T) {
	c := newFull(t, 0)
	c.leaving.Store(true)
	for scheme, want := range map[string]string{"rtmp": "rtmp://b.example.com:1935", "": "", "rtsp": ""} {
		_, err := c.Publish(t.Context(), ingest.Request{Scheme: scheme, Sent: true})
		if !errors.Is(err, ingest.ErrMoved) || ingest.Sends(err) != want {
			t.Errorf("%q: %v, want to be sent to %q", scheme, err, want)
		}
	}
	m := &mediaRole{control: c, pipelines: &pipelines{capacity: c.capacity}}
	for name, want := range map[string]string{"back": "rtmp://b.example.com:1935", "srt": "", "gone": ""} {
		if err := m.moved(name); !errors.Is(err, ingest.ErrMoved) || ingest.Sends(err) != want {
			t.Errorf("%s: %v, want to be sent to %q", name, err, want)
		}
	}
}

// What a node asked for in vain is forgotten after a while, and not kept for too many.
func TestAskedInVain(t *testing.T) {
	m, c := newSpender(1)
	c.measure(1)
	m.runs(10*time.Second, 1)
	c.measure(1)
	for i := range 2 * mostAsked {
		if c.admit(string(rune('a'+i)), 5) {
			t.Fatal("there is room")
		}
	}
	if len(c.asked) != mostAsked {
		t.Errorf("%d are kept", len(c.asked))
	}
	if cores, fits := c.foresee("a", false); fits || cores != 5 {
		t.Errorf("it needs %v", cores)
	}
	m.runs(rememberAsked+time.Second, 0)
	if _, fits := c.foresee("a", false); !fits {
		t.Error("it is remembered for too long")
	}
	if c.admit("new", 5) || len(c.asked) != 1 {
		t.Errorf("%d are kept", len(c.asked))
	}
}

// Publishers are told of the ports that are open, or of those that lead there.
func TestDoors(t *testing.T) {
	for text, want := range map[string]place.Doors{
		"":                                {"rtmp": "a.example.com:1935", "rtsp": "a.example.com:8554"},
		"rtmp=11935,https=443, rtmps=443": {"rtmp": "a.example.com:11935", "rtsp": "a.example.com:8554", "https": "a.example.com:443", "rtmps": "a.example.com:443"},
	} {
		n := &node{cfg: &Settings{}}
		n.cfg.Ingest.NodeHost = "a.example.com"
		if err := n.cfg.Ingest.NodePorts.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := n.doors(&mediaRole{rtmpAddr: "[::]:1935", rtspAddr: "127.0.0.1:8554"}); !maps.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
		n.cfg.Ingest.NodeHost = ""
		if got := n.doors(&mediaRole{rtmpAddr: "[::]:1935"}); got != nil {
			t.Errorf("without a host: %v", got)
		}
	}
}
