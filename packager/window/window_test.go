package window_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/media"
	"weir/packager/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fill(t *window.Track, from, n uint64, mini bool) {
	for msn := from; msn < from+n; msn++ {
		t.Open(window.Segment{MSN: msn, Start: media.Time(msn) * media.Second, Mini: mini, Discontinuity: msn == 3})
		t.AddPart(window.Part{Data: []byte{byte(msn)}, Duration: media.Second / 2})
		t.AddPartAndClose(window.Part{Data: []byte{byte(msn), 1}, Duration: media.Second / 2})
	}
}

func TestWaitersAllSeeEveryPart(t *testing.T) {
	w := window.New(time.Now())
	v := w.Add("source", media.Video)
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			for want := range uint64(20) {
				err := v.Wait(t.Context(), nil, time.Minute, segment(want))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	fill(v, 0, 20, false)
	wait.Wait()
}

// segment is the goal that a segment has begun.
type segment uint64

func (s segment) Met(v *window.View) bool {
	n, _, ok := v.Last()
	return ok && n >= uint64(s)
}

func TestWaitEnds(t *testing.T) {
	w := window.New(time.Now())
	v := w.Add("source", media.Video)
	const never = segment(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Wait(ctx, nil, time.Minute, never); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	closing := make(chan struct{})
	close(closing)
	if err := v.Wait(t.Context(), closing, time.Minute, never); !errors.Is(err, window.ErrClosing) {
		t.Error(err)
	}
	if err := v.Wait(t.Context(), nil, 0, never); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := w.Wait(t.Context(), closing, func() bool { return false }); !errors.Is(err, window.ErrClosing) {
		t.Error(err)
	}
	w.Leave()
	if err := v.Wait(t.Context(), nil, time.Minute, never); !errors.Is(err, window.ErrLeft) {
		t.Error(err)
	}
}

// asked is a goal that counts how often it was looked at.
type asked struct {
	segment
	times *atomic.Int64
	all   chan struct{} // closed when every reader has looked
	first int64
}

func (a asked) Met(v *window.View) bool {
	if a.times.Add(1) == a.first {
		close(a.all)
	}
	return a.segment.Met(v)
}

// However many wait for the same, a change asks for it once, and wakes them when it is there.
func TestReadersOfOneGoalCostOneLook(t *testing.T) {
	w := window.New(time.Now())
	v := w.Add("source", media.Video)
	const readers = 50
	goal := asked{9, new(atomic.Int64), make(chan struct{}), readers}
	var wait sync.WaitGroup
	for range readers {
		wait.Go(func() {
			if err := v.Wait(t.Context(), nil, time.Minute, goal); err != nil {
				t.Error(err)
			}
		})
	}
	<-goal.all
	fill(v, 0, 10, false)
	wait.Wait()
	// two parts for each segment before, and the part that meets it
	if n := goal.times.Load(); n != readers+9*2+1 {
		t.Errorf("looked %d times", n)
	}
}

// Who waits for what others wait for has given up when they have.
func TestReadersOfOneGoalGiveUpTogether(t *testing.T) {
	v := window.New(time.Now()).Add("source", media.Video)
	const readers = 50
	goal := asked{9, new(atomic.Int64), make(chan struct{}), readers}
	var wait sync.WaitGroup
	give := func(most time.Duration) {
		if err := v.Wait(t.Context(), nil, most, goal); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	}
	wait.Go(func() { give(50 * time.Millisecond) })
	for goal.times.Load() == 0 {
		runtime.Gosched()
	}
	for range readers - 1 {
		wait.Go(func() { give(time.Second) })
	}
	wait.Wait()
	fill(v, 0, 10, false)
	if err := v.Wait(t.Context(), nil, time.Minute, goal); err != nil { // it may be waited for again
		t.Error(err)
	}
}

func TestTrim(t *testing.T) {
	w := window.New(time.Now())
	v := w.Add("source", media.Video)
	fill(v, 0, 2, true)
	fill(v, 2, 28, false)
	keep := window.Keep{Playlist: 10 * media.Second, Memory: 3 * media.Second, Minis: 4 * media.Second}
	if gone := v.Trim(keep); len(gone) != 0 {
		t.Errorf("%d segments are gone that were never stored", len(gone))
	}
	var all []*window.Segment
	v.View(func(x *window.View) {
		if n := len(x.Segments); n != 11 || x.Segments[0].MSN != 19 || x.Discontinuities != 1 {
			t.Errorf("%d segments from %d, %d discontinuities gone", n, x.Segments[0].MSN, x.Discontinuities)
		}
		for msn := range uint64(30) {
			s := x.Find(msn)
			if s == nil || s.MSN != msn {
				t.Fatalf("segment %d cannot be had any more: %v", msn, s)
			}
			all = append(all, s)
		}
		if x.Find(30) != nil {
			t.Error("a segment of the future was found")
		}
	})
	for _, s := range all {
		v.Stored(s, "file")
	}
	gone := v.Trim(keep)
	for _, s := range all {
		if s.Merged || len(s.Parts) != 2 {
			t.Errorf("segment %d has lost its parts", s.MSN)
		}
	}
	if len(gone) != 9 || gone[0].MSN != 0 {
		t.Errorf("%d segments are gone, want those before twice the playlist", len(gone))
	}
	for _, s := range all[:26] {
		if s.Parts[0].Data != nil {
			t.Errorf("segment %d is still in memory", s.MSN)
		}
	}
	if all[29].Parts[0].Data == nil {
		t.Error("the live edge is not in memory")
	}
}

// TestMerge holds that old segments have one part, which is the whole of their file.
func TestMerge(t *testing.T) {
	v := window.New(time.Now()).Add("source", media.Video)
	fill(v, 0, 30, false)
	v.View(func(x *window.View) {
		for _, s := range x.Segments {
			if s.MSN != 7 {
				s.Path = "file"
			}
		}
	})
	v.Trim(window.Keep{Playlist: 3600 * media.Second, Memory: 3 * media.Second, Parts: 9 * media.Second})
	v.View(func(x *window.View) {
		for _, s := range x.Segments {
			old := s.MSN <= 20 && s.MSN != 7
			if s.Merged != old || s.Size() != 3 || old && (len(s.Parts) != 1 || s.Parts[0].Duration != s.Duration) {
				t.Errorf("segment %d: %+v", s.MSN, s)
			}
		}
	})
}

// TestSlowPublisher holds that what is listed does not go because its publisher is slow,
// or was away: then there is less media than time.
func TestSlowPublisher(t *testing.T) {
	v := window.New(time.Now()).Add("source", media.Video)
	keep := window.Keep{Playlist: 12 * media.Second, Memory: 6 * media.Second, Parts: 18 * media.Second, Minis: 8 * media.Second}
	at, sum := media.Time(0), func(list []*window.Segment) (d media.Time) {
		for _, s := range list {
			d += s.Duration
		}
		return d
	}
	for msn := range uint64(60) {
		v.Open(window.Segment{MSN: msn, Start: at, Discontinuity: msn > 0})
		v.AddPart(window.Part{Data: []byte{1}, Duration: media.Second / 2})
		s := v.AddPartAndClose(window.Part{Data: []byte{2}, Duration: media.Second / 2})
		at += 5 * media.Second // of which it sent one
		if msn == 30 {
			at += 40 * media.Second
		}
		v.Trim(keep)
		v.Stored(s, "file")
		v.View(func(x *window.View) {
			if all := sum(x.Segments); all < min(media.Time(msn+1)*media.Second, keep.Memory) || all > keep.Memory+2*media.Second {
				t.Errorf("%d: %v is listed", msn, all)
			}
			for i, s := range x.Segments {
				after := sum(x.Segments[i+1:])
				if s.Merged || after < keep.Memory && s.Parts[0].Data == nil {
					t.Errorf("%d: segment %d with %v after it: %+v", msn, s.MSN, after, s)
				}
			}
		})
	}
}

func TestMarks(t *testing.T) {
	w := window.New(time.Now())
	for _, msn := range []uint64{0, 5, 6} {
		w.AddMark(window.Mark{MSN: msn})
	}
	for number, want := range map[uint64][2]uint64{0: {0, 5}, 1: {5, 6}, 2: {6, 0}} {
		from, to, open, ok := w.Span(number)
		if !ok || from != want[0] || to != want[1] || open != (number == 2) {
			t.Errorf("DASH segment %d: [%d, %d) open %v ok %v", number, from, to, open, ok)
		}
	}
	w.DropMarks(6)
	if _, _, _, ok := w.Span(1); ok || w.NextNumber() != 3 || len(w.Marks()) != 1 {
		t.Error("old marks stay")
	}
}

func BenchmarkWake(b *testing.B) {
	w := window.New(time.Now())
	v := w.Add("source", media.Video)
	v.Open(window.Segment{})
	b.ReportAllocs()
	for b.Loop() {
		v.AddPart(window.Part{Duration: 1})
	}
}
