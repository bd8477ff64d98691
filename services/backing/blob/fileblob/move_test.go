package fileblob_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"weir/services/backing/blob"
	"weir/services/backing/blob/fileblob"
)

// file makes a file with a second name, which is not the store's.
func file(t *testing.T, data string) (path, other string) {
	t.Helper()
	dir := t.TempDir()
	path, other = filepath.Join(dir, "a"), filepath.Join(dir, "b")
	ok(t, os.WriteFile(path, []byte(data), 0o600))
	ok(t, os.Link(path, other))
	return path, other
}

func move(t *testing.T, s *fileblob.Store, key, data string) {
	t.Helper()
	path, _ := file(t, data)
	ok(t, s.Move(t.Context(), key, path, "video/mp4"))
}

func read(t *testing.T, s *fileblob.Store, key string, rng blob.Range) (string, blob.Info) {
	t.Helper()
	r, info, err := s.Get(t.Context(), key, rng)
	ok(t, err)
	defer r.Close()
	text, err := io.ReadAll(r)
	ok(t, err)
	return string(text), info
}

func keys(t *testing.T, s *fileblob.Store, prefix string) (out []string) {
	t.Helper()
	infos, err := s.List(t.Context(), prefix, "", 0)
	ok(t, err)
	for _, i := range infos {
		out = append(out, i.Key)
	}
	return out
}

// TestMove holds that what was moved in is an object like others, though it is the file
// itself.
func TestMove(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	path, other := file(t, "hello")
	ok(t, s.Move(t.Context(), "r/1/a.m4s", path, "video/mp4"))
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is where it was: %v", err)
	}
	was, err := os.Stat(other)
	ok(t, err)
	is, err := os.Stat(filepath.Join(dir, "r/1/a.m4s+bare"))
	ok(t, err)
	if !os.SameFile(was, is) {
		t.Error("it was copied")
	}
	text, info := read(t, s, "r/1/a.m4s", blob.Range{From: 1, Length: 3})
	if text != "ell" || info.Size != 5 || info.ContentType != "video/mp4" || info.ETag == "" || info.ModTime.IsZero() {
		t.Errorf("%q of %+v", text, info)
	}
	put(t, s, "r/1/b.m4s", "x")
	move(t, s, "r/0.m4s", "")
	if got := keys(t, s, "r/"); !slices.Equal(got, []string{"r/0.m4s", "r/1/a.m4s", "r/1/b.m4s"}) {
		t.Errorf("listed %v", got)
	}
	stat, err := s.Stat(t.Context(), "r/1/a.m4s")
	ok(t, err)
	if stat != info {
		t.Errorf("%+v is not %+v", stat, info)
	}
	ok(t, s.Delete(t.Context(), "r/1/a.m4s", "r/1/b.m4s", "r/0.m4s"))
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestMoveReplaces holds that the newest object counts, however it came.
func TestMoveReplaces(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const key = "a/k.m4s"
	tags := map[string]bool{}
	for i, step := range []func(*testing.T, *fileblob.Store, string, string){put, move, move, put, move} {
		data := string(rune('a' + i))
		step(t, s, key, data)
		text, info := read(t, s, key, blob.Range{})
		if text != data || tags[info.ETag] || len(keys(t, s, "")) != 1 || len(files(t, dir)) != 1 {
			t.Errorf("step %d: %q %+v in %v", i, text, info, files(t, dir))
		}
		tags[info.ETag] = true
	}
}

// TestMoveRefused holds that what cannot be moved is left as it was.
func TestMoveRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "a/b.m4s", "x")
	path, _ := file(t, "hello")
	link := path + ".link"
	ok(t, os.Symlink(path, link))
	pipe := path + ".pipe"
	ok(t, unix.Mkfifo(pipe, 0o600))
	for name, tt := range map[string]struct {
		key, path, kind string
		want            error
	}{
		"another name":  {"a/k.mp4", path, "video/mp4", blob.ErrUnsupported},
		"another type":  {"a/k.m4s", path, "text/plain", blob.ErrUnsupported},
		"no file":       {"a/k.m4s", path + ".none", "video/mp4", fs.ErrNotExist},
		"a link":        {"a/k.m4s", link, "video/mp4", unix.ELOOP},
		"a pipe":        {"a/k.m4s", pipe, "video/mp4", blob.ErrUnsupported},
		"a bad key":     {"../k.m4s", path, "video/mp4", blob.ErrBadKey},
		"in an object":  {"a/b.m4s/k.m4s", path, "video/mp4", blob.ErrBadKey},
		"over a folder": {"r.m4s", path, "video/mp4", blob.ErrBadKey},
	} {
		put(t, s, "r.m4s/k", "x")
		if err := s.Move(t.Context(), tt.key, tt.path, tt.kind); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if found := files(t, dir); len(found) != 2 {
		t.Errorf("there is %v", found)
	}
	move(t, s, "m.m4s", "x")
	if err := s.Move(t.Context(), "m.m4s/k.m4s", path, "video/mp4"); !errors.Is(err, blob.ErrBadKey) {
		t.Errorf("in what was moved: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "hello" {
		t.Errorf("the file is %q, %v", text, err)
	}
}
