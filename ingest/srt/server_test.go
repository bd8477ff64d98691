package srt

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	srt "github.com/datarhei/gosrt"
	"go.uber.org/goleak"

	"weir/ingest"
	"weir/ingest/ingesttest"
	"weir/media"
	"weir/media/mediatest/relay"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, // what the clients of the tests leave behind is the library's
		goleak.IgnoreTopFunction("github.com/datarhei/gosrt.Dial.func1"), goleak.IgnoreTopFunction("github.com/datarhei/gosrt.Dial.func3"))
}

// start runs a server on a free port until the test ends.
func start(t *testing.T, r *ingesttest.Rig, change func(*Config)) (s *Server, log *ingesttest.Log) {
	t.Helper()
	log = ingesttest.NewLog()
	cfg := Config{Addr: "127.0.0.1:0", Sessions: r.Opener(), Log: log.Logger()}
	if change != nil {
		change(&cfg)
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.Run(t, s.Run)
	return s, log
}

// dial is a publisher of the library's.
func dial(addr, id string, change func(*srt.Config)) (srt.Conn, error) {
	cfg := srt.DefaultConfig()
	cfg.StreamId = id
	if change != nil {
		change(&cfg)
	}
	return srt.Dial("srt", addr, cfg)
}

// record makes a transport stream with the ffmpeg program.
func record(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, words bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append(append([]string{"-hide_banner", "-nostdin", "-loglevel", "error"}, args...), "-f", "mpegts", "-")...)
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, words.String())
	}
	return out.Bytes()
}

