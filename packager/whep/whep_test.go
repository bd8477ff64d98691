package whep_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"weir/media"
	"weir/media/hub"
	"weir/media/mediatest"
	"weir/media/ring"
	"weir/packager/door"
	"weir/packager/whep"
)

func many(n int) func([]*rtp.Packet) bool {
	return func(p []*rtp.Packet) bool { return len(p) >= n }
}

// A source without B-frames comes as it is, from a key frame with its parameter sets
// on, in pictures that can be put together again.
func TestPassThrough(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	source := &mediatest.Source{GOPs: []int{15}}
	r.live("x", source)
	p := watch(r, "x")
	got := p.wait("pictures", webrtc.RTPCodecTypeVideo, many(300))
	if kind := got[0].Payload[0] & 0x1f; kind != 7 {
		t.Errorf("the first payload is of type %d, want a parameter set", kind)
	}
	for i, x := range got[1:] {
		if x.SequenceNumber != got[i].SequenceNumber+1 {
			t.Fatalf("packet %d has number %d after %d", i+1, x.SequenceNumber, got[i].SequenceNumber)
		}
		if len(x.Payload) > 1170 {
			t.Fatalf("payload of %d bytes", len(x.Payload))
		}
	}
	var stamps []uint32
	for _, x := range got {
		if x.Marker {
			stamps = append(stamps, x.Timestamp)
		}
	}
	for i := range stamps[1:] {
		if d := stamps[i+1] - stamps[i]; d != 3000 {
			t.Fatalf("pictures are %d apart, want 3000", d)
		}
	}
	eventually(t, "the viewer is counted", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.seen["x"] > 2 })
}

// The NAL units that arrive are those that were sent.
func TestPicturesArriveWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	source := &mediatest.Source{GOPs: []int{10}, Bitrate: 4_000_000}
	s := r.live("x", source)
	sent := s.Subscribe(ring.Limits{})
	defer sent.Close()
	p := watch(r, "x")
	got := p.wait("pictures", webrtc.RTPCodecTypeVideo, many(400))
	var h codecs.H264Packet
	h.IsAVC = true
	whole := map[string]bool{}
	var au []byte
	for _, x := range got {
		data, err := h.Unmarshal(x.Payload)
		if err != nil {
			t.Fatal(err)
		}
		au = append(au, data...)
		if x.Marker {
			whole[string(au)] = true
			au = nil
		}
	}
	found := 0
	for range 60 {
		x, err := sent.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !x.Key && whole[string(x.Data)] {
			found++
		}
	}
	if found < 10 {
		t.Errorf("%d pictures of %d arrived as they were sent", found, len(whole))
	}
}

// B-frames cannot be sent: viewers get the best rendition that has none, and where
// there is none, one is made while somebody watches.
func TestReordered(t *testing.T) {
	t.Parallel()
	made := make(chan string, 8)
	over := make(chan string, 8)
	r := newRig(t, func(c *whep.Config) {
		c.Make = func(ctx context.Context, s *hub.Stream, what string) error {
			made <- what
			<-ctx.Done()
			over <- what
			return nil
		}
	})
	r.live("x", &mediatest.Source{BFrames: 2, GOPs: []int{15}})
	p := watch(r, "x")
	if what := <-made; what != whep.PictureName {
		t.Fatalf("%s was made", what)
	}
	r.live("x/webrtc", &mediatest.Source{Width: 640, Height: 360, GOPs: []int{15}})
	p.wait("made pictures", webrtc.RTPCodecTypeVideo, many(30))
	// a rendition of the ladder is there: nothing is to be made any more
	r.live("x/480p", &mediatest.Source{Width: 854, Height: 480, GOPs: []int{15}})
	if what := <-over; what != whep.PictureName {
		t.Errorf("%s is over", what)
	}
	eventually(t, "a key frame is asked for", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.asked["x/480p"] > 0 })
}

