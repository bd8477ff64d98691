package origin_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/packager/door"
)

// keeper is a door that opens to one pass until it is revoked.
type keeper struct {
	public, revoked atomic.Bool
	asked           atomic.Int64
}

const goodPass = "abc_-9"

func (k *keeper) door(b door.Bearer) (uint64, error) {
	k.asked.Add(1)
	switch {
	case k.public.Load():
		return 0, nil
	case b.Pass == "":
		return 0, door.ErrHidden
	case b.Pass != goodPass, k.revoked.Load(), !b.From.IsLoopback():
		return 0, door.Refusal{Words: "this pass does not hold here"}
	}
	return 7, nil
}

func newKeeper(r *rig) *keeper {
	k := &keeper{}
	r.stream.Door = k.door
	r.handler.Passes = func(name string, b door.Bearer) error {
		if b.Pass != goodPass || name != "x" {
			return door.Refusal{Words: "this pass does not hold here"}
		}
		return nil
	}
	return k
}

// Everything below a name is behind its door, and what is got with a pass is the viewer's alone.
func TestDoor(t *testing.T) {
	r := newRig(t)
	k := newKeeper(r)
	r.handler.Hold = time.Millisecond
	r.handler.Add(r.stream)
	r.segments(3)
	live, with := r.server.URL+"/live/", r.server.URL+"/live/~"+goodPass+"/"
	paths := []string{"x/index.m3u8", "x/manifest.mpd", "x/e1/source/index.m3u8", "x/e1/source/init0.mp4", "x/e1/source/1.m4s", "x/e1/source/d0-1.m4s", "x/e1/source/index.m3u8?_HLS_msn=2&_HLS_part=0"}
	for _, path := range paths {
		hidden := r.get(live + path)
		absent := r.get(live + strings.Replace(path, "x/", "y/", 1))
		if hidden.status != 404 || strings.ReplaceAll(absent.body, "y", "x") != strings.ReplaceAll(hidden.body, "y", "x") {
			t.Errorf("%s without a pass: %d %q; of a stream that is not there %d %q", path, hidden.status, hidden.body, absent.status, absent.body)
		}
		for _, pass := range []string{"", "x", "~" + goodPass, goodPass + "A"} {
			if a := r.get(live + "~" + pass + "/" + path); a.status != 403 || !strings.Contains(a.body, "does not hold") || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s with the pass %q: %d %q", path, pass, a.status, a.body)
			}
		}
		a := r.get(with + path)
		if a.status != 200 || !strings.HasPrefix(a.header.Get("Cache-Control"), "private") || strings.Contains(a.header.Get("Cache-Control"), "public") ||
			a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s with a pass: %d %v", path, a.status, a.header)
		}
		if strings.Contains(a.body, goodPass) || strings.Contains(a.body, "\n/") {
			t.Errorf("%s: addresses are not relative: %s", path, a.body)
		}
	}
	if ids := r.stream.Audience.Take(); fmt.Sprint(ids) != "[7]" {
		t.Errorf("viewers %v, want the pass's", ids)
	}
	k.public.Store(true) // then nothing is asked for, not even a right pass
	for _, url := range []string{live, live + "~old/"} {
		if a := r.get(url + "x/e1/source/1.m4s"); a.status != 200 {
			t.Errorf("of a public stream: %d", a.status)
		}
	}
}

// Who is held for a stream that is hidden from them waits as long as for one that is not there.
func TestHiddenIsHeld(t *testing.T) {
	r := newRig(t)
	k := newKeeper(r)
	r.handler.Hold = 50 * time.Millisecond
	hidden := make(chan answer, 1)
	go func() { hidden <- r.get(r.server.URL + "/live/x/index.m3u8") }()
	r.handler.Add(r.stream)
	r.segments(3)
	if a := <-hidden; a.status != 404 || a.body != "x is not live\n" {
		t.Errorf("%d %q", a.status, a.body)
	}
	if k.asked.Load() == 0 {
		t.Error("the door was not asked")
	}
	r.handler.End(r.stream)
	if a := r.get(r.server.URL + "/live/~wrong/x/index.m3u8"); a.status != 403 { // at once, whether it is live or not
		t.Errorf("%d %q", a.status, a.body)
	}
}

