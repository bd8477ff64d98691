package ingest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/hub"
)

// card is a slate of 30 pictures a second, every 60th of them a key frame.
type card struct {
	tracks []*media.Track
	n      int64
	fails  int64 // with this call of Next; 0: never
	closed chan struct{}
}

func (c *card) Tracks() []*media.Track { return c.tracks }
func (c *card) Close()                 { close(c.closed) }
func (c *card) Next() ([]*media.Packet, error) {
	if c.n++; c.n == c.fails {
		return nil, errors.New("out of paint")
	}
	at := media.Time(c.n-1) * media.Second / 30
	return []*media.Packet{
		{Track: c.tracks[0], DTS: at, PTS: at, Duration: media.Second / 30, Key: c.n%60 == 1, Slate: true, Data: []byte{3}},
		{Track: c.tracks[1], DTS: at, PTS: at, Duration: media.Second / 30, Key: true, Slate: true, Data: []byte{4}},
	}, nil
}

// slateRig moves the wall clock by what the slate sleeps, once for each step.
type slateRig struct {
	*rig
	watch watcher
	steps chan struct{}
	card  *card
	err   error // of opening it
}

func newSlateRig(t *testing.T, reconnect time.Duration) *slateRig {
	r := &slateRig{steps: make(chan struct{}), card: &card{closed: make(chan struct{}), tracks: []*media.Track{
		{Kind: media.Video, Codec: media.H264, FrameRate: media.Rational{Num: 30, Den: 1}},
		{Kind: media.Audio, Codec: media.AAC, SampleRate: 48000, Channels: 2}}}}
	r.rig = newRig(t, func(c *ingest.Config) {
		c.Reconnect, c.Watch = reconnect, &r.watch
		c.Slate = func(*hub.Stream, media.Time) (ingest.Slate, error) { return r.card, r.err }
		c.Sleep = func(done <-chan struct{}, d time.Duration) {
			select {
			case <-r.steps:
				r.pass(d)
			case <-done:
			}
		}
	})
	return r
}

