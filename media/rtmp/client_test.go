package rtmp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
)

func TestClient(t *testing.T) {
	c, sc := pair(t)
	s := NewServerConn(sc, Limits{})
	type result struct {
		req  PublishRequest
		list []Message
		err  error
	}
	served := make(chan result, 1)
	go func() {
		var r result
		if r.req, r.err = s.AcceptPublish(); r.err == nil {
			r.err = s.Grant()
		}
		for r.err == nil {
			var m Message
			if m, r.err = s.ReadMessage(); r.err == nil {
				r.list = append(r.list, m)
			}
		}
		s.Linger()
		sc.Close()
		served <- r
	}()
	x, err := NewClient(c, Target{App: "live", Key: "k", URL: "rtmp://host/live"}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	frame := seq(0, 200_000)
	err = errors.Join(
		x.WriteMetadata(0, Array{{"width", 640.0}}),
		x.WriteVideo(0, Tag{FourCC: FourCCAVC, Packet: SequenceStart, Key: true, Body: []byte{1}}),
		x.WriteVideo(40, Tag{FourCC: FourCCAVC, Packet: CodedFrames, Key: true, CTS: 80, Body: frame}),
		x.WriteAudio(41, Tag{FourCC: FourCCAAC, Packet: CodedFrames, Body: []byte{7}}),
		x.Close(), x.Close(),
	)
	if err != nil {
		t.Fatal(err)
	}
	r := <-served
	if !errors.Is(r.err, ErrGoodbye) || r.req.Key != "k" || r.req.App != "live" || len(r.list) != 4 {
		t.Fatalf("%v %v %d messages", r.err, r.req, len(r.list))
	}
	tags, err := AppendVideoTags(nil, r.list[2].Body)
	if err != nil || r.list[2].Timestamp != 40 || tags[0].CTS != 80 || !bytes.Equal(tags[0].Body, frame) {
		t.Error("the frame is not what was sent")
	}
}

func TestClientIsRefused(t *testing.T) {
	c, sc := pair(t)
	s := NewServerConn(sc, Limits{})
	served := make(chan struct{})
	go func() {
		defer close(served)
		if req, err := s.AcceptPublish(); err == nil {
			_ = s.Refuse(CodePublishBadName, "no such key: "+req.Key)
			s.Linger()
		}
		sc.Close()
	}()
	_, err := NewClient(c, Target{App: "live", Key: "topsecret"}, Limits{})
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "no such key") || strings.Contains(err.Error(), "topsecret") {
		t.Error(err)
	}
	c.Close()
	<-served
}

// TestClientLearnsOfTheEnd: a server that goes ends the writing.
func TestClientLearnsOfTheEnd(t *testing.T) {
	c, sc := pair(t)
	s := NewServerConn(sc, Limits{})
	served := make(chan struct{})
	go func() {
		defer close(served)
		if _, err := s.AcceptPublish(); err == nil && s.Grant() == nil {
			_ = s.Refuse(CodeFailed, "kicked")
		}
		s.Linger()
		sc.Close()
	}()
	x, err := NewClient(c, Target{App: "live", Key: "k"}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		err = x.WriteAudio(0, Tag{FourCC: FourCCAAC, Packet: CodedFrames, Body: []byte{7}})
	}
	x.Close()
	<-served
	if !errors.Is(x.Err(), ErrRefused) {
		t.Logf("ended with %v", x.Err()) // a reset may come first
	}
}

func TestDialErrors(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := lis.Addr().String()
	lis.Close()
	for _, u := range []string{"http://h/live/hush", "rtmp://h/hush", "rtmp:///a/hush", "rtmp://h:x/a/hush", "rtmp://" + closed + "/a/hush?hush", "\x7f://hush"} {
		if _, err := Dial(context.Background(), u, Limits{}); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", u, err)
		}
	}
	address, secure, target, err := splitURL("rtmps://host/live/a/key?x=y")
	if err != nil || address != "host:443" || !secure || !reflect.DeepEqual(target, Target{App: "live/a", Key: "key?x=y", URL: "rtmps://host/live/a"}) {
		t.Error(address, secure, target, err)
	}
}

// TestClientAtGortmplib publishes to another server than our own.
func TestClientAtGortmplib(t *testing.T) {
	c, sc := pair(t)
	config := []byte{
		0x01, 0x64, 0x00, 0x1f, 0xff, 0xe1, 0x00, 0x18, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xb4, 0x02, 0x80,
		0x2d, 0xd8, 0x08, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x07, 0x8c, 0x19, 0x50,
		0x01, 0x00, 0x04, 0x68, 0xce, 0x0f, 0xcb, 0xfd, 0xf8, 0xf8, 0x00,
	}
	type result struct {
		path  string
		units int
		pts   time.Duration
		err   error
	}
	served := make(chan result, 1)
	go func() {
		var r result
		defer func() { served <- r }()
		s := &gortmplib.ServerConn{RW: sc}
		if r.err = s.Initialize(); r.err != nil {
			return
		}
		if r.err = s.Accept(); r.err != nil {
			return
		}
		r.path = s.URL.Path
		reader := &gortmplib.Reader{Conn: s}
		if r.err = reader.Initialize(); r.err != nil {
			return
		}
		for _, track := range reader.Tracks() {
			if _, ok := track.Codec.(*codecs.H264); ok {
				reader.OnDataH264(track, func(pts, _ time.Duration, au [][]byte) { r.units, r.pts = r.units+len(au), pts })
			}
		}
		for r.err == nil && r.units == 0 {
			r.err = reader.Read()
		}
	}()
	x, err := NewClient(c, Target{App: "live", Key: "k", URL: "rtmp://host/live"}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		x.WriteMetadata(0, Array{{"videocodecid", 7.0}, {"audiocodecid", 0.0}}),
		x.WriteVideo(0, Tag{FourCC: FourCCAVC, Packet: SequenceStart, Key: true, Body: config}),
	)
	for i := uint32(0); i < 3 && err == nil; i++ {
		err = x.WriteVideo(17_000_000+i*40, Tag{FourCC: FourCCAVC, Packet: CodedFrames, Key: true, CTS: 80, Body: append([]byte{0, 1, 0x86, 0xa0, 0x65}, make([]byte, 99_999)...)})
	}
	r := <-served
	if err != nil || r.err != nil || r.path != "/live/k" || r.units == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	x.Close()
}
