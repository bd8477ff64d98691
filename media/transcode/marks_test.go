package transcode

import (
	"testing"
	"time"

	"weir/media"
)

func TestMarks(t *testing.T) {
	wall := time.Unix(50, 0)
	type in struct {
		dts, pts media.Time
		b        media.Boundary
		disc     bool
	}
	type out struct {
		pts  media.Time
		b    media.Boundary
		disc bool
	}
	tests := []struct {
		name string
		in   []in
		out  []out
	}{
		{"each to its own", []in{{0, 0, media.KeyBoundary, true}, {1, 1, 0, false}, {2, 2, media.KeyBoundary, false}},
			[]out{{0, media.KeyBoundary, true}, {1, 0, false}, {2, media.KeyBoundary, false}}},
		{"reordered, cut at the DTS", []in{{0, 0, media.KeyBoundary, false}, {1, 3, 0, false}, {2, 1, media.ForcedBoundary, false}, {3, 2, 0, false}},
			[]out{{0, media.KeyBoundary, false}, {1, 0, false}, {2, media.ForcedBoundary, false}, {3, 0, false}}},
		{"forced on a reordered packet", []in{{0, 0, media.KeyBoundary, false}, {1, 3, media.ForcedBoundary, false}, {2, 1, 0, false}, {3, 2, 0, false}},
			[]out{{0, media.KeyBoundary, false}, {1, media.ForcedBoundary, false}, {2, 0, false}, {3, 0, false}}},
		{"a lost frame's mark goes to the next", []in{{0, 0, media.KeyBoundary, true}, {1, 1, 0, false}, {2, 2, 0, false}},
			[]out{{1, media.KeyBoundary, true}, {2, 0, false}}},
		{"one of several marks", []in{{0, 0, media.KeyBoundary, false}, {1, 1, media.ForcedBoundary, false}, {2, 2, 0, false}},
			[]out{{2, media.KeyBoundary, false}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m marks
			for _, p := range tt.in {
				m.add(&media.Packet{DTS: p.dts, PTS: p.pts, Boundary: p.b, Discontinuity: p.disc, Duration: p.pts + 100, Wall: wall.Add(time.Duration(p.pts))})
			}
			for _, want := range tt.out {
				got := m.take(want.pts)
				if got.boundary != want.b || got.discontinuity != want.disc || got.duration != want.pts+100 || !got.wall.Equal(wall.Add(time.Duration(want.pts))) {
					t.Errorf("frame %d: %+v, want %+v", want.pts, got, want)
				}
			}
			if len(m.pending) != 0 || len(m.cuts) != 0 {
				t.Errorf("left over: %+v", m)
			}
		})
	}
}

func TestMarksAreBounded(t *testing.T) {
	var m marks
	for i := range 10 * maxPending {
		m.add(&media.Packet{DTS: media.Time(i), PTS: media.Time(i), Boundary: media.KeyBoundary})
	}
	if len(m.pending) != maxPending || len(m.cuts) != maxPending {
		t.Errorf("%d stamps and %d cuts are kept", len(m.pending), len(m.cuts))
	}
	m.restart()
	if len(m.pending)+len(m.cuts) != 0 {
		t.Error("a restart forgets nothing")
	}
}