// pictures reads n more of the stream.
func (r *slateRig) pictures(n int) (out []*media.Packet) {
	r.t.Helper()
	for len(out) < n {
		p, err := r.reader.Read(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if p.Kind() == media.Video {
			out = append(out, p)
		}
	}
	return out
}

// rest reads to the end of the stream.
func (r *slateRig) rest() (out []*media.Packet) {
	r.t.Helper()
	for {
		p, err := r.reader.Read(context.Background())
		if errors.Is(err, io.EOF) {
			return out
		}
		if p.Kind() == media.Video {
			out = append(out, p)
		}
	}
}

// step lets n pictures of the slate be shown and reads them.
func (r *slateRig) step(n int) (out []*media.Packet) {
	r.t.Helper()
	for range n {
		r.steps <- struct{}{}
		out = append(out, r.pictures(1)...)
	}
	return out
}

// While a publisher is away there is a slate, from where its media ended to the key frame
// with which it is back: without a hole, with a discontinuity at both ends, and on the wall clock.
func TestSlate(t *testing.T) {
	r := newSlateRig(t, time.Hour)
	r.send(time.Hour, 90, 1)
	first := r.pictures(90)
	r.pub.Close(false)
	shown := r.step(60)
	for i, p := range shown {
		if !p.Slate || p.Track != r.card.tracks[0] || p.Discontinuity != (i == 0) || p.Key != (i == 0) {
			t.Fatalf("picture %d: %+v", i, p)
		}
	}
	r.open()
	r.write(&media.Packet{Track: r.video, DTS: 5, PTS: 5, Data: []byte{1}}) // of no use yet
	if w := strings.Join(r.watch.said, " "); w != "joined dropped" {
		t.Errorf("the watcher was told %q before there was a key frame", w)
	}
	shown = append(shown, r.step(10)...)
	r.send(7*time.Hour, 60, 1)
	<-r.card.closed
	back := r.pictures(60)
	if back[0].Slate || !back[0].Discontinuity || len(discontinuities(back)) != 1 {
		t.Errorf("back with %+v", back[0])
	}
	all := append(append(first, shown...), back...)
	for i, p := range all[1:] {
		if d := (p.DTS - all[i].DTS - all[i].Duration).Duration(); d.Abs() > 22*time.Millisecond { // what the sound was longer
			t.Errorf("picture %d, %v: a hole of %v", i+1, p.DTS.Duration(), d)
		}
		if d := p.DTS.Duration() - p.Wall.Sub(began); d.Abs() > 40*time.Millisecond {
			t.Errorf("picture %d is %v off the wall clock", i+1, d)
		}
	}
	if w := strings.Join(r.watch.said, " "); w != "joined dropped joined" {
		t.Errorf("the watcher was told %q", w)
	}
	r.pub.Close(true)
}

// Who is connected and sends nothing is covered by a slate too, without a hole, and is back
// with its next key frame. It was never gone, so nobody is told.
func TestSlateSilent(t *testing.T) {
	r := newSlateRig(t, time.Hour)
	r.send(0, 90, 1)
	first := r.pictures(90)
	r.pass(1400 * time.Millisecond)
	r.sessions.CoverSilent()
	r.pass(300 * time.Millisecond)
	r.sessions.CoverSilent()
	r.sessions.CoverSilent()
	shown := r.pictures(50) // for what nothing was seen
	shown = append(shown, r.step(40)...)
	r.write(&media.Packet{Track: r.video, DTS: 4 * media.Second, PTS: 4 * media.Second, Data: []byte{1}}) // of no use yet
	shown = append(shown, r.step(10)...)
	r.send(5*time.Second, 60, 1)
	<-r.card.closed
	var back []*media.Packet
	for len(back) < 60 {
		if p := r.pictures(1)[0]; p.Slate && len(back) == 0 {
			shown = append(shown, p) // what was due meanwhile
		} else {
			back = append(back, p)
		}
	}
	all := append(append(first, shown...), back...)
	for i, p := range all[1:] {
		if d := (p.DTS - all[i].DTS - all[i].Duration).Duration(); d.Abs() > 40*time.Millisecond {
			t.Errorf("picture %d, %v: a hole of %v", i+1, p.DTS.Duration(), d)
		}
		if want := i+1 >= 90 && i+1 < 90+len(shown); p.Slate != want || p.Discontinuity != (i+1 == 90 || i+1 == 90+len(shown)) {
			t.Fatalf("picture %d: %+v", i+1, p)
		}
	}
	if w := strings.Join(r.watch.said, " "); w != "joined" {
		t.Errorf("the watcher was told %q", w)
	}
	r.pub.Close(true)
}

// How a silence ends otherwise.
func TestSilenceEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		then func(*slateRig)
		want string
	}{
		"lost":          {func(r *slateRig) { r.pub.Close(false) }, "joined dropped ended"},
		"goodbye":       {func(r *slateRig) { r.pub.Close(true) }, "joined ended"},
		"ends":          {func(r *slateRig) { r.sessions.Get("x").End(ingest.Refusal{Words: "enough"}) }, "joined ended"},
		"comes back":    {func(r *slateRig) { r.pub.Close(false); r.open(); r.pub.Close(true) }, "joined dropped ended"},
		"another comes": {func(r *slateRig) { r.open(); r.send(0, 60, 1); r.pub.Close(true) }, "joined joined ended"},
		"server stops":  {func(r *slateRig) { r.sessions.Close() }, "joined ended"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newSlateRig(t, 50*time.Millisecond)
			r.send(0, 60, 1)
			session := r.sessions.Get("x")
			r.pass(2 * time.Second)
			r.sessions.CoverSilent()
			tt.then(r)
			<-session.Done()
			<-r.card.closed
			if w := strings.Join(r.watch.said, " "); w != tt.want {
				t.Errorf("the watcher was told %q", w)
			}
		})
	}
}

