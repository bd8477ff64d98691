package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/services/backing/blob"
)

// Conform runs the suite on fresh, empty Blobs: open is called for each test.
func Conform(t *testing.T, open func(t *testing.T) blob.Blob) {
	suite := []struct {
		name string
		test func(t *testing.T, b blob.Blob)
	}{
		{"put get stat", testPut},
		{"sizes", testSizes},
		{"replace", testReplace},
		{"ranges", testRanges},
		{"missing", testMissing},
		{"bad keys", testBadKeys},
		{"names beside each other", testNeighbours},
		{"content types", testContentTypes},
		{"list", testList},
		{"list pages", testPages},
		{"delete", testDelete},
		{"announced size", testAnnounced},
		{"interrupted put", testInterrupted},
		{"ended context", testEnded},
		{"readers see old or new", testOldOrNew},
		{"writers and removers", testContention},
		{"presign", testPresign},
	}
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) { s.test(t, open(t)) })
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func put(t *testing.T, b blob.Blob, key, data string) blob.Info {
	t.Helper()
	info, err := b.Put(t.Context(), key, strings.NewReader(data), blob.PutOptions{})
	ok(t, err)
	return info
}

func get(t *testing.T, b blob.Blob, key string, rng blob.Range) ([]byte, blob.Info) {
	t.Helper()
	r, info, err := b.Get(t.Context(), key, rng)
	ok(t, err)
	data, err := io.ReadAll(r)
	ok(t, errors.Join(err, r.Close()))
	return data, info
}

func keys(t *testing.T, b blob.Blob, prefix, after string, limit int) []string {
	t.Helper()
	infos, err := b.List(t.Context(), prefix, after, limit)
	ok(t, err)
	names := make([]string, len(infos))
	for i, o := range infos {
		names[i] = o.Key
	}
	return names
}

// noise returns size bytes that do not repeat.
func noise(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(b) // never fails
	return b
}

// stream hides everything of a reader but Read.
type stream struct{ io.Reader }

func testPut(t *testing.T, b blob.Blob) {
	before := time.Now().Add(-time.Minute)
	done, err := b.Put(t.Context(), "live/a/seg-1.m4s", stream{strings.NewReader("hello")}, blob.PutOptions{ContentType: "video/mp4"})
	ok(t, err)
	data, info := get(t, b, "live/a/seg-1.m4s", blob.Range{})
	if string(data) != "hello" || info.Key != "live/a/seg-1.m4s" || info.Size != 5 || info.ContentType != "video/mp4" || info.ETag == "" || strings.Contains(info.ETag, `"`) {
		t.Fatalf("%q %+v", data, info)
	}
	if info.ModTime.Before(before) || info.ModTime.After(time.Now().Add(time.Minute)) || info.ModTime.Location() != time.UTC {
		t.Fatalf("stored at %v", info.ModTime)
	}
	stat, err := b.Stat(t.Context(), "live/a/seg-1.m4s")
	ok(t, err)
	stat.ModTime, info.ModTime, done.ModTime = time.Time{}, time.Time{}, time.Time{}
	if stat != info || done != info {
		t.Fatalf("put %+v, stat %+v, get %+v", done, stat, info)
	}
}

func testSizes(t *testing.T, b blob.Blob) {
	for _, size := range []int{0, 1, 4095, 64 << 10, 1<<20 + 1, 8<<20 - 1, 8 << 20, 8<<20 + 1, 16<<20 + 7} {
		for _, announced := range []int{0, size} {
			data := noise(size)
			info, err := b.Put(t.Context(), "size", stream{bytes.NewReader(data)}, blob.PutOptions{Size: int64(announced)})
			ok(t, err)
			got, stat := get(t, b, "size", blob.Range{})
			if !bytes.Equal(got, data) || info.Size != int64(size) || stat.Size != int64(size) || stat.ETag != info.ETag {
				t.Fatalf("%d bytes, announced %d: %d came back; %+v, %+v", size, announced, len(got), info, stat)
			}
		}
	}
}

