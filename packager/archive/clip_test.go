package archive_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/media"
	"weir/packager/archive"
	"weir/packager/window"
)

const clip = "0197f3a0-0000-7000-8000-00000000c11b"

func TestClip(t *testing.T) {
	r := newRig(t)
	rec := r.begin()
	for msn := range uint64(20) {
		r.put(rec, msn, int(msn/10))
	}
	r.finish(rec)
	for _, tc := range []struct {
		start, length time.Duration
		first, n      uint64
	}{
		{0, 2 * time.Second, 0, 1}, {3 * time.Second, 2 * time.Second, 1, 2}, {18 * time.Second, 4 * time.Second, 9, 2},
		{38 * time.Second, time.Minute, 19, 1}, {0, time.Minute, 0, 20},
	} {
		p, err := r.all.Clip(t.Context(), clip, id, tc.start, tc.length)
		if err != nil {
			t.Fatal(err)
		}
		if p.ID != clip || p.Duration != time.Duration(tc.n)*2*time.Second || !p.Started.Equal(epoch.Add(time.Duration(tc.first)*2*time.Second)) {
			t.Errorf("%v: %+v", tc, p)
		}
		x, err := r.all.Load(t.Context(), clip)
		if err != nil || !x.Complete {
			t.Fatal(x, err)
		}
		for _, in := range x.Renditions {
			if len(in.Segments) != int(tc.n) || in.Segments[0].MSN != tc.first {
				t.Errorf("%v: %s has %v", tc, in.Name, in.Segments)
			}
			for _, s := range in.Segments {
				for _, file := range []string{archive.SegmentFile(in.Name, s), archive.InitFile(in.Name, s.Init)} {
					if got := r.store.Object(archive.Key(clip, file)); got == nil || string(got) != string(r.store.Object(archive.Key(id, file))) {
						t.Errorf("%v: %s is %.30q", tc, file, got)
					}
				}
			}
		}
		if err := r.all.Delete(t.Context(), clip); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range [][2]time.Duration{{40 * time.Second, time.Second}, {time.Second, 0}, {time.Second, -5}, {0, 2 * time.Hour}} {
		if _, err := r.all.Clip(t.Context(), clip, id, tc[0], tc[1]); !errors.Is(err, archive.ErrNoMedia) {
			t.Errorf("%v: %v", tc, err)
		}
	}
	if _, err := r.all.Clip(t.Context(), clip, "other", 0, time.Second); !errors.Is(err, archive.ErrNotFound) {
		t.Error(err)
	}
	r.check(20)
}

// TestClipFails holds that a clip that cannot be made leaves nothing.
func TestClipFails(t *testing.T) {
	r := newRig(t)
	rec := r.begin()
	for msn := range uint64(20) {
		r.put(rec, msn, 0)
	}
	r.finish(rec)
	x, err := r.all.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.Delete(t.Context(), archive.Key(id, archive.SegmentFile("source", x.Renditions[0].Segments[10]))); err != nil {
		t.Fatal(err)
	}
	if _, err := r.all.Clip(t.Context(), clip, id, 0, time.Minute); !errors.Is(err, archive.ErrNotFound) {
		t.Error(err)
	}
	for _, key := range r.store.Keys() {
		if strings.Contains(key, clip) {
			t.Errorf("left: %s", key)
		}
	}
}

// TestClipLive cuts what lies in memory and in files.
func TestClipLive(t *testing.T) {
	r := newRig(t)
	w := window.New(epoch)
	dir := t.TempDir()
	for i, name := range []string{"audio", "source"} {
		track := w.Add(name, r.tracks[1-i].Kind)
		track.AddInit(window.Init{Track: r.tracks[1-i], Data: []byte("init of " + name)})
		for msn := range uint64(30) {
			track.Open(window.Segment{MSN: msn, Start: media.Time(msn) * 2 * media.Second, Key: true})
			track.AddPart(window.Part{Data: fmt.Append(nil, name, msn, " "), Duration: media.Second})
			track.AddPart(window.Part{Data: []byte("more"), Duration: media.Second})
			if msn == 29 {
				continue // it is open
			}
			s := track.Close(0)
			if path := filepath.Join(dir, fmt.Sprint(name, msn)); msn < 20 {
				if err := os.WriteFile(path, fmt.Append(nil, name, msn, " more"), 0o600); err != nil {
					t.Fatal(err)
				}
				track.Stored(s, path)
			}
		}
		track.Trim(window.Keep{Playlist: 60 * media.Second, Memory: 18 * media.Second, Minis: media.Second})
	}
	s := archive.Stream{ID: clip, Name: "x", Epoch: epoch, Target: 2}
	p, err := r.all.ClipLive(t.Context(), s, w, id, epoch.Add(31*time.Second), 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if p.Duration != 22*time.Second || !p.Started.Equal(epoch.Add(30*time.Second)) {
		t.Errorf("%+v", p)
	}
	x, err := r.all.Load(t.Context(), clip)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Renditions) != 2 || x.Renditions[0].Name != "source" {
		t.Fatalf("%+v", x.Renditions)
	}
	for _, in := range x.Renditions {
		for i, s := range in.Segments {
			got, want := string(r.store.Object(archive.Key(clip, archive.SegmentFile(in.Name, s)))), fmt.Sprint(in.Name, 15+i, " more")
			if got != want || s.Size != int64(len(want)) {
				t.Errorf("%q of %d bytes, want %q", got, s.Size, want)
			}
		}
	}
	if _, err := r.all.ClipLive(t.Context(), s, w, id, epoch.Add(time.Hour), time.Second); !errors.Is(err, archive.ErrNoMedia) {
		t.Error(err)
	}
}
