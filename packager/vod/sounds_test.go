package vod_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/archive"
)

// further records sounds beside the first, the last one before the others. The second one is
// silent in segment 7.
func (r *rig) further(length media.Time) {
	r.t.Helper()
	for i := 2; i >= 0; i-- {
		src := &mediatest.Source{NoVideo: true, SampleRate: 48000, Channels: 1}
		track := src.Tracks()[0]
		track.Language, track.Label = [...]string{"de", "fr", "fr"}[i], [...]string{"", "Commentaire", ""}[i]
		name, packets := fmt.Sprintf("audio-%d", i+2), src.Packets(length)
		each(length, func(msn uint64, from, to media.Time) {
			if i != 1 || msn != 7 {
				r.put(name, track, msn, from, to, packets)
			}
		})
	}
}

const clipID = "0197f3a0-0000-7000-8000-0000000000c1"

func TestSounds(t *testing.T) {
	r := newRig(t)
	r.source.Tracks()[1].Language = "en"
	r.record(9*media.Second, nil)
	r.further(9 * media.Second)
	r.finish()
	if _, err := r.all.Clip(t.Context(), clipID, id, 2*time.Second, 6*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, which := range []string{id, clipID} {
		master := new(playlist.Multivariant)
		text := r.do(http.MethodGet, which+"/index.m3u8").body
		if err := master.Unmarshal(text); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range master.Renditions {
			got = append(got, fmt.Sprintf("%s %s %s %v", *x.URI, x.Name, x.Language, x.Default))
		}
		want := "audio/index.m3u8 English en true, audio-2/index.m3u8 Deutsch de false, audio-3/index.m3u8 Commentaire fr false, audio-4/index.m3u8 français fr false"
		if strings.Join(got, ", ") != want || len(master.Variants) != 1 || strings.Count(string(text), "mp4a.40.2") != 1 {
			t.Errorf("%s: %s, want %s in\n%s", which, strings.Join(got, ", "), want, text)
		}
		for _, x := range master.Renditions {
			list := new(playlist.Media)
			if err := list.Unmarshal(r.do(http.MethodGet, which+"/"+*x.URI).body); err != nil {
				t.Fatal(err)
			}
			sum, gaps := time.Duration(0), 0
			for _, s := range list.Segments {
				if sum += s.Duration; s.Gap {
					gaps++
				} else if a := r.do(http.MethodGet, which+"/"+strings.TrimSuffix(*x.URI, "index.m3u8")+s.URI); a.status != http.StatusOK {
					t.Errorf("%s %s %s: %d", which, x.Name, s.URI, a.status)
				}
			}
			length := map[string]time.Duration{id: 9 * time.Second, clipID: 6 * time.Second}[which]
			if (sum-length).Abs() > 50*time.Millisecond || gaps != strings.Count(*x.URI, "audio-3") {
				t.Errorf("%s %s: %v, %d gaps", which, x.Name, sum, gaps)
			}
		}
	}
	testSoundsOfManifest(t, r)
	testSoundsOfDownload(t, r)
	if err := r.all.Delete(t.Context(), clipID); err != nil {
		t.Fatal(err)
	}
	if keys := r.store.Keys(); len(keys) == 0 || strings.Contains(strings.Join(keys, " "), clipID) {
		t.Errorf("the clip is deleted, %q are left", keys)
	}
	if err := r.all.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if keys := r.store.Keys(); len(keys) > 0 {
		t.Errorf("all is deleted, %q are left", keys)
	}
}

// The MPD has the sound that is silent for a while in the Periods before and after that.
func testSoundsOfManifest(t *testing.T, r *rig) {
	m, err := mpd.MPDFromBytes(r.get("manifest.mpd"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range m.Periods {
		text := fmt.Sprint(time.Duration(*p.Start))
		for _, a := range p.AdaptationSets {
			text += fmt.Sprintf(", %d %s %s", *a.Id, a.Representations[0].Id, a.Lang)
			if len(a.Roles) > 0 {
				text += " " + a.Roles[0].Value + " " + a.Labels[0].Value
			}
		}
		got = append(got, text)
	}
	all := []string{
		"0s, 1 source , 2 audio en main English, 12 audio-2 de alternate Deutsch, 22 audio-3 fr alternate Commentaire, 32 audio-4 fr alternate français",
		"4s, 1 source , 2 audio en main English, 12 audio-2 de alternate Deutsch, 32 audio-4 fr alternate français",
		"6s, 1 source , 2 audio en main English, 12 audio-2 de alternate Deutsch, 22 audio-3 fr alternate Commentaire, 32 audio-4 fr alternate français",
	}
	if strings.Join(got, "\n") != strings.Join(all, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(all, "\n"))
	}
}

func testSoundsOfDownload(t *testing.T, r *rig) {
	for query, want := range map[string]string{
		"":                   "vide und 0 true, soun eng 1 true English, soun deu 1 false Deutsch, soun fra 1 false Commentaire, soun fra 1 false français",
		"?rendition=audio-3": "soun fra 1 true Commentaire",
	} {
		file := r.get("download.mp4" + query)
		f, err := mp4.DecodeFile(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, trak := range f.Moov.Traks {
			h := trak.Mdia.Hdlr
			text := fmt.Sprintf("%s %s %d %v", h.HandlerType, trak.Mdia.Mdhd.GetLanguage(), trak.Tkhd.AlternateGroup, trak.Tkhd.Flags&1 != 0)
			if h.HandlerType == "soun" {
				text += " " + h.Name
			}
			got = append(got, text)
			if data, _, _ := samplesOf(t, file, trak); len(data) < 200 {
				t.Errorf("%s: %d samples", text, len(data))
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q: %s, want %s", query, strings.Join(got, ", "), want)
		}
	}
}

// A recording that was made when sounds had no labels, as its index is kept.
func TestIndexFromBeforeSounds(t *testing.T) {
	r := newRig(t)
	r.record(5*media.Second, nil)
	r.finish()
	index := r.store.Object(archive.Key(id, "index.json"))
	if bytes.Contains(index, []byte("label")) || bytes.Count(index, []byte(`"name":"audio"`)) != 1 {
		t.Errorf("with one sound, and that without a label: %s", index)
	}
	if text := r.get("index.m3u8"); !bytes.Contains(text, []byte(`NAME="main",DEFAULT=YES`)) || bytes.Count(text, []byte("TYPE=AUDIO")) != 1 {
		t.Errorf("%s", text)
	}
	if text := r.get("manifest.mpd"); bytes.Contains(text, []byte("Role")) || bytes.Contains(text, []byte("Label")) || bytes.Contains(text, []byte("selectionPriority")) {
		t.Errorf("%s", text)
	}
}

// A sound that was sent as Opus is there beside what was made of it, for those who choose it:
// not in the file that is downloaded, unless that is asked for.
func TestOriginalSound(t *testing.T) {
	r := newRig(t)
	opus := mediatest.Opus(2)
	var sent []*media.Packet
	for _, p := range r.source.Packets(9 * media.Second) {
		if p.Track.Kind == media.Audio {
			own := *p
			own.Track = opus
			sent = append(sent, &own)
		}
	}
	each(9*media.Second, func(msn uint64, from, to media.Time) { r.put(media.OriginalSound(0), opus, msn, from, to, sent) })
	r.record(9*media.Second, nil)
	r.finish()
	text := string(r.get("index.m3u8"))
	if strings.Count(text, "#EXT-X-STREAM-INF:") != 2 || !strings.Contains(text, ",opus\",RESOLUTION=1280x720,AUDIO=\"original\",") || strings.Count(text, "opus") != 1 || !strings.HasSuffix(text, "\nsource/index.m3u8\n") {
		t.Errorf("%s", text)
	}
	if list := r.media("original-audio/index.m3u8"); len(list.Segments) != len(r.media("audio/index.m3u8").Segments) {
		t.Errorf("%d segments", len(list.Segments))
	}
	m, err := mpd.MPDFromBytes(r.get("manifest.mpd"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range m.Periods[0].AdaptationSets {
		got = append(got, fmt.Sprintf("%d %s %v", *a.Id, a.Representations[0].Codecs, a.SelectionPriority != nil))
	}
	if want := "1 avc1.640020 false, 2 mp4a.40.2 true, 6 opus false"; strings.Join(got, ", ") != want || len(m.Periods) != 1 {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
	for query, want := range map[string]string{"": "avc1 mp4a", "?rendition=original-audio": "Opus", "?rendition=audio": "mp4a"} {
		f, err := mp4.DecodeFile(bytes.NewReader(r.get("download.mp4" + query)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, trak := range f.Moov.Traks {
			got = append(got, trak.Mdia.Minf.Stbl.Stsd.Children[0].Type())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %s", query, got, want)
		}
	}
}
