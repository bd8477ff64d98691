//go:build servers

package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
	"github.com/pion/webrtc/v4"

	"weir/services/backing/db/dbtest"
	"weir/services/backing/redis/redistest"
)

// pair are two nodes of one installation, on one machine.
type pair struct {
	first, second *child
	settings      []string // of both
}

// onePair runs a test with two nodes over a real database and a real Redis.
func onePair(t *testing.T, run func(t *testing.T, p *pair), settings ...string) {
	t.Helper()
	onUnequal(t, nil, nil, run, settings...)
}

// onUnequal is onePair with settings of the first and of the second.
func onUnequal(t *testing.T, first, second []string, run func(t *testing.T, p *pair), settings ...string) {
	t.Helper()
	o := redistest.Real(t).Options()
	p := &pair{settings: append([]string{"WEIR_DATABASE_URL=" + dbtest.Postgres(t).URL, fmt.Sprintf("WEIR_REDIS_URL=redis://:%s@%s/%d", o.Password, o.Addr, o.DB),
		"WEIR_SECRET_KEY=" + strings.Repeat("5a", 32), "WEIR_LOG_LEVEL=debug"}, settings...)}
	p.first = p.start(t, first...)
	p.second = p.start(t, second...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("first: %s\nsecond: %s", p.first.stop().stderr, p.second.stop().stderr)
		}
	})
	run(t, p)
}

// start starts one more node.
func (p *pair) start(t *testing.T, more ...string) *child {
	t.Helper()
	addr := freePort(t)
	return startChild(t, nil, slices.Concat([]string{"WEIR_HTTP_ADDR=" + addr, "WEIR_NODE_URL=http://" + addr}, p.settings, more)...)
}

// TestNodesPlacement: any node answers for a stream of the other, and no name is on the air twice.
func TestNodesPlacement(t *testing.T) {
	t.Parallel()
	onePair(t, func(t *testing.T, p *pair) {
		ctx := limited(t)
		early := make(chan error, 1)
		go func() { _, err := p.second.view(ctx, "anna"); early <- err }() // held at a node that will not have it
		o := air(t, p.first.station, "anna")
		if err := <-early; err != nil {
			t.Errorf("a request that came before the stream: %v", err)
		}
		v, err := p.second.view(ctx, "anna")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.until(ctx, v.pictures[0], closedSegments(7)); err != nil {
			t.Fatalf("through the other node: %v", err)
		}
		if err := v.check(ctx); err != nil {
			t.Error(err)
		}
		p.bytes(ctx, t, v)
		door, _ := startCommand(t, append(quiet("WEIR_DATA_DIR="+t.TempDir()), p.settings...), "run", "gateway")
		gate := *p.second.station
		gate.web = find(t, `Watch\s+(http://\S+)/\n`, door)
		for name, s := range map[string]*station{"the other node": p.second.station, "a gateway": &gate} {
			callElsewhere(ctx, t, name, s, "anna")
		}
		p.gate(ctx, t, &gate)
		eventually(t, "the stream in the list of the other node", func() bool {
			_, a, _ := p.first.get(ctx, "/api/v1/streams")
			_, b, _ := p.second.get(ctx, "/api/v1/streams")
			return strings.Contains(a, `"anna"`) && strings.Contains(b, `"anna"`) && strings.Contains(b, `"renditions":[{`)
		})
		if _, err := dialCaster(t, p.second.station, "anna"); err == nil || !strings.Contains(err.Error(), "already") {
			t.Errorf("a second publisher at the other node: %v", err)
		}
		if err := o.leave(); err != nil {
			t.Error(err)
		}
		if _, err := v.until(ctx, v.pictures[0], func(m *playlist.Media) bool { return m.Endlist }); err != nil {
			t.Errorf("the end, through the other node: %v", err)
		}
		again := air(t, p.second.station, "anna")
		if _, err := p.first.view(ctx, "anna"); err != nil {
			t.Error(err)
		}
		again.vanish()
	})
}

// callElsewhere watches over WebRTC by a process that does not have the stream: pictures
// come, and the session is ended where it was asked for.
func callElsewhere(ctx context.Context, t *testing.T, name string, s *station, stream string) {
	t.Helper()
	pc := newPion(t)
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	came := make(chan error, 1)
	pc.OnTrack(func(k *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		_, _, err := k.ReadRTP()
		came <- err
	})
	at, err := s.session(ctx, pc, "/live/"+stream+"/whep")
	if err != nil {
		t.Errorf("WHEP by %s: %v", name, err)
		return
	}
	select {
	case err := <-came:
		if err != nil {
			t.Errorf("WHEP by %s: %v", name, err)
		}
	case <-ctx.Done():
		t.Errorf("WHEP by %s: no picture", name)
	}
	for _, want := range []int{http.StatusOK, http.StatusNotFound} {
		s.endSession(ctx, t, at, want)
		eventually(t, "the end of the session", func() bool { return pc.ConnectionState() != webrtc.PeerConnectionStateConnected })
	}
}

// endSession deletes a WebRTC session by its address at a node.
func (s *station) endSession(ctx context.Context, t *testing.T, at string, want int) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, s.web+at, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != want {
		t.Errorf("DELETE %s by %s: %d, want %d", at, s.web, res.StatusCode, want)
	}
}

// gate holds that a gateway without media has what the nodes have.
func (p *pair) gate(ctx context.Context, t *testing.T, gate *station) {
	t.Helper()
	v, err := gate.view(ctx, "anna")
	if err != nil {
		t.Errorf("by a gateway: %v", err)
		return
	}
	if err := v.check(ctx); err != nil {
		t.Errorf("by a gateway: %v", err)
	}
	if _, list, err := gate.get(ctx, "/api/v1/streams"); err != nil || !strings.Contains(list, `"anna"`) {
		t.Errorf("streams of a gateway: %s, %v", list, err)
	}
	if status, _, err := gate.get(ctx, "/vod/"+strings.Repeat("0", 8)+"-0000-7000-8000-000000000000/index.m3u8"); err != nil || status != http.StatusNotFound {
		t.Errorf("a recording that is not there, by a gateway: %d, %v", status, err)
	}
}

// bytes holds that both nodes give the same segment.
func (p *pair) bytes(ctx context.Context, t *testing.T, v *viewing) {
	t.Helper()
	m, _, err := v.media(ctx, v.pictures[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	u := resolve(v.pictures[0], m.Segments[0].URI)
	there, err1 := v.station.must(ctx, u)
	here, err2 := p.first.must(ctx, strings.Replace(u, p.second.web, p.first.web, 1))
	if err1 != nil || err2 != nil || here != there || len(here) == 0 {
		t.Errorf("a segment of %d bytes is %d through the other node: %v, %v", len(here), len(there), err1, err2)
	}
	forged, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	forged.Header.Set(peerHeader, "1 192.0.2.1:1 00")
	res, err := v.station.client.Do(forged)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("a forged header is not passed over: %v, %v", res, err)
	}
	if err == nil {
		res.Body.Close()
	}
}
