package fileblob_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"weir/services/backing/blob"
	"weir/services/backing/blob/blobtest"
	"weir/services/backing/blob/fileblob"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	blobtest.Conform(t, func(t *testing.T) blob.Blob { return blobtest.Files(t) })
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *fileblob.Store {
	t.Helper()
	s, err := fileblob.Open(dir)
	ok(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t *testing.T, s *fileblob.Store, key, data string) {
	t.Helper()
	_, err := s.Put(t.Context(), key, strings.NewReader(data), blob.PutOptions{ContentType: "text/plain"})
	ok(t, err)
}

// files returns the regular files below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	ok(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found = append(found, path)
		}
		return err
	}))
	return found
}

func TestKeptAcrossOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "new")
	put(t, open(t, dir), "a/b", "x")
	info, err := open(t, dir).Stat(t.Context(), "a/b")
	ok(t, err)
	if info.Size != 1 || info.ContentType != "text/plain" {
		t.Fatalf("%+v", info)
	}
}

func TestOpenIsNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	ok(t, os.WriteFile(file, nil, 0o600))
	if _, err := fileblob.Open(file); err == nil {
		t.Fatal("opened a file")
	}
}

// TestNothingLeft holds that failed puts and deletes leave no files or folders.
func TestNothingLeft(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "a/b/c", "x")
	ok(t, s.Delete(t.Context(), "a/b/c"))
	_, err := s.Put(t.Context(), "d/e", io.MultiReader(strings.NewReader("x"), errReader{}), blob.PutOptions{})
	if err == nil {
		t.Fatal("stored a broken body")
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = s.Put(t.Context(), "d/e", panicReader{}, blob.PutOptions{})
	}()
	if left := files(t, dir); len(left) > 0 {
		t.Fatalf("left: %v", left)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != ".tmp" {
		t.Fatalf("left: %v %v", entries, err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("a reader's own") }

// TestSweep holds that Open removes what a killed process left, and nothing that is
// being written.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	dead := filepath.Join(dir, ".tmp", "LEFTBEHIND")
	ok(t, os.WriteFile(dead, []byte("half"), 0o600))
	swept := false
	r := &hookReader{Reader: bytes.NewReader(make([]byte, 1000)), hook: func() {
		open(t, dir) // another process begins meanwhile
		_, err := os.Stat(dead)
		swept = errors.Is(err, fs.ErrNotExist)
	}}
	_, err := s.Put(t.Context(), "k", r, blob.PutOptions{})
	ok(t, err)
	if !swept {
		t.Fatal("a dead file is kept")
	}
	info, err := s.Stat(t.Context(), "k")
	ok(t, err)
	if info.Size != 1000 {
		t.Fatalf("%+v", info)
	}
	ok(t, os.RemoveAll(filepath.Join(dir, ".tmp")))
	put(t, s, "k", "the folder of temporary files is made again")
}

type hookReader struct {
	io.Reader
	hook func()
}

func (r *hookReader) Read(p []byte) (int, error) {
	if r.hook != nil {
		r.hook()
		r.hook = nil
	}
	return r.Reader.Read(p)
}

// TestOutside holds that links and special files in the folder lead nowhere.
func TestOutside(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, dir)
	put(t, open(t, outside), "secret", "of somebody else")
	ok(t, os.Symlink(outside, filepath.Join(dir, "out")))
	ok(t, os.Symlink(filepath.Join(outside, "secret+blob"), filepath.Join(dir, "link+blob")))
	ok(t, os.Symlink("loop+blob", filepath.Join(dir, "loop+blob")))
	ok(t, os.Mkdir(filepath.Join(dir, "folder+blob"), 0o700))
	ok(t, syscall.Mkfifo(filepath.Join(dir, "pipe+blob"), 0o600))
	for _, key := range []string{"out/secret", "link", "loop", "folder", "pipe"} {
		if r, _, err := s.Get(t.Context(), key, blob.Range{}); err == nil {
			r.Close()
			t.Errorf("read %s", key)
		}
	}
	for _, key := range []string{"out/new", "out/secret", "out/deep/er"} {
		if _, err := s.Put(t.Context(), key, strings.NewReader("x"), blob.PutOptions{}); err == nil {
			t.Errorf("wrote %s", key)
		}
		_ = s.Delete(t.Context(), key)
	}
	put(t, s, "link", "replaces the link, not what it points to")
	infos, err := s.List(t.Context(), "", "", 0)
	ok(t, err)
	if len(infos) != 1 || infos[0].Key != "link" {
		t.Fatalf("listed %v", infos)
	}
	got, err := os.ReadFile(filepath.Join(outside, "secret+blob"))
	ok(t, err)
	if !strings.HasPrefix(string(got), "of somebody else") || len(files(t, outside)) != 1 {
		t.Fatalf("outside there is now %q in %v", got, files(t, outside))
	}
}

