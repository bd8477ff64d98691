//go:build servers

package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/bytecounter"
	rtmpcodecs "github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/gortmplib/pkg/handshake"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"weir/media"
	"weir/media/codec"
	"weir/services/live"
)

// reconnector is a publisher that says it connects anew when it is asked to. It is made of
// the parts of gortmplib, whose own client says nothing of that.
type reconnector struct {
	*message.ReadWriter
	count *bytecounter.ReadWriter
	asked chan string   // the address to connect to
	over  chan struct{} // closed when the server has ended it
	stop  func()
}

var _ gortmplib.Conn = (*reconnector)(nil)

func (r *reconnector) BytesReceived() uint64 { return r.count.Reader.Count() }
func (r *reconnector) BytesSent() uint64     { return r.count.Writer.Count() }

// dialReconnector publishes the pictures of a tape to rtmp://host/app under a key, until the
// test ends.
func dialReconnector(t *testing.T, tcURL, key string, x *tape) *reconnector {
	t.Helper()
	u, err := url.Parse(tcURL)
	if err != nil {
		t.Fatal(err)
	}
	nc := dialWire(t, u.Host)
	count := bytecounter.NewReadWriter(nc)
	if _, _, err := handshake.DoClient(count, false, false); err != nil {
		t.Fatal(err)
	}
	r := &reconnector{ReadWriter: message.NewReadWriter(count, count, false), count: count, asked: make(chan string, 1), over: make(chan struct{})}
	say := func(stream uint32, name string, id int, args ...any) {
		if err := r.Write(&message.CommandAMF0{ChunkStreamID: 3, MessageStreamID: stream, Name: name, CommandID: id, Arguments: args}); err != nil {
			t.Fatal(err)
		}
	}
	say(0, "connect", 1, amf0.Object{{Key: "app", Value: strings.TrimPrefix(u.RequestURI(), "/")}, {Key: "tcUrl", Value: tcURL}, {Key: "capsEx", Value: 1.0}})
	say(0, "createStream", 2, nil)
	say(0x1000000, "publish", 3, nil, key, "live")
	begun := make(chan struct{})
	go r.listen(begun)
	ctx, cancel := context.WithCancel(context.Background())
	var sends sync.WaitGroup
	sends.Go(func() {
		select {
		case <-begun:
			_ = r.send(ctx, x) // the server ends it
		case <-r.over:
		}
	})
	r.stop = sync.OnceFunc(func() {
		cancel()
		nc.Close()
		sends.Wait()
		<-r.over
	})
	t.Cleanup(r.stop)
	return r
}

// listen hears what the server says.
func (r *reconnector) listen(begun chan struct{}) {
	defer close(r.over)
	for {
		m, err := r.Read()
		if err != nil {
			return
		}
		c, ok := m.(*message.CommandAMF0)
		if !ok || c.Name != "onStatus" || len(c.Arguments) < 2 {
			continue
		}
		info, _ := c.Arguments[1].(amf0.Object)
		switch code, _ := info.GetString("code"); code {
		case "NetStream.Publish.Start":
			close(begun)
		case "NetConnection.Connect.ReconnectRequest":
			to, _ := info.GetString("tcUrl")
			r.asked <- to
		}
	}
}

func (r *reconnector) send(ctx context.Context, x *tape) error {
	sets, err := codec.ParseAVCC(x.tracks[0].Config)
	if err != nil {
		return err
	}
	video := &gortmplib.Track{Codec: &rtmpcodecs.H264{SPS: sets.SPS[0], PPS: sets.PPS[0]}}
	w := &gortmplib.Writer{Conn: r, Tracks: []*gortmplib.Track{video}}
	if err := w.Initialize(); err != nil {
		return err
	}
	return repeat(ctx, x, func(p *media.Packet, at media.Time) error {
		var units h264.AVCC
		if p.Kind() != media.Video {
			return nil
		}
		if err := units.Unmarshal(p.Data); err != nil {
			return err
		}
		return w.WriteH264(video, at.Duration(), at.Duration(), units)
	})
}

// sentTo waits to be asked, and holds that it is to connect to a node.
func (r *reconnector) sentTo(t *testing.T, s *station) (tcURL string) {
	t.Helper()
	select {
	case tcURL = <-r.asked:
	case <-time.After(patience):
		t.Fatal("it was not asked to reconnect")
	}
	if !strings.HasPrefix(tcURL, "rtmp://"+s.rtmp+"/live?weir-sent=") {
		t.Fatalf("it is to connect to %q, want the node at %s", tcURL, s.rtmp)
	}
	return tcURL
}

