package ingest_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/hub"
	"weir/media/ring"
)

// choir is a rig whose publishers have further sounds, which begin where its first does.
type choir struct {
	*rig
	log     bytes.Buffer
	sounds  []*media.Track
	streams []media.StreamID // as they began
	readers map[media.StreamID]*hub.Reader
}

func newChoir(t *testing.T, further int) *choir {
	c := &choir{readers: map[media.StreamID]*hub.Reader{}}
	c.rig = newRig(t, func(cfg *ingest.Config) {
		cfg.Reconnect = time.Hour
		cfg.Log = slog.New(slog.NewTextHandler(&c.log, nil))
	})
	c.hub.OnStart = func(s *hub.Stream) error {
		c.streams = append(c.streams, s.ID())
		c.readers[s.ID()] = s.Subscribe(ring.Limits{Items: 1 << 16})
		return nil
	}
	for range further {
		c.sounds = append(c.sounds, &media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2})
	}
	c.start()
	return c
}

func (c *choir) start() {
	c.t.Helper()
	if err := c.pub.Start(append([]*media.Track{c.video, c.audio}, c.sounds...)); err != nil {
		c.t.Fatal(err)
	}
}

// sing is send with the further sounds, of which each packet has the time of a picture.
func (c *choir) sing(from time.Duration, n int) {
	c.t.Helper()
	for i := range n {
		at := from + time.Duration(i)*time.Second/30
		c.send(at, 1, 0)
		for k, track := range c.sounds {
			stamp := media.FromDuration(at)
			c.write(&media.Packet{Track: track, Sound: k + 1, DTS: stamp, PTS: stamp, Key: true, Data: []byte{byte(k)}})
		}
		c.pass(time.Second / 30)
	}
}

// come reads what has been written to a stream.
func (c *choir) come(id media.StreamID, kind media.Kind) (out []*media.Packet) {
	c.t.Helper()
	r := c.readers[id]
	for r.Len() > 0 {
		p, err := r.Read(context.Background())
		if err != nil {
			c.t.Fatal(err)
		}
		if p.Kind() == kind {
			out = append(out, p)
		}
	}
	return out
}

// Each further sound is a stream of its own, live before the picture is, and stays beside
// the picture through whatever happens to the time line.
func TestFurtherSounds(t *testing.T) {
	for name, then := range map[string]func(*choir){
		"steady":           func(c *choir) { c.sing(time.Hour+3*time.Second, 90) },
		"stamps jump":      func(c *choir) { c.sing(3*time.Hour, 90) },
		"the sounds stall": func(c *choir) { c.pass(5 * time.Second); c.sing(time.Hour+8*time.Second, 90) },
		"drops and returns": func(c *choir) {
			c.pub.Close(false)
			c.open()
			c.start()
			c.pass(2 * time.Second)
			c.sing(0, 90)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChoir(t, 3)
			c.gop = 1
			c.sing(time.Hour, 90)
			then(c)
			if want := []media.StreamID{"x/sound-2", "x/sound-3", "x/sound-4", "x"}; !slices.Equal(c.streams, want) {
				t.Fatalf("streams %v, want %v", c.streams, want)
			}
			if n := len(c.hub.Get("x").Tracks()); n != 2 {
				t.Errorf("%d tracks are with the picture", n)
			}
			var pictures []media.Time
			for _, p := range c.come("x", media.Video) {
				pictures = append(pictures, p.PTS)
			}
			for k := range 3 {
				id := media.StreamID("x").Sound(k + 1)
				list := c.come(id, media.Audio)
				if len(list) != 180 || len(pictures) != 180 {
					t.Fatalf("%s: %d packets beside %d pictures", id, len(list), len(pictures))
				}
				for i, p := range list {
					if d := (p.PTS - pictures[i]).Duration(); d.Abs() > 35*time.Millisecond || p.Data[0] != byte(k) || p.Boundary != media.NoBoundary || i > 0 && p.DTS <= list[i-1].DTS {
						t.Fatalf("%s: packet %d is %v off the picture: %+v", id, i, d, p)
					}
				}
			}
			c.pub.Close(true)
			if live := c.hub.Streams(); len(live) > 0 {
				t.Errorf("%d streams are left", len(live))
			}
		})
	}
}

