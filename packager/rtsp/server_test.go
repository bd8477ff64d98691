package rtsp

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"weir/media"
	"weir/media/hub"
	"weir/media/mediatest"
	"weir/media/mediatest/front"
	"weir/packager/door"
	"weir/packager/door/doortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for; it is met only by what is broken.
const patience = 20 * time.Second

// rig is a server with its hub, and a door.
type rig struct {
	t      *testing.T
	hub    hub.Hub
	server *Server
	door   *doortest.Door
}

// newRig starts a server. change may be nil.
func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, door: doortest.New(t)}
	cfg := Config{Addr: "127.0.0.1:0", Hub: &r.hub, Admit: r.door.Admit}
	if change != nil {
		change(&cfg)
	}
	var err error
	if r.server, err = Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		if err := r.server.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	return r
}

func (r *rig) live(name media.StreamID, tracks ...*media.Track) *hub.Stream {
	r.t.Helper()
	s, err := r.hub.Create(name, time.Now(), tracks)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(s.Close)
	return s
}

// viewer is a player.
type viewer struct {
	*gortsplib.Client
	t       *testing.T
	packets chan *rtp.Packet
}

// describe asks what is live under a path. change may be nil.
func (r *rig) describe(path string, change func(*gortsplib.Client)) (*viewer, *description.Session, error) {
	r.t.Helper()
	u, err := base.ParseURL("rtsp://" + r.server.Addr().String() + path)
	if err != nil {
		r.t.Fatal(err)
	}
	tcp := gortsplib.ProtocolTCP
	v := &viewer{t: r.t, packets: make(chan *rtp.Packet, 1024), Client: &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, Protocol: &tcp, ReadTimeout: 3 * patience, OnPacketsLost: func(uint64) {}, OnDecodeError: func(error) {},
	}}
	if change != nil {
		change(v.Client)
	}
	if err := v.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(v.Close)
	desc, _, err := v.Describe(u)
	return v, desc, err
}

// watch plays a path until the test ends. change may be nil.
func (r *rig) watch(path string, change func(*gortsplib.Client)) (*viewer, error) {
	r.t.Helper()
	v, desc, err := r.describe(path, change)
	if err != nil {
		return nil, err
	}
	for _, m := range desc.Medias {
		if _, err := v.Setup(desc.BaseURL, m, 0, 0); err != nil {
			return nil, err
		}
		v.OnPacketRTP(m, m.Formats[0], func(p *rtp.Packet) {
			select {
			case v.packets <- p:
			default: // the test does not look
			}
		})
	}
	_, err = v.Play(nil)
	return v, err
}

// next waits for the next packet.
func (v *viewer) next() *rtp.Packet {
	v.t.Helper()
	select {
	case p := <-v.packets:
		return p
	case <-time.After(patience):
		v.t.Fatal("nothing comes")
		return nil
	}
}

// ended waits until the server has sent the viewer away.
func (v *viewer) ended() {
	v.t.Helper()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = v.Wait() // however it says so
	}()
	select {
	case <-over:
	case <-time.After(patience):
		v.Close()
		<-over
		v.t.Error("the viewer was not sent away")
	}
}

// TestWatch: both kinds come, each by its own clock, to all who watch.
func TestWatch(t *testing.T) {
	r := newRig(t, nil)
	source := &mediatest.Source{SampleRate: 44100, BFrames: 2, Delayed: true, Start: 3 * media.Second}
	s := r.live("anna", source.Tracks()...)
	var all []*viewer
	for _, path := range []string{"/live/anna", "/live/~mine/anna"} {
		v, err := r.watch(path, nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, v)
	}
	var video, audio []uint32
	for _, p := range source.Packets(media.Second / 2) {
		s.Write(p)
		if p.Kind() == media.Video {
			video = append(video, uint32(p.PTS.In(90000)))
		} else {
			audio = append(audio, uint32(p.PTS.In(44100)))
		}
	}
	for _, v := range all {
		var gotVideo, gotAudio []uint32
		for len(gotVideo) < len(video) || len(gotAudio) < len(audio) {
			switch p := v.next(); {
			case !p.Marker:
			case p.PayloadType == 96:
				gotVideo = append(gotVideo, p.Timestamp)
			default:
				gotAudio = append(gotAudio, p.Timestamp)
			}
		}
		if !slices.Equal(gotVideo, video) || !slices.Equal(gotAudio, audio) {
			t.Errorf("pictures at %v, want %v; sound at %v, want %v", gotVideo, video, gotAudio, audio)
		}
	}
}

