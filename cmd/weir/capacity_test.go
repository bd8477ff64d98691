package main

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/hub"
	"weir/media/ladder"
)

// spender is a process with a clock of its own, which uses so many cores.
type spender struct {
	at    time.Time
	spent time.Duration
}

func (m *spender) runs(d time.Duration, cores float64) {
	m.at, m.spent = m.at.Add(d), m.spent+time.Duration(cores*float64(d))
}

func newSpender(cores float64) (*spender, *capacity) {
	m := &spender{at: time.Unix(1, 0)}
	return m, newCapacity(cores, func() time.Duration { return m.spent }, func() time.Time { return m.at })
}

// A stream is admitted by what the ones before cost, and those that were just admitted count
// before they cost anything.
func TestCapacity(t *testing.T) {
	m, c := newSpender(4)
	if !c.admit("a", 100) {
		t.Fatal("the first is not admitted though nothing is known")
	}
	c.measure(100)
	m.runs(10*time.Second, 1)
	c.measure(100)
	if used, ahead, free := c.figures(); used != 1 || ahead != 1 || free != 4*capacityShare-1 {
		t.Errorf("%v cores used, %v planned, %v free", used, ahead, free)
	}
	if !c.admit("small", 150) {
		t.Error("half of what is free is refused")
	}
	if c.admit("large", 120) { // 3.7 of 3.6 cores
		t.Error("more is admitted than there is room for")
	}
	if !c.admit("fits", 110) {
		t.Error("what fits is refused")
	}
	c.leave("small")
	if !c.admit("large", 120) {
		t.Error("what has ended keeps its room")
	}
	m.runs(10*time.Second, 4) // something else takes it all
	for range 20 {
		c.measure(330)
		m.runs(10*time.Second, 4)
	}
	if _, _, free := c.figures(); free != 0 || c.admit("none", 1) {
		t.Errorf("%v cores are free of none", free)
	}
}

// What becomes of a stream that finds no room is a matter of the setting.
func TestOverload(t *testing.T) {
	source := []*media.Track{{Kind: media.Video, Codec: media.H264, Width: 1280, Height: 720, FrameRate: media.Rational{Num: 30, Den: 1}}}
	for setting, want := range map[string]struct {
		rungs   int
		refused bool
	}{overloadShed: {2, false}, overloadSource: {0, false}, overloadRefuse: {2, true}} {
		m, c := newSpender(1)
		c.measure(1e6)
		m.runs(10*time.Second, 1)
		c.measure(1e6)
		var cfg Config
		cfg.Live.Overload = setting
		if err := cfg.Live.Ladder.UnmarshalText([]byte("480p:1400k,360p:800k")); err != nil {
			t.Fatal(err)
		}
		p := &pipelines{cfg: cfg, log: slog.New(slog.DiscardHandler), capacity: c, control: &control{names: map[string]*desk{}}}
		var h hub.Hub
		s, err := h.Create("anna", time.Now(), source)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.afford(s)
		var refusal ingest.Refusal
		if errors.As(err, &refusal) != want.refused || len(got.Rungs) != want.rungs {
			t.Errorf("%s: %d rungs, %v", setting, len(got.Rungs), err)
		}
		s.Close()
	}
	if work(source[0], ladder.Plan(source[0], ladder.Setting{})) != 0 {
		t.Error("what is not encoded costs something")
	}
}
