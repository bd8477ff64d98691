package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/ingest"
	"weir/media"
	"weir/media/hub"
	"weir/media/ring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type anyKey struct{}

func (anyKey) Publish(_ context.Context, r ingest.Request) (ingest.Grant, error) {
	if r.Key == "wrong" {
		return ingest.Grant{}, fmt.Errorf("no such key: %w", ingest.ErrDenied)
	}
	return ingest.Grant{Name: r.Key, Detail: r.Peer}, nil
}

// rig is a set of sessions with a publisher that sends 30 fps video and 48 kHz
// audio on a clock that the test moves.
type rig struct {
	t        *testing.T
	hub      hub.Hub
	sessions *ingest.Sessions
	pub      *ingest.Publisher
	reader   *hub.Reader
	held     time.Duration
	refuse   error // of hub.Create
	seen     []media.Time

	mu           sync.Mutex // of wall
	wall         time.Time
	video, audio *media.Track
	gop          int
}

var began = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newRig(t *testing.T, change func(*ingest.Config)) *rig {
	r := &rig{t: t, wall: began, gop: 30,
		video: &media.Track{Kind: media.Video, Codec: media.H264, FrameRate: media.Rational{Num: 30, Den: 1}},
		audio: &media.Track{Kind: media.Audio, Codec: media.AAC, SampleRate: 48000, Channels: 2}}
	cfg := ingest.Config{
		Gate: anyKey{}, Hub: &r.hub, Reconnect: 20 * time.Millisecond, Now: r.now,
		Plan: func(string, []*media.Track) ingest.Plan {
			return ingest.Plan{Segment: 2 * media.Second, Longest: 5 * media.Second / 2}
		},
		Sleep: func(_ <-chan struct{}, d time.Duration) { r.held += d; r.wall = r.wall.Add(d) },
		Seen:  func(_ string, gop media.Time) { r.seen = append(r.seen, gop) },
	}
	r.hub.OnStart = func(s *hub.Stream) error {
		r.reader = s.Subscribe(ring.Limits{Items: 1 << 16})
		return r.refuse
	}
	if change != nil {
		change(&cfg)
	}
	r.sessions = ingest.NewSessions(cfg)
	t.Cleanup(r.sessions.Close)
	r.open()
	return r
}

func (r *rig) open() {
	r.t.Helper()
	p, err := r.sessions.Open(r.t.Context(), ingest.Request{Key: "x"})
	if err != nil {
		r.t.Fatal(err)
	}
	if err = p.Start([]*media.Track{r.video, r.audio}); err != nil {
		r.t.Fatal(err)
	}
	r.pub = p
}

// send publishes n frames and the audio beside them; the publisher's clock
// begins at from, in whole milliseconds, and the wall clock moves rate times as
// far.
func (r *rig) send(from time.Duration, n int, rate float64) {
	r.t.Helper()
	audio := 0
	for i := range n {
		at := from + time.Duration(i)*time.Second/30
		stamp := media.FromDuration(at.Truncate(time.Millisecond))
		r.write(&media.Packet{Track: r.video, DTS: stamp, PTS: stamp, Key: i%r.gop == 0, Data: []byte{1}})
		for ; time.Duration(audio)*1024*time.Second/48000 < time.Duration(i+1)*time.Second/30; audio++ {
			a := (from + time.Duration(audio)*1024*time.Second/48000).Truncate(time.Millisecond)
			r.write(&media.Packet{Track: r.audio, DTS: media.FromDuration(a), PTS: media.FromDuration(a), Key: true, Data: []byte{2}})
		}
		r.pass(time.Duration(float64(time.Second) / 30 * rate))
	}
}

// now is the wall clock, which others than the test may move too.
func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wall
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wall = r.wall.Add(d)
}

func (r *rig) write(p *media.Packet) {
	r.t.Helper()
	p.Wall = r.now()
	if err := r.pub.Write(p); err != nil {
		r.t.Fatal(err)
	}
}