// Sound that is not Opus is made once, and only while somebody watches.
func TestSound(t *testing.T) {
	t.Parallel()
	made, over := make(chan string, 8), make(chan string, 8)
	r := newRig(t, func(c *whep.Config) {
		c.Make = func(ctx context.Context, _ *hub.Stream, what string) error {
			made <- what
			<-ctx.Done()
			over <- what
			return nil
		}
	})
	r.live("x", &mediatest.Source{GOPs: []int{15}, SampleRate: 48000})
	p, q := watch(r, "x"), watch(r, "x")
	if what := <-made; what != whep.SoundName {
		t.Fatalf("%s was made", what)
	}
	o, err := r.hub.Create("x/opus", time.Now(), []*media.Track{{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan struct{})
	go func() {
		defer close(written)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for at := media.Time(0); ; at += 20 * media.Millisecond {
			o.Write(&media.Packet{Track: o.Tracks()[0], DTS: at, PTS: at, Key: true, Data: []byte{0xf8, 0xff, 0xfe}})
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() { stop(); <-written; o.Close() }()
	for _, x := range []*peer{p, q} {
		got := x.wait("sound", webrtc.RTPCodecTypeAudio, many(20))
		if d := got[11].Timestamp - got[10].Timestamp; d != 960 {
			t.Errorf("packets of sound are %d apart, want 960", d)
		}
	}
	if len(made) != 0 {
		t.Errorf("%s was made too", <-made)
	}
	r.request(http.MethodDelete, p.session, "", "")
	r.request(http.MethodDelete, q.session, "", "")
	<-over
	eventually(t, "they are gone", func() bool { return r.handler.Viewers() == 0 })
}

// A lost picture is asked for, of the encoder of a rendition, and not too often.
func TestPictureLoss(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.live("x", &mediatest.Source{BFrames: 2, GOPs: []int{15}})
	r.live("x/720p", &mediatest.Source{GOPs: []int{75}})
	p := watch(r, "x")
	got := p.wait("pictures", webrtc.RTPCodecTypeVideo, many(30))
	asked := func() int { r.mu.Lock(); defer r.mu.Unlock(); return r.asked["x/720p"] }
	before, began := asked(), time.Now()
	for range 50 {
		if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: got[0].SSRC}}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the encoder is asked", func() bool { return asked() > before })
	if n, most := asked()-before, 2+int(time.Since(began)/(500*time.Millisecond)); n > most {
		t.Errorf("50 losses led to %d key frames", n)
	}
}

// All tracks are tied to one clock.
func TestReports(t *testing.T) {
	r := newRig(t, nil)
	s := r.live("x", &mediatest.Source{GOPs: []int{5}})
	p := watch(r, "x")
	got := p.wait("pictures", webrtc.RTPCodecTypeVideo, many(10))
	reports := make(chan *rtcp.SenderReport, 8)
	go func() {
		for _, x := range p.pc.GetReceivers() {
			for {
				packets, _, err := x.ReadRTCP()
				if err != nil {
					break
				}
				for _, one := range packets {
					if sr, ok := one.(*rtcp.SenderReport); ok && len(reports) < 8 {
						reports <- sr
					}
				}
			}
		}
	}()
	sr := <-reports
	// what the report says of the first picture: when it was taken
	seconds := int64(sr.NTPTime>>32) - 2_208_988_800
	at := time.Unix(seconds, int64(sr.NTPTime&0xffffffff)*1e9>>32).Add(-time.Duration(int64(int32(sr.RTPTime-got[0].Timestamp))) * time.Second / 90000)
	since := at.Sub(s.Epoch())
	if frame := time.Second / 30; since%frame > time.Millisecond && frame-since%frame > time.Millisecond || since < 0 || since > patience {
		t.Errorf("the first picture is dated %v after the epoch, which is between two pictures", since)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *whep.Config) { c.ICEServers = []string{`<stun:stun.example.org>; rel="ice-server"`} })
	r.live("x", &mediatest.Source{GOPs: []int{15}})
	offer := newPeer(r).offer()
	vp8 := newPeer(r, webrtc.MimeTypeVP8).offer()
	for name, c := range map[string]struct {
		method, path, kind, body string
		status                   int
	}{
		"not live":         {"POST", "y/whep", "application/sdp", offer, 404},
		"no type":          {"POST", "x/whep", "", offer, 415},
		"other type":       {"POST", "x/whep", "application/json", offer, 415},
		"empty":            {"POST", "x/whep", "application/sdp", "", 400},
		"nonsense":         {"POST", "x/whep", "application/sdp", "v=0\r\nm=video", 400},
		"cut short":        {"POST", "x/whep", "application/sdp", offer[:len(offer)/2], 400},
		"10,000 lines":     {"POST", "x/whep", "application/sdp", offer + strings.Repeat("a=x\r\n", 10000), 201},
		"1,000 media":      {"POST", "x/whep", "application/sdp", offer + strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", 1000), 400},
		"too large":        {"POST", "x/whep", "application/sdp", offer + strings.Repeat("a=x\r\n", 20000), 413},
		"no H.264":         {"POST", "x/whep", "application/sdp", vp8, 406},
		"get":              {"GET", "x/whep", "", "", 405},
		"preflight":        {"OPTIONS", "x/whep", "", "", 204},
		"unknown session":  {"DELETE", "x/whep/abc", "", "", 404},
		"patch of unknown": {"PATCH", "x/whep/abc", "application/trickle-ice-sdpfrag", "", 404},
		"get of a session": {"GET", "x/whep/abc", "", "", 405},
	} {
		t.Run(name, func(t *testing.T) {
			res, text := r.request(c.method, r.base+c.path, c.kind, c.body)
			if res.StatusCode != c.status {
				t.Errorf("%d %s, want %d", res.StatusCode, text, c.status)
			}
			if res.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(res.Header.Get("Access-Control-Expose-Headers"), "Location") {
				t.Errorf("headers %v", res.Header)
			}
			if c.status == 201 && res.Header.Get("Link") != `<stun:stun.example.org>; rel="ice-server"` {
				t.Errorf("Link %q", res.Header.Get("Link"))
			}
		})
	}
}

// The life of a session after the answer: candidates, a restart, the end.
func TestSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.live("x", &mediatest.Source{GOPs: []int{15}})
	p := watch(r, "x")
	const frag = "application/trickle-ice-sdpfrag"
	for _, c := range []struct {
		what, match, body string
		status            int
	}{
		{"no precondition", "", "a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n", 428},
		{"another session", `"x"`, "a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n", 412},
		{"a candidate", p.etag, "a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n", 204},
		{"a restart", "*", "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n", 422},
		{"a restart of this", p.etag, "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n", 422},
	} {
		head := []string{"If-Match", c.match}
		if c.match == "" {
			head = nil
		}
		if res, text := r.request(http.MethodPatch, p.session, frag, c.body, head...); res.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", c.what, res.StatusCode, text, c.status)
		}
	}
	p.wait("pictures", webrtc.RTPCodecTypeVideo, many(10))
	if res, _ := r.request(http.MethodDelete, p.session, "", ""); res.StatusCode != http.StatusOK {
		t.Errorf("DELETE: %d", res.StatusCode)
	}
	if res, _ := r.request(http.MethodDelete, p.session, "", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("second DELETE: %d", res.StatusCode)
	}
	eventually(t, "the viewer is gone", func() bool { return r.handler.Viewers() == 0 })
}

// Offers that are never followed by a connection are forgotten, and only so many are
// taken at once.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *whep.Config) { c.MaxViewersPerIP, c.HalfOpen = 3, 3*time.Second })
	r.live("x", &mediatest.Source{GOPs: []int{15}})
	offer := newPeer(r).offer()
	took := 0
	for range 10 {
		res, _ := r.request(http.MethodPost, r.base+"x/whep", "application/sdp", offer)
		switch {
		case res.StatusCode == http.StatusCreated:
			took++
			if n := r.handler.Viewers(); n > 3 {
				t.Errorf("%d sessions at once", n)
			}
		case res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "":
			t.Errorf("%d %v", res.StatusCode, res.Header)
		}
	}
	if took < 3 {
		t.Errorf("%d offers were taken, want 3 at once", took)
	}
	eventually(t, "they are forgotten", func() bool { return r.handler.Viewers() == 0 })
	p := watch(r, "x")
	p.wait("pictures", webrtc.RTPCodecTypeVideo, many(10))
}

