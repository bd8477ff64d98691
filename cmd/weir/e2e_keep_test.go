package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kept is a recording as the API shows it.
type kept struct {
	ID, Kind, State, Title string
	Duration               float64
	Bytes                  int64
	Renditions             []string
	Media                  struct{ HLS, Download, Thumbnail string }
	Inside                 struct{ Reason string }
}

// keeper is somebody with a channel and a key for it.
type keeper struct {
	*person
	s            *station
	channel, key string
}

func newKeeper(t *testing.T, s *station, of object) *keeper {
	t.Helper()
	k := &keeper{person: &person{t: t, web: s.web}, s: s}
	k.signIn("admin", s.password)
	var channel struct{ ID string }
	if status := k.ask(http.MethodPost, "channels", of, &channel); status != http.StatusCreated {
		t.Fatalf("channel: %d", status)
	}
	var key struct {
		Secret string `json:"stream_key"`
	}
	if status := k.ask(http.MethodPost, "channels/"+channel.ID+"/keys", object{}, &key); status != http.StatusCreated {
		t.Fatalf("key: %d", status)
	}
	k.channel, k.key = channel.ID, key.Secret
	return k
}

// recordings are those of the channel, as viewers find them.
func (k *keeper) recordings() []kept {
	k.t.Helper()
	var list struct{ Items []kept }
	anybody := &person{t: k.t, web: k.web}
	if status := anybody.ask(http.MethodGet, "channels/"+k.channel+"/recordings", nil, &list); status != http.StatusOK {
		k.t.Fatalf("recordings: %d", status)
	}
	return list.Items
}

// clip orders a clip and waits for it.
func (k *keeper) clip(order object) (c kept) {
	k.t.Helper()
	asked := time.Now()
	if status := k.ask(http.MethodPost, "channels/"+k.channel+"/clips", order, &c); status != http.StatusAccepted {
		k.t.Fatalf("clip: %d", status)
	}
	eventually(k.t, "a clip", func() bool {
		k.ask(http.MethodGet, "recordings/"+c.ID, nil, &c)
		return c.State != "recording"
	})
	k.t.Logf("%s after %v: %+v", c.State, time.Since(asked).Round(time.Millisecond), c)
	if c.State != "ready" {
		k.t.Fatalf("clip %+v", c)
	}
	return c
}

// plays lets ffprobe count the pictures of a recording.
func (k *keeper) plays(r kept) {
	k.t.Helper()
	for _, path := range []string{r.Media.HLS, r.Media.Download} {
		out, err := runTool("ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", k.web+path)
		if err != nil || !strings.Contains(out, "h264,") || strings.Contains(out, "rror") {
			k.t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
}

// TestKeptRecordings is a stream of a channel from its beginning until nothing of it is
// left: clips while it is on the air, the recording in the list, a clip of that, and the
// deletion of all, objects too.
func TestKeptRecordings(t *testing.T) {
	t.Parallel()
	s, ctx := startStation(t, "WEIR_PUBLISH=key"), limited(t) // recording is on by default
	k := newKeeper(t, s, object{"name": "anna", "title": "Otters"})
	sent := air(t, s, k.key)
	v, err := s.view(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.until(ctx, v.pictures[0], closedSegments(7)); err != nil {
		t.Fatal(err)
	}
	live := k.clip(object{"start": -4, "length": 3, "title": "wow"})
	k.plays(live)
	if err := sent.leave(); err != nil {
		t.Fatal(err)
	}
	left := time.Now()
	var whole kept
	eventually(t, "the recording in the list", func() bool {
		for _, r := range k.recordings() {
			if r.Kind == "recording" {
				whole = r
			}
		}
		return whole.State == "ready"
	})
	t.Logf("in the list %v after the end: %+v", time.Since(left).Round(time.Millisecond), whole)
	if whole.Title != "Otters" || whole.Duration < 4 || whole.Bytes == 0 || len(whole.Renditions) == 0 {
		t.Errorf("%+v", whole)
	}
	k.plays(whole)
	piece := k.clip(object{"source": whole.ID, "start": 2, "length": 2})
	k.plays(piece)
	if piece.Duration >= whole.Duration || piece.Title != "Otters" {
		t.Errorf("%+v of %+v", piece, whole)
	}
	for _, r := range []kept{whole, live, piece} {
		eventually(t, "a picture", func() bool { return status(ctx, s, s.web+r.Media.Thumbnail) == http.StatusOK })
		if status := k.ask(http.MethodDelete, "recordings/"+r.ID, nil, nil); status != http.StatusNoContent {
			t.Errorf("delete: %d", status)
		}
	}
	eventually(t, "an empty list", func() bool { return len(k.recordings()) == 0 })
	empty(t, filepath.Join(s.dir, blobFolder, "recordings"))
	eventually(t, "nothing for who works for the channel", func() bool { return k.ask(http.MethodGet, "recordings/"+whole.ID, nil, nil) == http.StatusNotFound })
}

// TestRecordingBounds: a recording ends when it takes more than its channel may keep, and
// none begins without room on the disk; the streams go on.
func TestRecordingBounds(t *testing.T) {
	t.Parallel()
	s, ctx := startStation(t, "WEIR_PUBLISH=key"), limited(t)
	k := newKeeper(t, s, object{"name": "anna", "keep": object{"days": 0, "bytes": 1}})
	sent := air(t, s, k.key)
	v, err := s.view(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	long, err := v.until(ctx, v.pictures[0], closedSegments(8))
	if err != nil {
		t.Fatal(err)
	}
	if err := sent.leave(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a recording", func() bool { return len(k.recordings()) == 1 && k.recordings()[0].State == "ready" })
	if got := k.recordings()[0]; got.Duration >= length(long).Seconds()-1 {
		t.Errorf("%v s were recorded of %v", got.Duration, length(long))
	}

	full := startStation(t, "WEIR_PUBLISH=open", "WEIR_RECORD=all", "WEIR_RECORD_FREE_GB=1048576")
	other := air(t, full, "unkept")
	if v, err = full.view(ctx, "unkept"); err == nil {
		_, err = v.until(ctx, v.pictures[0], closedSegments(5))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := other.leave(); err != nil {
		t.Fatal(err)
	}
	if ids := recordingIDs(t, full.dir); len(ids) != 0 {
		t.Errorf("recordings without room: %v", ids)
	}
	if text := full.stop().stderr; !strings.Contains(text, "THE DISK IS NEARLY FULL") {
		t.Errorf("the log does not say so:\n%s", text)
	}
}
