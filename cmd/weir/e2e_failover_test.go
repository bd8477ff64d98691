package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/ingest"
	"weir/services/live"
)

// follower is a player of one media playlist that never reads the multivariant playlist
// again: what it sees has to go on under the same address.
type follower struct {
	station *station
	url     string
	last    *playlist.Media
	at      time.Time // of last
	pause   time.Duration
}

// until follows, over failures as players do, until the newest playlist satisfies.
func (f *follower) until(ctx context.Context, satisfied func(*playlist.Media) bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		u := f.url
		if f.last != nil {
			u += "?" + url.Values{"_HLS_msn": {strconv.Itoa(f.last.MediaSequence + len(f.last.Segments))}, "_HLS_part": {strconv.Itoa(len(f.last.Parts))}}.Encode()
		}
		status, text, err := f.station.get(ctx, u)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil, status == http.StatusServiceUnavailable:
			<-tick.C
			continue
		case status != http.StatusOK:
			return errors.New("a player gives up after " + strconv.Itoa(status) + " " + text)
		}
		m := new(playlist.Media)
		if err := m.Unmarshal([]byte(text)); err != nil {
			return err
		}
		if err := f.follows(m); err != nil {
			return errors.Join(err, errors.New(text))
		}
		if satisfied(m) {
			return nil
		}
		if m.Endlist {
			return errors.New("the stream ended first")
		}
	}
}

// follows holds that a playlist may come after the last.
func (f *follower) follows(m *playlist.Media) error {
	old, now := f.last, time.Now()
	f.last = m
	if old == nil {
		f.at = now
		return checkMedia(m, rounded)
	}
	f.pause, f.at = max(f.pause, now.Sub(f.at)), now
	switch {
	case m.MediaSequence < old.MediaSequence, m.MediaSequence+len(m.Segments) < old.MediaSequence+len(old.Segments):
		return errors.New("sequence numbers went back")
	case m.TargetDuration != old.TargetDuration || m.PartInf.PartTarget != old.PartInf.PartTarget:
		return errors.New("the target durations have changed")
	case m.DiscontinuitySequence != nil && old.DiscontinuitySequence != nil && *m.DiscontinuitySequence < *old.DiscontinuitySequence:
		return errors.New("the discontinuity sequence went back")
	}
	return checkMedia(m, rounded)
}

