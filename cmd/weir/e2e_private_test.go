package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// look is what an address answers.
func look(t *testing.T, s *station, path string) (status int, text string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.web+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body), res.Header
}

type playback struct{ Pass, Viewer, HLS, DASH, Thumb, Replay string }

// A private channel is watched by a share link and by its owner, by nobody else; who is
// watching when the link ends gets nothing more, live and recorded. No pass is in the log.
func TestPrivateChannel(t *testing.T) {
	s := startStation(t, "WEIR_PUBLISH=key", "WEIR_RECORD=channels", "WEIR_LOG_LEVEL=debug")
	owner, guest := &person{t: t, web: s.web}, &person{t: t, web: s.web}
	owner.signIn("admin", s.password)
	var channel struct{ ID string }
	if status := owner.ask(http.MethodPost, "channels", object{"name": "anna", "visibility": "private"}, &channel); status != http.StatusCreated {
		t.Fatalf("create: %d", status)
	}
	var key struct {
		Secret string `json:"stream_key"`
	}
	owner.ask(http.MethodPost, "channels/"+channel.ID+"/keys", object{}, &key)
	var link struct{ ID, Secret, Watch string }
	if status := owner.ask(http.MethodPost, "channels/"+channel.ID+"/links", object{"label": "press"}, &link); status != http.StatusCreated || link.Watch != "/watch/anna#share="+link.Secret {
		t.Fatalf("link: %d %+v", status, link)
	}
	start := func(p *person, body object) (got playback) {
		t.Helper()
		if status := p.ask(http.MethodPost, "channels/by-name/anna/playback", body, &got); status != http.StatusOK {
			t.Fatalf("playback: %d", status)
		}
		return got
	}
	if got := start(guest, object{}); got.Pass != "" || got.HLS != "/live/anna/index.m3u8" {
		t.Errorf("a stranger got %+v", got)
	}
	mine, theirs := start(owner, object{}), start(guest, object{"link": link.Secret})
	held := make(chan int, 1)
	go func() { // waits as for a name that nobody has
		status, _, _ := look(t, s, "/live/anna/index.m3u8")
		held <- status
	}()
	sent := air(t, s, key.Secret)
	for who, p := range map[string]playback{"owner": mine, "guest": theirs} { // held until it begins
		if status, text, header := look(t, s, p.HLS); status != http.StatusOK || header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: %d %s %v", who, status, text, header)
		}
	}
	for _, path := range []string{"/live/anna/thumb.jpg", "/live/~x/anna/index.m3u8", strings.Replace(theirs.HLS, "/anna/", "/other/", 1)} {
		if status, text, _ := look(t, s, path); status != http.StatusNotFound && status != http.StatusForbidden || strings.Contains(text, "anna") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if status, _, _ := look(t, s, theirs.DASH); status != http.StatusOK {
		t.Errorf("DASH: %d", status)
	}
	if list := streams(guest); list["anna"] != nil {
		t.Errorf("the list shows %v", list)
	}
	if status := guest.ask(http.MethodGet, "channels/by-name/anna", nil, nil); status != http.StatusNotFound {
		t.Errorf("the channel for a stranger: %d", status)
	}

	_, entry, _ := look(t, s, theirs.HLS)
	media := find(t, `(?m)^(\S+/source/index\.m3u8)$`, entry)
	inside := strings.TrimSuffix(theirs.HLS, "index.m3u8")
	if status, text, _ := look(t, s, inside+media); status != http.StatusOK || !strings.Contains(text, "#EXTM3U") {
		t.Fatalf("%d %s", status, text)
	}
	if status, _, _ := look(t, s, "/live/anna/"+media); status != http.StatusNotFound {
		t.Errorf("the same without a pass: %d", status)
	}
	eventually(t, "the viewer of the pass", func() bool {
		look(t, s, inside+media)
		var list struct{ Items []object }
		owner.ask(http.MethodGet, "channels/"+channel.ID+"/sessions", nil, &list)
		return len(list.Items) == 1 && list.Items[0]["state"] == "live"
	})
	if status := owner.ask(http.MethodDelete, "channels/"+channel.ID+"/links/"+link.ID, nil, nil); status != http.StatusNoContent {
		t.Fatalf("revoke: %d", status)
	}
	eventually(t, "the end of what the link let in", func() bool {
		status, text, _ := look(t, s, inside+media)
		return status == http.StatusForbidden && strings.Contains(text, "taken back")
	})
	if status, _, _ := look(t, s, mine.HLS); status != http.StatusOK {
		t.Errorf("the owner: %d", status)
	}

	if status := <-held; status != http.StatusNotFound {
		t.Errorf("who was held without a pass: %d", status)
	}
	recorded(t, s, owner, channel.ID, sent, mine)
	if log := s.stop().stderr; strings.Contains(log, mine.Pass) || strings.Contains(log, theirs.Pass) || strings.Contains(log, link.Secret) || strings.Contains(log, "~") {
		t.Errorf("the log has a secret: %s", log)
	}
}

// recorded ends the stream and wants its recording behind the same door.
func recorded(t *testing.T, s *station, owner *person, channel string, sent *onAir, mine playback) {
	t.Helper()
	if err := sent.leave(); err != nil && !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Fatal(err)
	}
	var list struct{ Items []struct{ ID string } }
	owner.ask(http.MethodGet, "channels/"+channel+"/sessions", nil, &list)
	if len(list.Items) != 1 {
		t.Fatalf("%d sessions", len(list.Items))
	}
	path := list.Items[0].ID + "/index.m3u8"
	eventually(t, "the recording, with the owner's pass", func() bool {
		status, _, header := look(t, s, mine.Replay+path)
		return status == http.StatusOK && strings.HasPrefix(header.Get("Cache-Control"), "private")
	})
	if status, _, _ := look(t, s, "/vod/"+path); status != http.StatusNotFound {
		t.Errorf("the recording without a pass: %d", status)
	}
	owner.match = "*"
	if status := owner.ask(http.MethodPatch, "channels/"+channel, object{"visibility": "public"}, nil); status != http.StatusOK {
		t.Fatalf("publish: %d", status)
	}
	eventually(t, "the recording for everybody", func() bool {
		status, _, _ := look(t, s, "/vod/"+path)
		return status == http.StatusOK
	})
}
