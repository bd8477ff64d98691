package origin_test

import (
	"net/http"
	"strings"
	"testing"

	"weir/media/mediatest"
	"weir/packager/window"
)

// TestLanguage: what language the sound is in stands in both manifests, of the sound alone.
func TestLanguage(t *testing.T) {
	for _, language := range []string{"", "de"} {
		r := newRig(t)
		spoken := *(&mediatest.Source{SampleRate: 48000}).Tracks()[1]
		spoken.Language = language
		at := r.audio.AddInit(window.Init{Track: &spoken, Data: []byte("spoken init")})
		r.handler.Add(r.stream)
		for range 3 {
			r.stream.Window.AddMark(window.Mark{MSN: r.msn, Start: r.at})
			r.video.Open(window.Segment{MSN: r.msn, Start: r.at, Key: true})
			r.audio.Open(window.Segment{MSN: r.msn, Start: r.at, Key: true, Init: at})
			r.parts = 0
			for range 10 {
				r.add()
			}
			r.close()
		}
		for file, attribute := range map[string]string{"index.m3u8": `LANGUAGE="de"`, "manifest.mpd": `lang="de"`} {
			want := 0
			if language != "" {
				want = 1
			}
			a := r.get(r.server.URL + "/live/x/" + file)
			if a.status != http.StatusOK || strings.Count(a.body, attribute) != want || strings.Count(strings.ToLower(a.body), "lang") != want {
				t.Errorf("%q: %d, want %s %d times in\n%s", language, a.status, attribute, want, a.body)
			}
		}
	}
}
