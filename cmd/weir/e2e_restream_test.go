package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
)

// restreamed is a target as the API shows it.
type restreamed struct {
	ID     string
	Status *struct {
		State, Error          string
		Bytes, Bitrate, Tries int
	}
}

// A channel's stream appears at another weir, over real sockets, until its manager stops
// that; targets that are away, or refuse, disturb neither it nor the stream.
func TestRestream(t *testing.T) {
	t.Parallel()
	second := startStation(t)
	locked := startStation(t, "WEIR_PUBLISH=key")
	first := startStation(t, "WEIR_PUBLISH=key", "WEIR_WEBHOOK_PRIVATE=127.0.0.0/8")
	anna := &person{t: t, web: first.web}
	anna.signIn("admin", first.password)
	channel, secret := channelWithKey(anna, "anna")
	path := "channels/" + channel + "/targets"
	target := func(address, key string) string {
		t.Helper()
		var made restreamed
		if status := anna.ask(http.MethodPost, path, object{"url": "rtmp://" + address + "/live", "stream_key": key}, &made); status != http.StatusCreated {
			t.Fatalf("target: %d", status)
		}
		return made.ID
	}
	good, away, refused := target(second.rtmp, "copy"), target(freePort(t), "copy"), target(locked.rtmp, "not-a-key-of-it")
	status := func(id string) (x restreamed) {
		t.Helper()
		if got := anna.ask(http.MethodGet, path+"/"+id, nil, &x); got != http.StatusOK {
			t.Fatalf("status: %d", got)
		}
		return x
	}
	if x := status(good); x.Status != nil {
		t.Errorf("before the stream: %+v", x.Status)
	}
	o := air(t, first, secret)
	ctx := limited(t)
	v, err := second.view(ctx, "copy")
	if err != nil {
		t.Fatalf("the stream at the other weir: %v", err)
	}
	if _, err := v.until(ctx, v.pictures[0], closedSegments(3)); err != nil {
		t.Fatal(err)
	}
	if err := v.check(ctx); err != nil {
		t.Error(err)
	}
	eventually(t, "how the targets do", func() bool {
		a, b, c := status(good).Status, status(away).Status, status(refused).Status
		return a != nil && a.State == "sending" && a.Bytes > 0 && b != nil && strings.Contains(b.Error, "refused") && b.Tries > 1 && c != nil && c.Error != "" && c.State != "sending"
	})
	if x := status(refused).Status; strings.Contains(x.Error, "not-a-key-of-it") {
		t.Errorf("it shows the key: %s", x.Error)
	}
	if got := anna.ask(http.MethodPost, path+"/"+good+"/stop", nil, nil); got != http.StatusOK {
		t.Errorf("stop: %d", got)
	}
	if _, err := v.until(ctx, v.pictures[0], func(m *playlist.Media) bool { return m.Endlist }); err != nil {
		t.Errorf("the end of the copy: %v", err)
	}
	own, err := first.view(ctx, "anna")
	if err != nil {
		t.Fatalf("the stream itself, after all that: %v", err)
	}
	if _, err := own.until(ctx, own.pictures[0], closedSegments(5)); err != nil {
		t.Error(err)
	}
	if err := own.check(ctx); err != nil {
		t.Error(err)
	}
	if got := anna.ask(http.MethodPost, path+"/"+good+"/start", nil, nil); got != http.StatusOK {
		t.Errorf("start: %d", got)
	}
	eventually(t, "the stream at the other weir again", func() bool { x := status(good).Status; return x != nil && x.State == "sending" })
	if err := o.leave(); err != nil {
		t.Error(err)
	}
	eventually(t, "the end, told by the target", func() bool { x := status(good).Status; return x == nil || x.State == "ended" })
}

// Without the setting a target inside of the network is not reached.
func TestRestreamInside(t *testing.T) {
	t.Parallel()
	second := startStation(t)
	first := startStation(t, "WEIR_PUBLISH=key")
	anna := &person{t: t, web: first.web}
	anna.signIn("admin", first.password)
	channel, secret := channelWithKey(anna, "anna")
	path := "channels/" + channel + "/targets"
	_, port, _ := strings.Cut(second.rtmp, ":")
	if status := anna.ask(http.MethodPost, path, object{"url": "rtmp://localhost:" + port + "/live", "stream_key": "copy"}, nil); status != http.StatusCreated {
		t.Fatalf("target: %d", status)
	}
	air(t, first, secret)
	eventually(t, "why it is not reached", func() bool {
		var list struct{ Items []restreamed }
		anna.ask(http.MethodGet, path, nil, &list)
		return list.Items[0].Status != nil && strings.Contains(list.Items[0].Status.Error, "not a public one") && !strings.Contains(list.Items[0].Status.Error, "127.0.0.1")
	})
	if status, body, err := second.get(t.Context(), "/api/v1/streams"); err != nil || status != http.StatusOK || strings.Contains(body, "copy") {
		t.Errorf("%d %s %v", status, body, err)
	}
}

// Restreams that lead back to where their stream comes from are refused, with words for
// who manages them, also where newcomers take over: else the stream would go round without
// a publisher, who is out.
func TestRestreamCircle(t *testing.T) {
	t.Parallel()
	s := startStation(t, "WEIR_PUBLISH=key", "WEIR_TAKEOVER=true", "WEIR_WEBHOOK_PRIVATE=127.0.0.0/8")
	anna := &person{t: t, web: s.web}
	anna.signIn("admin", s.password)
	first, secret := channelWithKey(anna, "anna")
	second, other := channelWithKey(anna, "ben")
	target := func(channel, key string) func() string {
		t.Helper()
		path := "channels/" + channel + "/targets"
		var made restreamed
		if status := anna.ask(http.MethodPost, path, object{"url": "rtmp://" + s.rtmp + "/live", "stream_key": key}, &made); status != http.StatusCreated {
			t.Fatalf("target: %d", status)
		}
		return func() string {
			var x restreamed
			if anna.ask(http.MethodGet, path+"/"+made.ID, nil, &x); x.Status == nil {
				return ""
			}
			return x.Status.State + " " + x.Status.Error
		}
	}
	itself, on, back := target(first, secret), target(first, other), target(second, secret)
	o := air(t, s, secret)
	eventually(t, "one way of the circle, and the refusal of the other", func() bool {
		return on() == "sending " && strings.Contains(back(), "in a circle") && strings.Contains(itself(), "in a circle")
	})
	var list struct{ Items []struct{ Code string } }
	if status := anna.ask(http.MethodGet, "channels/"+first+"/refusals", nil, &list); status != http.StatusOK || len(list.Items) == 0 || list.Items[0].Code != "circle" {
		t.Errorf("refusals: %d %+v", status, list.Items)
	}
	if err := o.leave(); err != nil {
		t.Errorf("the publisher: %v", err)
	}
	eventually(t, "the end of both", func() bool {
		_, body, err := s.get(t.Context(), "/api/v1/streams")
		return err == nil && !strings.Contains(body, "anna") && !strings.Contains(body, "ben")
	})
}
