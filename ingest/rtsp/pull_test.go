package rtsp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"weir/ingest"
	"weir/ingest/ingesttest"
	"weir/media"
)

// fakeCamera shows an H.264 picture with B-frames, and asks for a password.
type fakeCamera struct {
	server *gortsplib.Server
	stream *gortsplib.ServerStream
	desc   *description.Session
	open   bool // no password
	udp    bool // media over UDP alone
}

func (c *fakeCamera) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if !c.open && !ctx.Conn.VerifyCredentials(ctx.Request, "admin", "pass:word") {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	if ctx.Path != "/stream1" {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

func (c *fakeCamera) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.udp && ctx.Transport.Protocol == gortsplib.ProtocolTCP {
		return &base.Response{StatusCode: base.StatusUnsupportedTransport}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

func (c *fakeCamera) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// newCamera runs one on a free port until the test ends, or close is called.
func newCamera(t *testing.T, open, udp bool) (c *fakeCamera, url string, done func()) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c = &fakeCamera{open: open, udp: udp}
	c.server = &gortsplib.Server{Handler: c, RTSPAddress: lis.Addr().String(), Listen: func(string, string) (net.Listener, error) { return lis, nil }}
	if udp {
		pair, err := listenUDP("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		c.server.UDPRTPAddress, c.server.UDPRTCPAddress = pair[0].LocalAddr().String(), pair[1].LocalAddr().String()
		c.server.ListenPacket = func(string, string) (net.PacketConn, error) {
			next++
			return pair[next-1], nil
		}
	}
	c.desc = &description.Session{Medias: []*description.Media{{Type: description.MediaTypeVideo, Formats: []format.Format{&format.H264{PayloadTyp: 96, PacketizationMode: 1}}}}}
	c.stream = &gortsplib.ServerStream{Server: c.server, Desc: c.desc}
	if err := c.server.Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.stream.Initialize(); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var work, once = sync.WaitGroup{}, sync.Once{}
	work.Go(func() { c.show(t, stop) })
	done = func() {
		once.Do(func() {
			close(stop)
			work.Wait()
			c.stream.Close()
			c.server.Close()
		})
	}
	t.Cleanup(done)
	return c, "rtsp://" + lis.Addr().String() + "/stream1", done
}

// show sends a picture of one second again and again.
func (c *fakeCamera) show(t *testing.T, stop <-chan struct{}) {
	e := &rtph264.Encoder{PayloadType: 96, PacketizationMode: 1, PayloadMaxSize: 1400}
	if err := e.Init(); err != nil {
		t.Error(err)
		return
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := uint32(0); ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		nals := [][]byte{{0x41, 0x9a, 1, 2, 3}}
		if n%25 == 0 {
			nals = [][]byte{sps(), {0x68, 0xeb, 0xec, 0xb2, 0x2c}, {0x65, 0x88, 1, 2, 3}}
		}
		list, err := e.Encode(nals)
		if err != nil {
			t.Error(err)
			return
		}
		for _, p := range list {
			p.Timestamp = n * 1800
			_ = c.stream.WritePacketRTP(c.desc.Medias[0], p)
		}
	}
}

// sps is of 1280x720, without B-frames.
func sps() []byte {
	return []byte{0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x83, 0x24, 0x80}
}

func opener(r *ingesttest.Rig, name string) func(context.Context, []string) (ingest.Hold, error) {
	return func(ctx context.Context, _ []string) (ingest.Hold, error) {
		return r.Sessions.Join(ctx, ingest.Grant{Name: name}, ingest.Request{Protocol: "rtsp"})
	}
}

// TestPull: a camera's stream arrives; when it goes away the session waits, and the end of
// the pull ends the session.
func TestPull(t *testing.T) {
	r := ingesttest.New(t, func(c *ingest.Config) { patient(c); c.Reconnect = time.Minute })
	_, url, gone := newCamera(t, false, false)
	live := make(chan struct{}, 1)
	cfg := Camera{URL: url, User: "admin", Password: "pass:word", Open: opener(r, "yard"), Live: func() { live <- struct{}{} }}
	pulled := make(chan error, 1)
	go func() { pulled <- Pull(t.Context(), cfg) }()
	await := func() {
		t.Helper()
		select {
		case <-live:
		case err := <-pulled:
			t.Fatal(err)
		}
	}
	await()
	stream := r.Next(t)
	list := stream.Wait(t, media.Video, 60)
	if !list[0].Key || list[0].Track.Codec != media.H264 || slices.ContainsFunc(list[1:], func(p *media.Packet) bool { return p.Discontinuity }) {
		t.Errorf("it begins with %+v", list[0])
	}
	gone()
	if err := <-pulled; err == nil || ingest.Words(err) == "" {
		t.Errorf("after the camera went: %v", err)
	}
	_, cfg.URL, _ = newCamera(t, true, false)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { pulled <- Pull(ctx, cfg) }()
	await()
	n := len(stream.Packets(media.Video))
	if list = stream.Wait(t, media.Video, n+10); !list[n].Discontinuity {
		t.Error("the return is no discontinuity")
	}
	cancel()
	if err := <-pulled; err != nil {
		t.Error(err)
	}
	<-stream.Done()
}

// TestPullUDP: a camera that refuses to send over the connection is asked for UDP.
func TestPullUDP(t *testing.T) {
	r := ingesttest.New(t, patient)
	_, url, _ := newCamera(t, false, true)
	ctx, cancel := context.WithCancel(t.Context())
	pulled := make(chan error, 1)
	go func() {
		pulled <- Pull(ctx, Camera{URL: url, User: "admin", Password: "pass:word", Open: opener(r, "yard")})
	}()
	list := r.Next(t).Wait(t, media.Video, 60)
	if !list[0].Key || list[0].Track.Codec != media.H264 {
		t.Errorf("it begins with %+v", list[0])
	}
	cancel()
	if err := <-pulled; err != nil {
		t.Error(err)
	}
}

// TestFence: nothing goes anywhere but to the camera.
func TestFence(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	f := new(fence)
	c, err := f.listen("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send := func(ip string) error {
		_, err := c.WriteTo([]byte{1}, &net.UDPAddr{IP: net.ParseIP(ip), Port: c.LocalAddr().(*net.UDPAddr).Port})
		return err
	}
	if err := send("127.0.0.1"); !errors.Is(err, errFence) {
		t.Errorf("before the camera is known: %v", err)
	}
	conn, err := f.dial(nil)(t.Context(), "tcp", lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := send("127.0.0.1"); err != nil {
		t.Errorf("to the camera: %v", err)
	}
	if err := send("127.0.0.2"); !errors.Is(err, errFence) {
		t.Errorf("elsewhere: %v", err)
	}
}

// TestPullFails: the owner is told why, and nothing that a server says is shown.
func TestPullFails(t *testing.T) {
	r := ingesttest.New(t, nil)
	_, url, _ := newCamera(t, false, false)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	babble, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer babble.Close()
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() {
		c, err := babble.Accept()
		if err == nil {
			_, _ = c.Write([]byte("RTSP/1.0 200 root:x:0:0:\r\nCSeq: 1\r\nPublic: DESCRIBE\r\n\r\nRTSP/9 secret\r\n\r\n"))
			defer c.Close()
			_, _ = c.Read(make([]byte, 1000))
		}
	})
	poison, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer poison.Close()
	work.Go(func() {
		c, err := poison.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		const sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=audio 0 RTP/AVP 96\r\na=rtpmap:96 MP4A-LATM/48000/2\r\na=fmtp:96 cpresent=0;config=400223203fe3fc\r\n"
		for range 2 { // OPTIONS and DESCRIBE
			_, _ = c.Read(make([]byte, 1000))
			_, _ = fmt.Fprintf(c, "RTSP/1.0 200 OK\r\nPublic: DESCRIBE\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
		}
		_, _ = c.Read(make([]byte, 1000))
	})
	for name, tt := range map[string]struct {
		change func(*Camera)
		want   string
	}{
		"a wrong password": {func(c *Camera) { c.Password = "guess" }, "does not accept the user"},
		"no password":      {func(c *Camera) { c.User = "" }, "does not accept the user"},
		"another path":     {func(c *Camera) { c.URL += "2" }, "no such path"},
		"a forbidden place": {func(c *Camera) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, DialError{"not there"} }
		}, "not there"},
		"silence":         {func(c *Camera) { c.URL = "rtsp://" + silent.Addr().String() + "/x" }, "did not answer in time"},
		"babble":          {func(c *Camera) { c.URL = "rtsp://" + babble.Addr().String() + "/x" }, "cannot be understood"},
		"poison":          {func(c *Camera) { c.URL = "rtsp://" + poison.Addr().String() + "/x" }, "cannot be understood"},
		"another address": {func(c *Camera) { c.URL = "http://example.org/" }, "not an address of RTSP"},
		"a taken name": {func(c *Camera) {
			c.Open = func(context.Context, []string) (ingest.Hold, error) { return nil, ingest.ErrBusy }
		}, "publishing this name already"},
	} {
		cfg := Camera{URL: url, User: "admin", Password: "pass:word", Open: opener(r, "yard"), IdleTime: 400 * time.Millisecond}
		tt.change(&cfg)
		err := Pull(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "root") || strings.Contains(err.Error(), "pass:word") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for url, good := range map[string]bool{
		"rtsp://cam/stream": true, "rtsps://cam:322/stream?x=1": true, "rtsp://[::1]:554/": true,
		"": false, "rtsp://": false, "rtsp:///x": false, "http://cam/x": false, "rtsp://u:p@cam/x": false, "rtsp://u@cam/x": false, "rtsp://cam/x#y": false, "cam/x": false,
	} {
		if err := CheckURL(url); (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestSpare: what comes beside what is taken is counted.
func TestSpare(t *testing.T) {
	lanes := map[format.Format]*lane{&format.H264{}: {codec: media.H264}, &format.Opus{}: {codec: media.Opus}}
	video, audio := &description.Media{Type: description.MediaTypeVideo}, &description.Media{Type: description.MediaTypeAudio}
	other := &description.Media{Type: description.MediaTypeApplication}
	back := &description.Media{Type: description.MediaTypeAudio, IsBackChannel: true}
	for _, tt := range []struct {
		medias       []*description.Media
		video, audio int
	}{
		{[]*description.Media{video, audio, other}, 0, 0},
		{[]*description.Media{video, audio, back}, 0, 0},
		{[]*description.Media{video, video, audio, audio, audio}, 1, 2},
	} {
		if v, a := spare(tt.medias, lanes); v != tt.video || a != tt.audio {
			t.Errorf("%d and %d, want %d and %d", v, a, tt.video, tt.audio)
		}
	}
}

// TestPullRedirects: a camera may send on, but not for ever, and the password goes to its
// own host alone.
func TestPullRedirects(t *testing.T) {
	for name, tt := range map[string]struct {
		user string
		to   string // from 127.0.0.1
		want string
		most int // requests for the description
	}{
		"for ever":                      {"", "127.0.0.1", "too often", mostRedirects + 1},
		"for ever, with a password":     {"admin", "127.0.0.1", "too often", mostRedirects + 1},
		"to another host, with that":    {"admin", "localhost", "not given the password", 1},
		"to another host, without that": {"", "localhost", "too often", mostRedirects + 1},
	} {
		t.Run(name, func(t *testing.T) {
			lis, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			_, port, _ := net.SplitHostPort(lis.Addr().String())
			var asked atomic.Int32
			var work sync.WaitGroup
			work.Go(func() {
				for {
					c, err := lis.Accept()
					if err != nil {
						return
					}
					work.Go(func() { sendOn(c, "rtsp://"+net.JoinHostPort(tt.to, port)+"/other", &asked) })
				}
			})
			t.Cleanup(func() { lis.Close(); work.Wait() })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err = Pull(ctx, Camera{URL: "rtsp://127.0.0.1:" + port + "/stream1", User: tt.user, Password: "pass"})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if n := int(asked.Load()); n != tt.most {
				t.Errorf("asked %d times, want %d", n, tt.most)
			}
		})
	}
}

// sendOn is a camera that knows another address.
func sendOn(c net.Conn, to string, asked *atomic.Int32) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		var req base.Request
		if req.Unmarshal(r) != nil {
			return
		}
		res := base.Response{StatusCode: base.StatusOK, Header: base.Header{"CSeq": req.Header["CSeq"]}}
		if req.Method == base.Describe {
			asked.Add(1)
			res.StatusCode, res.Header["Location"] = base.StatusFound, base.HeaderValue{to}
		}
		raw, err := res.Marshal()
		if err != nil {
			return
		}
		if _, err := c.Write(raw); err != nil {
			return
		}
	}
}
