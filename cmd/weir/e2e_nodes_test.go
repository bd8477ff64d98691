//go:build servers

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

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
	o := redistest.Real(t).Options()
	p := &pair{settings: append([]string{"WEIR_DATABASE_URL=" + dbtest.Postgres(t).URL, fmt.Sprintf("WEIR_REDIS_URL=redis://:%s@%s/%d", o.Password, o.Addr, o.DB),
		"WEIR_SECRET_KEY=" + strings.Repeat("5a", 32), "WEIR_LOG_LEVEL=debug"}, settings...)}
	p.first = p.start(t)
	p.second = p.start(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("first: %s\nsecond: %s", p.first.stop().stderr, p.second.stop().stderr)
		}
	})
	run(t, p)
}

// start starts one more node.
func (p *pair) start(t *testing.T) *child {
	t.Helper()
	addr := freePort(t)
	return startChild(t, nil, append([]string{"WEIR_HTTP_ADDR=" + addr, "WEIR_NODE_URL=http://" + addr}, p.settings...)...)
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
