//go:build cgo

package transcode

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"weir/media"
	"weir/media/av"
	"weir/media/hub"
	"weir/media/mediatest"
	"weir/media/testcard"
)

func (s *stage) config() Config {
	return Config{Hub: s.hub, Stream: s.source, Queue: roomy, Log: slog.New(slog.DiscardHandler)}
}

func TestOpusKeepsItsPlace(t *testing.T) {
	const start = 100 * media.Second
	source, track := burst(t)
	s := newStage(t, []*media.Track{track})
	j, err := OpenOpus(s.config())
	if err != nil {
		t.Fatal(err)
	}
	s.play(j, shift(source, start))
	got := s.packets(OpusName)
	for i, p := range got {
		if p.Track.Codec != media.Opus || !p.Key || p.Duration != 20*media.Millisecond {
			t.Fatalf("packet %d: %+v", i, p)
		}
		if i > 0 && p.PTS-got[i-1].PTS != p.Duration {
			t.Fatalf("packet %d comes %v after the one before", i, (p.PTS - got[i-1].PTS).Duration())
		}
	}
	// a decoder leaves out what the encoder put first, by the OpusHead; packets are dated without it
	checkBursts(t, hear(t, got), start+media.Second*55/100+media.FromScale(1024, 44100))
}

// The picture for calls has no reordering, key frames where segments begin, and one
// when it is asked for.
func TestPictureForCalls(t *testing.T) {
	packets, tracks := shoot(t, testcard.CameraConfig{Width: 320, Height: 180, FrameRate: media.Rational{Num: 30, Den: 1}, Bitrate: 300_000,
		Key: func(n int64) bool { return n%30 == 0 }}, 60)
	s := newStage(t, tracks)
	j, err := OpenPicture(s.config())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- j.Run(context.Background()) }()
	half := len(packets) / 4
	for _, p := range packets[:half] {
		s.source.Write(p)
	}
	s.mu.Lock()
	r := s.readers["x/"+PictureName]
	s.mu.Unlock()
	if p, err := r.Read(t.Context()); err != nil || !p.Key || p.Track.Reorder || p.Track.Width != 320 {
		t.Fatalf("%+v, %v", p, err)
	}
	for range 3 { // what is under way is over
		if _, err := r.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	j.AskKey(PictureName)
	for _, p := range packets[half:] {
		s.source.Write(p)
	}
	s.source.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	keys, forced := 0, 0
	for _, p := range s.packets(PictureName) {
		if p.PTS != p.DTS {
			t.Fatalf("picture at %v is shown at %v", p.DTS, p.PTS)
		}
		if p.Key {
			keys++
			if p.PTS != media.Second {
				forced++
			}
		}
	}
	if keys != 2 || forced != 1 {
		t.Errorf("%d key frames, %d of them asked for; want the source's at 1 s and one that was asked for", keys, forced)
	}
	if n := av.Live(); n != (av.Counts{}) {
		t.Errorf("libav still holds %+v", n)
	}
}

// One sound is made by itself where that of the source has become unfit for viewers, without a
// packet that the source has before.
func TestSoundOnItsOwn(t *testing.T) {
	source, track := burst(t)
	s := newStage(t, []*media.Track{track})
	j, err := OpenSound(s.config(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if !j.Makes(media.AudioName) || j.Makes(OpusName) {
		t.Error("another sound is made")
	}
	s.play(j, source)
	got := s.packets(media.AudioName)
	if len(got) < 40 || got[0].Track.Codec != media.AAC {
		t.Fatalf("%d packets", len(got))
	}
	picture, err := OpenSound(Config{Hub: s.hub, Stream: mustStream(t, s, "y", mediatest.Video(320, 180, media.Rational{Num: 30, Den: 1}, false))}, 0)
	if !errors.Is(err, ErrNothing) || picture != nil {
		t.Errorf("of a stream without sound: %v, %v", picture, err)
	}
}

func mustStream(t *testing.T, s *stage, id media.StreamID, track *media.Track) *hub.Stream {
	t.Helper()
	out, err := s.hub.Create(id, s.source.Epoch(), []*media.Track{track})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}