// TestPassIsOver: who may watch no more is sent away, and nobody else.
func TestPassIsOver(t *testing.T) {
	r := newRig(t, nil)
	source := &mediatest.Source{}
	s := r.live("anna", source.Tracks()...)
	good, err := r.watch("/live/~good/anna", nil)
	if err != nil {
		t.Fatal(err)
	}
	over, err := r.watch("/live/~over/anna", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.door.Close("over", door.ErrHidden)
	over.ended()
	for _, p := range source.Packets(media.Second) {
		s.Write(p)
	}
	good.next()
	if n := len(over.packets); n != 0 {
		t.Errorf("%d packets came without a pass", n)
	}
}

// TestStreamEnds: its viewers are sent away, and what comes under its name next can be
// watched.
func TestStreamEnds(t *testing.T) {
	r := newRig(t, nil)
	source := &mediatest.Source{SampleRate: 48000}
	s := r.live("anna", source.Tracks()...)
	one, err := r.watch("/live/anna", nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := r.watch("/live/anna", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	one.ended()
	two.ended()
	if _, err := r.watch("/live/anna", nil); status(err) != base.StatusNotFound {
		t.Errorf("what is over: %v", err)
	}
	s = r.live("anna", source.Tracks()...)
	if one, err = r.watch("/live/anna", nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range source.Packets(media.Second) {
		s.Write(p)
	}
	one.next()
}

// status is what the server answered.
func status(err error) base.StatusCode {
	var bad liberrors.ErrClientBadStatusCode
	errors.As(err, &bad)
	return bad.Code
}

// TestRefusals: who may not watch is told so, in so many words.
func TestRefusals(t *testing.T) {
	r := newRig(t, nil)
	r.live("anna", (&mediatest.Source{}).Tracks()...)
	r.live("vera", &media.Track{Kind: media.Video, Codec: media.VP8, Width: 320, Height: 240})
	r.door.Close("hidden", door.ErrHidden)
	r.door.Close("late", door.Refusal{Words: "this link is over"})
	udp := gortsplib.ProtocolUDP
	for _, tt := range []struct {
		path   string
		change func(*gortsplib.Client)
		status base.StatusCode
		words  string
	}{
		{"/live/nobody", nil, base.StatusNotFound, "nothing is live under this name"},
		{"/live/~hidden/anna", nil, base.StatusNotFound, "nothing is live under this name"},
		{"/live/~late/anna", nil, base.StatusForbidden, "this link is over"},
		{"/live/vera", nil, base.StatusUnsupportedMediaType, "what is live under this name cannot be played over RTSP"},
		{"/vod/anna", nil, base.StatusNotFound, "the address is rtsp://HOST/live/NAME"},
		{"/live/anna/720p", nil, base.StatusNotFound, "the address is rtsp://HOST/live/NAME"},
		{"/live/anna", func(c *gortsplib.Client) { c.Protocol = &udp }, base.StatusUnsupportedTransport, ""},
	} {
		_, err := r.watch(tt.path, tt.change)
		var bad liberrors.ErrClientBadStatusCode
		if !errors.As(err, &bad) || bad.Code != tt.status || tt.words != "" && bad.Message != tt.words {
			t.Errorf("%s: %v", tt.path, err)
		}
	}
}

// TestFront: who connects is who the front says, to the door too; who does not say it holds
// up nobody else, nor the end.
func TestFront(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxConnsPerIP, c.Front = 1, front.Introduce })
	source := &mediatest.Source{}
	s := r.live("anna", source.Tracks()...)
	silent, err := net.Dial("tcp", r.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	watch := func(from string) (*viewer, error) {
		return r.watch("/live/anna", func(c *gortsplib.Client) {
			c.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				if err == nil {
					_, err = io.WriteString(conn, from+"\n")
				}
				return conn, err
			}
		})
	}
	one, err := watch("127.0.0.2:1")
	if err != nil {
		t.Fatal(err)
	}
	two, err := watch("127.0.0.3:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch("127.0.0.2:2"); err == nil {
		t.Error("a second one of an address that may have one")
	}
	for _, p := range source.Packets(media.Second) {
		s.Write(p)
	}
	one.next()
	two.next()
} // the server ends though one has not said who it is

// lazy is a connection that does not read any more when it is told so.
type lazy struct {
	net.Conn
	asleep, awake chan struct{} // closed when that begins, and ends
}

func (c lazy) Read(b []byte) (int, error) {
	select {
	case <-c.asleep:
		<-c.awake
	default:
	}
	return c.Conn.Read(b)
}

// TestSlowViewer: whose queue is full is sent away; the writer waits for nobody.
func TestSlowViewer(t *testing.T) {
	r := newRig(t, nil)
	source := &mediatest.Source{Bitrate: 50_000_000}
	s := r.live("anna", source.Tracks()...)
	asleep, awake := make(chan struct{}), make(chan struct{})
	v, err := r.watch("/live/anna", func(c *gortsplib.Client) {
		c.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return lazy{conn, asleep, awake}, err
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	close(asleep)
	for _, p := range source.Packets(8 * media.Second) { // more than queue and sockets hold
		s.Write(p)
	}
	close(awake)
	v.ended()
}

// channel is a stream that is watched, or was.
func (r *rig) channel(s *hub.Stream) *channel {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	return r.server.channels[s]
}

// TestForgotten: a stream that nobody watches any more is let go.
func TestForgotten(t *testing.T) {
	r := newRig(t, nil)
	source := &mediatest.Source{}
	watched, lonely := r.live("anna", source.Tracks()...), r.live("ben", source.Tracks()...)
	if _, err := r.watch("/live/anna", nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.describe("/live/ben", nil); err != nil {
		t.Fatal(err)
	}
	one, other := r.channel(watched), r.channel(lonely)
	for range 10 {
		if !r.server.ask(one) {
			t.Fatal("it is forgotten while somebody watches")
		}
	}
	for asked := 1; r.server.ask(other); asked++ {
		if asked > 10 {
			t.Fatal("it is not forgotten")
		}
	}
	if r.channel(watched) != one || r.channel(lonely) != nil {
		t.Error("the wrong one is forgotten")
	}
}
