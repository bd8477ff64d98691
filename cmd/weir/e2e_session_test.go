package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/media"
	"weir/media/rtmp"
)

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func closedSegments(n int) func(*playlist.Media) bool {
	return func(m *playlist.Media) bool { return m.MediaSequence+len(m.Segments) >= n }
}

// A publisher that drops and returns goes on with the session that its viewers
// have; one that says goodbye ends it. With a slate their playlists go on meanwhile.
func TestPublisherReturns(t *testing.T) {
	t.Parallel()
	for _, slate := range []bool{false, true} {
		t.Run(fmt.Sprintf("slate=%v", slate), func(t *testing.T) {
			t.Parallel()
			publisherReturns(t, slate)
		})
	}
}

func publisherReturns(t *testing.T, slate bool) {
	s, ctx := startStation(t, fmt.Sprintf("WEIR_SLATE=%v", slate)), limited(t)
	first := air(t, s, "back")
	v, err := s.view(ctx, "back")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.until(ctx, v.pictures[0], closedSegments(6)); err != nil {
		t.Fatal(err)
	}
	first.vanish()
	breaks := 1
	if slate {
		breaks = 2
		for _, u := range v.all() {
			if _, err := v.until(ctx, u, func(m *playlist.Media) bool {
				last := len(m.Segments) - 1
				return discontinuities(m) == 1 && !m.Segments[last].Discontinuity && !m.Segments[last-1].Discontinuity
			}); err != nil {
				t.Fatalf("no slate in %s: %v", u, err)
			}
		}
		if mpd, err := s.must(ctx, "/live/back/manifest.mpd"); err != nil || !strings.Contains(mpd, "/d0-$Number$.m4s") || !strings.Contains(mpd, "/d1-$Number$.m4s") {
			t.Errorf("the slate has the addresses of what was before it: %v\n%s", err, mpd)
		}
	}
	second := air(t, s, "back")
	for _, u := range v.all() {
		if _, err := v.until(ctx, u, func(m *playlist.Media) bool { return discontinuities(m) == breaks }); err != nil {
			t.Fatalf("no discontinuity in %s: %v", u, err)
		}
	}
	if err := v.check(ctx); err != nil {
		t.Error(err)
	}
	again, err := s.view(ctx, "back")
	if err != nil || epoch(again.pictures[0]) != epoch(v.pictures[0]) {
		t.Errorf("another session: %v, %v and %v", err, again, v)
	}
	if err := second.leave(); err != nil {
		t.Error(err)
	}
	for _, u := range v.all() {
		if _, err := v.until(ctx, u, func(m *playlist.Media) bool { return m.Endlist }); err != nil {
			t.Errorf("no end in %s: %v", u, err)
		}
	}
	third := air(t, s, "back")
	fresh, err := s.view(ctx, "back")
	if err != nil || epoch(fresh.pictures[0]) == epoch(v.pictures[0]) {
		t.Errorf("not another session after the goodbye: %v", err)
	}
	third.vanish()
}

// A publisher that drops and does not return ends the stream after the window.
func TestPublisherStaysAway(t *testing.T) {
	t.Parallel()
	s, ctx := startStation(t, "WEIR_RECONNECT=300ms"), limited(t)
	o := air(t, s, "gone")
	v, err := s.view(ctx, "gone")
	if err != nil {
		t.Fatal(err)
	}
	o.vanish()
	if _, err := v.until(ctx, v.pictures[0], func(m *playlist.Media) bool { return m.Endlist }); err != nil {
		t.Error(err)
	}
}

// A picture that comes after the sound begins the stream anew, with both: who has the sound
// alone gets its end.
func TestPictureComesLate(t *testing.T) {
	t.Parallel()
	s, ctx := startStation(t), limited(t)
	x, err := record()
	if err != nil {
		t.Fatal(err)
	}
	heard := &tape{tracks: x.tracks[1:], length: x.length}
	for _, p := range x.packets {
		if p.Kind() == media.Audio {
			heard.packets = append(heard.packets, p)
		}
	}
	c, done := mustCast(t, s, "late"), make(chan error, 1)
	playing, stop := context.WithCancel(ctx)
	go func() {
		err := c.roll(playing, heard, 0, 4*time.Second)
		if err == nil {
			err = c.roll(playing, x, 4000, 0)
		}
		done <- err
	}()
	v, err := s.view(ctx, "late")
	if err != nil || len(v.pictures) != 1 || v.sound != "" {
		t.Fatalf("the sound alone: %v %+v", err, v)
	}
	if _, err := v.until(ctx, v.pictures[0], func(m *playlist.Media) bool { return m.Endlist }); err != nil {
		t.Errorf("no end of the sound alone: %v", err)
	}
	var both *viewing
	eventually(t, "a picture", func() bool {
		both, err = s.view(ctx, "late")
		return err == nil && both.sound != ""
	})
	if _, err := both.until(ctx, both.pictures[0], closedSegments(5)); err != nil {
		t.Error(err)
	}
	if err := both.check(ctx); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	c.cut()
}

