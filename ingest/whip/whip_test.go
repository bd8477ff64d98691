package whip_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	wire "github.com/pion/webrtc/v4/pkg/media"
	"go.uber.org/goleak"

	"weir/ingest"
	"weir/ingest/ingesttest"
	"weir/ingest/whip"
	"weir/media"
	"weir/media/codec"
	"weir/media/mediatest"
	"weir/media/rtc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type rig struct {
	t    *testing.T
	base string
	*ingesttest.Rig
	server *whip.Server
}

func newRig(t *testing.T, change func(*whip.Config), sessions ...func(*ingest.Config)) *rig {
	t.Helper()
	port, err := rtc.Open(t.Context(), rtc.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, Rig: ingesttest.New(t, func(c *ingest.Config) {
		c.Reconnect = -1
		for _, f := range sessions {
			f(c)
		}
	})}
	cfg := whip.Config{Port: port, Sessions: r.Opener(), Prefix: "/live"}
	if change != nil {
		change(&cfg)
	}
	s := whip.New(cfg)
	server := httptest.NewServer(s)
	r.base, r.server = server.URL+"/live", s
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
		s.Close()
		if err := port.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) request(method, url, key, kind, body string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	req.Header.Set("Content-Type", kind)
	return r.do(req)
}

func (r *rig) do(req *http.Request) (*http.Response, string) {
	r.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res, string(text)
}

// camera is a publisher.
type camera struct {
	r            *rig
	pc           *webrtc.PeerConnection
	video, audio *webrtc.TrackLocalStaticSample
	session      string
	losses       atomic.Int64 // key frames that were asked for
}

// newBareCamera has no tracks yet. codecs are pion's own where they are not given.
func newBareCamera(r *rig, codecs ...func(*webrtc.MediaEngine) error) *camera {
	r.t.Helper()
	m := &webrtc.MediaEngine{}
	if len(codecs) == 0 {
		codecs = append(codecs, (*webrtc.MediaEngine).RegisterDefaultCodecs)
	}
	for _, register := range codecs {
		if err := register(m); err != nil {
			r.t.Fatal(err)
		}
	}
	e := webrtc.SettingEngine{}
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	e.SetICEMaxBindingRequests(300) // one each 0.2 s; the library gives up after 7, which is early on a busy machine
	c := &camera{r: r}
	var err error
	if c.pc, err = webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{}); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := c.pc.GracefulClose(); err != nil {
			r.t.Error(err)
		}
	})
	return c
}

// newCamera has a picture in H.264 and sound.
func newCamera(r *rig) *camera {
	r.t.Helper()
	c := newBareCamera(r)
	c.load()
	c.add(c.video)
	c.add(c.audio)
	return c
}

// load makes the tracks.
func (c *camera) load() {
	c.r.t.Helper()
	var err error
	if c.video, err = webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264}, "v", "s"); err != nil {
		c.r.t.Fatal(err)
	}
	if c.audio, err = webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "a", "s"); err != nil {
		c.r.t.Fatal(err)
	}
}

// add has the camera send a track, and hear what is said of it.
func (c *camera) add(t webrtc.TrackLocal) *webrtc.RTPSender {
	c.r.t.Helper()
	s, err := c.pc.AddTrack(t)
	if err != nil {
		c.r.t.Fatal(err)
	}
	go func() {
		for {
			packets, _, err := s.ReadRTCP()
			if err != nil {
				return
			}
			for _, p := range packets {
				if _, ok := p.(*rtcp.PictureLossIndication); ok {
					c.losses.Add(1)
				}
			}
		}
	}()
	return s
}