func testReplace(t *testing.T, b blob.Blob) {
	first := put(t, b, "k", strings.Repeat("long", 1000))
	_, err := b.Put(t.Context(), "k", strings.NewReader("short"), blob.PutOptions{ContentType: "text/plain"})
	ok(t, err)
	data, info := get(t, b, "k", blob.Range{})
	if string(data) != "short" || info.Size != 5 || info.ContentType != "text/plain" || info.ETag == first.ETag {
		t.Fatalf("%q %+v", data, info)
	}
}

func testRanges(t *testing.T, b blob.Blob) {
	put(t, b, "k", "0123456789")
	put(t, b, "empty", "")
	for _, c := range []struct {
		key  string
		rng  blob.Range
		want string
		err  error
	}{
		{"k", blob.Range{}, "0123456789", nil},
		{"k", blob.Range{From: 0, Length: 1}, "0", nil},
		{"k", blob.Range{From: 3, Length: 4}, "3456", nil},
		{"k", blob.Range{From: 9}, "9", nil},
		{"k", blob.Range{From: 5, Length: 100}, "56789", nil},
		{"k", blob.Range{From: 1, Length: math.MaxInt64}, "123456789", nil},
		{"k", blob.Range{From: 10}, "", blob.ErrRange},
		{"k", blob.Range{From: math.MaxInt64, Length: math.MaxInt64}, "", blob.ErrRange},
		{"k", blob.Range{From: -1}, "", blob.ErrRange},
		{"k", blob.Range{Length: -1}, "", blob.ErrRange},
		{"empty", blob.Range{}, "", nil},
		{"empty", blob.Range{Length: 1}, "", blob.ErrRange},
	} {
		r, info, err := b.Get(t.Context(), c.key, c.rng)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s %+v: %v", c.key, c.rng, err)
			continue
		}
		if err != nil {
			continue
		}
		data, err := io.ReadAll(r)
		ok(t, errors.Join(err, r.Close()))
		whole, err := b.Stat(t.Context(), c.key)
		ok(t, err)
		if string(data) != c.want || info.Size != whole.Size || info.ETag != whole.ETag {
			t.Errorf("%s %+v: %q %+v", c.key, c.rng, data, info)
		}
	}
}

func testMissing(t *testing.T, b blob.Blob) {
	put(t, b, "a/b", "x")
	for _, key := range []string{"none", "a", "a/b/c", "a/none", "A/B"} {
		_, _, err := b.Get(t.Context(), key, blob.Range{})
		is(t, err, blob.ErrNotFound)
		_, _, err = b.Get(t.Context(), key, blob.Range{From: 1})
		is(t, err, blob.ErrNotFound)
		_, err = b.Stat(t.Context(), key)
		is(t, err, blob.ErrNotFound)
		ok(t, b.Delete(t.Context(), key))
		if err != nil && !strings.Contains(err.Error(), key) {
			t.Fatalf("the error does not name the key: %v", err)
		}
	}
	if got := keys(t, b, "none", "", 0); len(got) != 0 {
		t.Fatalf("%v", got)
	}
}

// BadKeys are none, each for a reason of its own.
func BadKeys() []string {
	return []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "..a", ".tmp/a", "a/.hidden",
		"/etc/passwd", `a\b`, `..\a`, `C:\a`, "a\x00", "a\x00b", "\x00", "a\nb", "a\r\nX: y", "a b", "a\tb", " a", "a ",
		"a%2e%2e", "%2e%2e/a", "a+b", "a~", "a:b", "a*", "a?b", "a#b", "a&b", "a;b", "a|b", "$(a)", "`a`", "a'b", `a"b`, "<a>",
		"ä", "a\u0301", "\u202ea", "\ufeffa", "．．/a", "∕a", "a\u2215b", "\U0001f600", "\xff\xfe", "a\x80", "a\x7f",
		strings.Repeat("a", blob.MaxSegment+1), strings.Repeat("a/", blob.MaxKey), strings.Repeat("a", 1<<20), "a+blob",
	}
}