// Somebody who never connects keeps few places, and is told to slow down.
func TestOneNetworkHalfOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.live("x", &mediatest.Source{GOPs: []int{15}})
	p := watch(r, "x")
	p.wait("pictures", webrtc.RTPCodecTypeVideo, many(10)) // it stands and does not count
	offer := newPeer(r).offer()
	took := 0
	for range 12 {
		res, _ := r.request(http.MethodPost, r.base+"x/whep", "application/sdp", offer)
		if res.StatusCode == http.StatusCreated {
			took++
		} else if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
			t.Errorf("%d %v", res.StatusCode, res.Header)
		}
		if n := r.handler.Viewers(); n > 9 {
			t.Errorf("%d sessions at once", n)
		}
	}
	if took < 8 {
		t.Errorf("%d offers were taken", took)
	}
}

// Who may not watch gets nothing, and who may no longer is sent away.
func TestDoor(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.live("x", &mediatest.Source{GOPs: []int{15}})
	shut := func(err error) { r.mu.Lock(); defer r.mu.Unlock(); r.shut = err }
	p := watch(r, "~pass/x")
	if !strings.Contains(p.session, "/~pass/x/whep/") {
		t.Errorf("the session is %s", p.session)
	}
	p.wait("pictures", webrtc.RTPCodecTypeVideo, many(10))
	shut(door.Refusal{Words: "this pass is over"})
	eventually(t, "the viewer is gone", func() bool { return r.handler.Viewers() == 0 })
	offer := newPeer(r).offer()
	if res, text := r.request("POST", r.base+"~pass/x/whep", "application/sdp", offer); res.StatusCode != 403 || !strings.Contains(text, "over") {
		t.Errorf("with a pass that is over: %d %s", res.StatusCode, text)
	}
	shut(door.ErrHidden)
	if res, text := r.request("POST", r.base+"x/whep", "application/sdp", offer); res.StatusCode != 404 {
		t.Errorf("without a pass: %d %s", res.StatusCode, text)
	}
}

