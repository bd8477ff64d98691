package main

import (
	"strings"
	"testing"
	"time"

	"weir/media"
	"weir/services/live"
)

func TestTooFast(t *testing.T) {
	began := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	before := pace{began, 1000, 100, 7 * media.TicksPerSecond}
	for _, tt := range []struct {
		name   string
		limits live.Limits
		bytes  uint64
		frames uint64
		passed media.Time
		want   string
	}{
		{"no limits", live.Limits{}, 1e9, 1e6, 10 * media.TicksPerSecond, ""},
		{"as many frames as there may be", live.Limits{FPS: 30}, 1e6, 300, 10 * media.TicksPerSecond, ""},
		{"one more, by chance", live.Limits{FPS: 30}, 1e6, 301, 10 * media.TicksPerSecond, ""},
		{"twice as many", live.Limits{FPS: 30}, 1e6, 600, 10 * media.TicksPerSecond, "at most 30 frames per second, not 60"},
		{"late ones, all at once", live.Limits{FPS: 30}, 1e6, 600, 20 * media.TicksPerSecond, ""},
		{"frames without time", live.Limits{FPS: 30}, 1e6, 600, 0, "frames per second"},
		{"nothing at all", live.Limits{FPS: 30, Bitrate: 1}, 0, 0, 0, ""},
		{"as many bits as there may be", live.Limits{Bitrate: 800_000}, 1e6, 300, 10 * media.TicksPerSecond, ""},
		{"too many bits", live.Limits{Bitrate: 799_999}, 1e6, 300, 10 * media.TicksPerSecond, "at most 799 kbit/s, not 800"},
	} {
		now := pace{before.at.Add(rateWindow), before.bytes + tt.bytes, before.frames + tt.frames, before.media + tt.passed}
		if got := tooFast(tt.limits, before, now); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}
