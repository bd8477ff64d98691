package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"weir/services/backing/blob"
)

func testList(t *testing.T, b blob.Blob) {
	all := []string{"live/a-b/1", "live/a.b/1", "live/a/1", "live/a/2", "live/a/sub/1", "live/a0/1", "live/b/1", "vod/1"}
	for _, key := range all {
		put(t, b, key, "x")
	}
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          []string
	}{
		{"", "", 0, all},
		{"", "", -1, all},
		{"", "", 1 << 30, all},
		{"", "", 3, all[:3]},
		{"live/a/", "", 0, all[2:5]},
		{"live/a", "", 0, all[:6]},
		{"live/a/s", "", 0, all[4:5]},
		{"live/a/sub/1", "", 0, all[4:5]},
		{"live/c", "", 0, nil},
		{"vod/", "", 0, all[7:]},
		{"vod", "vod/1", 0, nil},
		{"", "live/a/1", 0, all[3:]},
		{"", "live/a/1", 2, all[3:5]},
		{"", "live/a", 0, all},
		{"", "live/a/", 0, all[2:]},
		{"", "live/a/none", 0, all[4:]},
		{"", "live/a/sub", 0, all[4:]},
		{"live/a/", "live/a/2", 0, all[4:5]},
		{"live/", "zzz", 0, nil},
		{"live/b", "a", 0, all[6:7]},
	} {
		if got := keys(t, b, c.prefix, c.after, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("prefix %q after %q limit %d:\n got %q\nwant %q", c.prefix, c.after, c.limit, got, c.want)
		}
	}
	infos, err := b.List(t.Context(), "vod/", "", 0)
	ok(t, err)
	stat, err := b.Stat(t.Context(), "vod/1")
	ok(t, err)
	if o := infos[0]; o.Size != 1 || o.ETag != stat.ETag || o.ModTime.IsZero() || o.ContentType != "" {
		t.Fatalf("listed as %+v, is %+v", o, stat)
	}
}

func testPages(t *testing.T, b blob.Blob) {
	const n = 550 // more than a page, and more than is read of a folder at once
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("p/%d", i), fmt.Sprintf("p/%d-/x", i))
	}
	slices.Sort(all)
	inParallel(t, all, func(key string) error {
		_, err := b.Put(t.Context(), key, strings.NewReader("x"), blob.PutOptions{})
		return err
	})
	for _, limit := range []int{0, 377} {
		var got []string
		after := ""
		for {
			page := keys(t, b, "p/", after, limit)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = page[len(page)-1]
		}
		if !slices.Equal(got, all) {
			t.Fatalf("pages of %d: %d keys of %d", limit, len(got), len(all))
		}
	}
	ok(t, b.Delete(t.Context(), all...))
	if got := keys(t, b, "", "", 0); len(got) != 0 {
		t.Fatalf("%d are left", len(got))
	}
}

// inParallel calls f for each of the keys, from eight goroutines.
func inParallel(t *testing.T, keys []string, f func(string) error) {
	t.Helper()
	const workers = 8
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(keys) && errs[w] == nil; i += workers {
				errs[w] = f(keys[i])
			}
		})
	}
	wg.Wait()
	ok(t, errors.Join(errs...))
}

func testDelete(t *testing.T, b blob.Blob) {
	for _, key := range []string{"d/1", "d/2", "d/e/3", "keep"} {
		put(t, b, key, "x")
	}
	ok(t, b.Delete(t.Context()))
	ok(t, b.Delete(t.Context(), "d/1"))
	ok(t, b.Delete(t.Context(), "d/1"))
	ok(t, b.Delete(t.Context(), "d/2", "d/none", "d/2", "d/e/3"))
	if got := keys(t, b, "", "", 0); !slices.Equal(got, []string{"keep"}) {
		t.Fatalf("left: %q", got)
	}
	put(t, b, "d", "a name that others began with")
	ok(t, b.Delete(t.Context(), "d"))
	put(t, b, "d/e", "again")
	if data, _ := get(t, b, "d/e", blob.Range{}); string(data) != "again" {
		t.Fatalf("%q", data)
	}
}

func testAnnounced(t *testing.T, b blob.Blob) {
	put(t, b, "k", "old")
	for _, size := range []int{10, 9 << 20} {
		for _, off := range []int{-3, -1, 1, 3, 8 << 20} {
			if size+off <= 0 {
				continue
			}
			_, err := b.Put(t.Context(), "k", stream{bytes.NewReader(noise(size))}, blob.PutOptions{Size: int64(size + off)})
			is(t, err, blob.ErrSize)
		}
	}
	_, err := b.Put(t.Context(), "k", strings.NewReader(""), blob.PutOptions{Size: -1})
	is(t, err, blob.ErrSize)
	if data, _ := get(t, b, "k", blob.Range{}); string(data) != "old" {
		t.Fatalf("it holds %.20q", data)
	}
}