// Who may not publish is told so in RTMP's own words before anything is granted.
func TestRefusedPublishers(t *testing.T) {
	t.Parallel()
	s := startStation(t, "WEIR_PUBLISH=key")
	refused := func(what, key, words string) {
		t.Helper()
		c, err := dialCaster(t, s, key)
		if !errors.Is(err, rtmp.ErrRefused) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", what, err)
		}
		if !c.wire.heard("NetStream.Publish.BadName") || c.wire.heard("NetStream.Publish.Start") {
			t.Errorf("%s: the server said %q", what, c.wire.read.String())
		}
	}
	refused("wrong key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "not valid")
	refused("name for a key", "main", "not valid")
	first := air(t, s, s.key)
	refused("second publisher", s.key, "already")
	first.vanish()

	env := []string{"WEIR_DATA_DIR=" + s.dir}
	made := weir(t.Context(), env, "key", "create", "studio")
	key := strings.TrimSpace(made.stdout)
	air(t, s, key).vanish()
	list := weir(t.Context(), env, "key", "list")
	if r := weir(t.Context(), env, "key", "revoke", find(t, `(?m)^([0-9a-f-]{36})  studio`, list.stdout)); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	refused("revoked key", key, "was revoked")
	if r := s.stop(); strings.Contains(r.stderr, key) || strings.Contains(r.stderr, s.key) {
		t.Error("a key is in the log")
	}
}

// With WEIR_TAKEOVER a second publisher replaces the first, and viewers stay.
func TestTakeover(t *testing.T) {
	t.Parallel()
	s, ctx := startStation(t, "WEIR_TAKEOVER=true"), limited(t)
	first := air(t, s, "stage")
	v, err := s.view(ctx, "stage")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.until(ctx, v.pictures[0], closedSegments(4)); err != nil {
		t.Fatal(err)
	}
	second := air(t, s, "stage")
	if first.lost(t) == nil {
		t.Error("the first publisher was not told")
	}
	if _, err := v.until(ctx, v.pictures[0], func(m *playlist.Media) bool { return discontinuities(m) == 1 }); err != nil {
		t.Error(err)
	}
	if err := second.leave(); err != nil {
		t.Error(err)
	}
}

// Who asks for a stream before it is there gets it as soon as it is; who asks for
// one that never comes is told so.
func TestEarlyViewers(t *testing.T) {
	t.Parallel()
	s, ctx := startStation(t), limited(t)
	never := make(chan int, 1)
	go func() {
		status, _, err := s.get(ctx, "/live/nobody/index.m3u8")
		if err != nil {
			t.Error(err)
		}
		never <- status
	}()
	type answer struct {
		body string
		err  error
	}
	files := map[string]string{"index.m3u8": "#EXT-X-STREAM-INF", "manifest.mpd": "<Period"}
	early := map[string]chan answer{}
	for file := range files {
		early[file] = make(chan answer, 1)
		go func() {
			body, err := s.must(ctx, "/live/soon/"+file)
			early[file] <- answer{body, err}
		}()
	}
	o := air(t, s, "soon")
	for file, want := range files {
		if a := <-early[file]; a.err != nil || !strings.Contains(a.body, want) {
			t.Errorf("%s: %v %q", file, a.err, a.body)
		}
	}
	if picture, err := s.must(ctx, "/live/soon/thumb.jpg"); err != nil || !strings.HasPrefix(picture, "\xff\xd8\xff") {
		t.Errorf("thumb.jpg: %v %.20q", err, picture)
	}
	if list, err := s.must(ctx, "/api/v1/streams"); err != nil || !strings.Contains(list, `"name":"soon"`) {
		t.Errorf("streams: %v %s", err, list)
	}
	o.vanish()
	if status := <-never; status != 404 {
		t.Errorf("a name that never is: %d", status)
	}
}