// follow watches a stream until there is something that can be lost.
func follow(ctx context.Context, t *testing.T, s *station, name string) *follower {
	t.Helper()
	v, err := s.view(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{station: s, url: v.pictures[0]}
	if err := f.until(ctx, closedSegments(8)); err != nil {
		t.Fatal(err)
	}
	return f
}

// gaps is how many segments at the beginning of a playlist are those of another process: up to
// the last gap or, without any, to the discontinuity with which this one began.
func gaps(m *playlist.Media) (n int) {
	for i, s := range m.Segments {
		if s.Gap {
			n = i + 1
		}
	}
	if n == 0 {
		n = max(0, slices.IndexFunc(m.Segments, func(s *playlist.MediaSegment) bool { return s.Discontinuity }))
	}
	return n
}

// rewinding is a segment of a live stream that another process made, or that has no file any more.
type rewinding struct {
	t       *testing.T
	station *station
	url     string
	bytes   string
}

// check holds that the segment is answered for with a status, and the bytes that it had.
func (r *rewinding) check(ctx context.Context, want int) {
	r.t.Helper()
	status, text, err := r.station.get(ctx, r.url)
	if err != nil || status != want || status == http.StatusOK && text != r.bytes {
		r.t.Errorf("%s: %d (%v), %d bytes, want %d and the %d bytes that it had", r.url, status, err, len(text), want, len(r.bytes))
	}
}

// seen is the newest segment but one that a follower was told of.
func (f *follower) seen(ctx context.Context, t *testing.T) *rewinding {
	t.Helper()
	u := resolve(f.url, f.last.Segments[len(f.last.Segments)-2].URI)
	text, err := f.station.must(ctx, u)
	if err != nil {
		t.Fatal(err)
	}
	return &rewinding{t, f.station, u, text}
}

// wentOn wants media that came after before, behind a discontinuity, and a playlist that
// begins within the one before: else hls.js does not know where it belongs.
func wentOn(ctx context.Context, t *testing.T, f *follower, before *playlist.Media) {
	t.Helper()
	most, last := before.MediaSequence+len(before.Segments), before
	if err := f.until(ctx, func(m *playlist.Media) bool {
		if m.MediaSequence+gaps(m) < most {
			last = m
			return false
		}
		if m.MediaSequence > last.MediaSequence+len(last.Segments) {
			t.Errorf("segments %d to %d are not listed", last.MediaSequence+len(last.Segments), m.MediaSequence-1)
		}
		last = m
		return len(m.Segments)-gaps(m) > 2
	}); err != nil {
		t.Fatal(err)
	}
	x, old := f.last.Segments[gaps(f.last)], before.Segments[len(before.Segments)-1]
	if !x.Discontinuity && f.last.DiscontinuitySequence == nil || x.DateTime.Before(old.DateTime.Add(old.Duration)) {
		t.Errorf("the first segment is of %v, with a discontinuity %v, after one of %v", x.DateTime, x.Discontinuity, old.DateTime)
	}
	if _, err := f.station.must(ctx, resolve(f.url, x.URI)); err != nil {
		t.Error(err)
	}
	if _, err := f.station.must(ctx, resolve(f.url, f.last.Map.URI)); err != nil {
		t.Error(err)
	}
}

// ownedChannel is a channel as its owner sees it.
type ownedChannel struct {
	who *person
	id  string
}

// channelAt makes one, asked of a node.
func channelAt(t *testing.T, web, password, name string) *ownedChannel {
	t.Helper()
	c := &ownedChannel{who: &person{t: t, web: web}}
	c.who.signIn("admin", password)
	var x struct{ ID string }
	if status := c.who.ask(http.MethodPost, "channels", object{"name": name}, &x); status != http.StatusCreated {
		t.Fatalf("no channel: %d", status)
	}
	c.id = x.ID
	return c
}

func (c *ownedChannel) sessions(t *testing.T) []live.SessionView {
	t.Helper()
	var list struct{ Items []live.SessionView }
	if status := c.who.ask(http.MethodGet, "channels/"+c.id+"/sessions", nil, &list); status != http.StatusOK {
		t.Errorf("sessions: %d", status)
	}
	return list.Items
}

// ended waits for the end of the only session, and for its only recording, which has what
// was seen of the stream at the process before, the newest excepted, and what came after.
func (c *ownedChannel) ended(t *testing.T, s *station, before *playlist.Media) {
	t.Helper()
	ctx := limited(t)
	eventually(t, "the end in the history", func() bool {
		x := c.sessions(t)
		return len(x) == 1 && x[0].State == live.Ended && x[0].Reason == ingest.ErrGoodbye.Error() && x[0].Stats.Frames > 0
	})
	var list struct{ Items []live.RecordingView }
	eventually(t, "the recording", func() bool {
		c.who.ask(http.MethodGet, "channels/"+c.id+"/recordings", nil, &list)
		return len(list.Items) > 0 && list.Items[0].State == live.Ready
	})
	x := list.Items[0]
	if len(list.Items) != 1 || x.ID != c.sessions(t)[0].ID || x.Title != "" {
		t.Fatalf("recordings: %+v", list.Items)
	}
	m := s.recorded(ctx, t, x.ID.String(), "source")
	old, seam := time.Duration(0), slices.IndexFunc(m.Segments, func(s *playlist.MediaSegment) bool { return s.Discontinuity })
	for _, s := range m.Segments[:max(0, seam)] {
		old += s.Duration
	}
	last := before.Segments[len(before.Segments)-2]
	if want := last.DateTime.Add(last.Duration).Sub(*m.Segments[0].DateTime); discontinuities(m) != 1 || old < want-50*time.Millisecond || length(m)-old < 300*time.Millisecond {
		t.Errorf("%d discontinuities, %v before and %v after, %v were seen before", discontinuities(m), old, length(m)-old, want)
	}
	base := "/vod/" + x.ID.String()
	for _, y := range m.Segments {
		if _, err := s.must(ctx, base+"/source/"+y.URI); err != nil {
			t.Error(err)
		}
	}
	if out, err := runTool("ffmpeg", "-v", "error", "-i", s.web+base+"/download.mp4", "-f", "null", "-"); err != nil || out != "" {
		t.Errorf("download.mp4: %v\n%s", err, out)
	}
	eventually(t, "a storyboard", func() bool { return status(ctx, s, base+"/storyboard.vtt") == 200 })
	k := &keeper{person: c.who, s: s, channel: c.id}
	over := k.clip(object{"source": x.ID, "start": old.Seconds() - 1, "length": 1.2})
	k.plays(over)
	if m := s.recorded(ctx, t, over.ID, "source"); discontinuities(m) != 1 || length(m) < 1100*time.Millisecond {
		t.Errorf("a clip over the seam has %d discontinuities and %v", discontinuities(m), length(m))
	}
}

// TestRestartGoesOn kills a server that is alone: when it runs again within the time that
// sessions wait, its publishers go on with them, and viewers with the addresses that they have.
func TestRestartGoesOn(t *testing.T) {
	t.Parallel()
	ctx, addr, rtmp, dir := limited(t), freePort(t), freePort(t), t.TempDir()
	run := func() *child {
		return startChild(t, nil, "WEIR_DATA_DIR="+dir, "WEIR_HTTP_ADDR="+addr, "WEIR_RTMP_ADDR="+rtmp, "WEIR_RECONNECT=30s")
	}
	first := run()
	s := *first.station
	s.flaky, s.client = true, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	c := channelAt(t, s.web, s.password, "anna")
	o := air(t, &s, "anna")
	f := follow(ctx, t, &s, "anna")
	before, old := f.last, f.seen(ctx, t)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	o.vanish()
	first.stop()
	run()
	waits := make(chan error, 1)
	go func() {
		waits <- f.until(ctx, func(m *playlist.Media) bool {
			return m.MediaSequence+len(m.Segments) > before.MediaSequence+len(before.Segments)
		})
	}()
	again := air(t, &s, "anna")
	if err := <-waits; err != nil {
		t.Fatal(err)
	}
	wentOn(ctx, t, f, before)
	old.check(ctx, http.StatusOK)
	if err := again.leave(); err != nil {
		t.Error(err)
	}
	c.ended(t, &s, before)
	empty(t, filepath.Join(dir, spoolFolder))
}
