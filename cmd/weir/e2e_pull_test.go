package main

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// relayed is an RTSP server that shows what is published to it to who has the password.
type relayed struct {
	server *gortsplib.Server
	stream atomic.Pointer[gortsplib.ServerStream]
	asked  atomic.Int32 // viewers
}

func newRelayed(t *testing.T) (r *relayed, addr string) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r = &relayed{}
	r.server = &gortsplib.Server{Handler: r, RTSPAddress: lis.Addr().String(), Listen: func(string, string) (net.Listener, error) { return lis, nil }}
	if err := r.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.server.Close)
	return r, lis.Addr().String()
}

func okay() (*base.Response, error) { return &base.Response{StatusCode: base.StatusOK}, nil }

func (r *relayed) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	s := &gortsplib.ServerStream{Server: r.server, Desc: ctx.Description}
	if err := s.Initialize(); err != nil {
		return &base.Response{StatusCode: base.StatusBadRequest}, err
	}
	r.stream.Store(s)
	return okay()
}

func (r *relayed) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	s := r.stream.Load()
	ctx.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) { _ = s.WritePacketRTP(m, p) })
	return okay()
}

func (r *relayed) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	r.asked.Add(1)
	if !ctx.Conn.VerifyCredentials(ctx.Request, "admin", "hunter2") {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	return &base.Response{StatusCode: base.StatusOK}, r.stream.Load(), nil
}

func (r *relayed) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if ctx.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, r.stream.Load(), nil
}

func (r *relayed) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) { return okay() }

// A channel shows a camera while somebody watches, and one that is always pulled; its
// password is shown to nobody, and without the setting nothing inside is reached.
func TestCameras(t *testing.T) {
	t.Parallel()
	far, addr := newRelayed(t)
	startTool(t, "ffmpeg", append(append([]string{"-v", "error", "-nostdin"}, moving()...), "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://"+addr+"/yard")...)
	eventually(t, "the camera", func() bool { return far.stream.Load() != nil })
	s, strict := startStation(t, "WEIR_CAMERA_PRIVATE=127.0.0.0/8"), startStation(t)
	ctx := limited(t)
	var out struct {
		Version int
		Status  *struct{ State, Error string }
	}
	for _, x := range []*station{s, strict} {
		anna := &person{t: t, web: x.web}
		anna.signIn("admin", x.password)
		channel, _ := channelWithKey(anna, "yard")
		path := "channels/" + channel + "/camera"
		set := object{"url": "rtsp://" + addr + "/yard", "username": "admin", "password": "hunter2"}
		if x == strict {
			set["mode"] = "always"
		}
		if status := anna.ask(http.MethodPut, path, set, &out); status != http.StatusOK {
			t.Fatalf("set: %d", status)
		}
		if x == strict {
			eventually(t, "why it is not reached", func() bool {
				anna.ask(http.MethodGet, path, nil, &out)
				if out.Status != nil && out.Status.State == "" {
					t.Error("a camera has no state")
				}
				return out.Status != nil && strings.Contains(out.Status.Error, "not a public one") && !strings.Contains(out.Status.Error, "127.0.0.1")
			})
			continue
		}
		if n := far.asked.Load(); n != 0 {
			t.Errorf("nobody watches, and it was asked %d times", n)
		}
		pc := newPion(t)
		if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo); err != nil {
			t.Fatal(err)
		}
		if err := s.call(ctx, pc, "/live/yard/whep"); err == nil || !strings.Contains(err.Error(), "404 yard is not live") {
			t.Errorf("a WebRTC player that comes first: %v", err)
		}
		eventually(t, "a WebRTC player that waits has it pulled", func() bool { return far.asked.Load() > 0 })
		v, err := s.view(ctx, "yard")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.until(ctx, v.pictures[0], closedSegments(4)); err != nil {
			t.Fatal(err)
		}
		v.moves = true
		if err := v.check(ctx); err != nil {
			t.Error(err)
		}
		eventually(t, "how it does", func() bool {
			anna.ask(http.MethodGet, path, nil, &out)
			return out.Status != nil && out.Status.State == "live"
		})
		if status := anna.ask(http.MethodDelete, path, nil, nil); status != http.StatusNoContent {
			t.Errorf("delete: %d", status)
		}
		if _, err := v.until(ctx, v.pictures[0], func(m *playlist.Media) bool { return m.Endlist }); err != nil {
			t.Errorf("after the camera was removed: %v", err)
		}
		var history struct {
			Items []struct {
				Reason string `json:"end_reason"`
			}
		}
		eventually(t, "why it ended", func() bool {
			anna.ask(http.MethodGet, "channels/"+channel+"/sessions", nil, &history)
			return len(history.Items) == 1 && history.Items[0].Reason == "the camera was deleted"
		})
	}
	for _, x := range []*station{s, strict} {
		if r := x.stop(); r.code != 0 || strings.Contains(r.stderr, "hunter2") || strings.Contains(r.stderr, `"ERROR"`) {
			t.Errorf("stopped with %d:\n%s", r.code, r.stderr)
		}
	}
}

// A camera may be another channel of the same weir, and never one that shows the camera's
// own: it would go on without a publisher.
func TestCameraCircle(t *testing.T) {
	t.Parallel()
	at := freePort(t)
	s := startStation(t, "WEIR_PUBLISH=key", "WEIR_SLATE=true", "WEIR_RECONNECT=4s", "WEIR_RTSP_PLAY_ADDR="+at, "WEIR_CAMERA_PRIVATE=127.0.0.0/8")
	anna := &person{t: t, web: s.web}
	anna.signIn("admin", s.password)
	first, secret := channelWithKey(anna, "anna")
	second, _ := channelWithKey(anna, "ben")
	shows := func(channel, name string) {
		t.Helper()
		set := object{"url": "rtsp://" + at + "/live/" + name, "mode": "always"}
		anna.match = "*"
		if status := anna.ask(http.MethodPut, "channels/"+channel+"/camera", set, nil); status != http.StatusOK {
			t.Fatalf("set: %d", status)
		}
	}
	does := func(channel string) string {
		var out struct {
			Status *struct{ State, Error string }
		}
		if anna.ask(http.MethodGet, "channels/"+channel+"/camera", nil, &out); out.Status == nil {
			return ""
		}
		return out.Status.State + " " + out.Status.Error
	}
	o := air(t, s, secret)
	shows(second, "anna")
	eventually(t, "the other channel", func() bool { return does(second) == "live " })
	shows(first, "ben")
	eventually(t, "the refusal of what leads back", func() bool { return strings.Contains(does(first), "in a circle") })
	shows(first, "anna")
	eventually(t, "the refusal of itself", func() bool { return strings.Contains(does(first), "in a circle") })
	o.vanish()
	eventually(t, "the end of both", func() bool {
		_, body, err := s.get(t.Context(), "/api/v1/streams")
		return err == nil && !strings.Contains(body, "anna") && !strings.Contains(body, "ben")
	})
}
