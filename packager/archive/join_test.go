package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"weir/media"
	"weir/packager/archive"
	"weir/packager/archive/archivetest"
)

// node is a rig's store, seen by a process with a spool of its own.
type node struct {
	*rig
	goes atomic.Bool // somebody makes the recording, or may
}

func newNode(t *testing.T, store *archivetest.Store) *node {
	n := &node{rig: &rig{t: t, dir: t.TempDir(), reports: make(chan archive.Report, 10)}}
	n.tracks = newRig(t).tracks
	n.start(store)
	return n
}

// start is a start of its process.
func (n *node) start(store *archivetest.Store) {
	n.t.Helper()
	var err error
	n.all, err = archive.Open(archive.Config{
		Store: store, Dir: filepath.Join(n.dir, "spool"), Log: slog.New(slog.DiscardHandler), Pause: time.Microsecond, Look: time.Millisecond,
		Goes: func(context.Context, string, string) (bool, error) { return n.goes.Load(), nil },
		Done: func(_ context.Context, p archive.Report) error {
			n.reports <- p
			return nil
		},
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) goOn() *archive.Recorder {
	n.t.Helper()
	rec, err := n.all.Begin(n.t.Context(), archive.Stream{ID: id, Name: "x", Epoch: epoch, Target: 2, Files: archive.Files{Dir: filepath.Join(n.dir, "live")}, Joins: true})
	if err != nil {
		n.t.Fatal(err)
	}
	return rec
}

// puts records segments [from, to).
func (n *node) puts(rec *archive.Recorder, from, to uint64, init int) {
	n.t.Helper()
	for msn := from; msn < to; msn++ {
		n.put(rec, msn, init)
	}
}

// killed ends a recorder without time for anything.
func (n *node) killed(rec *archive.Recorder) {
	n.t.Helper()
	dead, cancel := context.WithCancel(n.t.Context())
	cancel()
	if err := rec.Finish(dead); err == nil {
		n.t.Fatal("finished without time")
	}
}

// recovers closes what was left, in the background.
func (n *node) recovers() (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		n.all.Recover(n.t.Context())
	}()
	return done
}

// has waits until a recording of both renditions has these segments, and holds that each
// of them has a coding that is described.
func (n *node) has(complete bool, want ...uint64) {
	n.t.Helper()
	var x *archive.Index
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var err error
		x, err = n.all.Load(n.t.Context(), id)
		if errors.Is(err, archive.ErrNotFound) {
			continue
		}
		if err != nil {
			n.t.Fatal(err)
		}
		if x.Complete != complete || len(x.Renditions) != 2 || x.Renditions[0].Name != "source" {
			continue
		}
		same := true
		for _, in := range x.Renditions {
			var got []uint64
			for _, s := range in.Segments {
				got = append(got, s.MSN)
				same = same && in.Inits[s.Init].Codecs != ""
			}
			same = same && slices.Equal(got, want)
		}
		if same {
			return
		}
	}
	n.t.Fatalf("%+v, want %v", x, want)
}

// one takes the report of a recording, if there is one.
func (n *node) one(want bool, length time.Duration) {
	n.t.Helper()
	select {
	case p := <-n.reports:
		if !want || p.Duration != length {
			n.t.Errorf("%+v, want %v", p, length)
		}
	default:
		if want {
			n.t.Error("no report")
		}
	}
	if left, err := os.ReadDir(filepath.Join(n.dir, "spool")); err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 || n.all.Stats().Waiting != 0 || n.all.Stats().Running != 0 {
		n.t.Errorf("in the spool are %v (%v), %+v", left, err, n.all.Stats())
	}
}

// TestGoesOnAfterKill: the next process of the same spool goes on with a recording, at
// every moment of the first, also while it is being recovered.
func TestGoesOnAfterKill(t *testing.T) {
	for _, down := range []bool{false, true} {
		for first := range uint64(6) {
			t.Run(fmt.Sprintf("store down %v, after %d", down, first), func(t *testing.T) {
				var store archivetest.Store
				n := newNode(t, &store)
				store.SetDown(down)
				rec := n.begin()
				n.puts(rec, 0, first, int(first/4))
				n.killed(rec)
				n.goes.Store(true)
				n.start(&store)
				done := n.recovers()
				rec = n.goOn()
				n.puts(rec, 20, 23, 4)
				store.SetDown(false)
				n.puts(rec, 23, 25, 4)
				var want []uint64
				for msn := range first {
					want = append(want, msn)
				}
				want = append(want, 20, 21, 22, 23, 24)
				n.has(false, want...)
				<-done
				if err := rec.Finish(t.Context()); err != nil {
					t.Fatal(err)
				}
				n.has(true, want...)
				n.one(true, time.Duration(first+5)*2*time.Second)
				if first > 0 && rec.Bytes() < int64(first+5)*2*1000 {
					t.Errorf("%d bytes", rec.Bytes())
				}
			})
		}
	}
}