// The stream goes on with a publisher that has fewer or more further sounds than the one
// before; it begins anew where one is of another codec.
func TestOtherSounds(t *testing.T) {
	other := func(tracks []*media.Track) []*media.Track {
		changed := *tracks[1]
		changed.Codec = media.AAC
		return []*media.Track{tracks[0], &changed}
	}
	for name, tt := range map[string]struct {
		then  func([]*media.Track) []*media.Track
		anew  bool
		heard []int // more packets of the further sounds
		spare int
	}{
		"the same":  {slices.Clone[[]*media.Track], false, []int{30, 30}, 0},
		"fewer":     {func(t []*media.Track) []*media.Track { return t[:1] }, false, []int{30, 0}, 0},
		"none":      {func(t []*media.Track) []*media.Track { return nil }, false, []int{0, 0}, 0},
		"more":      {func(t []*media.Track) []*media.Track { return append(t[:2:2], t[0]) }, false, []int{30, 30}, 1},
		"otherwise": {other, true, []int{30, 30}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChoir(t, 2)
			c.sing(0, 60)
			for id := range c.readers {
				c.come(id, media.Audio)
			}
			stream := c.hub.Get("x")
			c.pub.Close(false)
			c.sounds = tt.then(c.sounds)
			c.open()
			c.start()
			c.pass(2 * time.Second)
			c.sing(time.Hour, 30)
			if anew := c.hub.Get("x") != stream; anew != tt.anew {
				t.Errorf("the stream begins anew: %v", anew)
			}
			for k, want := range tt.heard {
				if got := len(c.come(media.StreamID("x").Sound(k+1), media.Audio)); got != want {
					t.Errorf("sound %d: %d packets, want %d", k+2, got, want)
				}
			}
			session := c.sessions.Get("x")
			if _, audio := session.LeftOut(); audio != tt.spare {
				t.Errorf("%d sounds are left out", audio)
			}
			if n := strings.Count(c.log.String(), "a sound is left out"); n != tt.spare {
				t.Errorf("%d lines:\n%s", n, c.log.String())
			}
			if dropped := session.Stats().Dropped; dropped > 0 {
				t.Errorf("%d packets count as dropped", dropped)
			}
			c.pub.Close(true)
		})
	}
}

// A refused stream leaves no further sound behind.
func TestFurtherSoundsOfARefusedStream(t *testing.T) {
	c := newChoir(t, 2)
	c.hub.OnStart = func(s *hub.Stream) error {
		if s.ID() == "x" {
			return context.Canceled
		}
		return nil
	}
	if err := c.pub.Write(&media.Packet{Track: c.video, Key: true, Wall: c.now(), Data: []byte{1}}); err == nil {
		t.Error("it was taken")
	}
	if live := c.hub.Streams(); len(live) > 0 {
		t.Errorf("%d streams are left", len(live))
	}
}

// Packets of Opus last as long as they say, whatever their stamps were rounded to.
func TestOpusTellsHowLongItLasts(t *testing.T) {
	c := newChoir(t, 1)
	lengths := map[byte]time.Duration{0x78: 20 * time.Millisecond, 0x70: 10 * time.Millisecond, 0xe8: 5 * time.Millisecond, 0xe0: 2500 * time.Microsecond}
	heads := []byte{0x78, 0xe0, 0x70, 0xe8}
	var heard time.Duration
	for i, sent := 0, 0; i < 90; i++ {
		c.send(time.Duration(i)*time.Second/30, 1, 0)
		for ; heard < time.Duration(i+1)*time.Second/30; sent++ {
			stamp := media.FromDuration(heard.Truncate(time.Millisecond))
			head := heads[sent%len(heads)]
			c.write(&media.Packet{Track: c.sounds[0], Sound: 1, DTS: stamp, PTS: stamp, Key: true, Data: []byte{head}})
			heard += lengths[head]
		}
		c.pass(time.Second / 30)
	}
	var at media.Time
	list := c.come("x/sound-2", media.Audio)
	for i, p := range list {
		if want := media.FromDuration(lengths[p.Data[0]]); p.Duration != want || i > 0 && p.DTS != at {
			t.Fatalf("packet %d at %v for %v, want %v for %v", i, p.DTS.Duration(), p.Duration.Duration(), at.Duration(), want.Duration())
		}
		at = p.DTS + p.Duration
	}
	if len(list) < 300 {
		t.Errorf("%d packets", len(list))
	}
}

// A publisher who comes back with sound of another coding goes on with the stream where viewers
// can hear it nevertheless.
func TestSoundOfAnotherCoding(t *testing.T) {
	for _, heard := range []bool{true, false} {
		var asked [][]*media.Track
		r := newRig(t, func(cfg *ingest.Config) {
			cfg.Reconnect = time.Hour
			cfg.Resound = func(_ string, tracks []*media.Track) bool {
				asked = append(asked, tracks)
				return heard
			}
		})
		r.send(0, 60, 1)
		stream := r.hub.Get("x")
		r.pub.Close(false)
		r.audio = &media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2}
		r.open()
		r.pass(2 * time.Second)
		r.send(time.Hour, 30, 1)
		if same := r.hub.Get("x") == stream; same != heard {
			t.Errorf("viewers hear it: %v, the stream goes on: %v", heard, same)
		}
		if len(asked) != 1 || asked[0][1] != r.audio {
			t.Errorf("asked of %v", asked)
		}
		if _, audio := r.packets(); audio[len(audio)-1].Track != r.audio {
			t.Error("the other sound did not come out")
		}
	}
}
