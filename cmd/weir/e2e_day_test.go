package main

import (
	"io/fs"
	"math"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/media/av"
)

// walk calls f for every file.
func walk(t *testing.T, files fs.FS, f func(path string)) {
	t.Helper()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			f(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Where timestamps of publishers go wrong: RTMP's extended form begins, a signed
// reader turns negative, all 32 bits are used up.
func corners() []uint32 {
	return []uint32{0x00ffffff - 700, math.MaxInt32 - 700, math.MaxUint32 - 700}
}

// A day in a minute: a publisher whose clock passes every corner drops and returns
// again and again. Its viewers have one session with a discontinuity for each
// return and none besides, and nothing is left behind.
func TestDay(t *testing.T) { day(t, 5) }

func day(t *testing.T, returns int) {
	s := startStation(t, "WEIR_LADDER=96p:50k", "WEIR_RECONNECT=30s")
	var v *viewing
	for n := range returns + 1 {
		c := mustCast(t, s, "day")
		if err := c.play(t.Context(), corners()[n%len(corners())], 1600*time.Millisecond); err != nil {
			t.Fatalf("connection %d: %v", n, err)
		}
		if v == nil {
			var err error
			if v, err = s.view(t.Context(), "day"); err != nil {
				t.Fatal(err)
			}
		}
		if n < returns {
			c.cut()
		} else if err := c.client.Close(); err != nil {
			t.Error(err)
		}
		if n%10 == 0 {
			if err := v.check(t.Context()); err != nil {
				t.Errorf("after connection %d: %v", n, err)
			}
		}
	}
	for _, u := range v.all() {
		m, err := v.until(t.Context(), u, func(m *playlist.Media) bool { return m.Endlist })
		if err != nil {
			t.Fatal(err)
		}
		gone := 0
		if m.DiscontinuitySequence != nil {
			gone = *m.DiscontinuitySequence
		}
		if n := gone + discontinuities(m); n != returns {
			t.Errorf("%s: %d discontinuities after %d returns", u, n, returns)
		}
		if err := checkMedia(m, rounded); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	if r := s.stop(); r.code != 0 {
		t.Errorf("stopped with %d:\n%s", r.code, r.stderr)
	}
	if left := av.Live(); left != (av.Counts{}) {
		t.Errorf("libav still holds %+v", left)
	}
}
