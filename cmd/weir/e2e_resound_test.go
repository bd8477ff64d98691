package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

// TestSoundChanges: publishers with AAC, who come over RTMP, and with Opus, over WHIP, take over
// from each other. It is one session, whose viewers hear AAC all the while, in time with the
// picture; who chose Opus has gaps while there is none.
func TestSoundChanges(t *testing.T) {
	t.Parallel()
	s := startStation(t, "WEIR_TAKEOVER=true", "WEIR_RECORD=all")
	f := makeFlashes(t)
	for name, turns := range map[string][]func(*testing.T, *station, flashes, string) func() error{
		"aac-first":  {publishRTMP, publishWHIP, publishRTMP},
		"opus-first": {publishWHIP, publishRTMP},
	} {
		t.Run(name, func(t *testing.T) {
			takeTurns(t, s, name, len(turns), func(turn int) (end func() error) { return turns[turn](t, s, f, name) })
		})
	}
	if r := s.stop(); r.code != 0 || strings.Contains(r.stderr, `"ERROR"`) || t.Failed() {
		t.Errorf("stopped with %d:\n%s", r.code, r.stderr)
	}
}

// takeTurns has some publishers take over from each other.
func takeTurns(t *testing.T, s *station, name string, turns int, publish func(turn int) (end func() error)) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	end := publish(0)
	v, err := s.view(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	v.moves = true
	followTurn(ctx, t, s, name, v, 0)
	for turn := 1; turn < turns; turn++ {
		end = publish(turn)
		followTurn(ctx, t, s, name, v, turn)
	}
	again, err := s.view(ctx, name)
	if err != nil || epoch(again.pictures[0]) != epoch(v.pictures[0]) || !strings.HasPrefix(again.master.Variants[0].Codecs[1], "mp4a.") {
		t.Errorf("%v: %+v, at the beginning %+v", err, again.master.Variants[0], v.master.Variants[0])
	}
	if opus := name == "opus-first"; len(v.sent) > 0 != opus || len(again.sent) > 0 {
		t.Errorf("as it was sent: %q, and with AAC at the end %q", v.sent, again.sent)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	s.recordingOf(t, name)
}

// followTurn looks at what viewers have of one publisher: after so many others.
func followTurn(ctx context.Context, t *testing.T, s *station, name string, v *viewing, turn int) {
	t.Helper()
	all := v.all()
	if len(v.sent) > 0 {
		all = append(all, v.sent[0])
	}
	for _, u := range all {
		if _, err := v.until(ctx, u, func(m *playlist.Media) bool {
			return discontinuities(m) == turn && len(m.Segments) > 0 && since(m) > 7*time.Second
		}); err != nil {
			t.Fatalf("turn %d: %s: %v", turn, u, err)
		}
	}
	if err := v.check(ctx); err != nil {
		t.Error(err)
	}
	for _, look := range []func() (onsets, error){
		func() (onsets, error) { return watchParts(ctx, v, t.TempDir(), looked) },
		func() (onsets, error) { return watchByPion(ctx, t, s, name, looked) },
	} {
		cell(t, look)
	}
}

// since is how long a playlist lasts since its last discontinuity.
func since(m *playlist.Media) (d time.Duration) {
	for _, s := range m.Segments {
		if s.Discontinuity {
			d = 0
		}
		d += s.Duration
	}
	return d
}
