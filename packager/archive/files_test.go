package archive_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"weir/packager/archive"
	"weir/packager/window"
)

// finished is a segment of a rendition called 720p.
func finished(msn uint64, parts [][]byte) *window.Finished {
	return &window.Finished{Rendition: "720p", Segment: window.Segment{MSN: msn}, Data: parts}
}

func TestPut(t *testing.T) {
	f := archive.Files{Dir: filepath.Join(t.TempDir(), "x", "epoch")}
	var parts [][]byte
	for i := range 3000 { // more than one call of the system takes
		parts = append(parts, bytes.Repeat([]byte{byte(i)}, i%7*100))
	}
	path, err := f.Put(finished(12, parts))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, bytes.Join(parts, nil)) {
		t.Errorf("%d bytes (%v), want %d", len(got), err, len(bytes.Join(parts, nil)))
	}
	if path, err = f.Put(finished(13, nil)); err != nil {
		t.Errorf("empty: %v", err)
	}
	if err = errors.Join(f.Remove(path), f.Remove(path)); err != nil {
		t.Errorf("remove: %v", err)
	}
	if err = f.Close(); err != nil {
		t.Error(err)
	}
	if _, err = os.Stat(f.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
}

func TestFailedPutLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "720p"), nil, 0o600); err != nil { // a file where a folder should be
		t.Fatal(err)
	}
	f := archive.Files{Dir: dir}
	if path, err := f.Put(finished(1, [][]byte{{1}})); err == nil {
		t.Errorf("stored as %s", path)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v (%v)", entries, err)
	}
}
