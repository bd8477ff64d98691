package meter_test

import (
	"math"
	"testing"
	"time"

	"weir/media"
	"weir/media/meter"
)

var began = time.Date(2026, 11, 23, 12, 0, 0, 500e6, time.UTC)

// source sends 25 pictures of 1,000 bytes and 50 packets of sound of 100 bytes a second.
type source struct {
	*meter.Meter
	video, audio *media.Track
	gop          int
	late         func(at time.Duration) time.Duration
	reorder      bool
	loose        bool
	cutAt        int // picture with a discontinuity
}

func newSource() *source {
	s := &source{gop: 50, video: &media.Track{Kind: media.Video, Codec: media.H264}, audio: &media.Track{Kind: media.Audio, Codec: media.AAC}}
	s.Meter = meter.New(began, []*media.Track{s.video, s.audio})
	return s
}

// send sends so many pictures, and returns the time after.
func (s *source) send(frames int) time.Time {
	var wall time.Time
	for i := range frames {
		at := time.Duration(i) * 40 * time.Millisecond
		wall = began.Add(at)
		if s.late != nil {
			wall = wall.Add(s.late(at))
		}
		p := &media.Packet{Track: s.video, DTS: media.FromDuration(at), PTS: media.FromDuration(at), Key: i%s.gop == 0, Duration: media.Second / 25,
			Wall: wall, Data: make([]byte, 1000), Discontinuity: s.cutAt > 0 && i == s.cutAt}
		if s.reorder && !p.Key {
			p.PTS += media.Second / 25
		}
		if s.loose {
			p.Duration = 0
		}
		s.Take(p)
		for n := range 2 {
			at := media.FromDuration(at + time.Duration(n)*20*time.Millisecond)
			s.Take(&media.Packet{Track: s.audio, DTS: at, PTS: at, Key: true, Wall: wall, Data: make([]byte, 100)})
		}
	}
	return wall
}

func TestFigures(t *testing.T) {
	steady := meter.Figures{Seconds: 10, Bitrate: 240_000, FPS: 25, Sounds: 50, KeyInterval: 2 * media.Second}
	for name, tt := range map[string]struct {
		change func(*source)
		frames int
		want   func(*meter.Figures)
	}{
		"steady":                     {func(*source) {}, 25 * 40, func(*meter.Figures) {}},
		"too young":                  {func(*source) {}, 5, func(f *meter.Figures) { *f = meter.Figures{} }},
		"key frames 8 s apart":       {func(s *source) { s.gop = 200 }, 25 * 40, func(f *meter.Figures) { f.KeyInterval = 8 * media.Second }},
		"one key frame":              {func(s *source) { s.gop = 1 << 30 }, 25 * 40, func(f *meter.Figures) { f.KeyInterval = 40*media.Second - media.Second/25 }},
		"no distance over a cut":     {func(s *source) { s.gop, s.cutAt = 400, 400 }, 25 * 20, func(f *meter.Figures) { f.KeyInterval = 4*media.Second - media.Second/25 }},
		"B-frames":                   {func(s *source) { s.reorder = true }, 25 * 40, func(f *meter.Figures) { f.BFrames = true }},
		"no constant rate":           {func(s *source) { s.loose = true }, 25 * 40, func(f *meter.Figures) { f.Varies = true }},
		"one second late throughout": {func(s *source) { s.late = func(time.Duration) time.Duration { return time.Second } }, 25 * 40, func(f *meter.Figures) { f.Drift, f.Behind = -media.Second, media.Second }},
		"late once, half a minute ago": {func(s *source) {
			s.late = func(at time.Duration) time.Duration {
				if at < 3*time.Second {
					return 2 * time.Second
				}
				return 0
			}
		}, 25 * 40, func(*meter.Figures) {}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSource()
			tt.change(s)
			now := s.send(tt.frames)
			got, want := s.Read(now), steady
			tt.want(&want)
			if got != want {
				t.Errorf("%+v\nwant %+v", got, want)
			}
		})
	}
}

// Before there are ten seconds the rates are over those that there are, without the first,
// which was begun in its middle.
func TestYoungStream(t *testing.T) {
	s := newSource()
	now := s.send(25 * 4)
	if f := s.Read(now); f.Seconds != 3 || f.FPS != 25 || f.Bitrate != 240_000 {
		t.Errorf("%+v", f)
	}
}

// Rates are of a publisher that came back, and not of the time without it.
func TestAbsence(t *testing.T) {
	s := newSource()
	s.cutAt = 25 * 20
	s.late = func(at time.Duration) time.Duration {
		if at < 20*time.Second {
			return 0
		}
		return 5 * time.Second
	}
	if f := s.Read(s.send(25 * 24)); f.Seconds != 3 || f.FPS != 25 || f.Sounds != 50 {
		t.Errorf("%+v", f)
	}
	s = newSource()
	s.cutAt = 25 * 20 // at once
	if f := s.Read(s.send(25 * 24)); f.Seconds != 10 || f.FPS != 25 {
		t.Errorf("an interruption without an absence: %+v", f)
	}
}

// A publisher that stops sending is seen within the time that rates are measured over.
func TestNothingComes(t *testing.T) {
	s := newSource()
	now := s.send(25 * 20)
	if f := s.Read(now.Add(5 * time.Second)); math.Abs(f.FPS-12.5) > 2.5 {
		t.Errorf("after 5 s: %v", f.FPS)
	}
	if f := s.Read(now.Add(12 * time.Second)); f.FPS != 0 || f.Bitrate != 0 || f.Sounds != 0 {
		t.Errorf("after 12 s: %+v", f)
	}
	if f := s.Read(now.Add(time.Hour)); f.Behind != 0 || f.Drift != 0 || f.KeyInterval > 2*media.Second {
		t.Errorf("after an hour: %+v", f)
	}
}

func TestSoundIsOfOnePiece(t *testing.T) {
	s := newSource()
	s.send(4)
	if got := s.Sound(); got != nil {
		t.Errorf("%d packets are enough?", len(got))
	}
	s.send(50)
	got := s.Sound()
	for i := 1; i < len(got); i++ {
		if got[i].DTS <= got[i-1].DTS {
			t.Errorf("packet %d of %d at %v after %v", i, len(got), got[i].DTS, got[i-1].DTS)
		}
	}
	if len(got) == 0 {
		t.Fatal("no sound")
	}
	for name, p := range map[string]*media.Packet{
		"a hole":          {Track: s.audio, Discontinuity: true},
		"another track":   {Track: &media.Track{Kind: media.Audio}},
		"a giant of 1 MB": {Track: s.audio, Data: make([]byte, 1<<20)},
	} {
		s.send(50)
		p.Wall = began
		s.Take(p)
		if got := s.Sound(); got != nil {
			t.Errorf("%d packets over %s", len(got), name)
		}
	}
}
