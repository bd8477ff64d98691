package vod_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"weir/media"
	"weir/packager/door"
)

// Everything of a recording is behind its door, and kept by the viewer alone.
func TestDoor(t *testing.T) {
	r := newRig(t)
	r.record(6*media.Second, nil)
	r.finish()
	var broken atomic.Bool
	r.handler.Door = func(_ context.Context, of string, b door.Bearer) error {
		switch {
		case broken.Load():
			return errors.New("no database")
		case of != id || b.Pass == "":
			return door.ErrHidden
		case b.Pass != "good":
			return door.Refusal{Words: "this pass has expired"}
		}
		return nil
	}
	for _, path := range []string{"index.m3u8", "manifest.mpd", "source/index.m3u8", "source/init0.mp4", "source/0.m4s", "download.mp4"} {
		if a := r.do("GET", id+"/"+path); a.status != 404 || string(a.body) != string(r.do("GET", "0197f3a0-0000-7000-8000-00000000000f/"+path).body) {
			t.Errorf("%s without a pass: %d %s", path, a.status, a.body)
		}
		if a := r.do("GET", "~bad/"+id+"/"+path); a.status != 403 || !strings.Contains(string(a.body), "expired") {
			t.Errorf("%s with a bad pass: %d %s", path, a.status, a.body)
		}
		for _, header := range [][]string{nil, {"Range", "bytes=0-9"}} {
			a := r.do("GET", "~good/"+id+"/"+path, header...)
			if cache := a.header.Get("Cache-Control"); a.status/100 != 2 || !strings.HasPrefix(cache, "private") || strings.Contains(cache, "public") || a.header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s with a pass: %d %v", path, a.status, a.header)
			}
		}
	}
	broken.Store(true)
	if a := r.do("GET", "~good/"+id+"/index.m3u8"); a.status != 503 || strings.Contains(string(a.body), "database") {
		t.Errorf("%d %s", a.status, a.body)
	}
}