// packets ends the session and returns all that came out, checked for order.
func (r *rig) packets() (video, audio []*media.Packet) {
	r.t.Helper()
	r.pub.Close(true)
	for {
		p, err := r.reader.Read(context.Background())
		if err != nil {
			break
		}
		if p.Track.Kind == media.Video {
			video = append(video, p)
		} else {
			audio = append(audio, p)
		}
	}
	for _, list := range [][]*media.Packet{video, audio} {
		for i := 1; i < len(list); i++ {
			if list[i].DTS <= list[i-1].DTS {
				r.t.Errorf("%v packet %d: DTS %v after %v", list[i].Kind(), i, list[i].DTS.Duration(), list[i-1].DTS.Duration())
			}
		}
	}
	return video, audio
}

func discontinuities(list []*media.Packet) (at []time.Duration) {
	for _, p := range list {
		if p.Discontinuity {
			at = append(at, p.DTS.Duration())
		}
	}
	return at
}

func TestSteadySource(t *testing.T) {
	r := newRig(t, nil)
	r.send(time.Hour, 300, 1)
	video, audio := r.packets()
	if len(video) != 300 || len(audio) < 465 {
		t.Fatalf("%d video and %d audio packets", len(video), len(audio))
	}
	for i, p := range video {
		if d := p.DTS.Duration() - time.Duration(i)*time.Second/30; d > time.Millisecond || d < -time.Millisecond || p.Duration != media.Second/30 {
			t.Fatalf("frame %d at %v for %v", i, p.DTS.Duration(), p.Duration.Duration())
		}
		if mark := i == 0 || i == 30 || i%60 == 0; mark != (p.Boundary == media.KeyBoundary) {
			t.Errorf("frame %d: boundary %v", i, p.Boundary)
		}
	}
	if d := discontinuities(video); d != nil {
		t.Errorf("discontinuities at %v", d)
	}
	if len(r.seen) != 1 || r.seen[0].Duration().Round(time.Millisecond) != time.Second {
		t.Errorf("key frame distances seen: %v", r.seen)
	}
}

func TestInterruptions(t *testing.T) {
	tests := []struct {
		name string
		then func(r *rig)
		want time.Duration // of the one discontinuity
	}{
		{"stamps jump forwards", func(r *rig) { r.send(3*time.Hour, 90, 1) }, 3 * time.Second},
		{"stamps jump backwards", func(r *rig) { r.send(0, 90, 1) }, 3 * time.Second},
		{"the publisher stalls and loses media", func(r *rig) { r.wall = r.wall.Add(7 * time.Second); r.send(time.Hour+10*time.Second, 90, 1) }, 10 * time.Second},
		{"the publisher drops and returns", func(r *rig) {
			r.pub.Close(false)
			r.open()
			r.wall = r.wall.Add(2 * time.Second)
			r.send(0, 90, 1)
		}, 5 * time.Second},
		{"parameters change", func(r *rig) {
			changed := *r.video
			r.video = &changed
			r.send(time.Hour+3*time.Second, 90, 1)
		}, 3 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.send(time.Hour, 90, 1)
			tt.then(r)
			video, audio := r.packets()
			d := discontinuities(video)
			if len(d) != 1 || (d[0]-tt.want).Abs() > 40*time.Millisecond {
				t.Fatalf("discontinuities at %v, want one at %v", d, tt.want)
			}
			if len(video) < 178 {
				t.Errorf("only %d of 180 frames came out", len(video))
			}
			if end := audio[len(audio)-1].DTS.Duration(); (end - tt.want - 3*time.Second).Abs() > 100*time.Millisecond {
				t.Errorf("audio ends at %v", end)
			}
		})
	}
}

func TestClockWrapIsNoInterruption(t *testing.T) {
	r := newRig(t, nil)
	r.send((1<<32-1500)*time.Millisecond, 120, 1) // unwrapped by the protocol
	video, _ := r.packets()
	if d := discontinuities(video); d != nil || len(video) != 120 {
		t.Errorf("%d frames, discontinuities at %v", len(video), d)
	}
}

