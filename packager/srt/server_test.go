package srt

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	srt "github.com/datarhei/gosrt"
	"go.uber.org/goleak"

	"weir/media"
	"weir/media/hub"
	"weir/media/mediatest"
	"weir/media/mpegts"
	"weir/packager/door"
	"weir/packager/door/doortest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, // what the clients of the tests leave behind is the library's
		goleak.IgnoreTopFunction("github.com/datarhei/gosrt.Dial.func1"), goleak.IgnoreTopFunction("github.com/datarhei/gosrt.Dial.func3"))
}

// patience bounds what a test waits for; it is met only by what is broken.
const patience = 20 * time.Second

// rig is a server with its hub, and a door.
type rig struct {
	t      *testing.T
	hub    hub.Hub
	server *Server
	door   *doortest.Door
}

// passphraseOf knows that of one stream; of another it cannot be had. For a third the door
// closes while it is asked, when the player is let in already.
func (r *rig) passphraseOf(_ context.Context, name string) (string, error) {
	switch name {
	case "lena":
		return "otters_and_weirs", nil
	case "lost":
		return "", errors.New("the database is gone")
	case "shut":
		r.door.Close("over", door.ErrHidden)
	}
	return "", nil
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, door: doortest.New(t)}
	var err error
	if r.server, err = Open(Config{Addr: "127.0.0.1:0", Hub: &r.hub, Admit: r.door.Admit, Passphrase: r.passphraseOf, MaxConnsPerIP: 3}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		if err := r.server.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		work.Wait()
		if n := len(r.server.channels); n != 0 {
			t.Errorf("%d channels are left", n)
		}
	})
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

// player is somebody else's client with our own demuxer.
type player struct {
	t    *testing.T
	wire srt.Conn
	in   *mpegts.Demuxer

	tracks  []media.Codec
	packets []*media.Packet
}

func (p *player) Streams(bool, int) error { return nil }

func (p *player) Track(_ int, t *media.Track) error {
	p.tracks = append(p.tracks, t.Codec)
	return nil
}

func (p *player) Packet(x *media.Packet) error {
	p.packets = append(p.packets, x)
	return nil
}

func (r *rig) play(id, passphrase string) (*player, error) { return r.dial(id, passphrase, 16) }

// dial is play with a key of so many bytes.
func (r *rig) dial(id, passphrase string, size int) (*player, error) {
	cfg := srt.DefaultConfig()
	cfg.StreamId, cfg.Passphrase, cfg.PBKeylen = id, passphrase, size
	c, err := srt.Dial("srt", r.server.Addr().String(), cfg)
	if err != nil {
		return nil, err
	}
	p := &player{t: r.t, wire: c}
	p.in = mpegts.New(0, p)
	r.t.Cleanup(func() { _ = c.Close() })
	return p, nil
}

// until reads until enough says so.
func (p *player) until(enough func() bool) {
	p.t.Helper()
	_ = p.wire.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 2048)
	for !enough() {
		n, err := p.wire.Read(buf)
		if err != nil {
			p.t.Fatalf("%d packets: %v", len(p.packets), err)
		}
		if n%188 != 0 {
			p.t.Fatalf("a datagram of %d bytes", n)
		}
		if err := p.in.Write(buf[:n]); err != nil {
			p.t.Fatal(err)
		}
	}
}

// ended waits until the server has ended the connection.
func (p *player) ended() {
	p.t.Helper()
	over := time.AfterFunc(patience, func() { p.t.Error("the player was not sent away"); _ = p.wire.Close() })
	defer over.Stop()
	for buf := make([]byte, 2048); ; {
		if _, err := p.wire.Read(buf); err != nil {
			return
		}
	}
}

// write writes packets of a source, faster than in life, until the test ends.
func write(t *testing.T, source *mediatest.Source, to func(*media.Packet)) {
	over, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for p := range source.All() {
			to(p)
			select {
			case <-tick.C:
			case <-over:
				return
			}
		}
	}()
	t.Cleanup(func() { close(over); <-written })
}

// TestWatch: both kinds come, from a key frame on, dated as they were, to all who watch.
func TestWatch(t *testing.T) {
	r := newRig(t)
	source := &mediatest.Source{SampleRate: 48000, BFrames: 2, GOPs: []int{10}, Start: 3 * media.Second}
	s := r.live("anna", source.Tracks()...)
	at := map[media.Kind]map[media.Time]bool{media.Video: {}, media.Audio: {}} // when something is shown, in 90 kHz
	for _, p := range source.Packets(30 * media.Second) {
		at[p.Kind()][media.Time(p.PTS.In(90000)+lead)] = true
	}
	write(t, source, s.Write)
	for _, id := range []string{"play:anna", "#!::m=request,r=~mine/anna"} {
		p, err := r.play(id, "")
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		count := func(k media.Kind) (n int) {
			for _, x := range p.packets {
				if x.Kind() == k {
					n++
				}
			}
			return n
		}
		p.until(func() bool { return count(media.Video) > 30 && count(media.Audio) > 30 })
		first := slices.IndexFunc(p.packets, func(x *media.Packet) bool { return x.Kind() == media.Video })
		if !p.packets[first].Key {
			t.Errorf("%s does not begin with a key frame", id)
		}
		decoded := media.Time(-1)
		for _, x := range p.packets {
			if x.Kind() == media.Video {
				if x.DTS > x.PTS || x.DTS <= decoded {
					t.Fatalf("%s: a picture is decoded at %d, shown at %d, after one decoded at %d", id, x.DTS.In(90000), x.PTS.In(90000), decoded.In(90000))
				}
				decoded = x.DTS
			}
			if ticks := media.Time(x.PTS.In(90000)); !at[x.Kind()][ticks] {
				t.Fatalf("%s: a %v at %d, where there is none", id, x.Kind(), ticks)
			}
		}
		_ = p.wire.Close()
	}
	if all, mine := r.door.Asked(""), r.door.Asked("mine"); all < 2 || mine < 2 {
		t.Errorf("viewers are counted when they begin: %d, %d with a pass", all, mine)
	}
}

