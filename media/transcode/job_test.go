//go:build cgo

package transcode

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/media"
	"weir/media/av"
	"weir/media/hub"
	"weir/media/ladder"
	"weir/media/ring"
	"weir/media/testcard"
)

// roomy queues hold a whole test, so that nothing depends on who is faster.
var roomy = ring.Limits{Items: 1 << 20, Bytes: 1 << 30}

// stage is a hub whose streams are all recorded.
type stage struct {
	t       testing.TB
	hub     *hub.Hub
	source  *hub.Stream
	mu      sync.Mutex
	readers map[string]*hub.Reader
}

func newStage(t testing.TB, tracks []*media.Track) *stage {
	t.Helper()
	s := &stage{t: t, hub: &hub.Hub{}, readers: map[string]*hub.Reader{}}
	s.hub.OnStart = func(st *hub.Stream) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.readers[string(st.ID())] = st.Subscribe(roomy)
		return nil
	}
	var err error
	if s.source, err = s.hub.Create("x", time.Unix(1000, 0), tracks); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) open(c Config) *Job {
	s.t.Helper()
	c.Hub, c.Stream, c.Queue, c.Log = s.hub, s.source, roomy, slog.New(slog.DiscardHandler)
	j, err := Open(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

// play writes packets, ends the stream and runs the job to its end.
func (s *stage) play(j *Job, packets []*media.Packet) {
	s.t.Helper()
	for _, p := range packets {
		s.source.Write(p)
	}
	s.source.Close()
	if err := j.Run(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	if left := s.hub.Streams(); len(left) != 0 {
		s.t.Errorf("%d streams are still live", len(left))
	}
	if n := av.Live(); n != (av.Counts{}) {
		s.t.Errorf("libav still holds %+v", n)
	}
}

// packets are all that a closed stream carried.
func (s *stage) packets(name string) (out []*media.Packet) {
	s.t.Helper()
	s.mu.Lock()
	r := s.readers["x/"+name]
	s.mu.Unlock()
	if r == nil {
		s.t.Fatalf("there was no stream %s", name)
	}
	defer r.Close()
	for {
		p, err := r.Read(context.Background())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, p)
	}
}

// shoot makes n frames of a camera, and the camera's tracks.
func shoot(t testing.TB, c testcard.CameraConfig, n int) ([]*media.Packet, []*media.Track) {
	t.Helper()
	camera, err := testcard.OpenCamera(c)
	if err != nil {
		t.Fatal(err)
	}
	defer camera.Close()
	var out []*media.Packet
	for range n {
		p, err := camera.Shoot()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p...)
	}
	p, err := camera.Flush()
	if err != nil {
		t.Fatal(err)
	}
	return append(out, p...), camera.Tracks()
}

func small(t *testing.T, list string) ladder.Setting {
	t.Helper()
	s, err := ladder.ParseSetting(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAllRenditionsAreCutAlike holds every rung to the source's marks.
func TestAllRenditionsAreCutAlike(t *testing.T) {
	tests := []struct {
		name    string
		bframes int
		key     func(n int64) bool
		cut     func(n int) media.Boundary // by frame in decode order, beyond "every key frame"
	}{
		{"every second", 0, func(n int64) bool { return n%30 == 0 }, nil},
		{"irregular", 0, func(n int64) bool { return slices.Contains([]int64{7, 31, 32, 70}, n) }, nil},
		{"b-frames", 2, func(n int64) bool { return n%24 == 0 }, nil},
		{"forced", 0, func(n int64) bool { return n == 60 }, func(n int) media.Boundary {
			return map[int]media.Boundary{20: media.ForcedBoundary, 40: media.ForcedBoundary}[n]
		}},
		{"forced with b-frames", 2, func(n int64) bool { return n == 60 }, func(n int) media.Boundary {
			return map[int]media.Boundary{19: media.ForcedBoundary, 41: media.ForcedBoundary}[n]
		}},
		{"key frames that are no cuts", 0, func(n int64) bool { return n%10 == 0 }, func(n int) media.Boundary {
			return map[bool]media.Boundary{true: media.KeyBoundary}[n%30 == 0]
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source, tracks := shoot(t, testcard.CameraConfig{Width: 426, Height: 240, MaxBFrames: tt.bframes, Key: tt.key, Silent: true}, 90)
			cuts := map[media.Time]media.Boundary{}
			for i, p := range source {
				p.Wall = time.Unix(2000, int64(i))
				switch {
				case tt.cut != nil && tt.name != "key frames that are no cuts" && p.Key:
					p.Boundary = media.KeyBoundary
				case tt.cut != nil:
					p.Boundary = tt.cut(i)
				case p.Key:
					p.Boundary = media.KeyBoundary
				}
				if p.Boundary != media.NoBoundary {
					cuts[p.DTS] = p.Boundary
				}
			}
			s := newStage(t, tracks)
			j := s.open(Config{Ladder: small(t, "180p:300k,120p:150k"), Now: func() time.Time { return time.Unix(2000, 0) }})
			s.play(j, source)
			for _, r := range j.Renditions() {
				checkRung(t, r, s.packets(r.Name), source, cuts)
			}
		})
	}
}

func checkRung(t *testing.T, r media.Rendition, got, source []*media.Packet, cuts map[media.Time]media.Boundary) {
	t.Helper()
	if len(got) != len(source) {
		t.Fatalf("%s: %d packets of %d", r.Name, len(got), len(source))
	}
	shown := slices.Clone(source)
	slices.SortFunc(shown, func(a, b *media.Packet) int { return int(a.PTS - b.PTS) })
	d, err := av.OpenDecoder(got[0].Track)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i, p := range got {
		want := cuts[p.PTS]
		isKey := isCut(want)
		if isKey {
			want = media.KeyBoundary
		}
		if p.DTS != p.PTS || p.PTS != shown[i].PTS || p.Duration != shown[i].Duration || !p.Wall.Equal(shown[i].Wall) {
			t.Errorf("%s %d: %v %v %v %v, want the times of %+v", r.Name, i, p.DTS, p.PTS, p.Duration, p.Wall, shown[i])
		}
		if p.Boundary != want || p.Key != isKey || p.Track != got[0].Track {
			t.Errorf("%s %d: boundary %d key %v, want %d %v", r.Name, i, p.Boundary, p.Key, want, isKey)
		}
		checkClock(t, d, p)
	}
}

// checkClock decodes a packet of a stream without B-frames and reads the time in
// the picture.
func checkClock(t *testing.T, d *av.Decoder, p *media.Packet) {
	t.Helper()
	if err := d.Send(p.Data, p.PTS); err != nil {
		t.Fatal(err)
	}
	f, err := d.Receive()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Free()
	pix, err := f.Picture()
	if err != nil {
		t.Fatal(err)
	}
	ms, err := testcard.ReadClock(pix, f.Width(), f.Width(), f.Height())
	if err != nil || int64(ms) != p.PTS.Duration().Milliseconds() {
		t.Errorf("the picture at %v shows %d ms, %v", p.PTS.Duration(), ms, err)
	}
}

func TestTopIsMadeFromTheForcedBoundaryOn(t *testing.T) {
	source, tracks := shoot(t, testcard.CameraConfig{Width: 320, Height: 180, Key: func(n int64) bool { return n == 75 }, Silent: true}, 90)
	source[0].Boundary, source[45].Boundary, source[60].Boundary = media.KeyBoundary, media.ForcedBoundary, media.ForcedBoundary
	s := newStage(t, tracks)
	j := s.open(Config{Ladder: small(t, "120p:200k"), Source: SourceOnForced})
	if top := s.hub.Get("x/source"); top == nil || top.Tracks()[0].Width != 320 {
		t.Error("the top's track is not known at the start")
	}
	s.play(j, source)
	top, low := s.packets(media.SourceName), s.packets("120p")
	if len(top) != 45 || top[0].PTS != source[45].PTS || top[0].Track.Width != 320 || !top[0].Key {
		t.Fatalf("%d packets from %v", len(top), top[0].PTS)
	}
	if len(low) != 90 {
		t.Fatalf("%d packets of the lower rung", len(low))
	}
	for i, p := range top {
		isKey := i == 0 || i == 15
		if p.Key != isKey || isCut(p.Boundary) != isKey || low[45+i].Key != isKey {
			t.Errorf("packet %d: key %v, %v below", i, p.Key, low[45+i].Key)
		}
	}
}

func TestTopIsMadeAlways(t *testing.T) {
	source, tracks := shoot(t, testcard.CameraConfig{Width: 320, Height: 180, Silent: true}, 20)
	s := newStage(t, tracks)
	j := s.open(Config{Source: SourceAlways})
	if got := s.hub.Get("x/source").Tracks()[0]; got.Width != 320 || len(got.Config) == 0 {
		t.Errorf("the track is not known at the start: %+v", got)
	}
	s.play(j, source)
	if top := s.packets(media.SourceName); len(top) != 20 || top[0].Track.Height != 180 {
		t.Errorf("%d packets", len(top))
	}
}

func TestFrameRateIsLearnt(t *testing.T) {
	for _, rate := range []media.Rational{{Num: 60, Den: 1}, {Num: 24000, Den: 1001}} {
		source, tracks := shoot(t, testcard.CameraConfig{Width: 320, Height: 180, FrameRate: rate, Silent: true}, 20)
		mute := *tracks[0]
		mute.FrameRate = media.Rational{}
		for _, p := range source {
			p.Track = &mute
		}
		s := newStage(t, []*media.Track{&mute})
		j := s.open(Config{Ladder: small(t, "120p:200k")})
		s.play(j, source)
		if low := s.packets("120p"); len(low) != 20 || low[0].Track.FrameRate != rate || low[19].Track != low[0].Track {
			t.Errorf("%d packets at %v, want %v", len(low), low[0].Track.FrameRate, rate)
		}
	}
}

func TestSourceChanges(t *testing.T) {
	all, tracks := changing(t)
	s := newStage(t, tracks)
	var said []string
	j := s.open(Config{Ladder: small(t, "180p:300k,120p:200k"), OnShed: func(r string, shed bool) {
		said = append(said, r, map[bool]string{true: "stops", false: "goes on"}[shed])
	}})
	s.play(j, all)
	upper, low := s.packets("180p"), s.packets("120p")
	if want := []string{"180p", "stops", "180p", "goes on"}; !slices.Equal(said, want) {
		t.Errorf("said %v, want %v", said, want)
	}
	if len(upper) != 20 || len(low) != 30 {
		t.Fatalf("%d and %d packets", len(upper), len(low))
	}
	sizes := func(list []*media.Packet, at ...int) (out []int) {
		for _, i := range at {
			out = append(out, list[i].Track.Width, list[i].Track.Height)
		}
		return out
	}
	if got := sizes(upper, 0, 9, 10); !slices.Equal(got, []int{320, 180, 320, 180, 180, 320}) {
		t.Errorf("180p is %v", got)
	}
	if got := sizes(low, 0, 10, 20); !slices.Equal(got, []int{214, 120, 214, 120, 120, 214}) {
		t.Errorf("120p is %v", got)
	}
	for i, p := range low {
		if p.PTS != all[i].PTS || p.Discontinuity != (i == 10 || i == 20) || p.Key != (i%10 == 0) {
			t.Errorf("packet %d: %v discontinuity %v key %v", i, p.PTS, p.Discontinuity, p.Key)
		}
	}
	if !upper[10].Discontinuity || !upper[10].Key || upper[10].PTS != all[20].PTS {
		t.Errorf("180p goes on with %+v", upper[10])
	}
}

func TestDamagedPacketsCostTheirGroupOnly(t *testing.T) {
	source, tracks := shoot(t, testcard.CameraConfig{Width: 320, Height: 180, Key: func(n int64) bool { return n%10 == 0 }, Silent: true}, 30)
	for _, i := range []int{10, 15} {
		source[i].Data = []byte{0, 0, 0, 9, 1, 2, 3}
	}
	for _, p := range source {
		if p.Key {
			p.Boundary = media.KeyBoundary
		}
	}
	s := newStage(t, tracks)
	j := s.open(Config{Ladder: small(t, "120p:200k")})
	s.play(j, source)
	low := s.packets("120p")
	if j.Corrupt() == 0 || len(low) < 20 || low[len(low)-10].PTS != source[20].PTS || !low[len(low)-10].Key {
		t.Errorf("%d damaged, %d packets", j.Corrupt(), len(low))
	}
}

// TestSheds makes everything late for a while: the rungs go, largest first, and
// come back in the other order, each with a key frame at a boundary.
func TestSheds(t *testing.T) {
	source, tracks := shoot(t, testcard.CameraConfig{Width: 320, Height: 180, Key: func(n int64) bool { return n%10 == 0 }, Silent: true}, 300)
	began := time.Unix(5000, 0)
	for i, p := range source {
		p.Wall = began.Add(shedClock(i + 20)) // never late by what is in flight
		if p.Key {
			p.Boundary = media.KeyBoundary
		}
	}
	said := make(chan string, 8)
	var written atomic.Int64
	var j *Job
	s := newStage(t, tracks)
	j = s.open(Config{Ladder: small(t, "144p:300k,120p:200k"),
		OnShed: func(r string, shed bool) { said <- r + map[bool]string{true: " stops", false: " goes on"}[shed] },
		Now: func() time.Time {
			n := int(written.Load()) - j.feed.reader.Len() // packets taken so far
			if n < 150 {
				return began.Add(shedClock(n) + time.Minute)
			}
			return began.Add(shedClock(n))
		}})
	ended := make(chan error)
	go func() { ended <- j.Run(context.Background()) }()
	for _, step := range []struct {
		until int
		words []string
	}{{150, []string{"120p stops", "144p stops"}}, {220, []string{"120p goes on"}}, {300, []string{"144p goes on"}}} {
		for n := int(written.Load()); n < step.until; n++ {
			written.Add(1)
			s.source.Write(source[n])
		}
		var got []string
		for range step.words {
			got = append(got, <-said)
		}
		if slices.Sort(got); !slices.Equal(got, step.words) {
			t.Errorf("said %v, want %v", got, step.words)
		}
	}
	s.source.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, r := range j.Renditions() {
		list := s.packets(r.Name)
		if len(list) == 0 || len(list) > 280 || list[len(list)-1].PTS != source[299].PTS {
			t.Errorf("%s: %d packets", r.Name, len(list))
		}
		for i, p := range list[1:] {
			if p.PTS-list[i].PTS > media.Second/10 && (!p.Key || p.Boundary != media.KeyBoundary) {
				t.Errorf("%s comes back with %+v", r.Name, p)
			}
		}
	}
}

// shedClock is the wall clock of TestSheds at frame n: 15 s in which all is late,
// then two long waits in which there is time.
func shedClock(n int) time.Duration {
	t := time.Duration(min(n, 150)) * 100 * time.Millisecond
	if n >= 150 {
		t += time.Minute
	}
	if n >= 180 {
		t += 40 * time.Second
	}
	if n >= 220 {
		t += 40 * time.Second
	}
	return t
}

func TestRunEndsWithItsContext(t *testing.T) {
	source, tracks := shoot(t, testcard.CameraConfig{Width: 320, Height: 180}, 10)
	s := newStage(t, tracks)
	j := s.open(Config{Ladder: small(t, "120p:200k")})
	for _, p := range source {
		s.source.Write(p)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := j.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
	if n := av.Live(); n != (av.Counts{}) {
		t.Errorf("libav still holds %+v", n)
	}
	if s.hub.Get("x/120p") != nil || s.hub.Get("x") == nil {
		t.Error("the wrong streams are live")
	}
	s.source.Close()
}

func TestOpenFailsCleanly(t *testing.T) {
	_, tracks := shoot(t, testcard.CameraConfig{Width: 320, Height: 180}, 1)
	s := newStage(t, tracks)
	c := Config{Hub: s.hub, Stream: s.source}
	if _, err := Open(c); !errors.Is(err, ErrNothing) {
		t.Errorf("nothing to do: %v", err)
	}
	other, err := s.hub.Create("x/120p", time.Time{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Ladder = small(t, "160p:300k,120p:200k")
	if _, err := Open(c); !errors.Is(err, hub.ErrExists) {
		t.Errorf("an earlier job still runs: %v", err)
	}
	other.Close()
	s.source.Close()
	if n, left := av.Live(), s.hub.Streams(); n != (av.Counts{}) || len(left) != 0 {
		t.Errorf("libav still holds %+v, %d streams are live", n, len(left))
	}
}

func TestNeeds(t *testing.T) {
	source, tracks := shoot(t, testcard.CameraConfig{Width: 320, Height: 180}, 1)
	if len(source) == 0 || NeedsVideo(tracks[0]) || NeedsAudio(tracks[1]) || NeedsVideo(tracks[1]) || NeedsAudio(tracks[0]) || NeedsAudio(nil) {
		t.Error("what is fit for viewers is made anew")
	}
	mono := *tracks[1]
	mono.Config = []byte{0x12, 0x08} // AAC-LC, 44.1 kHz, one channel
	hevc := *tracks[0]
	hevc.Codec = media.H265
	if !NeedsAudio(&mono) || !NeedsVideo(&hevc) || !NeedsAudio(&media.Track{Kind: media.Audio, Codec: media.Opus}) ||
		!NeedsVideo(&media.Track{Kind: media.Video, Codec: media.H264}) {
		t.Error("what is not fit for viewers is passed on")
	}
}