// A panic in what serves a viewer ends that viewer alone.
func TestFault(t *testing.T) {
	t.Parallel()
	var watchingFails, askingFails atomic.Bool
	r := newRig(t, func(c *whep.Config) {
		admit := c.Admit
		c.Admit = func(r *http.Request, b door.Bearer, name string) (func() error, error) {
			ask, err := admit(r, b, name)
			return func() error {
				if watchingFails.CompareAndSwap(true, false) {
					panic("watching")
				}
				return ask()
			}, err
		}
		c.AskKey = func(media.StreamID) {
			if askingFails.CompareAndSwap(true, false) {
				panic("asking")
			}
		}
	})
	r.live("x", &mediatest.Source{BFrames: 2, GOPs: []int{15}})
	r.live("x/720p", &mediatest.Source{GOPs: []int{75}})
	for _, fail := range []func(ssrc uint32, p *peer){
		func(uint32, *peer) { watchingFails.Store(true) },
		func(ssrc uint32, p *peer) {
			askingFails.Store(true)
			eventually(t, "the loss is told", func() bool {
				_ = p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}})
				return !askingFails.Load()
			})
		},
	} {
		one, other := watch(r, "x"), watch(r, "x")
		got := one.wait("pictures", webrtc.RTPCodecTypeVideo, many(10))
		other.wait("pictures", webrtc.RTPCodecTypeVideo, many(10))
		fail(got[0].SSRC, one)
		eventually(t, "one of the viewers is gone", func() bool { return r.handler.Viewers() == 1 })
		for _, p := range []*peer{one, other} {
			r.request(http.MethodDelete, p.session, "", "")
		}
		eventually(t, "both are gone", func() bool { return r.handler.Viewers() == 0 })
	}
}

// The end of a stream is the end for its viewers.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	s := r.live("x", &mediatest.Source{GOPs: []int{15}})
	p := watch(r, "x")
	p.wait("pictures", webrtc.RTPCodecTypeVideo, many(10))
	closed := make(chan struct{})
	p.pc.OnConnectionStateChange(func(c webrtc.PeerConnectionState) {
		if c == webrtc.PeerConnectionStateClosed || c == webrtc.PeerConnectionStateFailed || c == webrtc.PeerConnectionStateDisconnected {
			select {
			case <-closed:
			default:
				close(closed)
			}
		}
	})
	s.Close()
	eventually(t, "the viewer is gone", func() bool { return r.handler.Viewers() == 0 })
	<-closed
}