func testBadKeys(t *testing.T, b blob.Blob) {
	ctx := t.Context()
	put(t, b, "good", "x")
	unread := readerFunc(func([]byte) (int, error) { return 0, errors.New("read for a bad key") })
	for _, key := range BadKeys() {
		name := fmt.Sprintf("%.40q", key)
		_, err := b.Put(ctx, key, unread, blob.PutOptions{})
		_, _, errGet := b.Get(ctx, key, blob.Range{})
		_, errStat := b.Stat(ctx, key)
		_, errPresign := b.Presign(ctx, "GET", key, time.Minute)
		for call, err := range map[string]error{"put": err, "get": errGet, "stat": errStat, "presign": errPresign, "delete": b.Delete(ctx, "good", key)} {
			if !errors.Is(err, blob.ErrBadKey) {
				t.Errorf("%s %s: %v", call, name, err)
			}
		}
		if key == "" || strings.TrimSuffix(key, "/") == "a" {
			continue // good prefixes
		}
		if _, err := b.List(ctx, key, "", 0); !errors.Is(err, blob.ErrBadKey) {
			t.Errorf("list %s: %v", name, err)
		}
		if _, err := b.List(ctx, "", key, 0); !errors.Is(err, blob.ErrBadKey) {
			t.Errorf("list after %s: %v", name, err)
		}
	}
	if got := keys(t, b, "", "", 0); !slices.Equal(got, []string{"good"}) {
		t.Fatalf("there is now %q", got)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func testNeighbours(t *testing.T, b blob.Blob) {
	long := strings.Repeat("x", blob.MaxSegment)
	all := []string{"a/b/c", "a/b/c-d", "a/b/c.d", "a-b", "a.b", "a0", "A", "blob", "a/blob", "CON", "aux.mp4", "-rf", "_", "0", long, long[:10] + "/" + long + "/" + long, "a.tmp", "x..y"}
	for _, key := range all {
		put(t, b, key, key)
	}
	for _, key := range all {
		if data, _ := get(t, b, key, blob.Range{}); string(data) != key {
			t.Errorf("%s holds %s", key, data)
		}
	}
	slices.Sort(all)
	if got := keys(t, b, "", "", 0); !slices.Equal(got, all) {
		t.Fatalf("got %q\nwant %q", got, all)
	}
	ok(t, b.Delete(t.Context(), "a/b"))
	ok(t, b.Delete(t.Context(), "a/b/c"))
	if data, _ := get(t, b, "a/b/c-d", blob.Range{}); string(data) != "a/b/c-d" {
		t.Fatal("deleting took more with it")
	}
}

func testContentTypes(t *testing.T, b blob.Blob) {
	for _, good := range []string{"video/mp4", "text/html; charset=utf-8", "application/vnd.apple.mpegurl", `a/b; c="d e"`} {
		_, err := b.Put(t.Context(), "k", strings.NewReader("x"), blob.PutOptions{ContentType: good})
		ok(t, err)
		if _, info := get(t, b, "k", blob.Range{}); info.ContentType != good {
			t.Errorf("%q came back as %q", good, info.ContentType)
		}
	}
	put(t, b, "k", "x")
	if _, info := get(t, b, "k", blob.Range{}); info.ContentType != blob.DefaultContentType {
		t.Errorf("the default is %q", info.ContentType)
	}
	for _, bad := range []string{"video", "a/b\r\nX: y", "a/b\x00", "ä/b", "/", "a/b; c", "a/" + strings.Repeat("b", 300), "a b/c"} {
		_, err := b.Put(t.Context(), "k", strings.NewReader("y"), blob.PutOptions{ContentType: bad})
		is(t, err, blob.ErrContentType)
	}
	if data, _ := get(t, b, "k", blob.Range{}); string(data) != "x" {
		t.Fatal("stored with a bad content type")
	}
}

func testEnded(t *testing.T, b blob.Blob) {
	put(t, b, "k", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Put(ctx, "k", strings.NewReader("y"), blob.PutOptions{})
	is(t, err, context.Canceled)
	_, _, err = b.Get(ctx, "k", blob.Range{})
	is(t, err, context.Canceled)
	_, err = b.Stat(ctx, "k")
	is(t, err, context.Canceled)
	_, err = b.List(ctx, "", "", 0)
	is(t, err, context.Canceled)
	is(t, b.Delete(ctx, "k"), context.Canceled)
	is(t, b.Delete(ctx, "k", "l"), context.Canceled)
	if data, _ := get(t, b, "k", blob.Range{}); string(data) != "x" {
		t.Fatalf("it holds %q", data)
	}
}