// A slate does not begin before the media of a publisher that was ahead has been seen, and
// does not make up for what is long gone.
func TestSlateBegins(t *testing.T) {
	for name, tt := range map[string]struct {
		rate   float64
		lost   time.Duration // without a word before it drops
		sleeps bool
		want   time.Duration // of its first picture
	}{
		"ahead": {0.5, 0, true, 3 * time.Second}, "a little late": {1, time.Second, false, 3 * time.Second},
		"late": {1, 10 * time.Second, false, 13 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			r := newSlateRig(t, time.Hour)
			r.send(0, 90, tt.rate)
			r.pictures(90)
			r.pass(tt.lost)
			r.pub.Close(false)
			if tt.sleeps {
				r.steps <- struct{}{}
			}
			p := r.pictures(1)[0]
			if d := p.DTS.Duration() - tt.want; d.Abs() > 40*time.Millisecond {
				t.Errorf("the slate begins at %v", p.DTS.Duration())
			}
			if now := r.now().Sub(began); tt.sleeps && (now-tt.want).Abs() > 40*time.Millisecond {
				t.Errorf("the slate begins %v after the stream", now)
			}
			r.sessions.Close()
		})
	}
}

// The line is interrupted once a second at most: who is back sooner waits for its next key
// frame behind the slate.
func TestSlateShort(t *testing.T) {
	r := newSlateRig(t, time.Hour)
	r.send(0, 60, 1)
	r.pictures(60)
	r.pub.Close(false)
	r.step(6)
	r.open()
	key := &media.Packet{Track: r.video, Key: true, Data: []byte{1}}
	r.write(key)
	if p := r.step(30)[29]; !p.Slate {
		t.Error("back too early")
	}
	next := media.Second
	r.write(&media.Packet{Track: r.video, Key: true, DTS: next, PTS: next, Data: []byte{1}})
	if p := r.pictures(1)[0]; p.Slate {
		t.Error("not back with the second key frame")
	}
	r.pub.Close(true)
}

// How a slate ends otherwise: with the time that is waited, with the goodbye of who was to come
// back, with who is in doubt for too long.
func TestSlateEnds(t *testing.T) {
	for name, then := range map[string]func(*slateRig){
		"nobody comes":  func(*slateRig) {},
		"no key frame":  func(r *slateRig) { r.open(); r.write(&media.Packet{Track: r.video, Data: []byte{1}}) },
		"comes, leaves": func(r *slateRig) { r.open(); r.pub.Close(false) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newSlateRig(t, 50*time.Millisecond)
			r.send(0, 60, 1)
			session := r.sessions.Get("x")
			r.pub.Close(false)
			then(r)
			<-session.Done()
			if r.hub.Get("x") != nil {
				t.Error("the stream is live")
			}
		})
	}
	t.Run("goodbye", func(t *testing.T) {
		r := newSlateRig(t, time.Hour)
		r.send(0, 60, 1)
		session := r.sessions.Get("x")
		r.pub.Close(false)
		r.open()
		if _, err := r.sessions.Open(t.Context(), ingest.Request{Key: "x"}); !errors.Is(err, ingest.ErrBusy) {
			t.Errorf("one more who wants to be back: %v", err)
		}
		r.pub.Close(true)
		<-session.Done()
	})
}

// Without a slate, or where it breaks, viewers wait.
func TestSlateFails(t *testing.T) {
	for name, tt := range map[string]struct {
		err   error
		fails int64
	}{"cannot be opened": {errors.New("no encoder"), 0}, "breaks": {nil, 1}} {
		t.Run(name, func(t *testing.T) {
			r := newSlateRig(t, time.Hour)
			r.err, r.card.fails = tt.err, tt.fails
			r.send(0, 60, 1)
			r.pub.Close(false)
			if tt.err == nil {
				<-r.card.closed
			}
			r.open()
			r.pass(2 * time.Second)
			r.send(0, 60, 1)
			r.pub.Close(true)
			video := r.rest()
			if len(video) != 120 || len(discontinuities(video)) != 1 {
				t.Errorf("%d pictures, discontinuities at %v", len(video), discontinuities(video))
			}
		})
	}
}
