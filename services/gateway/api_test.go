package gateway

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestStreamsAnswer(t *testing.T) {
	h := newTestRouter(t, Config{Streams: func() []Stream {
		return []Stream{{Name: "main", StartedAt: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Width: 1280, Height: 720, FrameRate: 29.97,
			VideoCodec: "avc1.64001f", AudioCodec: "mp4a.40.2", Bitrate: 3_000_000,
			Renditions: []Rendition{{Name: "source", Width: 1280, Height: 720, FrameRate: 29.97, Bitrate: 3_000_000}},
			HLS:        "/live/main/index.m3u8", DASH: "/live/main/manifest.mpd", Thumbnail: "/live/main/thumb.jpg", Watch: "/watch/main",
			Title: "Otters", Category: "Nature", Tags: []string{"wild"}, Mature: true, Viewers: 7, Channel: "c", Session: "s"}, {Name: "radio"}}
	}})
	const want = `{"streams":[{"name":"main","started_at":"2026-11-23T12:00:00Z","width":1280,"height":720,"frame_rate":29.97,` +
		`"video_codec":"avc1.64001f","audio_codec":"mp4a.40.2","bitrate":3000000,` +
		`"renditions":[{"name":"source","width":1280,"height":720,"frame_rate":29.97,"bitrate":3000000}],` +
		`"hls":"/live/main/index.m3u8","dash":"/live/main/manifest.mpd","thumbnail":"/live/main/thumb.jpg","watch":"/watch/main",` +
		`"title":"Otters","category":"Nature","tags":["wild"],"mature":true,"viewers":7,"channel_id":"c","session_id":"s"},` +
		`{"name":"radio","started_at":"0001-01-01T00:00:00Z","width":0,"height":0,"frame_rate":0,"video_codec":"","audio_codec":"","bitrate":0,` +
		`"renditions":[],"hls":"","dash":"","thumbnail":"","watch":"","title":"","category":"","tags":[],"mature":false,"viewers":0,"channel_id":"","session_id":""}]}` + "\n"
	if w := do(h, "GET", "/api/v1/streams"); w.Body.String() != want || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got\n%s\nwant\n%s", w.Body, want)
	}
}

func TestServerAnswer(t *testing.T) {
	h := newTestRouter(t, Config{Server: func() Server {
		return Server{Version: "v1.2.3", Publish: "key", RTMPPort: 1935}
	}})
	const want = `{"version":"v1.2.3","publish":"key","rtmp_port":1935,"rtmps_port":0,"srt_port":0,"rtsp_port":0}` + "\n"
	if w := do(h, "GET", "/api/v1/server"); w.Body.String() != want || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got\n%s\nwant\n%s", w.Body, want)
	}
	h = newTestRouter(t, Config{Server: func() Server { return Server{Host: "tv.example"} }})
	if w := do(h, "GET", "/api/v1/server"); !strings.Contains(w.Body.String(), `"host":"tv.example",`) {
		t.Errorf("its host is not in %s", w.Body)
	}
}

// openapi.yaml and the Go types say the same.
func TestOpenAPIIsTrue(t *testing.T) {
	var doc openAPIDoc
	if err := yaml.Unmarshal(openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{"Stream": Stream{}, "Rendition": Rendition{}, "Server": Server{}, "Problem": details{}} {
		s := doc.Components.Schemas[name]
		var fields, always []string
		for f := range reflect.TypeOf(value).Fields() {
			tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, tag)
			if options != "omitempty" {
				always = append(always, tag)
			}
			if got, want := s.Properties[tag].Type, jsonType(f.Type); got != want {
				t.Errorf("%s.%s is %q in openapi.yaml, %q in Go", name, tag, got, want)
			}
			if s.Properties[tag].Description == "" {
				t.Errorf("%s.%s has no description", name, tag)
			}
		}
		slices.Sort(fields)
		if described := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(described, fields) {
			t.Errorf("%s: openapi.yaml has %v, Go has %v", name, described, fields)
		}
		if !slices.Equal(s.Required, always) {
			t.Errorf("%s: required %v, want %v", name, s.Required, always)
		}
	}
	if pattern := doc.Components.Schemas["Stream"].Properties["name"].Pattern; "^/watch/"+strings.TrimPrefix(pattern, "^") != watchPath.String() {
		t.Errorf("pattern of names: %s", pattern)
	}
	h := newTestRouter(t, Config{})
	for path, methods := range doc.Paths {
		for method, op := range methods {
			w := do(h, strings.ToUpper(method), path)
			kind := w.Header().Get("Content-Type")
			if _, ok := op.Responses["200"].Content[kind]; w.Code != 200 || !ok {
				t.Errorf("%s %s: %d %s is not as described", method, path, w.Code, kind)
			}
		}
	}
	var list map[string]json.RawMessage
	if err := json.Unmarshal(do(h, "GET", "/api/v1/streams").Body.Bytes(), &list); err != nil ||
		!slices.Equal(slices.Sorted(maps.Keys(list)), slices.Sorted(maps.Keys(doc.Components.Schemas["StreamList"].Properties))) {
		t.Errorf("StreamList is %v, %v", list, err)
	}
}

func jsonType(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time](), t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "integer"
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.Slice:
		return "array"
	}
	return t.String()
}

func TestDocsPageHasEverything(t *testing.T) {
	page := do(newTestRouter(t, Config{}), "GET", "/api/docs").Body.String()
	for _, want := range []string{"GET /api/v1/streams", "Who is live", "GET /api/v1/server", "rtmp_port", "started_at", "date-time", "list of Rendition", `id="Problem"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "<style") || strings.Contains(page, " style=") {
		t.Error("the page breaks its own content security policy")
	}
}
