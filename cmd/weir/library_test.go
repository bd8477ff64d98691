package main

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/media"
	"weir/packager/archive/archivetest"
	"weir/packager/window"
	"weir/services/live"
)

// A store has one name for all that share it, and files of a data folder one of their own.
func TestStoreName(t *testing.T) {
	name := func(dir, endpoint string) string {
		t.Helper()
		n, err := storeName(Config{Store: StoreConfig{DataDir: dir, S3Endpoint: endpoint, S3Bucket: "tv"}})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	a, b := t.TempDir(), t.TempDir()
	first := name(a, "")
	if again := name(a, ""); again != first || !strings.HasPrefix(first, "files:") {
		t.Errorf("%q, then %q", first, again)
	}
	if other := name(b, ""); other == first {
		t.Errorf("two folders are called %q", other)
	}
	if name(a, "http://s3:9000") != name(b, "http://s3:9000") {
		t.Error("one bucket has two names")
	}
	if _, err := storeName(Config{Store: StoreConfig{DataDir: filepath.Join(a, "none")}}); err == nil {
		t.Error("a folder that is not there has a name")
	}
}

// A process without the role media finds, closes and removes what is in the store.
func TestLibraryWithoutMedia(t *testing.T) {
	store := &archivetest.Store{}
	l, err := openLibrary(Config{Store: StoreConfig{DataDir: t.TempDir()}}, store, "files:a", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, id := t.Context(), uuid.Must(uuid.NewV7())
	if err := l.recordings.Put(ctx, id.String(), thumbFile, []byte("x"), "image/jpeg"); err != nil {
		t.Fatal(err)
	}
	if ids, err := l.Stored(ctx, "", 10); err != nil || len(ids) != 1 || ids[0] != id.String() {
		t.Errorf("%v %v", ids, err)
	}
	if x, err := l.Close(ctx, id); err != nil || x.ID != id || x.Bytes != 0 {
		t.Errorf("%+v %v", x, err)
	}
	for _, node := range []string{"", "node-1"} {
		if _, err := l.Cut(ctx, uuid.Must(uuid.NewV7()), live.Cut{Source: &id, Length: time.Second, Node: node}); !errors.Is(err, live.ErrNothing) {
			t.Errorf("a clip of nothing: %v", err)
		}
	}
	l.cfg.Live.RecordFreeGB = 1 << 30 // more than any disk has
	if _, err := l.Cut(ctx, uuid.Must(uuid.NewV7()), live.Cut{Source: &id, Length: time.Second}); !errors.Is(err, live.ErrFull) {
		t.Errorf("a clip on a full disk: %v", err)
	}
	if err := l.Remove(ctx, id); err != nil {
		t.Error(err)
	}
	if ids, err := l.Stored(ctx, "", 10); err != nil || len(ids) != 0 {
		t.Errorf("%v %v", ids, err)
	}
}

// What another process had of a stream is listed, and not here.
func TestReaches(t *testing.T) {
	w := window.New(time.Now())
	v := w.Add("source", media.Video)
	v.Miss([]window.Segment{{MSN: 1, Start: 2 * media.Second, Duration: 2 * media.Second}})
	if reaches(w, 3*media.Second) {
		t.Error("a window without media reaches")
	}
	v.Open(window.Segment{MSN: 2, Start: 4 * media.Second})
	v.AddPartAndClose(window.Part{Data: make([]byte, 1000), Duration: media.Second})
	if reaches(w, 3*media.Second) || !reaches(w, 4*media.Second) {
		t.Error("a window reaches what it does not have, or not what it has")
	}
	v.View(func(v *window.View) {
		if got := v.Bitrate(); got != 8000 {
			t.Errorf("%d bit/s", got)
		}
	})
}