// A pass that is taken back while its request waits gets nothing, and no more of a
// segment that is on its way.
func TestRevokedWhileWaiting(t *testing.T) {
	for _, tt := range []struct{ name, path string }{
		{"playlist", "x/e1/source/index.m3u8?_HLS_msn=3&_HLS_part=1"},
		{"part", "x/e1/source/3.1.m4s"},
		{"DASH segment", "x/e1/source/d0-4.m4s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			k := newKeeper(r)
			r.handler.Add(r.stream)
			r.segments(3)
			r.open(true)
			r.add()
			got := make(chan answer, 1)
			before := k.asked.Load()
			go func() { got <- r.get(r.server.URL + "/live/~" + goodPass + "/" + tt.path) }()
			again := time.NewTicker(time.Millisecond)
			defer again.Stop()
			for k.asked.Load() == before {
				<-again.C
			}
			k.revoked.Store(true)
			r.add()
			if tt.name == "DASH segment" { // it waits until it begins
				r.close()
				r.open(true)
				r.add()
			}
			if a := <-got; a.status != 403 || strings.Contains(a.body, "x.source") || strings.Contains(a.body, "EXTM3U") {
				t.Errorf("%d %q", a.status, a.body)
			}
		})
	}
}

func TestStreamingEndsWithItsPass(t *testing.T) {
	r := newRig(t)
	k := newKeeper(r)
	r.handler.Add(r.stream)
	r.segments(1)
	r.open(true)
	r.add()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.server.URL+"/live/~"+goodPass+"/x/e1/source/1.m4s", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	buf := make([]byte, 4096)
	n, err := res.Body.Read(buf)
	if err != nil || !strings.Contains(string(buf[:n]), "1.0") {
		t.Fatalf("%q %v", buf[:n], err)
	}
	k.revoked.Store(true)
	r.add()
	r.close()
	rest := 0
	for err == nil {
		n, err = res.Body.Read(buf)
		rest += n
		if strings.Contains(string(buf[:n]), "1.1") {
			t.Errorf("after the pass was taken back came %q", buf[:n])
		}
	}
}

// signedViewers knows the cookies that it made.
type signedViewers struct {
	mu   sync.Mutex
	made map[string]uint64
}

func (s *signedViewers) Cookie(stream string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		s.made = map[string]uint64{}
	}
	cookie := fmt.Sprintf("%s-%d", stream, len(s.made)+1)
	s.made[cookie] = uint64(len(s.made) + 1)
	return cookie
}

func (s *signedViewers) Viewer(_, cookie string) (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.made[cookie]
	return id, ok
}

// One client with 5,000 made-up cookies is one viewer; with as many names for itself it
// is held to what a network may bring.
func TestForgedViewers(t *testing.T) {
	r := newRig(t)
	r.handler.Viewers = &signedViewers{}
	r.handler.Add(r.stream)
	r.segments(2)
	ask := func(header ...string) {
		req := httptest.NewRequest(http.MethodGet, "/x/e1/source/index.m3u8", nil)
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		req.RemoteAddr = "198.51.100.7:1"
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, req)
		if w.Code != 200 {
			t.Fatalf("%d", w.Code)
		}
	}
	for i := range 5000 {
		ask("Cookie", fmt.Sprintf("weir_viewer=%d", i))
	}
	if n := len(r.stream.Audience.Take()); n != 1 {
		t.Errorf("made-up cookies are %d viewers", n)
	}
	for i := range 5000 {
		ask("User-Agent", fmt.Sprint(i))
	}
	if n := len(r.stream.Audience.Take()); n < 150 || n > 1000 {
		t.Errorf("5000 names for one client are %d viewers", n)
	}
	seen := map[string]bool{}
	for range 3 { // who has no cookie that holds gets one, once
		a := r.get(r.server.URL+"/live/x/index.m3u8", "Cookie", "weir_viewer=forged")
		cookie := a.header.Get("Set-Cookie")
		seen[cookie] = true
		if a := r.get(r.server.URL+"/live/x/index.m3u8", "Cookie", strings.Split(cookie, ";")[0]); a.header.Get("Set-Cookie") != "" {
			t.Errorf("a second cookie: %v", a.header)
		}
	}
	if len(seen) != 3 || seen[""] {
		t.Errorf("cookies %v", seen)
	}
}

func TestReadPass(t *testing.T) {
	for path, want := range map[string][2]string{
		"/x/index.m3u8": {"", "x/index.m3u8"}, "/~p/x/index.m3u8": {"p", "x/index.m3u8"}, "/~/x": {"~", "x"}, "/~p": {"p", ""}, "/": {"", ""}, "/x/~p": {"", "x/~p"},
	} {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.RemoteAddr = "[::ffff:192.0.2.1]:7"
		b, rest := door.Read(req, "")
		if b.Pass != want[0] || rest != want[1] || b.From != netip.MustParseAddr("192.0.2.1") {
			t.Errorf("%s: %+v %q", path, b, rest)
		}
	}
	w := httptest.NewRecorder()
	if door.Refuse(w, errors.New("of the inside")); w.Code != 403 || strings.Contains(w.Body.String(), "inside") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
