package rtmp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"go.uber.org/goleak"

	"weir/media"
	"weir/media/hub"
	"weir/media/mediatest"
	"weir/media/mediatest/front"
	wire "weir/media/rtmp"
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
	stop   func()
}

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
	r.stop = func() { cancel(); work.Wait() }
	t.Cleanup(r.stop)
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

// play asks for a path with somebody else's client.
func (r *rig) play(path string) (*gortmplib.Client, error) {
	r.t.Helper()
	u, err := url.Parse("rtmp://" + r.server.Addr().String() + path)
	if err != nil {
		r.t.Fatal(err)
	}
	c := &gortmplib.Client{URL: u}
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if err := c.Initialize(ctx); err != nil {
		return nil, err
	}
	r.t.Cleanup(c.Close)
	_ = c.NetConn().SetDeadline(time.Now().Add(patience))
	return c, nil
}

// TestWatch: both kinds come, from the first key frame on, dated as they were.
func TestWatch(t *testing.T) {
	r := newRig(t, nil)
	source := &mediatest.Source{SampleRate: 48000, BFrames: 2, GOPs: []int{10}, Start: 3 * media.Second}
	s := r.live("anna", source.Tracks()...)
	var want, sound []media.Time
	for _, path := range []string{"/live/anna", "/live/~mine/anna"} {
		c, err := r.play(path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		want, sound = nil, nil
		begun := false
		for _, p := range source.Packets(3 * media.Second)[5:] { // from the middle of a group
			s.Write(p)
			switch begun = begun || p.Kind() == media.Video && p.Key; {
			case begun && p.Kind() == media.Video:
				want = append(want, p.PTS)
			case begun:
				sound = append(sound, p.PTS)
			}
		}
		reader := &gortmplib.Reader{Conn: c}
		if err := reader.Initialize(); err != nil {
			t.Fatal(err)
		}
		var got, heard []time.Duration
		for _, track := range reader.Tracks() {
			switch track.Codec.(type) {
			case *codecs.H264:
				reader.OnDataH264(track, func(pts, dts time.Duration, _ [][]byte) {
					if got = append(got, pts); dts > pts {
						t.Errorf("picture %d is decoded %v after it is shown", len(got), dts-pts)
					}
				})
			case *codecs.MPEG4Audio:
				reader.OnDataMPEG4Audio(track, func(pts time.Duration, _ []byte) { heard = append(heard, pts) })
			}
		}
		for len(got) <= len(want) || len(heard) < len(sound)-1 {
			if err := reader.Read(); err != nil {
				t.Fatalf("%d of %d pictures, %d of %d sounds: %v", len(got), len(want), len(heard), len(sound), err)
			}
		}
		got = got[1:] // the first was the parameter sets
		for i := range got {
			if d := (got[i] - got[0]) - (want[i] - want[0]).Duration(); d.Abs() > 2*time.Millisecond {
				t.Errorf("picture %d is shown %v off", i, d)
			}
		}
		c.Close()
	}
	if all, mine := r.door.Asked(""), r.door.Asked("mine"); all < 2 || mine < 2 {
		t.Errorf("viewers are counted when they begin: %d, %d with a pass", all, mine)
	}
}

// h265Config is the record of a stream of x265, 1280x720.
const h265Config = "\x01\x01\x60\x00\x00\x00\x90\x00\x00\x00\x00\x00\x5d\xf0\x00\xfc\xfd\xf8\xf8\x00\x00\x0f\x03\xa0\x00\x01\x00\x18\x40\x01\x0c\x01\xff\xff\x01\x60\x00\x00\x03\x00\x90\x00\x00\x03\x00\x00\x03\x00\x5d\x95\x98\x09\xa1\x00\x01\x00\x2b\x42\x01\x01" +
	"\x01\x60\x00\x00\x03\x00\x90\x00\x00\x03\x00\x00\x03\x00\x5d\xa0\x02\x80\x80\x2d\x16\x59\x59\xa4\x93\x2b\xc0\x5a\x02\x00\x00\x03\x00\x02\x00\x00\x03\x00\x3c\x10\xa2\x00\x01\x00\x07\x44\x01\xc1\x72\xb4\x62\x40"

// TestMade: what RTMP has no place for comes as it was made for everybody.
func TestMade(t *testing.T) {
	r := newRig(t, nil)
	source := &mediatest.Source{SampleRate: 48000}
	opus := &media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2}
	r.live("anna", &media.Track{Kind: media.Video, Codec: media.VP8, Width: 320, Height: 240}, opus)
	made := source.Tracks()
	video, audio := r.live("anna/source", made[0]), r.live("anna/audio", made[1])
	c, err := r.play("/live/anna")
	if err != nil {
		t.Fatal(err)
	}
	over, written := make(chan struct{}), make(chan struct{})
	go func() { // side by side, as they come in life
		defer close(written)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for p := range source.All() {
			if p.Kind() == media.Video {
				video.Write(p)
			} else {
				audio.Write(p)
			}
			select {
			case <-tick.C:
			case <-over:
				return
			}
		}
	}()
	defer func() { close(over); <-written }()
	reader := &gortmplib.Reader{Conn: c}
	if err := reader.Initialize(); err != nil {
		t.Fatal(err)
	}
	pictures, sounds := 0, 0
	for _, track := range reader.Tracks() {
		switch track.Codec.(type) {
		case *codecs.H264:
			reader.OnDataH264(track, func(time.Duration, time.Duration, [][]byte) { pictures++ })
		case *codecs.MPEG4Audio:
			reader.OnDataMPEG4Audio(track, func(time.Duration, []byte) { sounds++ })
		}
	}
	for pictures < 20 || sounds < 20 {
		if err := reader.Read(); err != nil {
			t.Fatalf("%d pictures, %d sounds: %v", pictures, sounds, err)
		}
	}
}