// SIGTERM ends streams cleanly: the publisher is let go, the last segment is on
// the disk, the exit code is 0.
func TestSignal(t *testing.T) {
	t.Parallel()
	c, ctx := startChild(t, nil), limited(t)
	o := air(t, c.station, "till-the-end")
	v, err := c.view(ctx, "till-the-end")
	if err != nil {
		t.Fatal(err)
	}
	m, err := v.until(ctx, v.pictures[0], closedSegments(5))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	r := c.stop()
	if r.code != 0 || strings.Contains(r.stderr, `"ERROR"`) || !strings.Contains(r.stderr, `"stream ended"`) || !strings.Contains(r.stderr, `"stopped"`) {
		t.Errorf("%d after %v:\n%s", r.code, time.Since(start), r.stderr)
	}
	if o.lost(t) == nil {
		t.Error("the publisher was not told")
	}
	last := m.MediaSequence + len(m.Segments) // was open then, or is whole by now
	if files := stored(t, c.dir); len(files) <= last-m.MediaSequence {
		t.Errorf("%d files, segment %d was under way", len(files), last)
	}
}

// stored lists the segments of pictures below a data folder.
func stored(t *testing.T, dir string) (files []string) {
	t.Helper()
	walk(t, os.DirFS(dir), func(path string) {
		if strings.Contains(path, "/source/") && strings.HasSuffix(path, ".m4s") {
			files = append(files, path)
		}
	})
	return files
}

// TestBehindProxy: a trusted proxy in front of RTMP and RTSP says who connects, and that
// counts for the cap of an address; nobody else is believed. So it is for players.
func TestBehindProxy(t *testing.T) {
	for name, trusted := range map[string]bool{"trusted": true, "not trusted": false} {
		t.Run(name, func(t *testing.T) {
			playRTMP, playRTSP := freePort(t), freePort(t)
			settings := []string{"WEIR_MAX_CONNS_PER_IP=1", "WEIR_RTMP_PLAY_ADDR=" + playRTMP, "WEIR_RTSP_PLAY_ADDR=" + playRTSP}
			if trusted {
				settings = append(settings, "WEIR_TRUSTED_PROXIES=10.0.0.0/8,127.0.0.1")
			}
			s := startStation(t, settings...)
			publish := func(at, from, name string) error {
				conn, err := net.Dial("tcp", at)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				if _, err := io.WriteString(conn, "PROXY TCP4 "+from+" 10.0.0.1 4660 1935\r\n"); err != nil {
					t.Fatal(err)
				}
				_, err = rtmp.NewClient(conn, rtmp.Target{App: "live", Key: name}, rtmp.Limits{})
				return err
			}
			one, two := publish(s.rtmp, "203.0.113.9", "one"), publish(s.rtmp, "203.0.113.10", "two")
			if (one == nil) != trusted || (two == nil) != trusted {
				t.Errorf("two addresses: %v and %v", one, two)
			}
			if err := publish(s.rtmp, "203.0.113.9", "three"); err == nil {
				t.Error("a second one of an address that may have one")
			}
			if err := publish(playRTMP, "203.0.113.9", "one"); errors.Is(err, rtmp.ErrRefused) != trusted {
				t.Errorf("at the port of players, which refuses in words: %v", err)
			}
			greeted := func(at, from string) bool {
				conn, err := net.Dial("tcp", at)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				_ = conn.SetDeadline(time.Now().Add(patience))
				if _, err := io.WriteString(conn, "PROXY TCP4 "+from+" 10.0.0.1 4660 8554\r\nOPTIONS rtsp://weir/live RTSP/1.0\r\nCSeq: 1\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				answer := make([]byte, len("RTSP/1.0 200"))
				_, _ = io.ReadFull(conn, answer) // the connection may end instead
				return string(answer) == "RTSP/1.0 200"
			}
			// Who is not believed has one connection, of the address that it comes from.
			if one, two := greeted(s.rtsp, "203.0.113.9"), greeted(s.rtsp, "203.0.113.10"); trusted && !one || two != trusted {
				t.Errorf("RTSP, two addresses: %v and %v", one, two)
			}
			if greeted(s.rtsp, "203.0.113.9") {
				t.Error("RTSP: a second one of an address that may have one")
			}
			for range 100 { // as many players as an address may have
				greeted(playRTSP, "203.0.113.9")
			}
			if greeted(playRTSP, "203.0.113.10") != trusted {
				t.Errorf("RTSP: a player of another address is greeted: %v", !trusted)
			}
			if log := s.stop().stderr; strings.Contains(log, `"peer":"203.0.113.9:4660"`) != trusted {
				t.Errorf("log: %s", log)
			}
		})
	}
}
