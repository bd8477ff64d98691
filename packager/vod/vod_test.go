package vod_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
	"go.uber.org/goleak"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/archive"
	"weir/packager/archive/archivetest"
	"weir/packager/cmaf"
	"weir/packager/vod"
	"weir/packager/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "0197f3a0-0000-7000-8000-000000000001"

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// rig has a recording of synthetic media and serves it.
type rig struct {
	t       *testing.T
	store   archivetest.Store
	all     *archive.Recordings
	rec     *archive.Recorder
	handler *vod.Handler
	server  *httptest.Server
	source  *mediatest.Source
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, source: &mediatest.Source{GOPs: []int{60}, SampleRate: 48000}}
	dir := t.TempDir()
	var err error
	r.all, err = archive.Open(archive.Config{Store: &r.store, Dir: filepath.Join(dir, "spool"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r.handler = &vod.Handler{Recordings: r.all, Log: slog.New(slog.DiscardHandler)}
	r.server = httptest.NewServer(http.StripPrefix("/vod", r.handler))
	t.Cleanup(r.server.Close)
	r.rec, err = r.all.Begin(t.Context(), archive.Stream{ID: id, Name: "x", Epoch: epoch, Target: 2, Files: archive.Files{Dir: filepath.Join(dir, "live")}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// record cuts the source as a packager does: five mini segments of 0.2 s, one of 1 s,
// then one for each GOP of 2 s. What skip says is not recorded.
func (r *rig) record(length media.Time, skip func(name string, msn uint64) bool) {
	r.t.Helper()
	packets := r.source.Packets(length)
	each(length, func(msn uint64, from, to media.Time) {
		for i, name := range []string{"source", "audio"} {
			if skip != nil && skip(name, msn) {
				continue
			}
			r.put(name, r.source.Tracks()[i], msn, from, to, packets)
		}
	})
}

// each calls f for the segments of record.
func each(length media.Time, f func(msn uint64, from, to media.Time)) {
	var cuts []media.Time
	for i := range media.Time(5) {
		cuts = append(cuts, i*media.Second/5)
	}
	cuts = append(cuts, media.Second)
	for at := 2 * media.Second; at < length; at += 2 * media.Second {
		cuts = append(cuts, at)
	}
	for msn, from := range cuts {
		to := length
		if msn+1 < len(cuts) {
			to = cuts[msn+1]
		}
		f(uint64(msn), from, to)
	}
}

func (r *rig) put(name string, track *media.Track, msn uint64, from, to media.Time, packets []*media.Packet) {
	r.t.Helper()
	var in []*media.Packet
	for _, p := range packets {
		if p.Track == track && p.DTS >= from && p.DTS < to {
			in = append(in, p)
		}
	}
	f := &window.Finished{Rendition: name, Kind: track.Kind, Segment: window.Segment{MSN: msn, Start: in[0].DTS, Key: in[0].Key || msn == 5, Mini: msn < 5}}
	var err error
	if f.Init.Data, err = cmaf.Init(track, 1); err != nil {
		r.t.Fatal(err)
	}
	f.Init.Track = track
	for len(in) > 0 {
		n := min(len(in), 6)
		c := cmaf.Chunk{Styp: len(f.Data) == 0, Sequence: 1, TrackID: 1, Scale: cmaf.Timescale(track), Decode: in[0].DTS, Wall: epoch}
		for _, p := range in[:n] {
			c.Samples = append(c.Samples, cmaf.Sample{Duration: p.Duration, Offset: p.PTS - p.DTS, Size: len(p.Data), Key: p.Key})
			f.Segment.Duration += p.Duration
		}
		data := c.AppendHeader(nil)
		for _, p := range in[:n] {
			data = append(data, p.Data...)
		}
		f.Data, in = append(f.Data, data), in[n:]
	}
	if _, err := r.rec.Put(f); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) finish() {
	r.t.Helper()
	if err := r.rec.Finish(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (r *rig) do(method, path string, header ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+"/vod/"+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.server.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatalf("%s: %v after %d bytes", path, err, len(body))
	}
	return answer{res.StatusCode, res.Header, body}
}

func (r *rig) get(path string) []byte {
	r.t.Helper()
	a := r.do(http.MethodGet, id+"/"+path)
	if a.status != http.StatusOK {
		r.t.Fatalf("%s: %d %.100s", path, a.status, a.body)
	}
	return a.body
}

func (r *rig) media(path string) *playlist.Media {
	r.t.Helper()
	text := r.get(path)
	m := new(playlist.Media)
	if err := m.Unmarshal(text); err != nil {
		r.t.Fatalf("%v in\n%s", err, text)
	}
	return m
}

func TestPlaylists(t *testing.T) {
	r := newRig(t)
	r.record(9*media.Second, nil)
	r.finish()
	master := new(playlist.Multivariant)
	if err := master.Unmarshal(r.get("index.m3u8")); err != nil {
		t.Fatal(err)
	}
	if len(master.Variants) != 1 || master.Variants[0].URI != "source/index.m3u8" || !master.IndependentSegments || *master.Renditions[0].URI != "audio/index.m3u8" || master.Variants[0].Resolution != "1280x720" {
		t.Errorf("%+v %+v", master, master.Variants[0])
	}
	for _, name := range []string{"source", "audio"} {
		m := r.media(name + "/index.m3u8")
		var text string
		var sum time.Duration
		for _, s := range m.Segments {
			text += fmt.Sprintf("%s %.1f ", s.URI, s.Duration.Seconds())
			sum += s.Duration
		}
		want := "0.m4s 1.0 1.m4s 1.0 2.m4s 2.0 3.m4s 2.0 4.m4s 2.0 5.m4s 1.0 "
		if !m.Endlist || *m.PlaylistType != "VOD" || m.TargetDuration != 2 || m.Map.URI != "init0.mp4" || text != want || !m.Segments[0].DateTime.Equal(epoch) || (sum-9*time.Second).Abs() > 25*time.Millisecond {
			t.Errorf("%s: %s, want %s in\n%s", name, text, want, r.get(name+"/index.m3u8"))
		}
	}
}

// TestSameBytes holds that segments are what was stored, mini segments as one.
func TestSameBytes(t *testing.T) {
	r := newRig(t)
	r.record(5*media.Second, nil)
	r.finish()
	x, err := r.all.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range x.Renditions {
		for n, run := range x.Runs() {
			var want []byte
			for _, s := range in.Run(run) {
				want = append(want, r.store.Object(archive.Key(id, archive.SegmentFile(in.Name, s)))...)
			}
			path := fmt.Sprintf("%s/%s/%d.m4s", id, in.Name, n)
			a := r.do(http.MethodGet, path)
			if a.status != 200 || !bytes.Equal(a.body, want) || !strings.Contains(a.header.Get("Cache-Control"), "immutable") || a.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: %d, %d bytes of %d, %v", path, a.status, len(a.body), len(want), a.header)
			}
			for _, span := range [][2]int{{0, 0}, {5, 900}, {len(want) / 2, len(want) - 1}, {0, len(want) - 1}} {
				got := r.do(http.MethodGet, path, "Range", fmt.Sprintf("bytes=%d-%d", span[0], span[1]))
				if got.status != 206 || !bytes.Equal(got.body, want[span[0]:span[1]+1]) {
					t.Errorf("%s %v: %d, %d bytes", path, span, got.status, len(got.body))
				}
			}
			if got := r.do(http.MethodGet, path, "Range", "bytes=1-2,0-0"); got.status != 200 || !bytes.Equal(got.body, want) {
				t.Errorf("%s, several ranges: %d, %d bytes", path, got.status, len(got.body))
			}
			if got := r.do(http.MethodGet, path, "If-None-Match", a.header.Get("Etag")); got.status != 304 {
				t.Errorf("%s: %d for what did not change", path, got.status)
			}
			if got := r.do(http.MethodHead, path); got.status != 200 || got.header.Get("Content-Length") != fmt.Sprint(len(want)) || len(got.body) > 0 {
				t.Errorf("%s: HEAD %d %v", path, got.status, got.header)
			}
		}
	}
}

func TestManifest(t *testing.T) {
	r := newRig(t)
	r.record(9*media.Second, func(name string, msn uint64) bool { return msn == 7 && name == "source" || msn == 8 })
	r.finish()
	m, err := mpd.MPDFromBytes(r.get("manifest.mpd"))
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for _, p := range m.Periods {
		text += fmt.Sprintf("%v", time.Duration(*p.Start))
		for _, a := range p.AdaptationSets {
			text += fmt.Sprintf(" %s from %d:", a.ContentType, *a.SegmentTemplate.StartNumber)
			for _, s := range a.SegmentTemplate.SegmentTimeline.S {
				text += fmt.Sprintf(" %.1fx%d", float64(s.D)/90000, s.R+1)
			}
		}
		text += "\n"
	}
	// one is missing in the pictures, and one in both
	want := "0s video from 0: 1.0x2 2.0x1 audio from 0: 1.0x2 2.0x1\n4.01s audio from 3: 2.0x1\n8s video from 4: 1.0x1 audio from 4: 1.0x1\n"
	if m.Type == nil || *m.Type != "static" || text != want {
		t.Errorf("%s, want\n%s in\n%s", text, want, r.get("manifest.mpd"))
	}
	gaps := r.media("source/index.m3u8")
	if s := gaps.Segments; len(s) != 5 || !s[3].Gap || !s[4].Discontinuity || s[0].Gap {
		t.Errorf("%s", r.get("source/index.m3u8"))
	}
}

func TestGrowing(t *testing.T) {
	r := newRig(t)
	var seconds atomic.Int64
	r.handler.Now = func() time.Time { return epoch.Add(time.Duration(seconds.Add(2)) * time.Second) }
	if a := r.do(http.MethodGet, id+"/index.m3u8"); a.status != 404 {
		t.Errorf("nothing is stored yet: %d", a.status)
	}
	if a := r.do(http.MethodGet, id+"/download.mp4"); a.status != 409 {
		t.Errorf("a file of what is still made: %d", a.status)
	}
	r.record(21*media.Second, nil)
	for {
		if a := r.do(http.MethodGet, id+"/source/index.m3u8"); a.status == 200 && bytes.Contains(a.body, []byte("\n8.m4s")) {
			break
		}
	}
	m := r.media("source/index.m3u8")
	if m.Endlist || m.PlaylistType == nil || *m.PlaylistType != "EVENT" {
		t.Errorf("%s", r.get("source/index.m3u8"))
	}
	r.finish()
	if m := r.media("source/index.m3u8"); !m.Endlist || len(m.Segments) != 12 {
		t.Errorf("%s", r.get("source/index.m3u8"))
	}
}

func TestWhatDoesNotExist(t *testing.T) {
	r := newRig(t)
	r.record(5*media.Second, nil)
	r.finish()
	if err := r.all.Put(t.Context(), id, "thumb.jpg", []byte("jpeg"), "image/jpeg"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		id + "/thumb.jpg": 200, id + "/source/init0.mp4": 200, id + "/source/0.m4s": 200,
		"": 404, id: 404, id + "/": 404, "other/index.m3u8": 404, "UPPER/index.m3u8": 404, id + "/index.json": 404, id + "/stream.json": 404,
		id + "/storyboard.vtt": 404, id + "/source/9.m4s": 404, id + "/source/00.m4s": 404, id + "/source/-1.m4s": 404, id + "/source/init1.mp4": 404,
		id + "/source/99999999999999999999.m4s": 404, id + "/720p/0.m4s": 404, id + "/source": 404, id + "/source/x": 404, id + "/source/0.m4s/": 404,
	} {
		if a := r.do(http.MethodGet, path); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
	if a := r.do(http.MethodPost, id+"/index.m3u8"); a.status != 405 {
		t.Errorf("POST: %d", a.status)
	}
	if a := r.do(http.MethodOptions, id+"/index.m3u8"); a.status != 204 {
		t.Errorf("OPTIONS: %d", a.status)
	}
	r.store.SetDown(true)
	if a := r.do(http.MethodGet, id+"/source/0.m4s"); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("store down: %d", a.status)
	}
	r.store.SetDown(false)
	if a := r.do(http.MethodGet, id+"/source/0.m4s"); a.status != 200 {
		t.Errorf("store up again: %d", a.status)
	}
}

// TestMemoryIsBounded asks for many recordings.
func TestMemoryIsBounded(t *testing.T) {
	r := newRig(t)
	r.record(3*media.Second, nil)
	r.finish()
	r.handler.Memory = 16 << 10
	text := r.store.Object(archive.Key(id, "index.json"))
	for i := range 50 {
		other := fmt.Sprintf("0197f3a0-%d", i)
		if err := r.all.Put(t.Context(), other, "index.json", text, ""); err != nil {
			t.Fatal(err)
		}
		if a := r.do(http.MethodGet, other+"/index.m3u8"); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if n, bytes := r.handler.Kept(); n < 2 || n > 16 || bytes > 16<<10 {
		t.Errorf("%d recordings are kept, %d bytes", n, bytes)
	}
}