// TestEnhanced: HEVC is for players that say they take it; sound without a place is left out.
func TestEnhanced(t *testing.T) {
	r := newRig(t, nil)
	nal := func(kind byte) []byte { return []byte{kind << 1, 1, 2, 3} }
	video := &media.Track{Kind: media.Video, Codec: media.H265, Config: []byte(h265Config), Width: 1280, Height: 720}
	audio := &media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2}
	s := r.live("anna", video, audio)
	c, err := r.play("/live/anna")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		at := media.Time(i) * 40 * media.Millisecond
		s.Write(&media.Packet{Track: audio, Data: []byte{1, 2}, PTS: at, DTS: at, Key: true})
		s.Write(&media.Packet{Track: video, Data: append([]byte{0, 0, 0, 4}, nal(19)...), PTS: at, DTS: at, Key: true})
	}
	reader := &gortmplib.Reader{Conn: c}
	if err := reader.Initialize(); err != nil {
		t.Fatal(err)
	}
	if n := len(reader.Tracks()); n != 1 {
		t.Fatalf("%d tracks", n)
	}
	pictures := 0
	reader.OnDataH265(reader.Tracks()[0], func(time.Duration, time.Duration, [][]byte) { pictures++ })
	for pictures < 50 {
		if err := reader.Read(); err != nil {
			t.Fatal(err)
		}
	}
	if words := r.refused("live", "anna", "play"); !strings.Contains(words, wire.CodePlayNotFound) || !strings.Contains(words, "codec") {
		t.Errorf("a player of old: %q", words)
	}
}

