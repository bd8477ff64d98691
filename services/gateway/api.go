package gateway

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Stream is one live stream as the API shows it. openapi.yaml describes each
// field; a test holds the two together.
type Stream struct {
	Name       string      `json:"name"`
	StartedAt  time.Time   `json:"started_at"`
	Width      int         `json:"width"`       // of the source, in pixels; 0 without video
	Height     int         `json:"height"`      // of the source, in pixels; 0 without video
	FrameRate  float64     `json:"frame_rate"`  // of the source, per second; 0 when not known
	VideoCodec string      `json:"video_codec"` // RFC 6381; empty without video
	AudioCodec string      `json:"audio_codec"` // RFC 6381; empty without audio
	Bitrate    int         `json:"bitrate"`     // of the source, bit/s, as measured lately
	Renditions []Rendition `json:"renditions"`  // what viewers can choose from, best first
	HLS        string      `json:"hls"`         // path on this server
	DASH       string      `json:"dash"`        // path on this server
	Thumbnail  string      `json:"thumbnail"`   // path on this server; empty without video
	Watch      string      `json:"watch"`       // path on this server
	Title      string      `json:"title"`       // of the channel; empty for none
	Category   string      `json:"category"`    // of the channel; empty for none
	Tags       []string    `json:"tags"`        // of the channel
	Mature     bool        `json:"mature"`      // for adults only
	Viewers    int64       `json:"viewers"`     // at the moment
	Channel    string      `json:"channel_id"`  // empty when the stream has no channel
	Session    string      `json:"session_id"`  // empty when the stream has no channel
}

// Rendition is one quality of a live stream.
type Rendition struct {
	Name      string  `json:"name"` // such as "720p", or "source"
	Width     int     `json:"width"`
	Height    int     `json:"height"`
	FrameRate float64 `json:"frame_rate"`
	Bitrate   int     `json:"bitrate"` // bit/s, video and audio
}

// Server is what a server tells of itself, so that a page can say how to publish.
type Server struct {
	Version   string `json:"version"`
	Host      string `json:"host,omitempty"` // of addresses to publish to; empty: the one that was asked
	Publish   string `json:"publish"`        // "key": a stream key is needed; "open": the name is the key
	RTMPPort  int    `json:"rtmp_port"`      // 0 when RTMP is off
	RTMPSPort int    `json:"rtmps_port"`     // 0 when RTMPS is off
	SRTPort   int    `json:"srt_port"`       // UDP; 0 when SRT is off
	RTSPPort  int    `json:"rtsp_port"`      // 0 when RTSP is off
}

//go:embed openapi.yaml
var openAPI []byte

//go:embed plain.css
var plainCSS []byte

// api serves /api/: its own few addresses, and what is not its own by Config.API.
type api struct {
	cfg   Config
	about *descriptions
}

func newAPI(cfg Config, p *proxy) (*api, error) {
	about, err := newDescriptions(p, cfg.Now)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return &api{cfg: cfg, about: about}, nil
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var serve func(http.ResponseWriter, *http.Request)
	switch r.URL.Path {
	case "/api/v1/streams":
		serve = a.streams
	case "/api/v1/server":
		serve = func(w http.ResponseWriter, _ *http.Request) { a.answer(w, a.cfg.Server()) }
	case "/api/v1/openapi.yaml":
		serve = func(w http.ResponseWriter, r *http.Request) {
			document(w, r, "application/yaml", a.about.get(r.Context()).yaml)
		}
	case "/api/v1/openapi.json":
		serve = func(w http.ResponseWriter, r *http.Request) {
			document(w, r, "application/json", a.about.get(r.Context()).json)
		}
	case "/api/docs.css":
		serve = func(w http.ResponseWriter, r *http.Request) { document(w, r, "text/css; charset=utf-8", plainCSS) }
	case "/api/docs":
		serve = func(w http.ResponseWriter, r *http.Request) {
			pageHeaders(w.Header())
			document(w, r, "text/html; charset=utf-8", a.about.get(r.Context()).page)
		}
	default:
		if a.cfg.API != nil && strings.HasPrefix(r.URL.Path, "/api/v1/") {
			a.cfg.API.ServeHTTP(w, r)
			return
		}
		problem(w, http.StatusNotFound, "There is no such address in the API; see /api/docs.")
		return
	}
	if getOnly(w, r) {
		serve(w, r)
	}
}

func (a *api) streams(w http.ResponseWriter, _ *http.Request) {
	list := a.cfg.Streams()
	if list == nil {
		list = []Stream{}
	}
	for i := range list {
		if list[i].Renditions == nil {
			list[i].Renditions = []Rendition{}
		}
		if list[i].Tags == nil {
			list[i].Tags = []string{}
		}
	}
	a.answer(w, struct {
		Streams []Stream `json:"streams"`
	}{list})
}

// answer sends what is true at this moment as JSON.
func (a *api) answer(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		a.cfg.Log.Error("answer of the API", "err", err)
		problem(w, http.StatusInternalServerError, "")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(append(body, '\n'))
}

// document serves fixed bytes that change only with the program.
func document(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", etagOf(body))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