// TestGoesOnElsewhere: another process goes on with a recording. What the first had not
// stored comes when it starts again, while the other records and afterwards.
func TestGoesOnElsewhere(t *testing.T) {
	for _, down := range []bool{false, true} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("store down %v, back after the end %v", down, late), func(t *testing.T) {
				var store archivetest.Store
				a, b := newNode(t, &store), newNode(t, &store)
				a.goes.Store(true)
				store.SetDown(down)
				rec := a.begin()
				a.puts(rec, 0, 5, 1)
				if !down {
					a.has(false, 0, 1, 2, 3, 4)
				}
				a.killed(rec)
				store.SetDown(false)
				rec = b.goOn()
				b.puts(rec, 20, 25, 4)
				whole, mine := []uint64{0, 1, 2, 3, 4, 20, 21, 22, 23, 24}, []uint64{20, 21, 22, 23, 24}
				if !down {
					b.has(false, whole...)
				}
				var done chan struct{}
				if !late {
					a.start(&store)
					done = a.recovers()
					a.has(false, whole...) // out of the store
				}
				if err := rec.Finish(t.Context()); err != nil {
					t.Fatal(err)
				}
				partly := down && late
				if partly {
					b.has(true, mine...)
					b.one(true, 10*time.Second)
				} else {
					b.has(true, whole...)
					b.one(true, 20*time.Second)
				}
				a.goes.Store(false)
				if late {
					a.start(&store)
					done = a.recovers()
				}
				<-done
				b.has(true, whole...)
				a.one(partly, 20*time.Second) // it tells of what it added alone
			})
		}
	}
}

// TestLeave hands a recording over: nobody closes it before it is over, and once.
func TestLeave(t *testing.T) {
	for _, taken := range []bool{false, true} {
		t.Run(fmt.Sprintf("taken up %v", taken), func(t *testing.T) {
			var store archivetest.Store
			a, b := newNode(t, &store), newNode(t, &store)
			a.goes.Store(true)
			rec := a.begin()
			a.puts(rec, 0, 5, 0)
			if err := rec.Leave(t.Context()); err != nil {
				t.Fatal(err)
			}
			closed := make(chan error, 1)
			go func() { closed <- a.all.Close(t.Context(), id) }()
			want := []uint64{0, 1, 2, 3, 4}
			a.has(false, want...)
			if taken {
				rec := b.goOn()
				b.puts(rec, 20, 22, 2)
				want = append(want, 20, 21)
				b.has(false, want...)
				if err := rec.Finish(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.one(true, 14*time.Second)
			}
			a.goes.Store(false)
			if err := <-closed; err != nil {
				t.Fatal(err)
			}
			a.has(true, want...)
			a.one(!taken, 10*time.Second)
		})
	}
}

// TestStoodStill: what a process that was taken for dead still makes of a recording with which
// another one has gone on is left out, where it overlaps with that one's.
func TestStoodStill(t *testing.T) {
	for _, ahead := range []uint64{1, 6} { // the last of its segments, before or after the other's last
		var store archivetest.Store
		a, b := newNode(t, &store), newNode(t, &store)
		a.goes.Store(true)
		old := a.begin()
		a.puts(old, 0, 3, 0)
		a.has(false, 0, 1, 2)
		rec := b.goOn()
		b.shift = 5 * media.Second
		b.puts(rec, 4, 8, 1) // from 13 s on
		b.has(false, 0, 1, 2, 4, 5, 6, 7)
		a.puts(old, 3, 4+ahead, 0) // from 6 s on
		want := []uint64{0, 1, 2, 3, 4, 5, 6, 7}
		if err := errors.Join(old.Leave(t.Context()), rec.Finish(t.Context())); err != nil {
			t.Fatal(err)
		}
		a.goes.Store(false)
		if err := a.all.Close(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		a.has(true, want...)
		x, err := a.all.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range x.Renditions {
			if got := in.Segments[4].Start; got != b.shift+8*media.Second {
				t.Errorf("%s: segment 4 is of %v", in.Name, got.Duration())
			}
		}
	}
}

// TestGoesOnHere: what was left can be gone on with by who left it, and until it is closed.
func TestGoesOnHere(t *testing.T) {
	var store archivetest.Store
	n := newNode(t, &store)
	n.goes.Store(true)
	rec := n.begin()
	n.puts(rec, 0, 3, 0)
	if _, err := n.all.Begin(t.Context(), archive.Stream{ID: id, Joins: true}); !errors.Is(err, archive.ErrRunning) {
		t.Errorf("two at once: %v", err)
	}
	if err := rec.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- n.all.Close(t.Context(), id) }()
	rec = n.goOn()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	n.puts(rec, 20, 23, 2)
	if err := rec.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.has(true, 0, 1, 2, 20, 21, 22)
	n.one(true, 12*time.Second)
	rec = n.goOn() // who closed it did so too early
	n.puts(rec, 40, 42, 4)
	n.has(false, 0, 1, 2, 20, 21, 22, 40, 41)
	if err := rec.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.has(true, 0, 1, 2, 20, 21, 22, 40, 41)
	n.one(true, 16*time.Second)
}
