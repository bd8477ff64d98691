package packager_test

import (
	"testing"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager"
	"weir/packager/window"
)

// A stream that another process had goes on with higher numbers, behind a discontinuity.
func TestGoesOnAfterAnotherProcess(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}
	first := newRig(t, src, nil)
	first.write(src.Packets(9*media.Second), true)
	first.waitFor("source", 8*media.Second)
	left, ok := first.pack.State()
	if !ok || !left.Sane() || left.Inits != 1 || left.Discontinuities != 0 || left.End < 8*media.Second {
		t.Fatalf("%+v", left)
	}
	all := first.segments()["source"]
	if last := all[len(all)-1].MSN; left.Next != last+1 {
		t.Errorf("next is %d after segment %d", left.Next, last)
	}
	if n := len(left.Recent); n != 4 || left.Recent[n-1].At != 8*media.Second {
		t.Errorf("the newest segments begin at %v", left.Recent)
	}
	from := left.Skip(5)
	r := newRig(t, src, func(_ *rig, c *packager.Config) { c.From = &from })
	if s, ok := r.pack.State(); ok {
		t.Errorf("a state before the first packet: %+v", s)
	}
	list := src.Packets(9 * media.Second)
	for i, p := range list {
		p.DTS, p.PTS, p.Discontinuity = p.DTS+20*media.Second, p.PTS+20*media.Second, i == 0
	}
	r.write(list[:10], true)
	holdMissed(t, r, left, from)
	r.write(list[10:], true)
	r.waitFor("audio", 28*media.Second)
	if again, ok := r.pack.State(); !ok || again.Next <= from.Next || again.Discontinuities != from.Discontinuities+1 || again.Inits != from.Inits+1 {
		t.Errorf("after %+v: %+v", from, again)
	}
	r.pack.Leave()
	end := r.segments()
	check(t, end, 2, media.Second/5)
	for name := range end {
		r.pack.Window().Track(name).View(func(v *window.View) { // mini segments are not listed any more
			x := v.Find(from.Next)
			if x == nil || !x.Discontinuity || !x.Mini || x.Init != from.Inits || !v.Find(from.Next-1).Foreign {
				t.Errorf("%s begins with %+v", name, x)
			}
			if v.Discontinuities != from.Discontinuities+1 || v.Inits[from.Inits].Data == nil || v.Ended {
				t.Errorf("%s: %d discontinuities before, ended %v", name, v.Discontinuities, v.Ended)
			}
		})
	}
	if left.Period != (packager.Period{}) || r.pack.Window().Past() != (window.Past{Lost: 0, Next: from.Number}) {
		t.Errorf("DASH left %+v and has %+v", left.Period, r.pack.Window().Past())
	}
	if m := r.pack.Window().Marks(); m[0].Number != from.Number || m[0].Period.Number != from.Number {
		t.Errorf("DASH begins with %+v", m[0])
	}
}

// holdMissed wants what the process before had, and may have had, as gaps before what is
// there, up to it and without a hole: players find their place by their number.
func holdMissed(t *testing.T, r *rig, left, from packager.State) {
	t.Helper()
	r.pack.Window().Track("source").View(func(v *window.View) {
		n := v.Foreign()
		if n != len(left.Recent)+5 || n == len(v.Segments) || v.Segments[n].MSN != from.Next || v.Discontinuities != left.Discontinuities {
			t.Fatalf("%d segments are missed of %d, %d discontinuities before", n, len(v.Segments), v.Discontinuities)
		}
		turns := uint64(0)
		for i, s := range v.Segments[:n] {
			if i < len(left.Recent) && (s.Start != left.Recent[i].At || s.Discontinuity) || s.MSN != from.Next-uint64(n-i) || !s.Gap || s.Duration <= 0 || s.Duration > 2*media.Second {
				t.Errorf("gap %d: %+v", i, s)
			}
			if s.Discontinuity {
				turns++
			}
			if next := v.Segments[i+1]; i < n-1 && s.End() != next.Start {
				t.Errorf("a hole between %v and %v", s.End(), next.Start)
			}
		}
		if left.Discontinuities+turns != from.Discontinuities {
			t.Errorf("%d discontinuities are listed", turns)
		}
	})
}

func TestStatesThatCannotBe(t *testing.T) {
	for _, s := range []packager.State{{Next: 1 << 50}, {Number: 1 << 60}, {End: -1}, {Inits: -1}, {Inits: 1 << 13}, {Discontinuities: 1 << 50},
		{End: 9, Recent: []packager.Begun{{At: 5}, {At: 4}}}, {End: 9, Recent: []packager.Begun{{At: 10}}}, {End: 99, Recent: []packager.Begun{{At: -1}}},
		{End: 99, Recent: []packager.Begun{{Turn: true}}}, {End: 99, Recent: make([]packager.Begun, 6)},
		{End: 9, Period: packager.Period{Start: 10}}, {Number: 1, Period: packager.Period{First: 2}},
	} {
		if s.Sane() {
			t.Errorf("%+v", s)
		}
	}
}
