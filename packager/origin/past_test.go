package origin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/window"
)

// goOn makes the stream one that another process had, up to DASH segment 9 of a Period
// that began with segment 4; it goes on here with segment 20.
func (r *rig) goOn() {
	r.stream.Window.Number(20)
	r.stream.Window.SetPast(window.Past{Start: 10 * media.Second, First: 4, Lost: 5, Next: 20})
	r.at, r.msn = 25*media.Second, 30
	for i, t := range []*window.Track{r.video, r.audio} {
		t.Begin(30, 0, 0)
		t.AddInit(window.Init{Track: (&mediatest.Source{SampleRate: 48000}).Tracks()[i], Data: []byte("init")})
		t.Miss([]window.Segment{{MSN: 28, Start: 20 * media.Second, Duration: 2 * media.Second}, {MSN: 29, Start: 22 * media.Second, Duration: 2 * media.Second}})
	}
}

// Players of DASH that were in the Period of the process before find it, without media, and
// the next one; after a while it is gone.
func TestPeriodOfAnotherProcess(t *testing.T) {
	r := newRig(t)
	r.goOn()
	r.handler.Add(r.stream)
	period := window.Period{Start: r.at, Number: 20}
	segment := func() {
		r.stream.Window.AddMark(window.Mark{MSN: r.msn, Start: r.at, Period: period})
		r.open(false)
		for range 10 {
			r.add()
		}
		r.close()
	}
	read := func() *mpd.MPD {
		m, err := mpd.ReadFromString(r.get(r.server.URL + "/live/x/manifest.mpd").body)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	segment()
	m := read()
	if len(m.Periods) != 2 || m.Periods[0].Id != "p10000" || m.Periods[0].Duration != nil || m.Periods[1].Id != "p25000" {
		t.Fatalf("%d periods: %+v", len(m.Periods), m.Periods)
	}
	for _, a := range m.Periods[0].AdaptationSets {
		if s := a.SegmentTemplate; *s.StartNumber != 4 || s.EndNumber == nil || *s.EndNumber != 11 {
			t.Errorf("numbers of the one before: %+v", s)
		}
	}
	for n, want := range map[string]int{"d0-4": http.StatusNotFound, "d3-5": http.StatusOK, "d0-19": http.StatusOK, "d0-20": http.StatusOK} {
		a := r.get(r.base + n + ".m4s")
		if a.status != want || want == http.StatusOK && n != "d0-20" && (len(a.body) != 32 || a.body[4:8] != "styp" || strings.Contains(a.header.Get("Cache-Control"), "immutable")) {
			t.Errorf("%s: %d %q %v", n, a.status, a.body, a.header)
		}
	}
	for range 20 {
		segment()
	}
	// The manifest is made anew once a part.
	for end := time.Now().Add(20 * time.Second); len(read().Periods) != 1; {
		if time.Now().After(end) {
			t.Fatal("the Period of the process before is told of for ever")
		}
	}
}

// What another process had does not make a playlist: players wait for the first part.
func TestGapsAreNoPlaylist(t *testing.T) {
	r := newRig(t)
	r.goOn()
	r.handler.Add(r.stream)
	playlist, hint := r.later(r.base+"index.m3u8?_HLS_msn=29&_HLS_part=0"), r.later(r.base+"29.1.m4s")
	pending(t, playlist)
	pending(t, hint)
	r.segments(2)
	if a := <-playlist; a.status != http.StatusOK || strings.Count(a.body, "#EXT-X-GAP") != 2 || !strings.Contains(a.body, "#EXT-X-MEDIA-SEQUENCE:28\n") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := <-hint; a.status != http.StatusNotFound {
		t.Errorf("a part of the process before: %d", a.status)
	}
}