func TestMediaTimeFollowsTheWallClock(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, 30*100, 1.02) // the publisher's clock is 2 % slow
	video, _ := r.packets()
	if len(discontinuities(video)) == 0 {
		t.Error("no correction in 100 s")
	}
	last := video[len(video)-1]
	if lag := last.Wall.Sub(began) - last.DTS.Duration(); lag > 1300*time.Millisecond {
		t.Errorf("media time is %v behind the wall clock", lag)
	}
}

// A publisher whose key frame does not come is told of after five seconds and then
// once a minute; with one, nothing is said.
func TestMissingKeyFrameIsLogged(t *testing.T) {
	for name, tt := range map[string]struct {
		first, want int // frame that is key, lines in the log
	}{"at once": {0, 0}, "after 4 s": {4 * 30, 0}, "after 10 s": {10 * 30, 1}, "never": {1 << 30, 3}} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			r := newRig(t, func(c *ingest.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			for i := range 30 * 130 {
				stamp := media.FromDuration(time.Duration(i) * time.Second / 30)
				r.write(&media.Packet{Track: r.video, DTS: stamp, PTS: stamp, Key: i == tt.first, Data: []byte{1}})
				r.wall = r.wall.Add(time.Second / 30)
			}
			if w := r.sessions.Get("x").Waits(r.wall); tt.want < 3 && w != 0 || tt.want == 3 && w.Round(time.Second) != 130*time.Second {
				t.Errorf("it waits for %v", w)
			}
			r.pub.Close(true)
			if n := strings.Count(log.String(), "no key frame yet"); n != tt.want {
				t.Errorf("%d lines, want %d\n%s", n, tt.want, log.String())
			}
		})
	}
}

func TestSlowPublisherIsLoggedNowAndThen(t *testing.T) {
	for name, tt := range map[string]struct {
		rate float64
		want int // lines in three and a half minutes
	}{"in time": {1, 0}, "slow": {1.05, 3}} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			r := newRig(t, func(c *ingest.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			r.send(0, 30*200, tt.rate)
			r.pub.Close(true)
			text := log.String()
			if n := strings.Count(text, "publisher is slower than real time"); n != tt.want || n != strings.Count(text, "stream=x behind=1") {
				t.Errorf("%d lines, want %d:\n%s", n, tt.want, text)
			}
		})
	}
}

func TestFasterThanRealTimeIsHeldBack(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, 600, 0)
	if r.held < 14*time.Second || r.held > 16*time.Second {
		t.Errorf("20 s sent at once were held back by %v", r.held)
	}
	if video, _ := r.packets(); discontinuities(video) != nil || len(video) != 600 {
		t.Errorf("%d frames, discontinuities %v", len(video), discontinuities(video))
	}
}

func TestBFramesKeepKeyFramesOnDecodeTime(t *testing.T) {
	r := newRig(t, nil)
	reorder := *r.video
	reorder.Reorder = true
	r.video = &reorder
	offsets := []int{2, 5, 2, 0, 1} // I P B b b in decode order, frames
	for i := range 60 {
		dts := time.Duration(i) * time.Second / 30
		pts := dts + time.Duration(offsets[i%5])*time.Second/30
		r.write(&media.Packet{Track: r.video, DTS: media.FromDuration(dts.Truncate(time.Millisecond)), PTS: media.FromDuration(pts.Truncate(time.Millisecond)), Key: i%30 == 0, Data: []byte{1}})
		r.wall = r.wall.Add(time.Second / 30)
	}
	video, _ := r.packets()
	for i, p := range video {
		if p.Key && p.PTS != p.DTS {
			t.Errorf("key frame %d: PTS %v, DTS %v", i, p.PTS.Duration(), p.DTS.Duration())
		}
		if want := media.Time(offsets[i%5]-2) * (media.Second / 30); p.PTS-p.DTS != want {
			t.Errorf("frame %d: offset %v, want %v", i, (p.PTS - p.DTS).Duration(), want.Duration())
		}
	}
}