func (c *camera) offer() string {
	c.r.t.Helper()
	o, err := c.pc.CreateOffer(nil)
	if err != nil {
		c.r.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(o); err != nil {
		c.r.t.Fatal(err)
	}
	<-gathered
	return c.pc.LocalDescription().SDP
}

// connect publishes under a key.
func (c *camera) connect(path, key string) {
	t := c.r.t
	t.Helper()
	up := c.connected()
	res, answer := c.r.request(http.MethodPost, c.r.base+path, key, rtc.TypeSDP, c.offer())
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", res.StatusCode, answer)
	}
	u, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	c.session = u.String()
	c.answered(answer)
	<-up
}

// connected is closed when the connection stands.
func (c *camera) connected() <-chan struct{} {
	up := make(chan struct{})
	opened := sync.OnceFunc(func() { close(up) }) // it may falter, and stand again
	c.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			opened()
		}
	})
	return up
}

// answered takes the server's answer.
func (c *camera) answered(answer string) {
	c.r.t.Helper()
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		c.r.t.Fatal(err)
	}
}

// live publishes under a key and sends until the test, or the connection, ends.
func (c *camera) live(path, key string) {
	c.r.t.Helper()
	c.connect(path, key)
	c.roll()
}

// roll sends picture and sound, or the picture alone where there is no sound.
func (c *camera) roll() {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		c.shoot(stop)
	}()
	c.r.t.Cleanup(func() { close(stop); <-done })
}

func (c *camera) shoot(stop chan struct{}) {
	sound := media.Time(0)
	c.pace(&mediatest.Source{GOPs: []int{30}}, stop, func(p *media.Packet, data []byte) error {
		err := c.video.WriteSample(wire.Sample{Data: data, Duration: p.Duration.Duration()})
		for ; err == nil && c.audio != nil && sound < p.DTS; sound += 20 * media.Millisecond {
			err = c.audio.WriteSample(wire.Sample{Data: []byte{0xf8, 0xff, 0xfe}, Duration: 20 * time.Millisecond})
		}
		return err
	})
}

// pace hands on each picture of a source when it is due, until stop or an error.
func (c *camera) pace(source *mediatest.Source, stop chan struct{}, send func(p *media.Packet, annexB []byte) error) {
	began := time.Now()
	tick := time.NewTimer(0)
	defer tick.Stop()
	for p := range source.All() {
		tick.Reset(time.Until(began.Add(p.DTS.Duration())))
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		data, err := codec.AppendAnnexB(nil, p.Data)
		if err != nil {
			c.r.t.Error(err)
			return
		}
		if send(p, data) != nil {
			return
		}
	}
}

// What a publisher sends comes out of the hub, in order and dated, until it says goodbye.
func TestPublish(t *testing.T) {
	r := newRig(t, nil)
	c := newCamera(r)
	c.live("/whip", "x")
	s := r.Next(t)
	if s.ID() != "x" {
		t.Errorf("it is published as %s", s.ID())
	}
	tracks := s.Tracks()
	if len(tracks) != 2 || tracks[0].Codec != media.H264 || tracks[0].Width != 1280 || tracks[1].Codec != media.Opus {
		t.Fatalf("tracks %+v", tracks)
	}
	pictures, sound := s.Wait(t, media.Video, 60), s.Wait(t, media.Audio, 60)
	if !pictures[0].Key {
		t.Error("the first picture is no key frame")
	}
	late := false // the machine was: time was put at the wall clock again
	for i := range pictures[1:] {
		late = late || pictures[i+1].Discontinuity
		if step := pictures[i+1].DTS - pictures[i].DTS; !late && (step < 30*media.Millisecond || step > 37*media.Millisecond) {
			t.Errorf("picture %d comes %v after the one before", i+1, step.Duration())
		}
		if err := codec.CheckInBand(media.H264, pictures[i].Data); err != nil {
			t.Error(err)
		}
	}
	moved := 0 // packets in which the sound was moved beside the picture, once, by a tenth of a second at most
	for i := range sound[1:] {
		step := sound[i+1].DTS - sound[i].DTS
		if late || step >= 15*media.Millisecond && step <= 25*media.Millisecond {
			continue
		}
		if moved == 0 {
			moved = i
		}
		if i-moved > 5 || step < 0 || step > 125*media.Millisecond {
			t.Errorf("sound %d comes %v after the one before", i+1, step.Duration())
		}
	}
	if c.losses.Load() == 0 {
		t.Error("no key frame was asked for")
	}
	if res, _ := r.request(http.MethodDelete, c.session, "", "", ""); res.StatusCode != http.StatusOK {
		t.Errorf("DELETE: %d", res.StatusCode)
	}
	<-s.Done()
	// The stream ends a moment before the connection is let go.
	eventually(t, "DELETE finds nothing", func() bool {
		res, _ := r.request(http.MethodDelete, c.session, "", "", "")
		return res.StatusCode == http.StatusNotFound
	})
}

