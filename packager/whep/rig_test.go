package whep_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"weir/media"
	"weir/media/hub"
	"weir/media/mediatest"
	"weir/media/rtc"
	"weir/packager/door"
	"weir/packager/whep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for; it is met only by what is broken.
const patience = time.Minute

// rig is a handler with its port and hub.
type rig struct {
	t       *testing.T
	hub     hub.Hub
	handler *whep.Handler
	base    string

	mu    sync.Mutex
	asked map[media.StreamID]int // key frames
	seen  map[string]int         // how often somebody watched
	shut  error                  // what the door says
}

func newRig(t *testing.T, change func(*whep.Config)) *rig {
	t.Helper()
	r := &rig{t: t, asked: map[media.StreamID]int{}, seen: map[string]int{}}
	port, err := rtc.Open(t.Context(), rtc.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	cfg := whep.Config{
		Hub: &r.hub, Port: port,
		Make:   func(ctx context.Context, _ *hub.Stream, _ string) error { <-ctx.Done(); return nil },
		AskKey: func(id media.StreamID) { r.mu.Lock(); defer r.mu.Unlock(); r.asked[id]++ },
		Prefix: "/live", Admit: r.admit,
	}
	if change != nil {
		change(&cfg)
	}
	r.handler = whep.New(cfg)
	server := httptest.NewServer(r.handler)
	r.base = server.URL + "/live/"
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
		r.handler.Close()
		if err := port.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// admit is the door.
func (r *rig) admit(_ *http.Request, _ door.Bearer, name string) (func() error, error) {
	ask := func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.seen[name]++
		return r.shut
	}
	return ask, ask()
}

// live publishes a source at its own pace until the test ends.
func (r *rig) live(id media.StreamID, source *mediatest.Source) *hub.Stream {
	r.t.Helper()
	s, err := r.hub.Create(id, time.Now(), source.Tracks())
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer s.Close()
		tick := time.NewTimer(0)
		defer tick.Stop()
		for p := range source.All() {
			tick.Reset(time.Until(s.Epoch().Add(p.DTS.Duration())))
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			s.Write(p)
		}
	}()
	r.t.Cleanup(func() { cancel(); <-done })
	return s
}

func (r *rig) request(method, url, kind, body string, head ...string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(head); i += 2 {
		req.Header.Set(head[i], head[i+1])
	}
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

// peer is somebody who watches.
type peer struct {
	r       *rig
	pc      *webrtc.PeerConnection
	session string // URL
	etag    string
	began   time.Time

	mu      sync.Mutex
	arrived *sync.Cond
	packets map[webrtc.RTPCodecType][]*rtp.Packet
}

// newPeer makes a viewer's connection that wants pictures and sound.
func newPeer(r *rig, mime ...string) *peer {
	r.t.Helper()
	m := &webrtc.MediaEngine{}
	if len(mime) == 0 {
		if err := m.RegisterDefaultCodecs(); err != nil {
			r.t.Fatal(err)
		}
	}
	for i, x := range mime {
		c := webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: x, ClockRate: 90000}, PayloadType: webrtc.PayloadType(96 + i)}
		if err := m.RegisterCodec(c, webrtc.RTPCodecTypeVideo); err != nil {
			r.t.Fatal(err)
		}
	}
	e := webrtc.SettingEngine{}
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	e.SetICEMaxBindingRequests(300) // one each 0.2 s; the library gives up after 7, which is early on a busy machine
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		r.t.Fatal(err)
	}
	p := &peer{r: r, pc: pc, packets: map[webrtc.RTPCodecType][]*rtp.Packet{}}
	p.arrived = sync.NewCond(&p.mu)
	r.t.Cleanup(func() {
		if err := pc.GracefulClose(); err != nil {
			r.t.Error(err)
		}
	})
	kinds := []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio}
	if len(mime) > 0 {
		kinds = kinds[:1]
	}
	for _, k := range kinds {
		if _, err := pc.AddTransceiverFromKind(k, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			r.t.Fatal(err)
		}
	}
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			x, _, err := t.ReadRTP()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.packets[t.Kind()] = append(p.packets[t.Kind()], x)
			p.mu.Unlock()
			p.arrived.Broadcast()
		}
	})
	return p
}

// offer is the SDP of the peer, its candidates included.
func (p *peer) offer() string {
	p.r.t.Helper()
	o, err := p.pc.CreateOffer(nil)
	if err != nil {
		p.r.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(o); err != nil {
		p.r.t.Fatal(err)
	}
	<-gathered
	return p.pc.LocalDescription().SDP
}

// watch connects to a stream.
func watch(r *rig, name string) *peer {
	r.t.Helper()
	p := newPeer(r)
	offer := p.offer()
	p.began = time.Now()
	res, answer := r.request(http.MethodPost, r.base+name+"/whep", "application/sdp", offer)
	if res.StatusCode != http.StatusCreated {
		r.t.Fatalf("%d %s", res.StatusCode, answer)
	}
	u, err := res.Location()
	if err != nil {
		r.t.Fatal(err)
	}
	p.session, p.etag = u.String(), res.Header.Get("ETag")
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		r.t.Fatal(err)
	}
	return p
}

// wait blocks until ok is true of the packets that came of a kind.
func (p *peer) wait(what string, k webrtc.RTPCodecType, ok func([]*rtp.Packet) bool) []*rtp.Packet {
	p.r.t.Helper()
	end := time.Now().Add(patience)
	late := time.AfterFunc(patience, p.arrived.Broadcast) // after end, or nobody looks again
	defer late.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !ok(p.packets[k]) {
		if time.Now().After(end) {
			p.r.t.Fatalf("it never came to be: %s; %d packets", what, len(p.packets[k]))
		}
		p.arrived.Wait()
	}
	return p.packets[k]
}

// eventually tries until it is true; what is looked at has no way to tell.
func eventually(t *testing.T, what string, try func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !try(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("it never came to be: %s", what)
		}
	}
}