// refused says what a player of old is told that wants something.
func (r *rig) refused(app, name, verb string) string {
	r.t.Helper()
	c, err := net.Dial("tcp", r.server.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	// A simple handshake and commands in small chunks, which need no answers to be read.
	var out bytes.Buffer
	out.WriteByte(3)
	out.Write(make([]byte, 1536))
	if _, err := c.Write(out.Bytes()); err != nil {
		r.t.Fatal(err)
	}
	hello := make([]byte, 1+2*1536)
	if _, err := io.ReadFull(c, hello); err != nil {
		r.t.Fatal(err)
	}
	out.Reset()
	out.Write(hello[1:1537])
	text := func(s string) []byte { return append([]byte{2, 0, byte(len(s))}, s...) }
	number := func(n byte) []byte { return []byte{0, 0x3f + n>>1, 0xf0 & (n << 7), 0, 0, 0, 0, 0, 0} }
	send := func(stream byte, body []byte) {
		out.Write([]byte{3, 0, 0, 0, 0, 0, byte(len(body)), 20, stream, 0, 0, 0})
		out.Write(body)
	}
	connect := append(append(text("connect"), 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0), 3, 0, 3)
	connect = append(append(append(connect, "app"...), text(app)...), 0, 0, 9)
	send(0, connect)
	send(0, append(append(text("createStream"), number(2)...), 5))
	send(1, append(append(append(text(verb), 0, 0, 0, 0, 0, 0, 0, 0, 0), 5), text(name)...))
	if _, err := c.Write(out.Bytes()); err != nil {
		r.t.Fatal(err)
	}
	said, _ := io.ReadAll(c)
	return string(said)
}

// TestRefusals: who may not watch is told so, and nothing more.
func TestRefusals(t *testing.T) {
	r := newRig(t, nil)
	r.live("anna", (&mediatest.Source{}).Tracks()...)
	r.door.Close("over", door.Refusal{Words: "this pass has ended"})
	for name, tt := range map[string]struct{ app, name, verb, want string }{
		"nobody":            {"live", "bert", "play", "nothing is live under this name"},
		"a pass that ended": {"live/~over", "anna", "play", "this pass has ended"},
		"the same as name":  {"live", "~over/anna", "play", "this pass has ended"},
		"no name":           {"live", "", "play", "the address is"},
		"another app":       {"vod", "anna", "play", "the address is"},
		"a rendition":       {"live", "anna/720p", "play", "the address is"},
		"to publish":        {"live", "anna", "publish", "no publishing"},
	} {
		if words := r.refused(tt.app, tt.name, tt.verb); !strings.Contains(words, tt.want) || strings.Contains(words, "~over") {
			t.Errorf("%s: %q", name, words)
		}
	}
}

// TestEnds: who may watch no more is sent away, and so are all when the stream is over.
func TestEnds(t *testing.T) {
	r := newRig(t, nil)
	source := &mediatest.Source{}
	s := r.live("anna", source.Tracks()...)
	good, err := r.play("/live/~good/anna")
	if err != nil {
		t.Fatal(err)
	}
	over, err := r.play("/live/~over/anna")
	if err != nil {
		t.Fatal(err)
	}
	r.door.Close("over", door.ErrHidden)
	if said, err := io.ReadAll(over.NetConn()); err != nil || !strings.Contains(string(said), "nothing is live") {
		t.Errorf("a pass that does not hold any more: %v %q", err, said)
	}
	for _, p := range source.Packets(media.Second) {
		s.Write(p)
	}
	s.Close()
	if said, err := io.ReadAll(good.NetConn()); err != nil || len(said) < 1000 || !strings.Contains(string(said), wire.CodePlayGone) {
		t.Errorf("the end of the stream: %v, %d bytes", err, len(said))
	}
}

// TestFront: who connects is who the front says; who does not say it holds up nobody else,
// nor the end.
func TestFront(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxConnsPerIP, c.Front = 1, front.Introduce })
	r.live("anna", (&mediatest.Source{}).Tracks()...)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", r.server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		return c
	}
	dial() // says nothing
	// greeted tells whether one that says it comes from there is spoken to.
	greeted := func(from string) bool {
		c := dial()
		if _, err := io.WriteString(c, from+"\n"+"\x03"+strings.Repeat("\x00", 1536)); err != nil {
			return false
		}
		_, err := io.ReadFull(c, make([]byte, 1+1536))
		return err == nil
	}
	if !greeted("127.0.0.2:1") || !greeted("127.0.0.3:1") {
		t.Error("two addresses that may have one connection each")
	}
	if greeted("127.0.0.2:2") {
		t.Error("a second one of an address that may have one")
	}
	r.stop() // though one has not said who it is
}

// TestSlow: who takes nothing holds up nobody, and is sent away in the end; strangers are too.
func TestSlow(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Limits = wire.Limits{WriteTime: time.Second, GreetingTime: time.Second}
		c.MaxConnsPerIP = 2
	})
	source := &mediatest.Source{Bitrate: 50_000_000, GOPs: []int{10}}
	s := r.live("anna", source.Tracks()...)
	slow, err := r.play("/live/anna")
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Dial("tcp", r.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_ = silent.SetDeadline(time.Now().Add(patience))
	dropped := uint64(0)
	if _, err := io.Copy(io.Discard, silent); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a stranger: %v", err)
	}
	// The sockets hold more than a queue does: it is written to until the viewer is gone.
	packets := source.Packets(10 * media.Second) // 60 MB
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for s.Stats().Readers > 0 {
		for _, p := range packets {
			s.Write(p)
		}
		dropped = max(dropped, s.Stats().Dropped)
		<-tick.C
	}
	if dropped == 0 {
		t.Error("nothing was left out")
	}
	slow.Close()
	for {
		if _, err := r.play("/live/anna"); err == nil { // it has the seat
			break
		}
	}
}

// TestStop: the end of the server ends its viewers.
func TestStop(t *testing.T) {
	r := newRig(t, nil)
	r.live("anna", (&mediatest.Source{}).Tracks()...)
	c, err := r.play("/live/anna")
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	if _, err := io.Copy(io.Discard, c.NetConn()); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("it is still there")
	}
}