func TestWhoMayPublish(t *testing.T) {
	r := newRig(t, nil)
	if _, err := r.sessions.Open(t.Context(), ingest.Request{Key: "wrong"}); !errors.Is(err, ingest.ErrDenied) {
		t.Errorf("wrong key: %v", err)
	}
	if _, err := r.sessions.Open(t.Context(), ingest.Request{Key: "x"}); !errors.Is(err, ingest.ErrBusy) {
		t.Errorf("second publisher: %v", err)
	}
	r.send(0, 30, 1)
	session := r.sessions.Get("x")
	r.pub.Close(false)
	<-session.Done() // the reconnect window passes
	if r.hub.Get("x") != nil {
		t.Error("stream is live after the window")
	}
	r.open()
	r.send(0, 30, 1)
	r.sessions.Close()
	if err := r.pub.Write(&media.Packet{Track: r.video}); !errors.Is(err, ingest.ErrClosing) {
		t.Errorf("write after close: %v", err)
	}
	if _, err := r.sessions.Open(t.Context(), ingest.Request{Key: "x"}); !errors.Is(err, ingest.ErrClosing) {
		t.Errorf("open after close: %v", err)
	}
}

// TestStatsAndName: what a session says of its publisher.
func TestStatsAndName(t *testing.T) {
	var w watched
	r := newRig(t, func(c *ingest.Config) { c.Watch = &w })
	session := r.sessions.Get("x")
	r.pub.Introduce("OBS 30")
	r.pub.Introduce("")
	r.pub.LeaveOut(1, 2)
	if video, audio := session.LeftOut(); video != 1 || audio != 2 {
		t.Errorf("left out: %d of the picture, %d of sound", video, audio)
	}
	r.write(&media.Packet{Track: r.video, Data: []byte{1}}) // no key frame: waited for, not dropped
	r.send(time.Hour, 60, 1)
	if got := session.Stats(); got != (ingest.Stats{}) {
		t.Errorf("steady: %+v", got)
	}
	jump := media.FromDuration(3 * time.Hour)
	r.write(&media.Packet{Track: r.video, DTS: jump, PTS: jump, Data: []byte{1}}) // no key frame
	r.send(3*time.Hour+time.Second, 30, 1)
	if got := session.Stats(); got != (ingest.Stats{Dropped: 1, Jumps: 1}) {
		t.Errorf("after a jump: %+v", got)
	}
	if _, err := r.sessions.Open(t.Context(), ingest.Request{Key: "x", Peer: "another"}); !errors.Is(err, ingest.ErrBusy) {
		t.Errorf("a second publisher: %v", err)
	}
	r.pub.Close(true)
	r.pub.Introduce("ghost")
	if got := strings.Join(w.lines, ", "); got != "joined, x is OBS 30, another turned away: "+ingest.ErrBusy.Error()+", ended: "+ingest.ErrGoodbye.Error() {
		t.Errorf("told: %s", got)
	}
}

// watched writes down what a Watcher is told.
type watched struct{ lines []string }

func (w *watched) Joined(ingest.Grant, ingest.Request) { w.lines = append(w.lines, "joined") }
func (w *watched) Introduced(name, encoder string)     { w.lines = append(w.lines, name+" is "+encoder) }
func (w *watched) TurnedAway(_ context.Context, _ ingest.Grant, r ingest.Request, reason error) {
	w.lines = append(w.lines, r.Peer+" turned away: "+reason.Error())
}
func (w *watched) Dropped(string)               { w.lines = append(w.lines, "dropped") }
func (w *watched) Ended(_ string, reason error) { w.lines = append(w.lines, "ended: "+reason.Error()) }

// TestLateThenPunctual: a publisher that was late for a while and caught up must
// not be held back in long bursts.
func TestLateThenPunctual(t *testing.T) {
	r := newRig(t, nil)
	var worst time.Duration
	for n := range 30 * 300 {
		at := time.Duration(n) * time.Second / 30
		sent := at
		switch {
		case at > 20*time.Second && at < 28*time.Second:
			sent += (at - 20*time.Second) / 2
		case at >= 28*time.Second && at < 36*time.Second:
			sent += 4 * time.Second
		case at >= 36*time.Second && at < 44*time.Second:
			sent += (44*time.Second - at) / 2
		}
		if w := began.Add(sent); r.wall.Before(w) {
			r.wall = w
		}
		before := r.held
		stamp := media.FromDuration(at.Truncate(time.Millisecond))
		r.write(&media.Packet{Track: r.video, DTS: stamp, PTS: stamp, Key: n%30 == 0, Data: []byte{1}})
		worst = max(worst, r.held-before)
	}
	if worst > 200*time.Millisecond {
		t.Errorf("held back by %v at once", worst)
	}
}

