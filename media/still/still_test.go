//go:build cgo

package still

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/media"
	"weir/media/av"
	"weir/media/testcard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keys are the first n frames of a camera that makes key frames only.
func keys(t testing.TB, n int) []*media.Packet {
	t.Helper()
	c, err := testcard.OpenCamera(testcard.CameraConfig{Width: 1280, Height: 720, Silent: true, Key: func(int64) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var out []*media.Packet
	for range n {
		p, err := c.Shoot()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p...)
	}
	return out
}

func TestShot(t *testing.T) {
	frames, ctx := keys(t, 3), context.Background()
	now := time.Unix(100, 0)
	s := New(func() time.Time { return now })
	first, err := s.Shot(ctx, "x", frames[0])
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(first))
	if err != nil || img.Bounds().Dx() != 640 || img.Bounds().Dy() != 360 {
		t.Fatalf("%v, %v", img.Bounds(), err)
	}
	now = now.Add(4 * time.Second)
	if again, _ := s.Shot(ctx, "x", frames[1]); &again[0] != &first[0] {
		t.Error("made again within five seconds")
	}
	if other, _ := s.Shot(ctx, "y", frames[1]); bytes.Equal(other, first) {
		t.Error("another stream got the same picture")
	}
	now = now.Add(2 * time.Second)
	if newer, _ := s.Shot(ctx, "x", frames[2]); bytes.Equal(newer, first) {
		t.Error("not made again after five seconds")
	}
	if n := av.Live(); n != (av.Counts{}) {
		t.Errorf("libav still holds %+v", n)
	}
}

func TestShotOfNothing(t *testing.T) {
	frame, ctx := keys(t, 1)[0], context.Background()
	s := New(nil)
	if _, err := s.Shot(ctx, "x", nil); !errors.Is(err, ErrNoPicture) {
		t.Errorf("no key frame: %v", err)
	}
	broken := *frame
	broken.Data = []byte{0, 0, 0, 1, 0x65}
	for range 2 { // the second time from memory
		if _, err := s.Shot(ctx, "x", &broken); !errors.Is(err, av.ErrCorrupt) {
			t.Errorf("a broken key frame: %v", err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	s.sem <- struct{}{}
	s.sem <- struct{}{}
	if _, err := s.Shot(ended, "y", frame); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}
}

func TestManyAsk(t *testing.T) {
	frames := keys(t, 2)
	s := New(nil)
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			id := media.StreamID(fmt.Sprintf("s%d", i%4))
			if b, err := s.Shot(context.Background(), id, frames[i%2]); err != nil || len(b) == 0 {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	wait.Wait()
	if n := av.Live(); n != (av.Counts{}) {
		t.Errorf("libav still holds %+v", n)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := New(nil)
	for i := range 2 * maxKept {
		s.of(media.StreamID(fmt.Sprint(i)))
	}
	if len(s.kept) != maxKept {
		t.Errorf("%d streams are remembered", len(s.kept))
	}
	s.of("x")
	s.Forget("x")
	if len(s.kept) != maxKept-1 {
		t.Error("an ended stream is remembered")
	}
}

// BenchmarkShot asks what a picture costs that has to be made.
func BenchmarkShot(b *testing.B) {
	frame := keys(b, 1)[0]
	for b.Loop() {
		if _, err := shoot(frame); err != nil {
			b.Fatal(err)
		}
	}
}