// TestMade: what is of no use to most players comes as it was made for everybody.
func TestMade(t *testing.T) {
	r := newRig(t)
	source := &mediatest.Source{SampleRate: 48000}
	opus := &media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2}
	r.live("anna", &media.Track{Kind: media.Video, Codec: media.VP8, Width: 320, Height: 240}, opus)
	made := source.Tracks()
	video, audio := r.live("anna/source", made[0]), r.live("anna/audio", made[1])
	write(t, source, func(p *media.Packet) {
		if p.Kind() == media.Video {
			video.Write(p)
		} else {
			audio.Write(p)
		}
	})
	p, err := r.play("play:anna", "")
	if err != nil {
		t.Fatal(err)
	}
	p.until(func() bool { return len(p.packets) > 50 })
	if len(p.tracks) != 2 {
		t.Errorf("tracks: %v", p.tracks)
	}
}

// TestEncrypted: who has the passphrase of the channel gets what is live, whatever size its
// key has.
func TestEncrypted(t *testing.T) {
	r := newRig(t)
	source := &mediatest.Source{SampleRate: 48000}
	s := r.live("lena", source.Tracks()...)
	write(t, source, s.Write)
	for _, size := range []int{16, 24, 32} {
		p, err := r.dial("play:lena", "otters_and_weirs", size)
		if err != nil {
			t.Fatal(err)
		}
		p.until(func() bool { return len(p.packets) > 50 })
		_ = p.wire.Close()
	}
}

// TestEnds: who may watch no more is sent away, and so are all when the stream is over.
func TestEnds(t *testing.T) {
	r := newRig(t)
	source := &mediatest.Source{}
	s := r.live("anna", source.Tracks()...)
	good, err := r.play("play:~good/anna", "")
	if err != nil {
		t.Fatal(err)
	}
	over, err := r.play("read:~over/anna", "")
	if err != nil {
		t.Fatal(err)
	}
	r.door.Close("over", door.ErrHidden)
	over.ended()
	for _, p := range source.Packets(2 * media.Second) {
		s.Write(p)
	}
	good.until(func() bool { return len(good.packets) > 20 })
	s.Close()
	good.ended()
}

// TestEndsAtOnce: who may watch no more before it has begun is sent away too.
func TestEndsAtOnce(t *testing.T) {
	r := newRig(t)
	r.live("shut", (&mediatest.Source{}).Tracks()...)
	over, err := r.play("play:~over/shut", "")
	if err != nil {
		t.Fatal(err)
	}
	over.ended()
}

// code is how the library's client spells a reason.
func code(r srt.RejectionReason) string {
	return "REJECT (" + strconv.FormatUint(uint64(r), 32) + ")"
}

// TestRefusals: each reason has its code.
func TestRefusals(t *testing.T) {
	r := newRig(t)
	r.live("anna", (&mediatest.Source{}).Tracks()...)
	r.live("lena", (&mediatest.Source{}).Tracks()...)
	r.live("lost", (&mediatest.Source{}).Tracks()...)
	r.live("vera", &media.Track{Kind: media.Video, Codec: media.VP8, Width: 320, Height: 240})
	r.door.Close("late", door.Refusal{Words: "this pass has ended"})
	r.door.Close("hidden", door.ErrHidden)
	for _, tt := range []struct {
		id, passphrase string
		want           srt.RejectionReason
	}{
		{"play:nobody", "", srt.REJX_NOTFOUND},
		{"play:~hidden/anna", "", srt.REJX_NOTFOUND},
		{"play:~late/anna", "", srt.REJX_FORBIDDEN},
		{"play:vera", "", srt.REJX_NOTSUP_MEDIA},
		{"play:anna", "0123456789", srt.REJ_UNSECURE},
		{"play:lena", "", srt.REJ_UNSECURE},
		{"play:lena", "0123456789", srt.REJ_BADSECRET},
		{"play:~hidden/lena", "", srt.REJX_NOTFOUND},
		{"play:lost", "0123456789", srt.REJX_ISE},
		{"play:lost", "", srt.REJX_ISE},
		{"play:anna/720p", "", srt.REJX_BAD_REQUEST},
		{"publish:anna", "", srt.REJX_BAD_REQUEST},
		{"#!::m=publish,r=anna", "", srt.REJX_BAD_REQUEST},
		{"", "", srt.REJX_BAD_REQUEST},
	} {
		_, err := r.play(tt.id, tt.passphrase)
		if err == nil || !strings.Contains(err.Error(), code(tt.want)) {
			t.Errorf("%s: %v, want %s", tt.id, err, code(tt.want))
		}
	}
	for range 3 {
		if _, err := r.play("play:anna", ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.play("play:anna", ""); err == nil || !strings.Contains(err.Error(), code(srt.REJX_OVERLOAD)) {
		t.Errorf("one too many: %v", err)
	}
}
