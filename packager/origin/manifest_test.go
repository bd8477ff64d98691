package origin

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/window"
)

// newest has renditions whose newest media ends at the given times.
func newest(w *window.Window, ends ...time.Duration) (tracks []*window.Track) {
	track := (&mediatest.Source{}).Tracks()[0]
	for i, end := range ends {
		t := w.Add(string(rune('a'+i)), media.Video)
		t.AddInit(window.Init{Track: track, Data: []byte("init")})
		t.Open(window.Segment{Start: media.FromDuration(end) - media.Second, Key: true})
		t.AddPartAndClose(window.Part{Data: []byte("data"), Duration: media.Second, Independent: true})
		tracks = append(tracks, t)
	}
	return tracks
}

func TestLate(t *testing.T) {
	const now = time.Minute
	for name, c := range map[string]struct {
		behind []time.Duration // of each rendition
		want   time.Duration
	}{
		"nothing yet":        {nil, 0},
		"as usual":           {[]time.Duration{0, 700 * time.Millisecond}, 0},
		"ahead":              {[]time.Duration{-time.Second}, 0},
		"a little":           {[]time.Duration{800 * time.Millisecond}, 500 * time.Millisecond},
		"one rendition is":   {[]time.Duration{0, 3 * time.Second, 300 * time.Millisecond}, 2500 * time.Millisecond},
		"by more than steps": {[]time.Duration{3300 * time.Millisecond}, 3 * time.Second},
		"nobody publishes":   {[]time.Duration{50 * time.Second}, 15*time.Second + lateStep},
	} {
		w := window.New(time.Time{})
		ends := make([]time.Duration, len(c.behind))
		for i, b := range c.behind {
			ends[i] = now - b
		}
		if got := late(newest(w, ends...), now); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestManifestOfLateMedia asks for the MPD of a stream that is where the clock is, and of
// one that is far behind it: who begins now must begin where there is media.
func TestManifestOfLateMedia(t *testing.T) {
	for name, c := range map[string]struct {
		end  time.Duration
		want string
	}{
		"in time": {time.Hour, `suggestedPresentationDelay="PT1.5S"`},
		"late":    {time.Second, `suggestedPresentationDelay="PT17S"`},
	} {
		w := window.New(time.Now().Add(-time.Minute))
		newest(w, c.end)
		w.AddMark(window.Mark{})
		h := &Handler{Prefix: "/live", Log: slog.New(slog.DiscardHandler)}
		h.Add(&Stream{Name: "x", Epoch: "e", Window: w, Target: 2, Segment: 2 * media.Second, PartTarget: media.Second / 5})
		res := httptest.NewRecorder()
		h.ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/live/x/manifest.mpd", nil))
		if res.Code != http.StatusOK || !strings.Contains(res.Body.String(), c.want) {
			t.Errorf("%s: %d, no %s in\n%s", name, res.Code, c.want, res.Body)
		}
	}
}