// eventually waits until ok is true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not in half a minute: %s", what)
		}
	}
}

// Where anyone may publish the name is in the address.
func TestNameInTheAddress(t *testing.T) {
	r := newRig(t, nil)
	newCamera(r).live("/y/whip", "")
	if s := r.Next(t); s.ID() != "y" {
		t.Errorf("it is published as %s", s.ID())
	}
}

// A stream may have the name of the protocol, and is watched like any other.
func TestNamedWhip(t *testing.T) {
	r := newRig(t, nil)
	c := newCamera(r)
	c.live("/whip/whip", "")
	s := r.Next(t)
	if s.ID() != "whip" {
		t.Errorf("it is published as %s", s.ID())
	}
	for path, ours := range map[string]bool{"/whip/index.m3u8": false, "/whip/thumb.jpg": false, "/whip/abc": true, "/whip/whip/abc": true, "/whip": true, "/y/index.m3u8": false} {
		req := httptest.NewRequest(http.MethodGet, "/live"+path, nil)
		if r.server.Match(req) != ours {
			t.Errorf("%s: ours is not %v", path, ours)
		}
	}
	if res, text := r.request(http.MethodDelete, c.session, "", "", ""); res.StatusCode != http.StatusOK {
		t.Errorf("DELETE: %d %s", res.StatusCode, text)
	}
	<-s.Done()
}