func picture(d string) []string {
	return []string{"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=" + d, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"}
}

// TestFFmpegPublishes: what the ffmpeg program, over Haivision's library, sends arrives.
func TestFFmpegPublishes(t *testing.T) {
	in := []string{"-re", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=3", "-re", "-f", "lavfi", "-i", "sine=r=48000:d=3"}
	x264 := []string{"-c:v", "libx264", "-preset", "superfast", "-pix_fmt", "yuv420p", "-g", "25"}
	for _, tt := range []struct {
		name, id     string
		args         []string
		video, audio media.Codec
	}{
		{"h264 with b-frames, aac", "publish:key1", append(x264, "-bf", "2", "-c:a", "aac", "-ac", "2"), media.H264, media.AAC},
		{"hevc, ac3", "key1", []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=25:log-level=none", "-pix_fmt", "yuv420p", "-c:a", "ac3"}, media.H265, media.AC3},
		{"h264, mp2", "#!::m=publish,r=key1", append(x264, "-c:a", "mp2"), media.H264, media.MP2},
		{"h264, opus", "publish:key1", append(x264, "-c:a", "libopus", "-ac", "2"), media.H264, media.Opus},
		{"picture alone", "publish:key1", append(x264, "-an"), media.H264, 0},
		{"sound alone", "publish:key1", []string{"-vn", "-c:a", "aac"}, 0, media.AAC},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := ingesttest.New(t, nil)
			s, log := start(t, r, nil)
			url := "srt://" + s.Addr().String() + "?mode=caller&latency=120000&streamid=" + tt.id
			if out, err := ingesttest.FFmpeg(t, slices.Concat(in, tt.args, []string{"-f", "mpegts", url})...); err != nil {
				t.Fatalf("ffmpeg: %v\n%s\n%s", err, out, log)
			}
			stream := r.Next(t)
			<-stream.Done() // the goodbye ended the session at once
			stream.Carries(t, 60, tt.video, tt.audio)
			if strings.Contains(log.String(), "key1") && !strings.Contains(log.String(), "stream=key1") {
				t.Errorf("the key is in the log:\n%s", log)
			}
		})
	}
}

// TestFFmpegEncrypts: keys of all sizes that Haivision's library makes, and others on the way.
func TestFFmpegEncrypts(t *testing.T) {
	const secret = "correct horse battery"
	r := ingesttest.New(t, nil)
	s, log := start(t, r, func(c *Config) { c.Passphrase = secret })
	for _, size := range []string{"16", "24", "32"} {
		url := "srt://" + s.Addr().String() + "?mode=caller&streamid=publish:key" + size + "&pbkeylen=" + size + "&kmrefreshrate=60&kmpreannounce=20&passphrase="
		if out, err := ingesttest.FFmpeg(t, append(picture("1"), "-f", "mpegts", url+"wrong horse battery")...); err == nil {
			t.Errorf("%s: a wrong passphrase was taken: %s", size, out)
		}
		if out, err := ingesttest.FFmpeg(t, slices.Concat([]string{"-re"}, picture("2"), []string{"-f", "mpegts", url + secret})...); err != nil {
			t.Fatalf("%s: %v\n%s\n%s", size, err, out, log)
		}
		stream := r.Next(t)
		<-stream.Done()
		stream.Carries(t, 40, media.H264, 0)
	}
	log.Await(t, "dropped=0 holes=0 bad=0", 3)
}

// TestRefusals: each reason has its code, and a refused publisher leaves nothing behind.
func TestRefusals(t *testing.T) {
	r := ingesttest.New(t, nil)
	s, _ := start(t, r, func(c *Config) { c.MaxConnsPerIP = 2 })
	addr := s.Addr().String()
	live, err := dial(addr, "publish:live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	for _, tt := range []struct {
		name, id string
		secret   string
		want     srt.RejectionReason
	}{
		{"a wrong key", "publish:bad-key", "", srt.REJX_FORBIDDEN},
		{"no key", "", "", srt.REJX_BAD_REQUEST},
		{"play", "#!::m=request,r=live", "", srt.REJX_BAD_REQUEST},
		{"twice", "publish:live", "", srt.REJX_CONFLICT},
		{"encrypted without need", "publish:other", "a secret phrase", srt.REJ_UNSECURE},
	} {
		var err error
		for err == nil || strings.Contains(err.Error(), rejection(srt.REJX_OVERLOAD)) { // the one before has its seat yet
			if _, err = dial(addr, tt.id, func(c *srt.Config) { c.Passphrase = tt.secret }); err == nil {
				t.Fatalf("%s: let in", tt.name)
			}
		}
		if !strings.Contains(err.Error(), rejection(tt.want)) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	second, err := dial(addr, "publish:second", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if c, err := dial(addr, "publish:third", nil); err == nil {
		c.Close()
		t.Error("a third connection of one address came in")
	}
}

// leaving is a server that is about to end.
type leaving struct{}

func (leaving) Open(context.Context, ingest.Request) (ingest.Hold, error) {
	return nil, &ingest.Elsewhere{Reason: ingest.ErrMoved, To: "srt://b.example.com:8890"}
}

// TestLeaving: who comes while the server leaves is told that it is down; SRT names no other.
func TestLeaving(t *testing.T) {
	s, _ := start(t, ingesttest.New(t, nil), func(c *Config) { c.Sessions = leaving{} })
	if _, err := dial(s.Addr().String(), "publish:live", nil); err == nil || !strings.Contains(err.Error(), rejection(srt.REJX_DOWN)) {
		t.Errorf("%v", err)
	}
}

// rejection is how the library's client says a code.
func rejection(code srt.RejectionReason) string {
	return "REJECT (" + strconv.FormatUint(uint64(code), 32) + ")"
}

// TestPassphrase: a channel's own passphrase counts, else the server's; who does not encrypt
// with it is told so.
func TestPassphrase(t *testing.T) {
	const server = "correct horse battery"
	r := ingesttest.New(t, nil)
	for _, tt := range []struct {
		set, id, given string
		want           srt.RejectionReason // 0: let in
	}{
		{server, "one", "", srt.REJ_UNSECURE}, {server, "one", "wrong horse battery", srt.REJ_BADSECRET}, {server, "one", server, 0},
		{server, "locked-two", server, srt.REJ_BADSECRET}, {server, "locked-two", "", srt.REJ_UNSECURE}, {server, "locked-two", ingesttest.Passphrase, 0},
		{"", "locked-three", "", srt.REJ_UNSECURE}, {"", "locked-three", "wrong horse battery", srt.REJ_BADSECRET}, {"", "locked-three", ingesttest.Passphrase, 0},
		{"", "four", ingesttest.Passphrase, srt.REJ_UNSECURE},
	} {
		s, log := start(t, r, func(c *Config) { c.Passphrase = tt.set })
		c, err := dial(s.Addr().String(), "publish:"+tt.id, func(c *srt.Config) { c.Passphrase = tt.given })
		if tt.want != 0 {
			if err == nil || !strings.Contains(err.Error(), rejection(tt.want)) {
				t.Errorf("%+v: %v", tt, err)
			}
			log.Await(t, "publisher not admitted", 1)
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		send(t, c, record(t, picture("1")...), 0)
		if p := r.Next(t).Wait(t, media.Video, 10); !p[0].Key {
			t.Errorf("%+v: it does not begin with a key frame", tt)
		}
		c.Close()
	}
}

// send writes a transport stream, each datagram after a pause.
func send(t *testing.T, c srt.Conn, ts []byte, pause time.Duration) {
	t.Helper()
	for len(ts) > 0 {
		n := min(1316, len(ts))
		if _, err := c.Write(ts[:n]); err != nil {
			t.Error(err)
			return
		}
		ts = ts[n:]
		if pause > 0 {
			<-time.After(pause)
		}
	}
}

// TestReturns: who is lost without a goodbye may come back into the same session.
func TestReturns(t *testing.T) {
	r := ingesttest.New(t, func(c *ingest.Config) { c.Reconnect = time.Minute })
	s, _ := start(t, r, func(c *Config) { c.IdleTime = 2 * time.Second })
	ts := record(t, picture("1")...)
	way := openRelay(t, s.Addr(), relay.Config{})
	c, err := dial(way.Addr().String(), "publish:live", nil)
	if err != nil {
		t.Fatal(err)
	}
	send(t, c, ts, 0)
	stream := r.Next(t)
	stream.Wait(t, media.Video, 10)
	way.Close()
	c.Close() // nobody hears of it
	var back srt.Conn
	for back == nil { // busy until the loss is noticed
		if back, err = dial(s.Addr().String(), "publish:live", nil); err != nil && t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
	defer back.Close()
	n := len(stream.Packets(media.Video))
	send(t, back, ts, 5*time.Millisecond)
	list := stream.Wait(t, media.Video, n+5)
	if !list[n].Discontinuity {
		t.Error("the return is no discontinuity")
	}
}

// TestIdle: who sends nothing of use is sent away, and its name is free.
func TestIdle(t *testing.T) {
	r := ingesttest.New(t, func(c *ingest.Config) { c.Reconnect = -1 })
	s, log := start(t, r, func(c *Config) { c.IdleTime = 400 * time.Millisecond })
	for name, data := range map[string][]byte{"nothing": nil, "garbage": bytes.Repeat([]byte("not a transport stream "), 50)} {
		c, err := dial(s.Addr().String(), "publish:"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if data != nil {
			send(t, c, data, 0)
		}
		if _, err := c.Read(make([]byte, 10)); err == nil {
			t.Error("something came back")
		}
		c.Close()
	}
	log.Await(t, ingest.ErrIdle.Words, 2)
}

// TestPatient: a publisher that asks for more time than the idle time is heard in less.
func TestPatient(t *testing.T) {
	r := ingesttest.New(t, nil)
	s, log := start(t, r, func(c *Config) { c.IdleTime = 5 * time.Second })
	url := "srt://" + s.Addr().String() + "?mode=caller&streamid=publish:key&latency=60000000"
	args := append([]string{"-re"}, picture("8")...)
	if out, err := ingesttest.FFmpeg(t, append(args, "-f", "mpegts", url)...); err != nil {
		t.Fatalf("ffmpeg: %v\n%s\n%s", err, out, log)
	}
	r.Next(t).Wait(t, media.Video, 40)
}

// broken is an Opener that panics.
type broken struct{}

func (broken) Open(context.Context, ingest.Request) (ingest.Hold, error) { panic("broken") }

// TestPanic: who comes when the gate panics is told so, and may come again.
func TestPanic(t *testing.T) {
	s, log := start(t, ingesttest.New(t, nil), func(c *Config) { c.Sessions = broken{} })
	for range 2 {
		c, err := dial(s.Addr().String(), "publish:live", nil)
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), rejection(srt.REJX_ISE)) {
			t.Errorf("%v", err)
		}
	}
	log.Await(t, "broken", 1)
}

// TestUnsupported: the log says what cannot be taken.
func TestUnsupported(t *testing.T) {
	r := ingesttest.New(t, nil)
	s, log := start(t, r, nil)
	c, err := dial(s.Addr().String(), "publish:live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send(t, c, record(t, "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1", "-c:v", "mpeg2video"), 0)
	if _, err := c.Read(make([]byte, 10)); err == nil {
		t.Error("it was not sent away")
	}
	log.Await(t, "MPEG-2 video is not supported", 1)
}

// TestHostile: datagrams of strangers cost nothing that lasts, and nobody else.
func TestHostile(t *testing.T) {
	r := ingesttest.New(t, nil)
	s, _ := start(t, r, nil)
	ts := record(t, picture("2")...)
	c, err := dial(s.Addr().String(), "publish:live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stranger, err := net.Dial("udp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		junk := make([]byte, random.IntN(1500))
		for j := range junk {
			junk[j] = byte(random.Uint32())
		}
		if len(junk) > 16 && i%3 == 0 { // a handshake, up to a point
			copy(junk, []byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(4 + i%2)})
		}
		if _, err := stranger.Write(junk); err != nil && !errors.Is(err, net.ErrClosed) {
			<-time.After(time.Millisecond)
		}
	}
	send(t, c, ts, time.Millisecond)
	if list := r.Next(t).Wait(t, media.Video, 40); len(list) < 40 {
		t.Errorf("%d pictures", len(list))
	}
	if n := len(s.Links()); n != 1 {
		t.Errorf("%d publishers", n)
	}
}

func TestKeyOf(t *testing.T) {
	for id, want := range map[string]string{
		"publish:abc": "abc", "abc": "abc", "#!::m=publish,r=abc": "abc", "#!::r=abc,u=me,m=publish": "abc",
		"": "", "publish:": "", "read:abc": "", "#!::r=abc": "", "#!::m=publish": "", "a/b": "", strings.Repeat("a", 600): "",
	} {
		if key, err := keyOf(id); key != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", id, key, err)
		}
	}
}

// TestSounds: each is a stream of its own with its language, up to the bound.
func TestSounds(t *testing.T) {
	r := ingesttest.New(t, nil)
	s, _ := start(t, r, nil)
	args := []string{"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=3"}
	for i := range 5 {
		args = append(args, "-f", "lavfi", "-i", "sine=r=48000:d=3:f="+strconv.Itoa(440+100*i))
	}
	for i := range 6 {
		args = append(args, "-map", strconv.Itoa(i))
	}
	ts := record(t, append(args, "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu", "-metadata:s:a:2", "language=fra",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac", "-c:a:1", "mp2")...)
	c, err := dial(s.Addr().String(), "publish:live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send(t, c, ts, time.Millisecond)
	first := media.StreamID("live")
	streams := map[media.StreamID]*ingesttest.Stream{}
	for streams[first] == nil {
		x := r.Next(t)
		streams[x.ID()] = x
	}
	if video, audio := r.Sessions.Get("live").LeftOut(); video != 0 || audio != 1 {
		t.Errorf("left out: %d of the picture, %d of sound", video, audio)
	}
	if n := len(streams[first].Tracks()); n != 2 {
		t.Errorf("%d tracks", n)
	}
	for i, want := range []media.Track{{Codec: media.AAC, Language: "en"}, {Codec: media.MP2, Language: "de"}, {Codec: media.AAC, Language: "fr"}, {Codec: media.AAC}} {
		x := streams[first.Sound(i)]
		if x == nil {
			t.Errorf("sound %d is not there", i)
			continue
		}
		if p := x.Wait(t, media.Audio, 50)[49]; p.Track.Codec != want.Codec || p.Track.Language != want.Language || p.Sound != i {
			t.Errorf("sound %d: %+v", i, p.Track)
		}
	}
}
