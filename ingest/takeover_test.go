package ingest_test

import (
	"errors"
	"testing"
	"time"

	"weir/ingest"
	"weir/media"
)

// Whoever sends nothing any more makes way for the next publisher with the key, though its
// connection seems to stand: with the next one's first key frame, and not before.
func TestSilentPublisherMakesWay(t *testing.T) {
	r := newRig(t, nil)
	turnedAway := func(when string) {
		t.Helper()
		if _, err := r.sessions.Open(t.Context(), ingest.Request{Key: "x"}); !errors.Is(err, ingest.ErrBusy) {
			t.Errorf("%s: %v", when, err)
		}
	}
	r.pass(time.Minute)
	turnedAway("before the first picture")
	r.send(0, 60, 1)
	r.pass(time.Second)
	turnedAway("after a short silence")
	if r.sessions.Get("x").Silent() {
		t.Error("a short silence is one")
	}
	r.pass(time.Second)
	if !r.sessions.Get("x").Silent() {
		t.Error("two seconds are no silence")
	}
	if _, err := r.sessions.Open(t.Context(), ingest.Request{Key: "x", Waits: true}); !errors.Is(err, ingest.ErrBusy) {
		t.Errorf("who takes nobody's place: %v", err)
	}
	first := r.pub
	r.open()
	second := r.pub
	turnedAway("while the second has not proven itself")

	r.pub = first // it was a hole in the network: viewers see it until the second has a key frame
	r.send(4*time.Second, 60, 1)
	if err := second.Write(&media.Packet{Track: r.video, Wall: r.now()}); err != nil {
		t.Errorf("second publisher, no key frame yet: %v", err)
	}
	r.pub = second
	r.send(0, 60, 1)
	if err := first.Write(&media.Packet{Track: r.video}); !errors.Is(err, ingest.ErrReplaced) {
		t.Errorf("first publisher: %v", err)
	}
	turnedAway("while the second sends")
	if video, _ := r.packets(); len(video) != 180 {
		t.Errorf("%d frames", len(video))
	}
}

// Who is back has the time of a silence to send something, however long the one before was away.
func TestWhoIsBackIsNotSilent(t *testing.T) {
	r := newRig(t, func(c *ingest.Config) { c.Reconnect = time.Hour })
	r.send(0, 60, 1)
	r.pub.Close(false)
	r.pass(time.Minute)
	r.open()
	if _, err := r.sessions.Open(t.Context(), ingest.Request{Key: "x"}); !errors.Is(err, ingest.ErrBusy) {
		t.Errorf("at once: %v", err)
	}
	r.pass(2 * time.Second)
	back := r.pub
	r.open()
	r.send(0, 30, 1)
	if err := back.Err(); !errors.Is(err, ingest.ErrReplaced) {
		t.Errorf("who was back and sent nothing: %v", err)
	}
	r.packets()
}
