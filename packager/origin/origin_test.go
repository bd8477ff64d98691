package origin_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
	"go.uber.org/goleak"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/origin"
	"weir/packager/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const part = media.Second / 5

// rig serves one stream whose parts the test publishes.
type rig struct {
	t       *testing.T
	handler *origin.Handler
	server  *httptest.Server
	stream  *origin.Stream
	video   *window.Track
	audio   *window.Track
	closing chan struct{}
	base    string // of the session
	msn     uint64
	at      media.Time
	parts   int
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, closing: make(chan struct{})}
	r.handler = &origin.Handler{Prefix: "/live", Log: slog.New(slog.DiscardHandler), Closing: r.closing, TimeURL: "/time", Hold: 5 * time.Second}
	r.server = httptest.NewServer(r.handler)
	t.Cleanup(r.server.Close)
	w := window.New(time.Now().Add(-time.Minute))
	r.video, r.audio = w.Add("source", media.Video), w.Add("audio", media.Audio)
	r.stream = &origin.Stream{Name: "x", Epoch: "e1", Window: w, Target: 2, Segment: 2 * media.Second, PartTarget: part, Rewind: time10m}
	src := &mediatest.Source{SampleRate: 48000}
	r.video.AddInit(window.Init{Track: src.Tracks()[0], Data: []byte("video init")})
	r.audio.AddInit(window.Init{Track: src.Tracks()[1], Data: []byte("audio init")})
	r.base = r.server.URL + "/live/x/e1/source/"
	return r
}

const time10m = 600 * media.Second

// open begins a segment in both renditions; mark begins a DASH segment too.
func (r *rig) open(mark bool) {
	if mark {
		r.stream.Window.AddMark(window.Mark{MSN: r.msn, Start: r.at})
	}
	for _, t := range []*window.Track{r.video, r.audio} {
		t.Open(window.Segment{MSN: r.msn, Start: r.at, Key: true})
	}
	r.parts = 0
}

// add publishes the next part in both renditions.
func (r *rig) add() {
	for _, t := range []*window.Track{r.audio, r.video} {
		data := fmt.Sprintf("<%s %d.%d %s>", t.Name, r.msn, r.parts, strings.Repeat("x", 1000))
		t.AddPart(window.Part{Data: []byte(data), Duration: part, Independent: r.parts == 0})
	}
	r.parts++
	r.at += part
}

func (r *rig) close() {
	r.video.Close(0)
	r.audio.Close(0)
	r.msn++
}

// segments publishes n whole segments of ten parts.
func (r *rig) segments(n int) {
	for range n {
		r.open(true)
		for range 10 {
			r.add()
		}
		r.close()
	}
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

func (r *rig) get(url string, header ...string) answer {
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.server.Client().Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(body), err}
}

// later asks in the background.
func (r *rig) later(url string) <-chan answer {
	ch := make(chan answer, 1)
	go func() { ch <- r.get(url) }()
	return ch
}

func pending(t *testing.T, ch <-chan answer) {
	t.Helper()
	select {
	case a := <-ch:
		t.Fatalf("answered too early: %d %.80q", a.status, a.body)
	case <-time.After(30 * time.Millisecond):
	}
}

func TestBlockingReload(t *testing.T) {
	r := newRig(t)
	r.handler.Add(r.stream)
	r.segments(3)
	r.open(true)
	r.add()
	next := r.later(r.base + "index.m3u8?_HLS_msn=3&_HLS_part=1")
	whole := r.later(r.base + "index.m3u8?_HLS_msn=3")
	pending(t, next)
	r.add()
	if a := <-next; a.status != 200 || !strings.Contains(a.body, `URI="3.1.m4s"`) || a.header.Get("Cache-Control") != "max-age=12" {
		t.Errorf("%d %v\n%s", a.status, a.header, a.body)
	}
	pending(t, whole)
	r.close()
	// a part beyond the last of a finished segment is the first of the next
	rolled := r.later(r.base + "index.m3u8?_HLS_msn=3&_HLS_part=2")
	pending(t, rolled)
	pending(t, whole) // listed whole together with what follows
	r.open(true)
	r.add()
	if a := <-whole; a.status != 200 || !strings.Contains(a.body, "\n3.m4s\n") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if a := <-rolled; a.status != 200 || !strings.Contains(a.body, `URI="4.0.m4s"`) {
		t.Errorf("%d\n%s", a.status, a.body)
	}
}

