package origin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/window"
)

// A player that does not know yet of a Period with another initialisation segment goes on to
// ask for numbers under the addresses of its own: media of the other would end its decoder.
func TestSegmentsOfAnotherPeriod(t *testing.T) {
	r := newRig(t)
	r.handler.Add(r.stream)
	r.segments(2)
	waits, goesOn := r.later(r.base+"d0-2.m4s"), r.later(r.server.URL+"/live/x/e1/audio/d0-2.m4s")
	pending(t, waits)
	pending(t, goesOn)
	r.video.AddInit(window.Init{Track: (&mediatest.Source{}).Tracks()[0], Data: []byte("another")})
	next := window.Period{Start: r.at, Ended: r.at, Number: 2}
	r.stream.Window.AddMark(window.Mark{MSN: r.msn, Start: r.at, Period: next})
	for i, t := range []*window.Track{r.video, r.audio} {
		t.Open(window.Segment{MSN: r.msn, Start: r.at, Key: true, Init: 1 - i, Discontinuity: true})
	}
	r.parts = 0
	written := r.later(r.base + "d1-2.m4s")
	for range 10 {
		r.add()
	}
	r.close()
	r.stream.Window.AddMark(window.Mark{MSN: r.msn, Start: r.at, Period: next})
	nothing := func(a answer) bool { return a.status == http.StatusOK && len(a.body) == 32 && a.body[4:8] == "styp" }
	if a := <-waits; !nothing(a) {
		t.Errorf("who waited under the address of the Period before got %d %.60q", a.status, a.body)
	}
	if a := <-goesOn; !strings.HasPrefix(a.body, "<audio 2.0 ") {
		t.Errorf("the sound, which is coded as before: %d %.60q", a.status, a.body)
	}
	if a := <-written; !strings.HasPrefix(a.body, "<source 2.0 ") {
		t.Errorf("who knows of the new Period got %d %.60q", a.status, a.body)
	}
	for address, media := range map[string]bool{"d0-1": true, "d1-1": false, "d0-2": false, "d1-2": true} {
		if a := r.get(r.base + address + ".m4s"); media == nothing(a) || media != strings.HasPrefix(a.body, "<source ") {
			t.Errorf("%s: %d %.60q", address, a.status, a.body)
		}
	}
	m, err := mpd.ReadFromString(r.get(r.server.URL + "/live/x/manifest.mpd").body)
	if err != nil || len(m.Periods) != 2 {
		t.Fatalf("%v: %+v", err, m)
	}
	for i, want := range [2][2]string{{"d0-", "d0-"}, {"d1-", "d0-"}} {
		for j, a := range m.Periods[i].AdaptationSets {
			if got := a.SegmentTemplate.Media; got != "e1/$RepresentationID$/"+want[j]+"$Number$.m4s" {
				t.Errorf("Period %d, %s: %s", i, a.ContentType, got)
			}
		}
	}
}

// A new Period is told of when all renditions have something of it, and is waited for no longer
// than they are at the start: players go on in it with what they find there first.
func TestPeriodWaitsForItsRenditions(t *testing.T) {
	for name, c := range map[string]struct {
		parts int  // of the picture, and of Opus as it was sent
		sound bool // what was made of that is there
		want  string
	}{
		"nothing":          {0, false, "source,audio,original-audio"},
		"no sound yet":     {3, false, "source,audio,original-audio"},
		"all":              {1, true, "source,audio,original-audio|source,audio,original-audio"},
		"no sound at last": {15, false, "source,audio,original-audio|source,original-audio"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			sent := r.stream.Window.Add("original-audio", media.Audio)
			sent.Further = true
			sent.AddInit(window.Init{Track: &media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2}, Data: []byte("opus init")})
			r.handler.Add(r.stream)
			r.publish(2, []*window.Track{sent}, true)
			r.stream.Window.AddMark(window.Mark{MSN: r.msn, Start: r.at, Period: window.Period{Start: r.at, Ended: r.at, Number: 2}})
			for _, t := range []*window.Track{r.video, sent, r.audio} {
				t.Open(window.Segment{MSN: r.msn, Start: r.at, Key: true, Discontinuity: true})
				for i := range c.parts {
					if t != r.audio || c.sound {
						t.AddPart(window.Part{Data: []byte(t.Name), Duration: part, Independent: i == 0})
					}
				}
			}
			m, err := mpd.ReadFromString(r.get(r.server.URL + "/live/x/manifest.mpd").body)
			if err != nil {
				t.Fatal(err)
			}
			var periods []string
			for _, p := range m.Periods {
				var sets []string
				for _, a := range p.AdaptationSets {
					sets = append(sets, a.Representations[0].Id)
				}
				periods = append(periods, strings.Join(sets, ","))
			}
			if got := strings.Join(periods, "|"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
