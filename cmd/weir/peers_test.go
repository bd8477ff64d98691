package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"testing"
	"time"

	"weir/packager/origin"
	"weir/services/backing/redis"
	"weir/services/backing/redis/redistest"
	"weir/services/live/place"
)

// Who a viewer is a node takes from another one, whose request goes no further, and from a
// gateway, whose request may; from nobody else.
func TestBelieve(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	here, now := newPeers(nil, nil, secret, nil, slog.New(slog.DiscardHandler)), time.Unix(1_800_000_000, 0)
	here.now = func() time.Time { return now }
	stranger := newPeers(nil, nil, []byte("another secret"), nil, slog.New(slog.DiscardHandler))
	stranger.now = here.now
	const viewer, path = "192.0.2.7:4711", "/live/anna/index.m3u8"
	old := here.sign(viewer, path)
	now = now.Add(2 * peerClocks)
	for name, tc := range map[string]struct {
		header          string
		believed, stays bool
	}{
		"a node":           {here.sign(viewer, path), true, true},
		"a gateway":        {here.sign(viewer, gatePath+path), true, false},
		"nobody":           {"", false, false},
		"a stranger":       {stranger.sign(viewer, path), false, false},
		"another path":     {here.sign(viewer, path+"x"), false, false},
		"long ago":         {old, false, false},
		"no address":       {here.sign("anna", path), false, false},
		"something else":   {"x", false, false},
		"a path of a node": {here.sign(viewer, "gate"+path), false, false},
	} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		was := r.RemoteAddr
		if tc.header != "" {
			r.Header.Set(peerHeader, tc.header)
		}
		here.believe(r)
		if (r.RemoteAddr == viewer) != tc.believed || !tc.believed && r.RemoteAddr != was || (r.Header.Get(peerHeader) != "") != tc.stays {
			t.Errorf("%s: %s, header %q", name, r.RemoteAddr, r.Header.Get(peerHeader))
		}
	}
}

// That a request came over TLS is passed on with it.
func TestPassesTLSOn(t *testing.T) {
	p := newPeers(nil, nil, []byte("secret"), nil, slog.New(slog.DiscardHandler))
	for proto, want := range map[string]string{"": "", "http": "", "https": "https", "HTTPS, http": "https", "http, https": ""} {
		in := httptest.NewRequest(http.MethodPost, "/live/whip", nil)
		in.Header.Set("X-Forwarded-Proto", proto)
		out := httptest.NewRequest(http.MethodPost, "/live/whip", nil)
		p.rewrite(&httputil.ProxyRequest{In: in, Out: out})
		if got := out.Header.Get("X-Forwarded-Proto"); got != want {
			t.Errorf("%q is passed on as %q", proto, got)
		}
	}
}

// A node that has handed a stream over, of which another one has not heard yet, says so to
// that, and of streams that are in no list nothing.
func TestGoesOn(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	table := place.New(place.Config{Remember: time.Minute, Log: log})
	table.Miss(place.Stream{Name: "anna", Info: []byte(`{}`)})
	table.Miss(place.Stream{Name: "hidden"})
	p := newPeers(table, nil, []byte("secret"), nil, log)
	for name, want := range map[string]bool{"anna": true, "hidden": false, "nobody": false} {
		path := "/live/" + name + "/index.m3u8"
		r, w := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		r.Header.Set(peerHeader, p.sign("192.0.2.7:4711", path))
		if got := p.Serve(w, r, name); got != want || want && (w.Code != http.StatusServiceUnavailable || w.Header().Get(peerHeader) == "") {
			t.Errorf("%s: %t, %d", name, got, w.Code)
		}
	}
}

// Who waits for a stream of a node that is gone has one of the places of those who wait for
// one to begin, of which a network has its own share.
func TestWaitsForWhatGoesOn(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	table := place.New(place.Config{Remember: time.Minute, Log: log})
	table.Miss(place.Stream{Name: "anna", Info: []byte(`{}`)})
	local := &origin.Handler{Log: log, HoldsEach: 1}
	p := newPeers(table, local, []byte("secret"), nil, log)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	// held says whether a request would wait: who is gone by then gets no answer.
	held := func(peer string) bool {
		r, w := httptest.NewRequest(http.MethodGet, "/live/anna/e/source/1.m4s", nil), httptest.NewRecorder()
		r.RemoteAddr = peer
		if !p.Serve(w, r.WithContext(gone), "anna") {
			t.Errorf("%s is not served", peer)
		}
		if w.Body.Len() > 0 && w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", peer, w.Code)
		}
		return w.Body.Len() == 0
	}
	leave, err := local.Wait("192.0.2.7:1")
	if err != nil {
		t.Fatal(err)
	}
	if held("192.0.2.7:2") {
		t.Error("one network has more places than its own")
	}
	if !held("192.0.2.8:1") || !held("192.0.2.8:2") {
		t.Error("another network has no place")
	}
	leave()
	if !held("192.0.2.7:3") {
		t.Error("the place did not come back")
	}
}

// owner has one stream.
type owner struct{ name string }

func (o owner) Placed() []place.Stream {
	if o.name == "" {
		return nil
	}
	return []place.Stream{{Name: o.name, Epoch: "e"}}
}
func (owner) Yield(string, bool) bool       { return false }
func (owner) Lost(string)                   {}
func (owner) Takes() (place.Doors, float64) { return nil, 0 }

// A gateway asks the node that has the stream first, and then all that stay, those of one
// name in one order.
func TestGateAsks(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		log := slog.New(slog.DiscardHandler)
		for node, o := range map[string]owner{"a": {}, "b": {"anna"}, "c": {}, "leaves": {}} {
			table := place.New(place.Config{Redis: c, Node: node, URL: "http://" + node, Remember: time.Minute, Owner: o, Log: log})
			if node == "leaves" {
				table.Leave()
			}
			keepUntilEnd(t, table.Run)
		}
		g := &gate{table: place.New(place.Config{Redis: c, Remember: time.Minute, Log: log})}
		keepUntilEnd(t, g.table.Watch)
		eventually(t, "all nodes", func() bool { _, ok := g.table.Find("anna"); return ok && len(g.table.Peers()) == 4 })
		ask := func(path string) (list []string) {
			for _, x := range g.nodes(httptest.NewRequest(http.MethodGet, path, nil)) {
				list = append(list, x.URL)
			}
			return list
		}
		if got := ask("/live/anna/index.m3u8"); len(got) != 3 || got[0] != "http://b" {
			t.Errorf("for a stream of b: %v", got)
		}
		if got := ask("/live/~pass/anna/e/source/1.m4s"); len(got) != 3 || got[0] != "http://b" {
			t.Errorf("for a stream of b, with a pass: %v", got)
		}
		firsts := map[string]bool{}
		for _, name := range []string{"ben", "cleo", "dora", "emil", "fred", "gina", "hans", "ida"} {
			one, two := ask("/vod/"+name+"/index.m3u8"), ask("/vod/"+name+"/source/1.m4s")
			if len(one) != 3 || len(two) != 3 || one[0] != two[0] {
				t.Errorf("for %s: %v and then %v", name, one, two)
			}
			firsts[one[0]] = true
		}
		if len(firsts) < 2 {
			t.Errorf("all recordings are asked of %v", firsts)
		}
	})
}

// keepUntilEnd runs something until the test is over.
func keepUntilEnd(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