func TestDirectives(t *testing.T) {
	r := newRig(t)
	r.handler.Add(r.stream)
	r.segments(8)
	r.open(true)
	r.add()
	for query, want := range map[string]int{
		"": 200, "_HLS_msn=2": 200, "_HLS_msn=0&_HLS_part=7": 200, "_HLS_msn=8&_HLS_part=0": 200,
		"_HLS_skip=YES": 200, "_HLS_skip=v2": 200, "other=1&_HLS_msn=3": 200, "_HLS_msn=%32": 200,
		"_HLS_part=1": 400, "_HLS_msn=x": 400, "_HLS_msn=-1": 400, "_HLS_msn=": 400, "_HLS_msn=2&_HLS_part=-1": 400,
		"_HLS_msn=10": 400, "_HLS_msn=8&_HLS_part=99": 400, "_HLS_msn=99999999999999999999": 400, "_HLS_skip=no": 400, "_HLS_msn=%zz": 400,
	} {
		if a := r.get(r.base + "index.m3u8?" + query); a.status != want {
			t.Errorf("%q: %d, want %d (%s)", query, a.status, want, a.body)
		}
	}
}

func TestDeltaAndGzip(t *testing.T) {
	r := newRig(t)
	r.handler.Add(r.stream)
	r.segments(12)
	r.open(true)
	r.add()
	full, delta := r.get(r.base+"index.m3u8"), r.get(r.base+"index.m3u8?_HLS_skip=YES")
	if !strings.Contains(delta.body, "#EXT-X-SKIP:SKIPPED-SEGMENTS=6\n") || len(delta.body) >= len(full.body) {
		t.Errorf("delta\n%s", delta.body)
	}
	packed := r.get(r.base+"index.m3u8", "Accept-Encoding", "br, gzip")
	z, err := gzip.NewReader(strings.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != full.body || packed.header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("unpacked to %q (%v), %v", text, err, packed.header)
	}
}