// TestJumpingStampsAreRationed: interruptions come at most once a second.
func TestJumpingStampsAreRationed(t *testing.T) {
	r := newRig(t, nil)
	for n := range 300 {
		stamp := media.Time(n%2)*100*media.Second + media.Time(n)*media.Second/30
		r.write(&media.Packet{Track: r.video, DTS: stamp, PTS: stamp, Key: true, Data: []byte{1}})
		r.wall = r.wall.Add(time.Second / 30)
	}
	if video, _ := r.packets(); len(discontinuities(video)) > 10 {
		t.Errorf("%d discontinuities in 10 s", len(discontinuities(video)))
	}
}

func TestStreamThatCannotBeServedEndsItsPublisher(t *testing.T) {
	r := newRig(t, nil)
	r.refuse = errors.New("no such picture")
	err := r.pub.Write(&media.Packet{Track: r.video, Key: true, Data: []byte{1}, Wall: r.wall})
	if !errors.Is(err, r.refuse) {
		t.Fatalf("write: %v", err)
	}
	if r.sessions.Get("x") != nil || r.hub.Get("x") != nil {
		t.Error("the name is still taken")
	}
}

// TestGoodbyeOfTheLost: who was lost and then says goodbye is not waited for, unless it
// has come back.
func TestGoodbyeOfTheLost(t *testing.T) {
	r := newRig(t, func(c *ingest.Config) { c.Reconnect = time.Hour })
	r.send(0, 30, 1)
	session, first := r.sessions.Get("x"), r.pub
	first.Close(false)
	r.open()
	first.Close(true)
	r.send(0, 30, 1)
	if r.sessions.Get("x") != session {
		t.Fatal("the goodbye of one ended the session of another")
	}
	r.pub.Close(false)
	first.Close(true)
	select {
	case <-session.Done():
		t.Fatal("the goodbye of who was lost before the last ended the session")
	default:
	}
	r.pub.Close(true)
	<-session.Done()
}

// TestReturnInTheLastMoment: a publisher comes back just when its session ends.
func TestReturnInTheLastMoment(t *testing.T) {
	r := newRig(t, func(c *ingest.Config) { c.Reconnect = time.Microsecond })
	for range 500 {
		r.send(0, 1, 1)
		r.pub.Close(false)
		r.open()
	}
}

// A newcomer takes the place of who is there with its first key frame, and not before.
func TestTakeover(t *testing.T) {
	w := &watcher{}
	r := newRig(t, func(c *ingest.Config) { c.Takeover, c.Watch = true, w })
	r.send(0, 60, 1)
	first := r.pub
	r.open()
	second := r.pub
	for _, p := range []*media.Packet{{Track: r.video}, {Track: r.audio, Key: true}} {
		if err := second.Write(p); err != nil {
			t.Errorf("a newcomer without a key frame: %v", err)
		}
	}
	r.pub = first
	r.send(2*time.Second, 60, 1)
	r.pub = second
	r.send(0, 60, 1)
	if err := first.Write(&media.Packet{Track: r.video}); !errors.Is(err, ingest.ErrReplaced) {
		t.Errorf("first publisher: %v", err)
	}
	first.Close(true) // must not end the session of the second
	r.send(2*time.Second, 60, 1)
	if video, _ := r.packets(); len(video) != 240 || len(discontinuities(video)) != 1 {
		t.Errorf("%d frames, discontinuities %v", len(video), discontinuities(video))
	}
	if got := strings.Join(w.said, " "); got != "joined joined ended" {
		t.Errorf("the watcher was told %q", got)
	}
}

// watcher notes what a Watcher is told.
type watcher struct{ said []string }

