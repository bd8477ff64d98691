package origin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"

	"weir/media"
	"weir/packager/door"
	"weir/packager/window"
)

// shed is a store of segments, where the test lays them.
type shed struct {
	mu    sync.Mutex
	files map[string]string // by rendition and MSN
	down  error
}

func (s *shed) get(name string, from, length int64) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.files[name]
	switch {
	case s.down != nil:
		return "", s.down
	case !ok:
		return "", fs.ErrNotExist
	case length == 0:
		return data[from:], nil
	}
	return data[from : from+length], nil
}

// Segment implements origin.Store.
func (s *shed) Segment(ctx context.Context, rendition string, seg window.Segment, from, length int64) (io.ReadCloser, error) {
	data, err := s.get(fmt.Sprint(rendition, seg.MSN), from, length)
	return io.NopCloser(strings.NewReader(data)), errors.Join(err, ctx.Err())
}

// Init implements origin.Store.
func (s *shed) Init(_ context.Context, rendition string, n int) ([]byte, error) {
	data, err := s.get(fmt.Sprint(rendition, "init", n), 0, 0)
	return []byte(data), err
}

func (s *shed) set(down error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// TestAway reads what has no file any more: the same bytes under the same address, in
// pieces too, and with words while that does not work, which the live edge does not notice.
func TestAway(t *testing.T) {
	r, far := newRig(t), &shed{files: map[string]string{}}
	allowed := true
	r.stream.Store = far
	r.stream.Door = func(door.Bearer) (uint64, error) {
		if !allowed {
			return 0, door.ErrHidden
		}
		return 0, nil
	}
	r.handler.Add(r.stream)
	r.segments(12)
	var whole [12]string
	for i := range whole {
		whole[i] = r.get(fmt.Sprint(r.base, i, ".m4s")).body
		far.files[fmt.Sprint("source", i)] = whole[i]
	}
	var all []*window.Segment
	r.video.View(func(v *window.View) { all = append(all, v.Segments...) })
	for _, s := range all {
		r.video.Stored(s, fmt.Sprint("/nowhere/", s.MSN))
	}
	if gone := r.video.Release(8*media.Second, func(msn uint64) bool { return msn > 0 }); len(gone) != 7 || gone[0] != "/nowhere/1" {
		t.Fatalf("let go of %q", gone)
	}
	address := func(msn int) string { return fmt.Sprint(r.base, msn, ".m4s") }
	for msn := range 8 { // the first one's file was taken away behind our back
		a := r.get(address(msn))
		if a.status != 200 || a.body != whole[msn] || !strings.Contains(a.header.Get("Cache-Control"), "immutable") || a.header.Get("Content-Length") != fmt.Sprint(len(whole[msn])) {
			t.Errorf("%d: %d, %d bytes, %v", msn, a.status, len(a.body), a.header)
		}
		if d := r.get(fmt.Sprint(r.base, "d0-", msn, ".m4s")); d.body != whole[msn] {
			t.Errorf("DASH %d: %d, %d bytes", msn, d.status, len(d.body))
		}
	}
	size := len(whole[3])
	for spec, want := range map[string]struct {
		status   int
		from, to int
	}{
		"bytes=0-":         {206, 0, size},
		"bytes=5-9":        {206, 5, 10},
		"bytes=-4":         {206, size - 4, size},
		"bytes=9-99999999": {206, 9, size},
		"bytes=1-2,4-5":    {200, 0, size},
		"bytes=9-5":        {200, 0, size},
		"lines=1-2":        {200, 0, size},
		"bytes=-":          {200, 0, size},
		"bytes=99999999-":  {416, 0, 0},
		"bytes=-0":         {416, 0, 0},
	} {
		a := r.get(address(3), "Range", spec)
		if a.status != want.status || a.status != 416 && a.body != whole[3][want.from:want.to] {
			t.Errorf("%s: %d, %d bytes", spec, a.status, len(a.body))
		}
		if got, want := a.header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/%d", want.from, want.to-1, size); a.status == 206 && got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
	far.set(errors.New("no route to host"))
	for _, header := range [][]string{nil, {"Range", "bytes=5-9"}} {
		if a := r.get(address(3), header...); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "try again") || strings.Contains(a.body, "route") {
			t.Errorf("while the store is away: %d %q %v", a.status, a.body, a.header)
		}
	}
	r.open(true)
	r.add()
	if a := r.get(fmt.Sprint(r.base, "12.0.m4s")); a.status != 200 {
		t.Errorf("the live edge while the store is away: %d", a.status)
	}
	far.set(nil)
	if a := r.get(address(3)); a.status != 200 || a.body != whole[3] {
		t.Errorf("when it is back: %d, %d bytes", a.status, len(a.body))
	}
	delete(far.files, "source3")
	if a := r.get(address(3)); a.status != 404 {
		t.Errorf("what was deleted there: %d", a.status)
	}
	allowed = false
	if a := r.get(address(4)); a.status != 404 {
		t.Errorf("for who may not watch: %d", a.status)
	}
}