func TestPartsAndSegmentsAreTheSameBytes(t *testing.T) {
	r := newRig(t)
	r.handler.Add(r.stream)
	r.segments(6)
	r.open(true) // the next one has begun
	dir := t.TempDir()
	check := func(where string) {
		t.Helper()
		for msn := range 6 {
			var all string
			for i := range 10 {
				a := r.get(fmt.Sprintf("%s%d.%d.m4s", r.base, msn, i))
				if a.status != 200 || !strings.HasPrefix(a.body, fmt.Sprintf("<source %d.%d ", msn, i)) {
					t.Fatalf("%s: part %d.%d: %d %.30q", where, msn, i, a.status, a.body)
				}
				all += a.body
			}
			a := r.get(fmt.Sprintf("%s%d.m4s", r.base, msn))
			if a.body != all || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s: segment %d is not its parts (%d and %d bytes)", where, msn, len(a.body), len(all))
			}
			if d := r.get(fmt.Sprintf("%sd0-%d.m4s", r.base, msn)); d.body != all {
				t.Errorf("%s: DASH segment %d is not its parts", where, msn)
			}
		}
	}
	check("in memory")
	r.video.View(func(v *window.View) {
		for _, s := range v.Segments[:6] {
			var data []byte
			for _, p := range s.Parts {
				data = append(data, p.Data...)
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(s.MSN)), data, 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	var all []*window.Segment
	r.video.View(func(v *window.View) { all = append(all, v.Segments[:6]...) })
	for _, s := range all {
		r.video.Stored(s, filepath.Join(dir, fmt.Sprint(s.MSN)))
	}
	r.video.Trim(window.Keep{Playlist: time10m, Memory: 2 * media.Second, Minis: time10m})
	check("from files")
	if a := r.get(r.base+"0.m4s", "Range", "bytes=5-9"); a.status != 206 || len(a.body) != 5 {
		t.Errorf("range: %d %q", a.status, a.body)
	}
}

func TestHintedPart(t *testing.T) {
	r := newRig(t)
	r.handler.Add(r.stream)
	r.segments(2)
	r.open(true)
	r.add()
	hinted := r.later(r.base + "2.1.m4s")
	pending(t, hinted)
	if a := r.get(r.base + "2.2.m4s"); a.status != 404 {
		t.Errorf("a part that was not announced: %d", a.status)
	}
	r.add()
	if a := <-hinted; a.status != 200 || !strings.HasPrefix(a.body, "<source 2.1 ") {
		t.Errorf("%d %.40q", a.status, a.body)
	}
	dropped := r.later(r.base + "2.2.m4s")
	pending(t, dropped)
	r.close()
	pending(t, dropped)
	r.open(false)
	r.add()
	if a := <-dropped; a.status != 200 || !strings.HasPrefix(a.body, "<source 3.0 ") {
		t.Errorf("a part that never came: %d %.40q", a.status, a.body)
	}
	if a := r.get(r.base + "2.2.m4s"); a.status != 200 || !strings.HasPrefix(a.body, "<source 3.0 ") {
		t.Errorf("the same, later: %d %.40q", a.status, a.body)
	}
	if a := r.get(r.base + "2.3.m4s"); a.status != 404 {
		t.Errorf("a part that never was announced: %d", a.status)
	}
}

func TestDASHSegmentIsSentWhileItIsWritten(t *testing.T) {
	r := newRig(t)
	r.handler.Add(r.stream)
	early := r.later(r.base + "d0-0.m4s")
	pending(t, early)
	r.open(true) // minis: two HLS segments in one DASH segment
	r.add()
	r.close()
	r.open(false)
	r.add()
	res, err := r.server.Client().Get(r.base + "d0-0.m4s")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	buf := make([]byte, 12)
	if _, err := io.ReadFull(res.Body, buf); err != nil || string(buf) != "<source 0.0 " {
		t.Errorf("first bytes %q, %v", buf, err)
	}
	r.add()
	r.close()
	r.segments(1)
	a := <-early
	for _, want := range []string{"<source 0.0 ", "<source 1.0 ", "<source 1.1 "} {
		if !strings.Contains(a.body, want) {
			t.Errorf("no %s in the DASH segment", want)
		}
	}
	if strings.Contains(a.body, "<source 2.0") || a.status != 200 {
		t.Errorf("%d: the DASH segment goes on into the next one", a.status)
	}
	if a := r.get(r.base + "d0-7.m4s"); a.status != 404 {
		t.Errorf("a segment of the far future: %d", a.status)
	}
}

func TestEntryIsHeldUntilThePlaylistsAreReady(t *testing.T) {
	r := newRig(t)
	entry := r.later(r.server.URL + "/live/x/index.m3u8")
	manifest := r.later(r.server.URL + "/live/x/manifest.mpd")
	pending(t, entry)
	r.handler.Add(r.stream)
	r.open(true)
	r.add()
	a := <-manifest
	if _, err := mpd.ReadFromString(a.body); err != nil || a.status != 200 || !strings.Contains(a.body, "e1/$RepresentationID$/d0-$Number$.m4s") {
		t.Errorf("%d %v\n%s", a.status, err, a.body)
	}
	r.close()
	pending(t, entry)
	r.open(false)
	r.add()
	r.close()
	if a := <-entry; a.status != 200 || !strings.Contains(a.body, "\ne1/source/index.m3u8\n") || !strings.Contains(a.body, `URI="e1/audio/index.m3u8"`) {
		t.Errorf("%d\n%s", a.status, a.body)
	}
}

func TestHoldEnds(t *testing.T) {
	r := newRig(t)
	r.handler.Hold = 20 * time.Millisecond
	if a := r.get(r.server.URL + "/live/nobody/index.m3u8"); a.status != 404 {
		t.Errorf("after the hold: %d", a.status)
	}
}

// asked is a context that tells when somebody begins to wait for its end.
type asked struct {
	context.Context
	once sync.Once
	ch   chan struct{}
}

func (a *asked) Done() <-chan struct{} {
	a.once.Do(func() { close(a.ch) })
	return a.Context.Done()
}

func TestHoldsAreBoundedAndSeeTheirClientLeave(t *testing.T) {
	h := &origin.Handler{Log: slog.New(slog.DiscardHandler), Hold: time.Hour, Holds: 1}
	parent, leave := context.WithCancel(t.Context())
	ctx := &asked{Context: parent, ch: make(chan struct{})}
	ask := func(ctx context.Context) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/nobody/index.m3u8", nil).WithContext(ctx))
		return w.Code
	}
	first := make(chan int, 1)
	go func() { first <- ask(ctx) }()
	<-ctx.ch
	if status := ask(t.Context()); status != 503 {
		t.Errorf("one more than may be held: %d", status)
	}
	leave()
	if status := <-first; status != 404 {
		t.Errorf("the one that left: %d", status)
	}
	if status := ask(parent); status != 404 {
		t.Errorf("its place was not given back: %d", status)
	}
}

// Players of a stream that goes on here are there before its first segment, and ask for
// what follows those that they have.
func TestPlaylistWaitsForTheFirstSegment(t *testing.T) {
	r := newRig(t)
	r.video.Begin(30, 1, 0)
	r.audio.Begin(30, 1, 0)
	r.video.AddInit(window.Init{Track: (&mediatest.Source{}).Tracks()[0], Data: []byte("video init")})
	r.audio.AddInit(window.Init{Data: []byte("audio init")})
	r.msn = 30
	r.handler.Add(r.stream)
	waiting := []<-chan answer{r.later(r.base + "index.m3u8?_HLS_msn=16&_HLS_part=2"), r.later(r.base + "index.m3u8")}
	for _, ch := range waiting {
		pending(t, ch)
	}
	if a := r.get(r.base + "index.m3u8?_HLS_msn=32"); a.status != 400 {
		t.Errorf("what is too far ahead: %d", a.status)
	}
	r.open(true)
	r.add()
	r.close()
	for _, ch := range waiting {
		if a := <-ch; a.status != 200 || !strings.Contains(a.body, "#EXT-X-MEDIA-SEQUENCE:30\n") || !strings.Contains(a.body, "#EXT-X-DISCONTINUITY-SEQUENCE:1\n") || !strings.Contains(a.body, "\n30.m4s\n") {
			t.Errorf("%d\n%s", a.status, a.body)
		}
	}
}

// Who waits for a stream that goes on elsewhere is sent away to ask there.
func TestLeavingEndsWaiting(t *testing.T) {
	r := newRig(t)
	r.handler.Add(r.stream)
	r.segments(2)
	waiting := r.later(r.base + "index.m3u8?_HLS_msn=2&_HLS_part=0")
	pending(t, waiting)
	r.stream.Window.Leave()
	if a := <-waiting; a.status != 503 {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if a := r.get(r.base + "index.m3u8"); a.status != 200 || strings.Contains(a.body, "ENDLIST") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
}

func TestClosingEndsWaiting(t *testing.T) {
	r := newRig(t)
	r.handler.Add(r.stream)
	r.segments(2)
	waiting := []<-chan answer{
		r.later(r.base + "index.m3u8?_HLS_msn=2&_HLS_part=0"), r.later(r.base + "2.0.m4s"),
		r.later(r.base + "d0-2.m4s"), r.later(r.server.URL + "/live/nobody/index.m3u8"),
	}
	for _, ch := range waiting {
		pending(t, ch)
	}
	close(r.closing)
	for i, ch := range waiting {
		if a := <-ch; a.status != 404 && a.status != 503 {
			t.Errorf("%d: %d", i, a.status)
		}
	}
}

func TestEndOfStream(t *testing.T) {
	r := newRig(t)
	r.handler.Add(r.stream)
	r.segments(2)
	waiting := r.later(r.base + "index.m3u8?_HLS_msn=2")
	pending(t, waiting)
	r.stream.Window.End()
	if a := <-waiting; a.status != 200 || !strings.HasSuffix(a.body, "#EXT-X-ENDLIST\n") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	r.handler.End(r.stream)
	if a := r.get(r.base + "1.m4s"); a.status != 200 {
		t.Errorf("the last segment: %d", a.status)
	}
	r.handler.Forget(r.stream)
	if a := r.get(r.base + "1.m4s"); a.status != 404 {
		t.Errorf("after all is forgotten: %d", a.status)
	}
}

func TestWhatDoesNotExist(t *testing.T) {
	r := newRig(t)
	r.handler.Hold = time.Millisecond
	r.handler.Add(r.stream)
	r.segments(3)
	for _, path := range []string{
		"/live/", "/live/x", "/live/x/", "/live/x/e1", "/live/x/e1/source", "/live/x/e1/nope/index.m3u8", "/live/x/e2/source/index.m3u8",
		"/live/x/e1/source/9.m4s", "/live/x/e1/source/01.m4s", "/live/x/e1/source/-1.m4s", "/live/x/e1/source/1.99.m4s", "/live/x/e1/source/init9.mp4",
		"/live/x/e1/source/1.m4s/", "/live/x/e1/source/..%2f..%2fkeys.json", "/live/x/e1/source/1.1.1.m4s", "/live/x/thumb.jpg",
		"/live/x/e1/source/18446744073709551616.m4s", "/live/x/e1/source/d0-99.m4s", "/live/x/e1/source/d0.m4s", "/live/x/e1/source/d00-0.m4s", "/live/%00/index.m3u8",
	} {
		if a := r.get(r.server.URL + path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, r.base+"index.m3u8", bytes.NewReader(nil))
	res, err := r.server.Client().Do(req)
	if err != nil || res.StatusCode != 405 {
		t.Fatalf("POST: %v %v", res, err)
	}
	res.Body.Close()
	req.Method = http.MethodOptions
	if res, err = r.server.Client().Do(req); err != nil || res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("OPTIONS: %v %v", res, err)
	}
	res.Body.Close()
	if res, err = r.server.Client().Head(r.base + "1.m4s"); err != nil || res.ContentLength == 0 || res.StatusCode != 200 {
		t.Errorf("HEAD: %v %v", res, err)
	}
	res.Body.Close()
}

// BenchmarkOriginWake: a part comes, and so many who wait for it get their playlist.
func BenchmarkOriginWake(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("waiters=%d", n), func(b *testing.B) {
			w := window.New(time.Now())
			v := w.Add("source", media.Video)
			v.AddInit(window.Init{Track: mediatest.Video(1280, 720, media.Rational{Num: 30, Den: 1}, false)})
			s := &origin.Stream{Name: "x", Epoch: "e", Window: w, Target: 2, PartTarget: part}
			h := &origin.Handler{}
			h.Add(s)
			v.Open(window.Segment{})
			v.AddPart(window.Part{Data: []byte{1}, Duration: part})
			b.ReportAllocs()
			for i := 1; b.Loop(); i++ {
				var done, ready sync.WaitGroup
				ready.Add(n)
				for range n {
					done.Go(func() {
						req := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/x/e/source/index.m3u8?_HLS_msn=0&_HLS_part=%d", i), nil)
						ready.Done()
						h.ServeHTTP(discard{http.Header{}}, req)
					})
				}
				ready.Wait()
				v.AddPart(window.Part{Data: []byte{1}, Duration: part})
				done.Wait()
			}
		})
	}
}