// TestAlone holds that a name is an object or what others begin with, not both.
func TestAlone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "a/b/c", "x")
	for _, key := range []string{"a", "a/b", "a/b/c/d", "a/b/c/d/e"} {
		if _, err := s.Put(t.Context(), key, strings.NewReader("y"), blob.PutOptions{}); !errors.Is(err, blob.ErrBadKey) {
			t.Errorf("%s: %v", key, err)
		}
	}
	ok(t, os.MkdirAll(filepath.Join(dir, "empty"), 0o700))
	put(t, s, "empty", "a folder that a crash left is no object's")
	if found := files(t, dir); len(found) != 2 {
		t.Fatalf("there is %v", found)
	}
}

// TestDamaged holds that a file that is no object, or only a part of one, is an error
// and is not listed.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "k", "hello")
	path := filepath.Join(dir, "k+blob")
	whole, err := os.ReadFile(path)
	ok(t, err)
	for n := range len(whole) {
		ok(t, os.WriteFile(path, whole[:n], 0o600))
		if _, err := s.Stat(t.Context(), "k"); err == nil || errors.Is(err, blob.ErrNotFound) {
			t.Fatalf("%d bytes of %d: %v", n, len(whole), err)
		}
	}
	ok(t, os.WriteFile(path, whole[1:], 0o600))
	if _, err := s.Stat(t.Context(), "k"); err == nil {
		t.Fatal("an object without its first byte")
	}
	ok(t, os.WriteFile(filepath.Join(dir, "plain.txt"), whole, 0o600))
	infos, err := s.List(t.Context(), "", "", 0)
	ok(t, err)
	if len(infos) != 0 {
		t.Fatalf("listed %v", infos)
	}
	put(t, s, "k", "mended")
}

func TestReaderSurvivesDelete(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, "k", "hello")
	r, _, err := s.Get(t.Context(), "k", blob.Range{From: 1})
	ok(t, err)
	defer r.Close()
	ok(t, s.Delete(t.Context(), "k"))
	data, err := io.ReadAll(r)
	ok(t, err)
	seeker, seeks := r.(io.ReadSeeker)
	if string(data) != "ello" || !seeks {
		t.Fatalf("%q, seeks: %v", data, seeks)
	}
	n, err := seeker.Seek(0, io.SeekEnd)
	ok(t, err)
	if n != 4 {
		t.Fatalf("the end is at %d", n)
	}
}

// BenchmarkPut asks what storing a segment of two seconds costs, with the disk's sync.
func BenchmarkPut(b *testing.B) {
	s := blobtest.Files(b)
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	for i := 0; b.Loop(); i++ {
		if _, err := s.Put(b.Context(), fmt.Sprintf("live/%d", i%100), bytes.NewReader(data), blob.PutOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList asks what a page costs in a folder with files=N others.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			s := blobtest.Files(b)
			for i := range n {
				if _, err := s.Put(b.Context(), fmt.Sprintf("live/%06d", i), strings.NewReader("x"), blob.PutOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := s.List(b.Context(), "live/", "live/000500", 100); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
