//go:build cgo

package testcard_test

import (
	"testing"
	"time"

	"weir/media"
	"weir/media/av"
	"weir/media/testcard"
)

func TestCameraIsAPublisher(t *testing.T) {
	now := time.Unix(1000, 0)
	c, err := testcard.OpenCamera(testcard.CameraConfig{Width: 320, Height: 180, FrameRate: media.Rational{Num: 25, Den: 1},
		Now: func() time.Time { now = now.Add(40 * time.Millisecond); return now }})
	if err != nil {
		t.Fatal(err)
	}
	var frames, sounds int
	for n := range 100 {
		packets, err := c.Shoot()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			if p.Kind() == media.Audio {
				inTurn(t, p, sounds)
				sounds++
				continue
			}
			if p.DTS != c.Time(int64(n)) || p.PTS != p.DTS || p.Key != (n%50 == 0) || !p.Wall.Equal(now) || p.Duration != media.Second/25 {
				t.Fatalf("frame %d: %+v", n, p)
			}
			frames++
		}
	}
	if frames != 100 || sounds < 180 || sounds > 188 {
		t.Errorf("%d frames and %d sounds in four seconds", frames, sounds)
	}
	if len(c.Tracks()) != 2 || c.Tracks()[0].Width != 320 || len(c.Tracks()[0].Config) == 0 || len(c.Tracks()[1].Config) == 0 {
		t.Errorf("tracks %+v", c.Tracks())
	}
	c.Close()
	if n := av.Live(); n != (av.Counts{}) {
		t.Errorf("libav still holds %+v", n)
	}
}

// inTurn holds that a packet of sound is number n.
func inTurn(t *testing.T, p *media.Packet, n int) {
	t.Helper()
	if p.DTS != media.Time(n)*av.SoundDuration {
		t.Fatalf("sound %d at %v", n, p.DTS)
	}
}

// TestCameraSkips holds that what is left out of the picture is left out of nothing else: the
// times of the frames after it, the sound, and the key frame that was due.
func TestCameraSkips(t *testing.T) {
	c, err := testcard.OpenCamera(testcard.CameraConfig{Width: 320, Height: 180, Key: func(n int64) bool { return n%10 == 0 }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	shown, sounds := []int64{}, 0
	keys := map[int64]bool{}
	for n := range int64(60) {
		take := c.Shoot
		if n >= 9 && n%3 != 1 { // 10, 13, 16... are shot, so that the keys at 20, 30 and 50 are late
			take = c.Skip
		}
		packets, err := take()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			if p.Kind() == media.Audio {
				inTurn(t, p, sounds)
				sounds++
				continue
			}
			if p.DTS != c.Time(n) {
				t.Errorf("frame %d at %v", n, p.DTS)
			}
			shown = append(shown, n)
			keys[n] = p.Key
		}
	}
	if len(shown) != 9+17 || sounds < 90 || sounds > 94 {
		t.Errorf("frames %v and %d sounds in two seconds", shown, sounds)
	}
	for n, key := range keys {
		if want := n == 0 || n == 10 || n == 22 || n == 31 || n == 40 || n == 52; key != want {
			t.Errorf("frame %d: key %v", n, key)
		}
	}
}

// BenchmarkCamera asks what a second of the demo costs.
func BenchmarkCamera(b *testing.B) {
	c, err := testcard.OpenCamera(testcard.CameraConfig{Width: 1280, Height: 720})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for b.Loop() {
		for range 30 {
			if _, err := c.Shoot(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
