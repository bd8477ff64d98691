//go:build servers || soak

package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/services/backing/blob/blobtest"
)

// switchboard is a TCP proxy that can be off: then nobody gets through it.
type switchboard struct {
	listener net.Listener
	to       string
	wait     sync.WaitGroup

	mu    sync.Mutex
	off   bool
	conns map[net.Conn]bool
}

func startSwitchboard(t *testing.T, to string) *switchboard {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &switchboard{listener: l, to: to, conns: map[net.Conn]bool{}}
	s.wait.Go(s.accept)
	t.Cleanup(func() {
		l.Close()
		s.turn(true)
		s.wait.Wait()
	})
	return s
}

// turn cuts all connections and refuses new ones, or lets them through.
func (s *switchboard) turn(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = off
	if off {
		for c := range s.conns {
			c.Close()
		}
	}
}

// keep takes a connection that turn can cut; false while it is off.
func (s *switchboard) keep(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off {
		c.Close()
		return false
	}
	s.conns[c] = true
	return true
}

func (s *switchboard) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.keep(c) {
			continue
		}
		s.wait.Go(func() { s.forward(c) })
	}
}

func (s *switchboard) forward(c net.Conn) {
	defer c.Close()
	far, err := net.Dial("tcp", s.to)
	if err != nil || !s.keep(far) {
		return
	}
	defer far.Close()
	s.wait.Go(func() {
		defer far.Close()
		_, _ = io.Copy(far, c) // until either end is closed
	})
	_, _ = io.Copy(c, far)
}

// TestRecordingOutage takes the object store away in the middle of a recording, of which
// viewers read what is far back.
func TestRecordingOutage(t *testing.T) {
	t.Parallel()
	recordThroughOutage(t, 5*time.Second)
}

func recordThroughOutage(t *testing.T, outage time.Duration) {
	c := blobtest.Bucket(t)
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	store := startSwitchboard(t, u.Host)
	s := startStation(t, "WEIR_RECORD=all", "WEIR_S3_ENDPOINT=http://"+store.listener.Addr().String(), "WEIR_S3_BUCKET="+c.Bucket,
		"WEIR_S3_ACCESS_KEY="+c.AccessKey, "WEIR_S3_SECRET_KEY="+c.SecretKey, "WEIR_DVR_LOCAL=1s")
	ctx, cancel := context.WithTimeout(t.Context(), patience+outage)
	defer cancel()
	o := air(t, s, "kept")
	v, err := s.view(ctx, "kept")
	if err != nil {
		t.Fatal(err)
	}
	m, err := v.until(ctx, v.pictures[0], closedSegments(7))
	if err != nil {
		t.Fatal(err)
	}
	old := s.rewound(ctx, t, resolve(v.pictures[0], m.Segments[5].URI))
	store.turn(true)
	old.check(ctx, http.StatusServiceUnavailable)
	began := time.Now()
	spool := filepath.Join(s.dir, spoolFolder)
	live, err := v.until(ctx, v.pictures[0], func(*playlist.Media) bool { return time.Since(began) > outage })
	if err != nil {
		t.Fatalf("the stream stopped: %v", err)
	}
	if err := v.check(ctx); err != nil {
		t.Errorf("the stream suffers: %v", err)
	}
	waiting := filesBelow(t, spool)
	old.check(ctx, http.StatusServiceUnavailable)
	store.turn(false)
	old.check(ctx, http.StatusOK)
	if len(waiting) < 3 {
		t.Errorf("in the spool were %v", waiting)
	}
	id, _, _ := strings.Cut(waiting[0], "/")
	if err := o.leave(); err != nil {
		t.Fatal(err)
	}
	m = s.recorded(ctx, t, id, "source")
	last := live.Segments[len(live.Segments)-1]
	if want := last.DateTime.Add(last.Duration).Sub(*m.Segments[0].DateTime); length(m) < want-10*time.Millisecond || discontinuities(m) > 0 {
		t.Errorf("%v are recorded with %d holes, %v could be seen", length(m), discontinuities(m), want)
	}
	for _, x := range m.Segments {
		if _, err := s.must(ctx, "/vod/"+id+"/source/"+x.URI); err != nil || x.Gap {
			t.Errorf("%+v: %v", x, err)
		}
	}
	empty(t, spool)
	if r := s.stop(); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// rewound reads a segment, and waits until its file is gone.
func (s *station) rewound(ctx context.Context, t *testing.T, u string) *rewinding {
	t.Helper()
	text, err := s.must(ctx, u)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, liveFolder, strings.SplitN(u, "/live/", 2)[1])
	eventually(t, "the end of "+file, func() bool {
		_, err := os.Stat(file)
		return errors.Is(err, fs.ErrNotExist)
	})
	r := &rewinding{t, s, u, text}
	r.check(ctx, http.StatusOK)
	return r
}
