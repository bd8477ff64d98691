package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/archive"
	"weir/packager/archive/archivetest"
	"weir/packager/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const id = "0197f3a0-0000-7000-8000-000000000001"

// rig records into a store in memory.
type rig struct {
	shift media.Time // of all segments

	t       *testing.T
	dir     string
	store   archivetest.Store
	limit   int64
	all     *archive.Recordings
	reports chan archive.Report
	tracks  []*media.Track
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir(), reports: make(chan archive.Report, 10), tracks: (&mediatest.Source{SampleRate: 48000}).Tracks()}
	r.open()
	return r
}

// open is the start of a process.
func (r *rig) open() {
	var err error
	r.all, err = archive.Open(archive.Config{
		Store: &r.store, Dir: filepath.Join(r.dir, "spool"), Limit: r.limit, Log: slog.New(slog.DiscardHandler), Pause: time.Microsecond,
		Done: func(ctx context.Context, p archive.Report) error {
			if x, err := r.all.Load(ctx, p.ID); p.Bytes > 0 && (err != nil || !x.Complete) {
				r.t.Errorf("told of, and not whole: %v", err)
			}
			r.reports <- p
			return nil
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) begin() *archive.Recorder {
	r.t.Helper()
	rec, err := r.all.Begin(r.t.Context(), archive.Stream{ID: id, Name: "x", Epoch: epoch, Target: 2, Files: archive.Files{Dir: filepath.Join(r.dir, "live")}})
	if err != nil {
		r.t.Fatal(err)
	}
	return rec
}

// put records a segment of both renditions; the bytes tell which.
func (r *rig) put(rec *archive.Recorder, msn uint64, init int) {
	r.t.Helper()
	for i, name := range []string{"audio", "source"} { // as they may come
		f := &window.Finished{
			Rendition: name, Kind: r.tracks[1-i].Kind,
			Segment: window.Segment{MSN: msn, Start: r.shift + media.Time(msn)*2*media.Second, Duration: 2 * media.Second, Key: true, Init: init},
			Init:    window.Init{Track: r.tracks[1-i], Data: fmt.Appendf(nil, "init %d of %s", init, name)},
			Data:    [][]byte{[]byte(name), []byte(strings.Repeat("x", 1000)), fmt.Append(nil, msn)},
		}
		if _, err := rec.Put(f); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) finish(rec *archive.Recorder) archive.Report {
	r.t.Helper()
	if err := rec.Finish(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	return <-r.reports
}

// check holds that a recording is complete and has segments [0, n) but some, byte by
// byte, and that nothing is left in the spool.
func (r *rig) check(n uint64, without ...uint64) {
	r.t.Helper()
	x, err := r.all.Load(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	if !x.Complete || x.Name != "x" || !x.Epoch.Equal(epoch) || len(x.Renditions) != 2 || x.Renditions[0].Name != "source" {
		r.t.Fatalf("%+v", x)
	}
	for _, in := range x.Renditions {
		var got, want []uint64
		for msn := range n {
			if !slices.Contains(without, msn) {
				want = append(want, msn)
			}
		}
		for _, s := range in.Segments {
			got = append(got, s.MSN)
			data := r.store.Object(archive.Key(id, archive.SegmentFile(in.Name, s)))
			if !bytes.HasPrefix(data, []byte(in.Name)) || !bytes.HasSuffix(data, fmt.Append(nil, "x", s.MSN)) || int64(len(data)) != s.Size {
				r.t.Errorf("%s %d: %.20q of %d bytes", in.Name, s.MSN, data, len(data))
			}
			if r.store.Object(archive.Key(id, archive.InitFile(in.Name, s.Init))) == nil || in.Inits[s.Init].Codecs == "" {
				r.t.Errorf("%s %d: init %d is missing", in.Name, s.MSN, s.Init)
			}
		}
		if !slices.Equal(got, want) {
			r.t.Errorf("%s has %v, want %v", in.Name, got, want)
		}
	}
	if left, err := os.ReadDir(filepath.Join(r.dir, "spool")); err != nil || len(left) > 0 || r.all.Stats().Waiting != 0 {
		r.t.Errorf("in the spool are %v (%v), %d bytes", left, err, r.all.Stats().Waiting)
	}
}

func TestRecord(t *testing.T) {
	r := newRig(t)
	rec := r.begin()
	for msn := range uint64(20) {
		r.put(rec, msn, int(msn/10)*2) // init 1 is never needed
	}
	if err := r.all.Delete(t.Context(), id); !errors.Is(err, archive.ErrRunning) {
		t.Errorf("delete what is being made: %v", err)
	}
	if _, err := r.all.Begin(t.Context(), archive.Stream{ID: id}); !errors.Is(err, archive.ErrRunning) {
		t.Errorf("begin twice: %v", err)
	}
	p := r.finish(rec)
	if p.ID != id || p.Name != "x" || p.Duration != 40*time.Second || !p.Started.Equal(epoch) || !slices.Equal(p.Renditions, []string{"source", "audio"}) || p.Lost != 0 || p.Bytes < 40_000 {
		t.Errorf("%+v", p)
	}
	r.check(20)
	order := map[string]string{}
	for _, key := range r.store.Puts() {
		if before := order[filepath.Dir(key)]; strings.HasSuffix(key, ".m4s") && before > key {
			t.Errorf("%s is stored after %s", key, before)
		} else if strings.HasSuffix(key, ".m4s") {
			order[filepath.Dir(key)] = key
		}
	}
	if err := errors.Join(rec.Close(), r.all.Delete(t.Context(), id), r.all.Delete(t.Context(), id)); err != nil {
		t.Error(err)
	}
	if left := r.store.Keys(); len(left) > 0 {
		t.Errorf("left after deletion: %v", left)
	}
	if _, err := r.all.Load(t.Context(), id); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("load what is deleted: %v", err)
	}
}

// TestHold holds that a deletion waits for who adds to a recording, and ends that.
// What the publisher sent in a coding of its own is listed behind what everybody can play,
// though it is there first.
func TestOriginalIsListedLast(t *testing.T) {
	r := newRig(t)
	rec := r.begin()
	for _, name := range []string{"audio", media.OriginalName, "source", "360p"} {
		track := r.tracks[0]
		if name == "audio" {
			track = r.tracks[1]
		}
		f := &window.Finished{Rendition: name, Kind: track.Kind, Segment: window.Segment{Duration: 2 * media.Second, Key: true}, Init: window.Init{Track: track}, Data: [][]byte{{1}}}
		if _, err := rec.Put(f); err != nil {
			t.Fatal(err)
		}
	}
	r.finish(rec)
	x, err := r.all.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, in := range x.Renditions {
		names = append(names, in.Name)
	}
	if want := []string{"source", "360p", media.OriginalName, "audio"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

func TestHold(t *testing.T) {
	r := newRig(t)
	rec := r.begin()
	r.put(rec, 0, 0)
	r.finish(rec)
	ctx, release, ok := r.all.Hold(t.Context(), id)
	if !ok {
		t.Fatal("it is held")
	}
	if _, _, ok := r.all.Hold(t.Context(), id); ok {
		t.Error("held twice")
	}
	deleted := make(chan error)
	go func() { deleted <- r.all.Delete(t.Context(), id) }()
	<-ctx.Done()
	if err := r.all.Put(t.Context(), id, "thumb.jpg", []byte("late"), "image/jpeg"); err != nil {
		t.Fatal(err)
	}
	release()
	if err := <-deleted; err != nil || len(r.store.Keys()) > 0 {
		t.Errorf("%v, left %v", err, r.store.Keys())
	}
}

func TestNothingRecorded(t *testing.T) {
	r := newRig(t)
	if p := r.finish(r.begin()); p.Bytes != 0 || p.Duration != 0 || len(r.store.Keys()) > 0 {
		t.Errorf("%+v, %v", p, r.store.Keys())
	}
}

func TestOutage(t *testing.T) {
	r := newRig(t)
	rec := r.begin()
	for msn := range uint64(40) {
		if msn == 5 || msn == 30 {
			r.store.SetDown(msn == 5)
		}
		r.put(rec, msn, 0)
	}
	if p := r.finish(rec); p.Lost != 0 {
		t.Errorf("%+v", p)
	}
	r.check(40)
}

func TestSpoolOverflows(t *testing.T) {
	r := newRig(t)
	r.limit = 20 * 1010
	r.open()
	r.store.SetDown(true)
	rec := r.begin()
	for msn := range uint64(50) {
		r.put(rec, msn, 0)
		if w := r.all.Stats().Waiting; w > r.limit+100 {
			t.Fatalf("%d bytes in the spool, the limit is %d", w, r.limit)
		}
	}
	r.store.SetDown(false)
	p := r.finish(rec)
	if p.Lost < 78 || p.Lost > 82 {
		t.Errorf("%+v", p)
	}
	x, err := r.all.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range x.Renditions {
		if n := len(in.Segments); n == 0 || in.Segments[n-1].MSN != 49 || in.Segments[n-5].MSN != 45 {
			t.Errorf("%s has %v", in.Name, in.Segments)
		}
	}
}

// TestKilled leaves a recording at every moment of its life to the next process.
func TestKilled(t *testing.T) {
	for _, down := range []bool{false, true} {
		for n := range uint64(8) {
			t.Run(fmt.Sprintf("store down %v, after %d", down, n), func(t *testing.T) {
				r := newRig(t)
				r.store.SetDown(down)
				rec := r.begin()
				for msn := range n {
					r.put(rec, msn, int(msn/4))
				}
				dead, cancel := context.WithCancel(t.Context())
				cancel()
				if err := rec.Finish(dead); err == nil {
					t.Fatal("finished without time")
				}
				r.store.SetDown(false)
				r.open()
				if err := r.all.Delete(t.Context(), id); !errors.Is(err, archive.ErrRunning) {
					t.Errorf("delete what waits to be closed: %v", err)
				}
				r.all.Recover(t.Context())
				p := <-r.reports
				if p.Duration != time.Duration(n)*2*time.Second {
					t.Errorf("%+v", p)
				}
				if n > 0 {
					r.check(n)
				} else if len(r.store.Keys()) > 0 {
					t.Errorf("left: %v", r.store.Keys())
				}
			})
		}
	}
}

// TestUnderWay looks at a recording while it is made, from here and from elsewhere.
func TestUnderWay(t *testing.T) {
	r := newRig(t)
	rec := r.begin()
	for msn := range uint64(10) {
		r.put(rec, msn, 0)
	}
	other, err := archive.Open(archive.Config{Store: &r.store, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, all := range []*archive.Recordings{r.all, other} {
		for {
			x, err := all.Load(t.Context(), id)
			if err != nil && !errors.Is(err, archive.ErrNotFound) {
				t.Fatal(err)
			}
			if err == nil && len(x.Runs()) == 8 && !x.Complete {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	r.finish(rec)
}

func TestIDs(t *testing.T) {
	r := newRig(t)
	var want []string
	for i := range 20 {
		id := fmt.Sprintf("0197f3a0-%02d", i)
		want = append(want, id)
		for j := range 10 {
			if err := r.all.Put(t.Context(), id, fmt.Sprint(j), []byte("x"), "text/plain"); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		page, err := r.all.IDs(t.Context(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, page...); len(page) < 3 {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// A recording that nobody makes any more is made whole from what is stored.
func TestSeal(t *testing.T) {
	r := newRig(t)
	if p, err := r.all.Seal(t.Context(), id); err != nil || p.Bytes != 0 {
		t.Errorf("of nothing: %+v %v", p, err)
	}
	rec := r.begin()
	for msn := range uint64(5) {
		r.put(rec, msn, 0)
	}
	if _, err := r.all.Seal(t.Context(), id); !errors.Is(err, archive.ErrRunning) {
		t.Errorf("while it is made: %v", err)
	}
	want := r.finish(rec)
	if err := r.store.Delete(t.Context(), archive.Key(id, "index.json")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := r.all.Seal(t.Context(), id); err != nil || got.Bytes != want.Bytes || got.Duration != want.Duration || got.Name != want.Name {
			t.Errorf("%+v (%v), want %+v", got, err, want)
		}
		r.check(5)
	}
	if err := r.all.Put(t.Context(), "0197f3a0-0000-7000-8000-000000000002", "thumb.jpg", []byte("x"), "image/jpeg"); err != nil {
		t.Fatal(err)
	}
	if p, err := r.all.Seal(t.Context(), "0197f3a0-0000-7000-8000-000000000002"); err != nil || p.Bytes != 0 {
		t.Errorf("of remains: %+v %v", p, err)
	}
}

// What comes after the stop is not recorded, and is not missing either.
func TestStop(t *testing.T) {
	r := newRig(t)
	rec := r.begin()
	for msn := range uint64(6) {
		if msn == 4 && (!rec.Stop() || rec.Stop()) {
			t.Error("it was stopped once")
		}
		r.put(rec, msn, 0)
	}
	if p := r.finish(rec); p.Bytes != rec.Bytes() || p.Lost != 0 {
		t.Errorf("%+v of %d bytes", p, rec.Bytes())
	}
	r.check(4)
}
