package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/media/rtmp"
)

// streams is what the list shows of who is live.
func streams(p *person) map[string]object {
	p.t.Helper()
	var got struct{ Streams []object }
	p.ask(http.MethodGet, "streams", nil, &got)
	byName := map[string]object{}
	for _, s := range got.Streams {
		byName[s["name"].(string)] = s
	}
	return byName
}

// A newcomer registers, makes a channel and a key, goes live with title and viewers, drops
// and comes back, and is sent away when the key is revoked; the history stays.
func TestChannelGoesLive(t *testing.T) {
	s := startStation(t, "WEIR_PUBLISH=key", "WEIR_RECORD=channels")
	anna := &person{t: t, web: s.web}
	const password = "quiet otters build weirs"
	if status := anna.ask(http.MethodPost, "auth/register", object{"username": "anna", "email": "anna@example.org", "password": password}, nil); status != http.StatusCreated {
		t.Fatalf("register: %d", status)
	}
	anna.signIn("anna", password)
	var channel struct{ ID string }
	if status := anna.ask(http.MethodPost, "channels", object{"name": "anna", "title": "Otters", "tags": []string{"wild"}}, &channel); status != http.StatusCreated {
		t.Fatalf("create: %d", status)
	}
	var key struct {
		ID     string
		Secret string `json:"stream_key"`
	}
	if status := anna.ask(http.MethodPost, "channels/"+channel.ID+"/keys", object{"label": "studio"}, &key); status != http.StatusCreated {
		t.Fatalf("key: %d", status)
	}
	first := air(t, s, key.Secret)
	eventually(t, "the stream in the list, with what its channel says", func() bool {
		x := streams(anna)["anna"]
		return x != nil && x["title"] == "Otters" && x["channel_id"] == channel.ID
	})
	watchers(t, s, "anna", 3)
	eventually(t, "three viewers, each counted once", func() bool { return streams(anna)["anna"]["viewers"] == 3.0 })

	first.stop()
	<-first.done
	first.cut()
	type session struct {
		ID, State, Reason string
		EndReason         string `json:"end_reason"`
		Stats             struct{ Reconnects, Unique, Peak int64 }
	}
	var list struct{ Items []session }
	newest := func() session {
		anna.ask(http.MethodGet, "channels/"+channel.ID+"/sessions", nil, &list)
		if len(list.Items) == 0 {
			return session{}
		}
		return list.Items[0]
	}
	eventually(t, "the drop in the session", func() bool { return newest().State == "reconnecting" })
	second := air(t, s, key.Secret)
	eventually(t, "the return in the session", func() bool { x := newest(); return x.State == "live" && x.Stats.Reconnects == 1 })

	if status := anna.ask(http.MethodDelete, "channels/"+channel.ID+"/keys/"+key.ID, nil, nil); status != http.StatusNoContent {
		t.Fatalf("revoke: %d", status)
	}
	<-second.done
	eventually(t, "the end in the history", func() bool {
		x := newest()
		return x.State == "ended" && strings.Contains(x.EndReason, "revoked") && x.Stats.Unique == 3 && x.Stats.Peak == 3
	})
	if len(list.Items) != 1 {
		t.Errorf("%d sessions, want one that went on", len(list.Items))
	}
	eventually(t, "the recording under the session's id", func() bool {
		res, err := s.client.Get(s.web + "/vod/" + list.Items[0].ID + "/index.m3u8")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	if _, err := dialCaster(t, s, key.Secret); err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("a revoked key: %v, want %v with the reason", err, rtmp.ErrRefused)
	}
	var refused struct{ Items []object }
	eventually(t, "the refusal for the owner", func() bool {
		anna.ask(http.MethodGet, "channels/"+channel.ID+"/refusals", nil, &refused)
		return len(refused.Items) == 1 && refused.Items[0]["code"] == "key_revoked"
	})
}

// A picture that is larger than the channel's limit is refused with words, and a
// publisher that sends too much is sent away; the owner can read why.
func TestChannelLimits(t *testing.T) {
	s := startStation(t, "WEIR_PUBLISH=key")
	admin := &person{t: t, web: s.web}
	admin.signIn("admin", s.password)
	limited := func(name string, limits object) (channel, secret string) {
		var c struct{ ID string }
		admin.ask(http.MethodPost, "channels", object{"name": name, "limits": limits}, &c)
		var key struct {
			Secret string `json:"stream_key"`
		}
		if status := admin.ask(http.MethodPost, "channels/"+c.ID+"/keys", object{}, &key); status != http.StatusCreated {
			t.Fatalf("key: %d", status)
		}
		return c.ID, key.Secret
	}
	whole := func(field string, n int) object {
		l := object{"bitrate": 0, "height": 0, "fps": 0, "duration": 0}
		l[field] = n
		return l
	}
	for name, limits := range map[string]object{"small": whole("height", 100), "slow": whole("fps", 10), "thin": whole("bitrate", 1000)} {
		channel, secret := limited(name, limits)
		sent := air(t, s, secret)
		var refused struct{ Items []object }
		eventually(t, "why "+name+" was refused", func() bool {
			admin.ask(http.MethodGet, "channels/"+channel+"/refusals", nil, &refused)
			return len(refused.Items) == 1 && refused.Items[0]["code"] == "limit" && strings.Contains(refused.Items[0]["words"].(string), "in the encoder")
		})
		if err := <-sent.done; err == nil {
			t.Errorf("%s: the publisher was not sent away", name)
		}
	}
	growsTooLarge(t, s, admin, whole("height", 150), limited)
	srtPassphrase(t, s, admin)
}

// growsTooLarge begins with a picture that a channel may send, and goes on with one that it
// may not.
func growsTooLarge(t *testing.T, s *station, admin *person, limits object, limited func(string, object) (channel, secret string)) {
	t.Helper()
	channel, secret := limited("grows", limits)
	larger, err := recordSize(426, 240, 300_000)
	if err != nil {
		t.Fatal(err)
	}
	c := mustCast(t, s, secret)
	defer c.cut()
	if err := c.play(t.Context(), 0, time.Second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the small picture", func() bool { return streams(admin)["grows"] != nil })
	if err := c.roll(t.Context(), larger, 1000, time.Minute); err == nil {
		t.Error("the larger picture was taken for a minute")
	}
	var refused struct{ Items []object }
	admin.ask(http.MethodGet, "channels/"+channel+"/refusals", nil, &refused)
	if len(refused.Items) != 1 || !strings.Contains(refused.Items[0]["words"].(string), "at most 150 lines, not 240") {
		t.Errorf("refusals: %+v", refused.Items)
	}
}

// A channel's passphrase lets its publishers in over SRT, and nobody without; its owner finds
// who tried.
func srtPassphrase(t *testing.T, s *station, admin *person) {
	t.Helper()
	channel, key := channelWithKey(admin, "sealed")
	in := "channels/" + channel + "/"
	if status := admin.ask(http.MethodPut, in+"srt-passphrase", object{"passphrase": "otters_and_weirs"}, nil); status != http.StatusNoContent {
		t.Fatalf("passphrase: %d", status)
	}
	to := "srt://" + s.srt + "?mode=caller&streamid=publish:" + key
	send := func(url string) *tool {
		return startTool(t, "ffmpeg", append(append([]string{"-v", "error", "-nostdin"}, moving()...), "-f", "mpegts", url)...)
	}
	<-send(to).done
	<-send(to + "&passphrase=another_phrase").done
	var refused struct{ Items []object }
	eventually(t, "the two for the owner", func() bool {
		admin.ask(http.MethodGet, in+"refusals", nil, &refused)
		return len(refused.Items) == 1 && refused.Items[0]["code"] == "bad_passphrase" && refused.Items[0]["protocol"] == "srt" && refused.Items[0]["times"] == 2.0
	})
	send(to + "&passphrase=otters_and_weirs")
	eventually(t, "the stream", func() bool { return streams(admin)["sealed"] != nil })
}

// watchers are viewers with a cookie each, who ask for playlists twice.
func watchers(t *testing.T, s *station, name string, n int) {
	t.Helper()
	get := func(path, cookie string) (*http.Response, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.web+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if cookie != "" {
			req.Header.Set("Cookie", cookie)
		}
		res, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(text)
	}
	for i := range n {
		res, text := get("/live/"+name+"/index.m3u8", "")
		cookies := res.Cookies()
		if len(cookies) != 1 || cookies[0].Name != "weir_viewer" {
			t.Fatalf("viewer %d got the cookies %v", i, cookies)
		}
		for range 2 {
			get("/live/"+name+"/"+find(t, `(?m)^(\S+/source/index\.m3u8)$`, text), fmt.Sprintf("a=b; weir_viewer=%s", cookies[0].Value))
		}
	}
}
