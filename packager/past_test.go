package packager_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager"
	"weir/packager/hls"
	"weir/packager/window"
)

// kept are the segments of an ended rig that a store has, but some of both renditions, one of
// the pictures, and the newest two.
func (r *rig) kept(lost, dark uint64) map[string][]window.Segment {
	out := map[string][]window.Segment{}
	for name, list := range r.segments() {
		for _, s := range list[:len(list)-2] {
			if s.MSN == lost || s.MSN == dark && name == "source" {
				continue
			}
			x := *s
			x.Parts = []window.Part{{Size: int(s.Size()), Duration: s.Duration, Independent: s.Key}}
			x.Path, x.Away = "", true
			out[name] = append(out[name], x)
		}
	}
	return out
}

// A stream that goes on lists what can be had of the process before, with gaps where there is
// nothing, as far back as that did and for as long as if it had never ended.
func TestKeepsTheWindowOfAnotherProcess(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}
	first := newRig(t, src, nil)
	first.writeSlowly(src.Packets(39 * media.Second))
	left, ok := first.pack.State()
	if !ok || left.Oldest == 0 {
		t.Fatalf("%+v", left)
	}
	lost, dark := left.Oldest+4, left.Oldest+7
	from, past := left.Skip(3), first.kept(lost, dark)
	last := past["source"][len(past["source"])-1].MSN
	r := newRig(t, src, func(_ *rig, c *packager.Config) { c.From, c.Past = &from, past })
	list := src.Packets(39 * media.Second)
	for i, p := range list {
		p.DTS, p.PTS, p.Discontinuity = p.DTS+42*media.Second, p.PTS+42*media.Second, i == 0
	}
	hold := func(oldest uint64) {
		t.Helper()
		r.pack.Window().Track("source").View(func(v *window.View) {
			if d := oldest - v.Segments[0].MSN; d > 1 { // of the other rendition
				t.Errorf("the oldest is %d, want %d", v.Segments[0].MSN, oldest)
			}
			oldest = v.Segments[0].MSN
			for i, s := range v.Segments {
				has := s.MSN <= last && s.MSN != lost && s.MSN != dark
				if s.MSN != oldest+uint64(i) || s.MSN < from.Next && (s.Away != has || s.Gap == has || !s.Foreign || s.Duration <= 0 || s.Duration > 2*media.Second) {
					t.Errorf("%d: %+v", i, s)
				}
				if d := s.Start - media.Time(s.MSN-left.Oldest+1)*2*media.Second; s.MSN <= last && s.MSN >= left.Oldest && d.Duration().Abs() > 30*time.Millisecond {
					t.Errorf("%d begins %v late", s.MSN, d.Duration())
				}
				if i > 0 && s.Start < v.Segments[i-1].End()-2*media.Millisecond {
					t.Errorf("%d begins at %v, within the one before", s.MSN, s.Start)
				}
			}
			m := hls.Media{TargetDuration: 2, PartTarget: media.Second / 5, Epoch: epoch}
			p := m.Render(nil, v, false)
			var text strings.Builder
			p.Each(func(b []byte) { text.Write(b) })
			if strings.Contains(text.String(), fmt.Sprintf("\"%d.0.m4s", last)) || !strings.Contains(text.String(), fmt.Sprintf("\n%d.m4s\n", last)) {
				t.Errorf("a segment of the process before is not listed as it should:\n%s", text.String())
			}
		})
	}
	r.write(list[:10], true)
	hold(left.Oldest)
	r.writeSlowly(list[10:])
	if s, _ := r.pack.State(); s.Oldest <= left.Oldest || s.Oldest >= last {
		t.Errorf("the oldest is %d in the end", s.Oldest)
	} else {
		hold(s.Oldest)
	}
}

// TestPastThatIsOfNoUse falls back to gaps.
func TestPastThatIsOfNoUse(t *testing.T) {
	src := &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}
	first := newRig(t, src, nil)
	first.writeSlowly(src.Packets(20 * media.Second))
	left, _ := first.pack.State()
	good := first.kept(1<<40, 1<<40)
	for name, change := range map[string]func(*packager.State, *window.Segment){
		"unknown initialisation":   func(_ *packager.State, s *window.Segment) { s.Init = 9 },
		"later than what follows":  func(_ *packager.State, s *window.Segment) { s.Start += 100 * media.Second },
		"without media":            func(_ *packager.State, s *window.Segment) { s.Duration = 0 },
		"too many discontinuities": func(_ *packager.State, s *window.Segment) { s.Discontinuity = true },
		"before the oldest":        func(s *packager.State, _ *window.Segment) { s.Oldest = s.Next },
		"of no kind of number":     func(s *packager.State, _ *window.Segment) { s.Oldest = 1<<64 - 1 },
	} {
		t.Run(name, func(t *testing.T) {
			from, past := left.Skip(5), map[string][]window.Segment{}
			for name, list := range good {
				past[name] = append(past[name], list...)
				for i := range past[name] {
					change(&from, &past[name][i])
				}
			}
			r := newRig(t, src, func(_ *rig, c *packager.Config) { c.From, c.Past = &from, past })
			list := src.Packets(3 * media.Second)
			for i, p := range list {
				p.DTS, p.PTS, p.Discontinuity = p.DTS+30*media.Second, p.PTS+30*media.Second, i == 0
			}
			r.write(list[:10], true)
			holdMissed(t, r, left, from)
		})
	}
}