// has waits for a stream to be on the air at a node itself.
func (p *pair) has(ctx context.Context, t *testing.T, s *station, name string) {
	t.Helper()
	eventually(t, name+" on the air", func() bool {
		text, err := s.must(ctx, s.admin+"/metrics")
		return err == nil && strings.Contains(text, `stream="`+name+`"`)
	})
	for _, x := range []*station{p.first.station, p.second.station} {
		v, err := x.view(ctx, name)
		if err == nil {
			_, err = v.until(ctx, v.pictures[0], closedSegments(2))
		}
		if err != nil {
			t.Errorf("%s by %s: %v", name, x.web, err)
		}
	}
}

// figure is a number of a node's metrics.
func (s *station) figure(ctx context.Context, name string) float64 {
	text, _ := s.must(ctx, s.admin+"/metrics")
	_, after, _ := strings.Cut(text, "\n"+name+" ")
	line, _, _ := strings.Cut(after, "\n")
	x, _ := strconv.ParseFloat(line, 64)
	return x
}

// TestNodesSendOn: a node without room sends publishers to the one that has it.
func TestNodesSendOn(t *testing.T) {
	t.Parallel()
	onUnequal(t, []string{"GOMAXPROCS=1"}, []string{"GOMAXPROCS=64"}, func(t *testing.T, p *pair) {
		ctx := limited(t)
		small, err := record()
		if err != nil {
			t.Fatal(err)
		}
		large, err := recordSize(1920, 1080, 1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		air(t, p.first.station, "small")
		p.fill(ctx, t)
		for _, name := range []string{"whip", "rtsp"} { // they find no room, and are told where there is
			o, err := dialCaster(t, p.first.station, name)
			if err != nil {
				t.Fatal(err)
			}
			if err := o.roll(ctx, large, 0, 0); err == nil || ctx.Err() != nil {
				t.Fatal("the large picture was taken")
			}
			eventually(t, "the refusal", func() bool { return o.wire.heard("no room for another stream now") })
			if words := "another server (rtmp://" + p.second.rtmp + ")"; !o.wire.heard(words) || !o.wire.heard("rtmp://"+p.second.rtmp+"/live?weir-sent=") || o.wire.heard("ReconnectRequest") {
				t.Error("it was not told where to go")
			}
			o.cut()
		}
		r := dialReconnector(t, "rtmp://"+p.first.rtmp+"/live", "large", large)
		dialReconnector(t, r.sentTo(t, p.second.station), "large", large)
		p.has(ctx, t, p.second.station, "large")
		p.whip(ctx, t, small)
		p.rtsp(ctx, t, small)
		text, err := p.first.must(ctx, p.first.admin+"/metrics")
		if err != nil || strings.Contains(text, `stream="whip"`) || strings.Contains(text, `stream="rtsp"`) || strings.Contains(text, `stream="large"`) {
			t.Errorf("the full node has one of them: %v", err)
		}
		p.nowhere(t, large)
	}, "WEIR_NODE_HOST=127.0.0.1", "WEIR_OVERLOAD=refuse", "WEIR_LADDER=96p:50k", "WEIR_DVR=12s", "WEIR_RECORD=off")
}

// fill makes it so that the first node, of one core, has no room for a picture of 1080
// lines beside the small one: it is asked for so much else that encoding looks dear.
func (p *pair) fill(ctx context.Context, t *testing.T) {
	t.Helper()
	busy, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	t.Cleanup(func() { cancel(); wait.Wait() })
	wait.Go(func() {
		for busy.Err() == nil {
			_, _, _ = p.first.get(busy, p.first.admin+"/metrics")
		}
	})
	eventually(t, "a node that is dear", func() bool {
		return p.first.figure(ctx, "weir_encoder_planned_cores") > 0.1 && p.second.figure(ctx, "weir_encoder_free_cores") > 20
	})
}

// whip publishes to the first node, which finds room at the second: the client goes there,
// and ends its session there.
func (p *pair) whip(ctx context.Context, t *testing.T, x *tape) {
	t.Helper()
	pc := newPion(t)
	pictures := openLens(t, pc, webrtc.MimeTypeH264, 90000)
	at, err := p.first.session(ctx, pc, "/live/whip/whip?a=b")
	if err != nil {
		t.Fatal(err)
	}
	sending, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	head := annexB(t, x.tracks[0].Config)
	wait.Go(func() {
		var cutter codecs.H264Payloader
		_ = repeat(sending, x, func(k *media.Packet, at media.Time) error {
			var data []byte
			if k.Kind() != media.Video {
				return nil
			}
			if k.Key {
				data = append(data, head...)
			}
			data, err := codec.AppendAnnexB(data, k.Data)
			if err != nil {
				return err
			}
			return pictures.shoot(at, cutter.Payload(1200, data)...)
		})
	})
	p.has(ctx, t, p.second.station, "whip")
	for s, want := range map[*child]int{p.first: http.StatusNotFound, p.second: http.StatusOK} {
		s.endSession(ctx, t, at, want)
	}
}

// rtsp publishes to the first node, which names the second.
func (p *pair) rtsp(ctx context.Context, t *testing.T, x *tape) {
	t.Helper()
	sets, err := codec.ParseAVCC(x.tracks[0].Config)
	if err != nil {
		t.Fatal(err)
	}
	forma := &format.H264{PayloadTyp: 96, SPS: sets.SPS[0], PPS: sets.PPS[0], PacketizationMode: 1}
	picture := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{forma}}
	var to string
	record := func(address string) (*gortsplib.Client, error) {
		tcp := gortsplib.ProtocolTCP
		c := &gortsplib.Client{Protocol: &tcp, OnResponse: func(r *base.Response) {
			if r.StatusCode == base.StatusFound {
				to = r.Header["Location"][0]
			}
		}}
		return c, c.StartRecording(address, &description.Session{Medias: []*description.Media{picture}})
	}
	if _, err := record("rtsp://" + p.first.rtsp + "/live/rtsp?a=b"); err == nil || !strings.Contains(err.Error(), "302") || !strings.Contains(err.Error(), "no room") {
		t.Fatalf("it was not sent on: %v", err)
	}
	if !strings.HasPrefix(to, "rtsp://"+p.second.rtsp+"/live/rtsp?a=b&weir-sent=") {
		t.Fatalf("it was sent to %q", to)
	}
	c, err := record(to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	encoder, err := forma.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	sending, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	wait.Go(func() {
		_ = repeat(sending, x, func(k *media.Packet, at media.Time) error {
			var units h264.AVCC
			if k.Kind() != media.Video {
				return nil
			}
			if err := units.Unmarshal(k.Data); err != nil {
				return err
			}
			packets, err := encoder.Encode(units)
			for _, packet := range packets {
				packet.Timestamp = uint32(at.In(90000))
				err = errors.Join(err, c.WritePacketRTP(picture, packet))
			}
			return err
		})
	})
	p.has(ctx, t, p.second.station, "rtsp")
}

// nowhere holds that publishers are sent nowhere when the other node is gone, of which
// something is believed for a while.
func (p *pair) nowhere(t *testing.T, x *tape) {
	t.Helper()
	if err := p.second.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx := limited(t)
	eventually(t, "a publisher that is sent nowhere", func() bool {
		o, err := dialCaster(t, p.first.station, "last")
		if err == nil {
			_ = o.roll(ctx, x, 0, 0) // it is refused
			_ = o.client.Close()     // which it knows
		}
		o.wire.Close()
		return o.wire.heard("at another server") && !o.wire.heard("rtmp://")
	})
}

// TestNodesDrainSends: a node that leaves tells publishers where to go.
func TestNodesDrainSends(t *testing.T) {
	t.Parallel()
	onePair(t, func(t *testing.T, p *pair) {
		ctx := limited(t)
		c := p.channel(t, "anna")
		x, err := record()
		if err != nil {
			t.Fatal(err)
		}
		r := dialReconnector(t, "rtmp://"+p.first.rtmp+"/live", "anna", x)
		f := follow(ctx, t, p.second.station, "anna")
		before := f.last
		stopped := make(chan result, 1)
		go func() { stopped <- p.first.stop() }()
		eventually(t, "not ready", func() bool {
			status, _, err := p.first.get(ctx, p.first.admin+"/readyz")
			return err == nil && status == http.StatusServiceUnavailable
		})
		if _, err := dialCaster(t, p.first.station, "ben"); err == nil || !strings.Contains(err.Error(), "going away, connect again (rtmp://"+p.second.rtmp+")") {
			t.Errorf("a publisher who comes too late: %v", err)
		}
		dialReconnector(t, r.sentTo(t, p.second.station), "anna", x)
		wentOn(ctx, t, f, before)
		if r := <-stopped; r.code != 0 || !strings.Contains(r.stderr, `"stream handed over"`) {
			t.Errorf("%d", r.code)
		}
		if x := c.sessions(t); len(x) != 1 || x[0].State != live.OnAir || x[0].Stats.Reconnects != 1 {
			t.Errorf("sessions: %+v", x)
		}
	}, append(bucket(t), "WEIR_NODE_HOST=127.0.0.1")...)
}