func (w *watcher) Joined(ingest.Grant, ingest.Request) { w.said = append(w.said, "joined") }
func (w *watcher) Introduced(string, string)           { w.said = append(w.said, "introduced") }
func (w *watcher) Dropped(string)                      { w.said = append(w.said, "dropped") }
func (w *watcher) Ended(string, error)                 { w.said = append(w.said, "ended") }
func (w *watcher) TurnedAway(context.Context, ingest.Grant, ingest.Request, error) {
	w.said = append(w.said, "turned away")
}

// Whoever waits for the place of another one: goes and is forgotten, is replaced by a third,
// inherits when the place is left, ends with the session.
func TestWaitingForAPlace(t *testing.T) {
	for _, started := range []bool{true, false} {
		for name, leave := range map[string]func(*rig, *ingest.Publisher){
			"goodbye": func(_ *rig, p *ingest.Publisher) { p.Close(true) },
			"drop":    func(_ *rig, p *ingest.Publisher) { p.Close(false) },
		} {
			t.Run(fmt.Sprintf("%s/started=%v", name, started), func(t *testing.T) {
				r := newRig(t, func(c *ingest.Config) { c.Takeover = true })
				r.send(0, 60, 1)
				first := r.pub
				open := func() *ingest.Publisher {
					p, err := r.sessions.Open(t.Context(), ingest.Request{Key: "x"})
					if err != nil {
						t.Fatal(err)
					}
					return p
				}
				open().Close(false)
				old := open()
				r.pub = open()
				<-old.Done()
				if !errors.Is(old.Err(), ingest.ErrReplaced) {
					t.Errorf("who waited first: %v", old.Err())
				}
				tracks := []*media.Track{r.video, r.audio}
				if started {
					if err := r.pub.Start(tracks); err != nil {
						t.Fatal(err)
					}
				}
				leave(r, first)
				if !started {
					if err := r.pub.Start(tracks); err != nil {
						t.Fatal(err)
					}
				}
				r.send(0, 60, 1)
				if video, _ := r.packets(); len(video) != 120 || len(discontinuities(video)) != 1 {
					t.Errorf("%d frames, discontinuities %v", len(video), discontinuities(video))
				}
				next := open()
				r.sessions.Get("x").End(ingest.ErrClosing)
				if err := next.Err(); !errors.Is(err, ingest.ErrClosing) {
					t.Errorf("who waits when the session is ended: %v", err)
				}
			})
		}
	}
}

func TestOtherKindsOfTrackAreANewStream(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, 60, 1)
	old := r.reader
	r.pub.Close(false)
	p, err := r.sessions.Open(t.Context(), ingest.Request{Key: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err = p.Start([]*media.Track{r.video}); err != nil {
		t.Fatal(err)
	}
	r.pub = p
	r.write(&media.Packet{Track: r.video, Key: true, Data: []byte{1}})
	if r.reader == old {
		t.Error("viewers were not given a new stream")
	}
}

// A session that began in another process goes on with its clock, behind a discontinuity.
func TestGoesOnAfterAnotherProcess(t *testing.T) {
	for name, ended := range map[string]media.Time{"as the clocks say": 100 * media.Second, "where this clock is behind": 130 * media.Second} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *ingest.Config) {
				c.Plan = func(string, []*media.Track) ingest.Plan {
					return ingest.Plan{Segment: 2 * media.Second, Longest: 5 * media.Second / 2, Epoch: began.Add(-2 * time.Minute), Ended: ended}
				}
			})
			r.send(time.Hour, 90, 1)
			if e := r.sessions.Get("x").Stream().Epoch(); !e.Equal(began.Add(-2 * time.Minute)) {
				t.Errorf("the epoch is %v", e)
			}
			video, _ := r.packets()
			want := max(2*time.Minute, ended.Duration())
			if d := discontinuities(video); len(d) != 1 || (d[0]-want).Abs() > 40*time.Millisecond || video[0].DTS.Duration() != d[0] {
				t.Errorf("discontinuities at %v, want one at %v", d, want)
			}
		})
	}
}
