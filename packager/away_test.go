package packager_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager"
	"weir/packager/archive"
	"weir/packager/archive/archivetest"
	"weir/packager/window"
)

// recorded packages into a recording; local as in packager.Config.
func recorded(t *testing.T, src *mediatest.Source, local media.Time) (*rig, *archive.Recordings) {
	t.Helper()
	const id = "0197f3a0-0000-7000-8000-000000000001"
	dir := t.TempDir()
	all, err := archive.Open(archive.Config{Store: &archivetest.Store{}, Dir: filepath.Join(dir, "spool"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := all.Begin(t.Context(), archive.Stream{ID: id, Name: "x", Epoch: epoch, Target: 2, Files: archive.Files{Dir: filepath.Join(dir, "live")}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, src, func(r *rig, cfg *packager.Config) { cfg.Sink, cfg.Local, r.dir = rec, local, rec.Dir })
	t.Cleanup(func() {
		r.end()
		if err := rec.Finish(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return r, all
}

// record writes what lies before a time and lets the store keep up; it returns the rest.
func (r *rig) record(all *archive.Recordings, list []*media.Packet, until media.Time) []*media.Packet {
	r.t.Helper()
	n := 0
	for n < len(list) && list[n].DTS < until {
		n++
	}
	r.writeSlowly(list[:n])
	for begun := time.Now(); all.Stats().Waiting > 0; runtime.Gosched() {
		if time.Since(begun) > time.Minute {
			r.t.Fatal("the store never got it all")
		}
	}
	return list[n:]
}

// TestStoreHasTheRestOfTheWindow holds that no more files are kept than was asked for, and
// that the others are in the store, byte by byte.
func TestStoreHasTheRestOfTheWindow(t *testing.T) {
	src := &mediatest.Source{FrameRate: media.Rational{Num: 5, Den: 1}, GOPs: []int{10}, Bitrate: 40_000, SampleRate: 8000, AudioBitrate: 8000}
	r, all := recorded(t, src, 20*media.Second)
	first := map[string][]byte{}
	rest := r.record(all, src.Packets(100*media.Second), 60*media.Second)
	r.each(func(name string, s *window.Segment) {
		if data, err := os.ReadFile(s.Path); err == nil {
			first[fmt.Sprint(name, s.MSN)] = data
		}
	})
	r.record(all, rest, 100*media.Second)
	read, away, files, same := all.Reader("0197f3a0-0000-7000-8000-000000000001"), 0, 0, 0
	r.each(func(name string, s *window.Segment) {
		switch {
		case s.Away:
			away++
			if s.Path != "" || len(s.Parts) != 1 || s.Parts[0].Data != nil || s.Size() == 0 {
				t.Errorf("%s %d is away: %+v", name, s.MSN, s)
			}
			body, err := read.Segment(t.Context(), name, *s, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(body)
			if err != nil || int64(len(data)) != s.Size() {
				t.Errorf("%s %d: %d bytes (%v), want %d", name, s.MSN, len(data), err, s.Size())
			}
			if was := first[fmt.Sprint(name, s.MSN)]; was != nil {
				same++
				if !bytes.Equal(was, data) {
					t.Errorf("%s %d changed", name, s.MSN)
				}
			}
		case s.Path != "":
			files++
			if _, err := os.Stat(s.Path); err != nil {
				t.Error(err)
			}
		}
	})
	if away < 2*15 || files > 2*25 || same == 0 { // of 60 s in two renditions; the last half minute was written at once
		t.Errorf("%d segments are away, %d in files, %d were seen before", away, files, same)
	}
	list, err := os.ReadDir(filepath.Join(r.dir, "source"))
	if err != nil || len(list) > 26 {
		t.Errorf("%d files (%v)", len(list), err)
	}
}

// TestSpareFiles lets all files go that are not needed when there is no room.
func TestSpareFiles(t *testing.T) {
	src := &mediatest.Source{FrameRate: media.Rational{Num: 5, Den: 1}, GOPs: []int{10}, Bitrate: 40_000, SampleRate: 8000, AudioBitrate: 8000}
	r, all := recorded(t, src, media.Time(3600)*media.Second)
	r.record(all, src.Packets(60*media.Second), 60*media.Second)
	r.each(func(name string, s *window.Segment) {
		if s.Away {
			t.Errorf("%s %d went without need", name, s.MSN)
		}
	})
	if !r.pack.Spare() || r.pack.Spare() {
		t.Error("what could be spared was not, or twice")
	}
	away := 0
	r.each(func(_ string, s *window.Segment) {
		if s.Away {
			away++
		}
	})
	if away < 2*18 { // all but what has parts
		t.Errorf("%d segments are away", away)
	}
}

// each calls f for the segments that are listed, as they are.
func (r *rig) each(f func(rendition string, s *window.Segment)) {
	for _, t := range r.pack.Window().Tracks() {
		t.View(func(v *window.View) {
			for _, s := range v.Segments {
				f(t.Name, s)
			}
		})
	}
}