// Who finds no room is sent to the same path at the server that has it, and that way once.
func TestSentElsewhere(t *testing.T) {
	full := &ingesttest.Full{}
	at := time.Unix(1_800_000_000, 0)
	r := newRig(t, func(c *whip.Config) { c.Sessions, c.Now = full, func() time.Time { return at } })
	offer := newCamera(r).offer()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, tc := range []struct {
		path, proto string
		to          string
		sent        bool
	}{
		{"/whip", "", "http://" + ingesttest.FullAt + "/live/whip?weir-sent=1800000000", false},
		{"/a/whip?b=c", "http", "http://" + ingesttest.FullAt + "/live/a/whip?b=c&weir-sent=1800000000", false},
		{"/%61%20/whip?weir-sent=1799999999", "HTTPS", "https://" + ingesttest.FullAt + "/live/%61%20/whip?weir-sent=1800000000", true},
		{"/whip?weir-sent=1", "https", "https://" + ingesttest.FullAt + "/live/whip?weir-sent=1800000000", false},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.base+tc.path, strings.NewReader(offer))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer secret")
		req.Header.Set("Content-Type", rtc.TypeSDP)
		req.Header.Set("X-Forwarded-Proto", tc.proto)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if to := res.Header.Get("Location"); res.StatusCode != http.StatusTemporaryRedirect || to != tc.to || !strings.Contains(string(text), "no room") || res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d to %q, want %q: %s", tc.path, res.StatusCode, to, tc.to, text)
		}
		if a := full.Asked; a.Sent != tc.sent || !a.Follows || a.Key != "secret" {
			t.Errorf("%s: sent %t, follows %t", tc.path, a.Sent, a.Follows)
		}
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t, func(c *whip.Config) { c.HalfOpen, c.MaxConnsPerIP = 4*time.Second, 2 })
	offer := newCamera(r).offer()
	for name, c := range map[string]struct {
		method, path, key, kind, body string
		status                        int
	}{
		"no key":          {"POST", "/whip", "", rtc.TypeSDP, offer, 401},
		"wrong key":       {"POST", "/whip", "bad", rtc.TypeSDP, offer, 401},
		"no type":         {"POST", "/whip", "x", "", offer, 415},
		"cut short":       {"POST", "/whip", "x", rtc.TypeSDP, offer[:len(offer)/2], 400},
		"empty":           {"POST", "/whip", "x", rtc.TypeSDP, "", 400},
		"too large":       {"POST", "/whip", "x", rtc.TypeSDP, offer + strings.Repeat("a=x\r\n", 20000), 413},
		"many media":      {"POST", "/whip", "x", rtc.TypeSDP, offer + strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", 100), 400},
		"get":             {"GET", "/whip", "", "", "", 405},
		"preflight":       {"OPTIONS", "/whip", "", "", "", 204},
		"unknown session": {"PATCH", "/whip/abc", "", rtc.TypeFragment, "", 404},
		"elsewhere":       {"POST", "/x/whip/y/z", "x", rtc.TypeSDP, offer, 404},
	} {
		t.Run(name, func(t *testing.T) {
			res, text := r.request(c.method, r.base+c.path, c.key, c.kind, c.body)
			if res.StatusCode != c.status {
				t.Errorf("%d %s, want %d", res.StatusCode, text, c.status)
			}
			if c.status == 401 && res.Header.Get("WWW-Authenticate") == "" {
				t.Error("nothing says how to show a key")
			}
		})
	}
	if res, text := r.request("POST", r.base+"/whip", "x", rtc.TypeSDP, offer); res.StatusCode != 201 {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	if res, text := r.request("POST", r.base+"/whip", "x", rtc.TypeSDP, offer); res.StatusCode != 409 {
		t.Errorf("a second publisher of the name: %d %s", res.StatusCode, text)
	}
	// one that never connects is forgotten
	eventually(t, "the name is free again", func() bool {
		res, _ := r.request("POST", r.base+"/whip", "x", rtc.TypeSDP, offer)
		return res.StatusCode == 201
	})
}

// The key is asked for before anything is made of an offer, and an offer that cannot be
// answered leaves the name free.
func TestGateComesFirst(t *testing.T) {
	r := newRig(t, nil)
	offer := newCamera(r).offer()
	strange := strings.NewReplacer("H264/", "H999/", "VP8/", "VP999/", "VP9/", "VP999/", "AV1/", "AV999/", "H265/", "H999/", "opus/", "opus9/").Replace(offer)
	for _, c := range []struct {
		key, offer string
		status     int
	}{{"bad", strange, 401}, {"x", strange, 406}, {"x", offer, 201}} {
		if res, text := r.request("POST", r.base+"/whip", c.key, rtc.TypeSDP, c.offer); res.StatusCode != c.status {
			t.Errorf("with key %s: %d %s, want %d", c.key, res.StatusCode, text, c.status)
		}
	}
}

// fragile are sessions that cannot stand the first track.
type fragile struct{ ingest.Opener }

type fragileHold struct{ ingest.Hold }

func (f fragile) Open(ctx context.Context, r ingest.Request) (ingest.Hold, error) {
	h, err := f.Opener.Open(ctx, r)
	return fragileHold{h}, err
}

func (fragileHold) Start([]*media.Track) error { panic("on purpose") }

// A panic ends one publisher and leaves its name free.
func TestPanic(t *testing.T) {
	r := newRig(t, func(c *whip.Config) { c.Sessions = fragile{c.Sessions} })
	c := newCamera(r)
	c.live("/whip", "x")
	eventually(t, "the session is gone", func() bool { return r.Sessions.Get("x") == nil })
}
