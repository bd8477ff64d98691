package origin_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/window"
)

// further adds sounds beside the first.
func (r *rig) further(n int) (list []*window.Track) {
	for i := range n {
		t := r.stream.Window.Add(fmt.Sprintf("audio-%d", i+2), media.Audio)
		t.Further = true
		track := *mediatest.Audio(48000, 2)
		track.Language, track.Label = [...]string{"de", "fr", ""}[i], [...]string{"", "Commentaire", ""}[i]
		t.AddInit(window.Init{Track: &track, Data: []byte("further init")})
		list = append(list, t)
	}
	return list
}

// publish makes segments in all renditions; those of further sounds are gaps unless some.
func (r *rig) publish(n int, further []*window.Track, some bool) {
	for range n {
		r.open(true)
		for _, t := range further {
			t.Open(window.Segment{MSN: r.msn, Start: r.at, Key: true})
		}
		for range 10 {
			r.add()
			for _, t := range further {
				if some {
					t.AddPart(window.Part{Data: []byte(t.Name), Duration: part, Independent: true})
				}
			}
		}
		for _, t := range further {
			t.Close(2 * media.Second)
		}
		r.close()
	}
}

func TestSounds(t *testing.T) {
	r := newRig(t)
	sounds := r.further(3)
	r.handler.Add(r.stream)
	r.publish(3, sounds, true)
	text := r.get(r.server.URL + "/live/x/index.m3u8").body
	for _, want := range []string{
		`NAME="Sound 1",DEFAULT=YES,AUTOSELECT=YES,URI="e1/audio/index.m3u8"`,
		`NAME="Deutsch",DEFAULT=NO,AUTOSELECT=YES,LANGUAGE="de",URI="e1/audio-2/index.m3u8"`,
		`NAME="Commentaire",DEFAULT=NO,AUTOSELECT=YES,LANGUAGE="fr",URI="e1/audio-3/index.m3u8"`,
		`NAME="Sound 4",DEFAULT=NO,AUTOSELECT=YES,URI="e1/audio-4/index.m3u8"`,
	} {
		if !strings.Contains(text, `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",`+want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	m, err := mpd.MPDFromBytes([]byte(r.get(r.server.URL + "/live/x/manifest.mpd").body))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range m.Periods[0].AdaptationSets {
		s := fmt.Sprintf("%d %s %s", *a.Id, a.Representations[0].Id, a.Lang)
		for _, x := range a.Roles {
			s += " " + x.Value
		}
		for _, x := range a.Labels {
			s += " " + x.Value
		}
		got = append(got, s)
	}
	if want := "1 source |2 audio  main Sound 1|12 audio-2 de alternate Deutsch|22 audio-3 fr alternate Commentaire|32 audio-4  alternate Sound 4"; strings.Join(got, "|") != want {
		t.Errorf("%s, want %s", strings.Join(got, "|"), want)
	}
	playlist := r.get(r.server.URL + "/live/x/e1/audio-2/index.m3u8").body
	if n := len(regexp.MustCompile(`(?m)^#EXT-X-RENDITION-REPORT:URI="../(source|audio|audio-3|audio-4)/index.m3u8",LAST-MSN=2,LAST-PART=9$`).FindAllString(playlist, -1)); n != 4 {
		t.Errorf("%d rendition reports in\n%s", n, playlist)
	}
}

// A sound that is not there yet is waited for a moment, one that has never been is not
// offered.
func TestSilentSoundIsNotWaitedFor(t *testing.T) {
	r := newRig(t)
	silent := r.stream.Window.Add("audio-2", media.Audio)
	silent.Further = true
	r.handler.Add(r.stream)
	held := r.later(r.server.URL + "/live/x/index.m3u8")
	r.open(true)
	r.add()
	r.close()
	r.open(true)
	r.add()
	r.close()
	pending(t, held)
	r.open(true)
	for range 4 {
		r.add()
	}
	a := <-held
	if a.status != http.StatusOK || strings.Contains(a.body, "audio-2") || strings.Count(a.body, "TYPE=AUDIO") != 1 || !strings.Contains(a.body, `NAME="main"`) {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if mpd := r.get(r.server.URL + "/live/x/manifest.mpd"); mpd.status != http.StatusOK || strings.Contains(mpd.body, "audio-2") || strings.Contains(mpd.body, "Role") {
		t.Errorf("%d\n%s", mpd.status, mpd.body)
	}
}

// Where a sound has a gap its playlist says so, and players of DASH, which know no gaps, get
// a segment without media.
func TestGapsOfASound(t *testing.T) {
	r := newRig(t)
	sounds := r.further(1)
	r.handler.Add(r.stream)
	r.publish(2, sounds, true)
	r.publish(2, sounds, false)
	r.publish(1, sounds, true)
	r.open(true)
	sounds[0].Open(window.Segment{MSN: r.msn, Start: r.at, Key: true})
	sounds[0].AddPart(window.Part{Data: []byte("audio-2"), Duration: part, Independent: true})
	base := r.server.URL + "/live/x/e1/audio-2/"
	if text := r.get(base + "index.m3u8").body; strings.Count(text, "#EXT-X-GAP") != 2 || strings.Count(text, "#EXTINF:2.00000") != 5 {
		t.Errorf("%s", text)
	}
	for n, want := range []bool{true, true, false, false, true} {
		a := r.get(base + fmt.Sprintf("d0-%d.m4s", n))
		if a.status != http.StatusOK || strings.Contains(a.body, "audio-2") != want || len(a.body) == 0 {
			t.Errorf("DASH segment %d: %d %q", n, a.status, a.body)
		}
	}
	if a := r.get(base + "2.m4s"); a.status != http.StatusNotFound {
		t.Errorf("a gap of HLS: %d", a.status)
	}
}