// BenchmarkPlaylistRequest: what a request that is not blocked costs the handler.
func BenchmarkPlaylistRequest(b *testing.B) {
	w := window.New(time.Now())
	v := w.Add("source", media.Video)
	s := &origin.Stream{Name: "x", Epoch: "e", Window: w, Target: 2, PartTarget: part}
	h := &origin.Handler{}
	h.Add(s)
	for msn := range uint64(10) {
		v.Open(window.Segment{MSN: msn})
		for range 10 {
			v.AddPart(window.Part{Data: []byte{1}, Duration: part})
		}
		v.Close(0)
	}
	req := httptest.NewRequest(http.MethodGet, "/x/e/source/index.m3u8", nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(discard{http.Header{}}, req)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header            { return d.header }
func (discard) Write(p []byte) (int, error)      { return len(p), nil }
func (discard) WriteHeader(int)                  {}
func (discard) SetWriteDeadline(time.Time) error { return nil }

// A Period that is followed by a hole says where it ends; one that is not, does not.
func TestPeriodsEndBeforeHoles(t *testing.T) {
	for name, hole := range map[string]media.Time{"hole": 3 * media.Second / 2, "none": 0} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.handler.Add(r.stream)
			r.segments(3)
			ended := r.at
			r.at += hole
			r.stream.Window.AddMark(window.Mark{MSN: r.msn, Start: r.at, Period: window.Period{Start: r.at, Ended: ended, Number: 3}})
			r.open(false)
			r.add()
			text := r.get(r.server.URL + "/live/x/manifest.mpd").body
			if got := strings.Contains(text, `<Period id="p0" start="PT0S" duration="PT6S">`); got != (hole > 0) {
				t.Error(text)
			}
		})
	}
}

// A player can go back as far as the stream has been, and no farther than the window.
// The rig's stream is a minute old.
func TestDepthIsOfWhatThereIs(t *testing.T) {
	for name, row := range map[string]struct{ rewind, least, most time.Duration }{
		"all":    {10 * time.Minute, time.Minute, 2 * time.Minute},
		"window": {30 * time.Second, 30 * time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.stream.Rewind = media.FromDuration(row.rewind)
			r.handler.Add(r.stream)
			r.segments(3)
			m, err := mpd.ReadFromString(r.get(r.server.URL + "/live/x/manifest.mpd").body)
			if err != nil {
				t.Fatal(err)
			}
			if got := time.Duration(*m.TimeShiftBufferDepth); got < row.least || got > row.most || got%time.Second != 0 {
				t.Errorf("timeShiftBufferDepth is %v", got)
			}
		})
	}
}