func testInterrupted(t *testing.T, b blob.Blob) {
	for _, size := range []int{0, 100, 8 << 20, 17 << 20} {
		ends := []error{io.ErrUnexpectedEOF, errors.New("the uploader left"), fmt.Errorf("wrapped: %w", io.EOF), http.ErrBodyReadAfterClose}
		if size > 100 {
			ends = ends[:1] // an HTTP body that broke off
		}
		for _, end := range ends {
			for _, announced := range []int64{0, 20 << 20} {
				r := io.MultiReader(bytes.NewReader(noise(size)), iotest.ErrReader(end))
				_, err := b.Put(t.Context(), "new", r, blob.PutOptions{Size: announced})
				is(t, err, end)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		r := io.MultiReader(bytes.NewReader(noise(size)), readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }))
		_, err := b.Put(ctx, "new", r, blob.PutOptions{})
		is(t, err, context.Canceled)
	}
	_, err := b.Stat(t.Context(), "new")
	is(t, err, blob.ErrNotFound)
	if got := keys(t, b, "", "", 0); len(got) != 0 {
		t.Fatalf("there is %q", got)
	}
}

// testOldOrNew reads while others write: all bytes that are read are of one version.
func testOldOrNew(t *testing.T, b blob.Blob) {
	const versions, size = 12, 300_000
	version := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, size+i) }
	_, err := b.Put(t.Context(), "k", bytes.NewReader(version(0)), blob.PutOptions{})
	ok(t, err)
	var readers, writers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				if err := readOne(t.Context(), b, size); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for w := range 3 {
		writers.Go(func() {
			for i := w; i < versions; i += 3 {
				if _, err := b.Put(t.Context(), "k", stream{bytes.NewReader(version(i))}, blob.PutOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}

// readOne reads the object, whose bytes are all the same, and whose size tells which.
func readOne(ctx context.Context, b blob.Blob, size int) error {
	r, info, err := b.Get(ctx, "k", blob.Range{})
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	want := byte('a' + len(data) - size)
	if info.Size != int64(len(data)) || bytes.Count(data, []byte{want}) != len(data) {
		return fmt.Errorf("a mix: %d bytes of %d, begins %c, ends %c", len(data), info.Size, data[0], data[len(data)-1])
	}
	return nil
}

// testContention writes and removes in one folder at once: no call fails, nothing is
// half there.
func testContention(t *testing.T, b blob.Blob) {
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			key := fmt.Sprintf("deep/er/%d", w%3)
			for range 30 {
				if _, err := b.Put(t.Context(), key, strings.NewReader(key), blob.PutOptions{}); err != nil {
					t.Error(err)
				}
				if err := b.Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
				infos, err := b.List(t.Context(), "deep/", "", 0)
				if err != nil {
					t.Error(err)
				}
				for _, o := range infos {
					if o.Size != int64(len(key)) {
						t.Errorf("listed %+v", o)
					}
				}
			}
		})
	}
	wg.Wait()
	if got := keys(t, b, "", "", 0); len(got) != 0 {
		t.Fatalf("left: %q", got)
	}
}

func testPresign(t *testing.T, b blob.Blob) {
	put(t, b, "k", "hello")
	for _, method := range []string{http.MethodDelete, "", "get", "GET\r\nX: y"} {
		_, err := b.Presign(t.Context(), method, "k", time.Minute)
		is(t, err, blob.ErrUnsupported)
	}
	u, err := b.Presign(t.Context(), http.MethodGet, "k", time.Minute)
	if errors.Is(err, blob.ErrUnsupported) {
		return
	}
	ok(t, err)
	if status, body := call(t, http.MethodGet, u, ""); status != http.StatusOK || body != "hello" {
		t.Fatalf("GET: %d %q", status, body)
	}
	if status, _ := call(t, http.MethodPut, u, "x"); status != http.StatusForbidden {
		t.Fatalf("PUT with the address of a GET: %d", status)
	}
	if status, _ := call(t, http.MethodGet, strings.Replace(u, "/k?", "/other?", 1), ""); status != http.StatusForbidden {
		t.Fatalf("GET of another object: %d", status)
	}
	u, err = b.Presign(t.Context(), http.MethodPut, "up", time.Minute)
	ok(t, err)
	if status, _ := call(t, http.MethodPut, u, "uploaded"); status != http.StatusOK {
		t.Fatalf("PUT: %d", status)
	}
	if data, _ := get(t, b, "up", blob.Range{}); string(data) != "uploaded" {
		t.Fatalf("%q", data)
	}
	for _, ttl := range []time.Duration{0, -time.Second, 8 * 24 * time.Hour} {
		if _, err := b.Presign(t.Context(), http.MethodGet, "k", ttl); err == nil {
			t.Errorf("an address for %v", ttl)
		}
	}
}

func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	q, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	ok(t, err)
	r, err := transport.RoundTrip(q)
	ok(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	ok(t, err)
	return r.StatusCode, string(b)
}
