package archive_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"weir/media"
	"weir/packager/archive"
	"weir/packager/window"
)

// TestReader reads segments of a running recording, out of the spool and out of the store.
func TestReader(t *testing.T) {
	r := newRig(t)
	rec := r.begin()
	read := r.all.Reader(id)
	r.store.SetDown(true)
	for msn := range uint64(3) {
		r.put(rec, msn, 0)
	}
	s := window.Segment{MSN: 1, Start: 2 * media.Second, Duration: 2 * media.Second, Key: true}
	want := segmentOf(t, rec, 1)
	check := func(where string) {
		t.Helper()
		for _, c := range []struct{ from, length int64 }{{0, 0}, {3, 0}, {2, 4}} {
			body, err := read.Segment(t.Context(), "source", s, c.from, c.length)
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			got, err := io.ReadAll(body)
			end := int64(len(want))
			if c.length > 0 {
				end = c.from + c.length
			}
			if err = errors.Join(err, body.Close()); err != nil || string(got) != want[c.from:end] {
				t.Errorf("%s: %+v: %q (%v), want of %q", where, c, got, err, want)
			}
		}
		if data, err := read.Init(t.Context(), "source", 0); err != nil || len(data) == 0 {
			t.Errorf("%s: %q %v", where, data, err)
		}
	}
	check("in the spool")
	if rec.Keeps("source", 1) || rec.Keeps("none", 1) {
		t.Error("the store is said to have what it has not")
	}
	r.store.SetDown(false)
	if err := rec.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("in the store")
	if !rec.Keeps("source", 1) || !rec.Keeps("audio", 2) || rec.Keeps("source", 3) {
		t.Error("what the store has is not known")
	}
	if _, err := read.Segment(t.Context(), "source", window.Segment{MSN: 9}, 0, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a segment that never was: %v", err)
	}
	r.store.SetDown(true)
	if _, err := read.Segment(t.Context(), "source", s, 0, 0); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("while the store is down: %v", err)
	}
}

// TestSince lists what the store and the spool have, each segment once.
func TestSince(t *testing.T) {
	r := newRig(t)
	rec := r.begin()
	list := func(from uint64) string {
		t.Helper()
		all, err := r.all.Reader(id).Since(t.Context(), []string{"source", "720p"}, from)
		if err != nil || len(all["720p"])+len(all["audio"]) > 0 {
			t.Fatalf("%v %v", all, err)
		}
		text := ""
		for _, s := range all["source"] {
			if text += fmt.Sprint(s.MSN, " "); !s.Away || !s.Key || s.Size() == 0 || s.Duration != 2*media.Second || s.Start != media.Time(s.MSN)*2*media.Second {
				t.Errorf("%+v", s)
			}
		}
		return text
	}
	for msn := range uint64(20) {
		r.put(rec, msn, 0)
	}
	for begun := time.Now(); r.all.Stats().Waiting > 0; runtime.Gosched() {
		if time.Since(begun) > time.Minute {
			t.Fatal("the store never got it all")
		}
	}
	r.store.SetDown(true)
	if _, err := r.all.Reader(id).Since(t.Context(), []string{"source"}, 0); err == nil {
		t.Error("a store that is down has a list")
	}
	r.put(rec, 20, 0)
	r.put(rec, 22, 0)
	spool := filepath.Join(r.dir, "spool", id, "source")
	if err := os.WriteFile(filepath.Join(spool, "0000000019-"+fmt.Sprint(int64(38*media.Second), "-", int64(2*media.Second))+"-0-k.m4s"), []byte("twice"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.store.SetDown(false)
	if got := list(17); got != "17 18 19 20 22 " {
		t.Errorf("from 17 on: %s", got)
	}
	if got := list(0); got != "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 22 " {
		t.Errorf("all: %s", got)
	}
	if got := list(1 << 62); got != "" {
		t.Errorf("what does not exist: %s", got)
	}
	r.finish(rec)
}

// segmentOf is what rewinding reads.
func segmentOf(t *testing.T, rec *archive.Recorder, msn int) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(rec.Dir, "source", fmt.Sprint(msn, ".m4s")))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestSpare has a segment that cannot be written until room is made.
func TestSpare(t *testing.T) {
	dir := t.TempDir()
	way := filepath.Join(dir, "720p") // a file where the folder should be
	if err := os.WriteFile(way, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	room := false
	f := archive.Files{Dir: dir, Spare: func() bool { return room && os.Remove(way) == nil }}
	if _, err := f.Put(finished(1, [][]byte{[]byte("x")})); err == nil {
		t.Fatal("it was written")
	}
	room = true
	path, err := f.Put(finished(1, [][]byte{[]byte("x")}))
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "x" {
		t.Errorf("%q %v", data, err)
	}
}
