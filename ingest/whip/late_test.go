package whip_test

import (
	"testing"
	"time"

	wire "github.com/pion/webrtc/v4/pkg/media"

	"weir/media"
)

// A picture that begins long after the sound is taken in at its first key frame.
func TestLatePicture(t *testing.T) {
	r := newRig(t, nil)
	c := newCamera(r)
	c.connect("/whip", "x")
	stop, done := make(chan struct{}), make(chan struct{})
	sound := c.audio
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if sound.WriteSample(wire.Sample{Data: []byte{0xf8, 0xff, 0xfe}, Duration: 20 * time.Millisecond}) != nil {
				return
			}
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
	alone := r.Next(t)
	if tracks := alone.Tracks(); len(tracks) != 1 || tracks[0].Codec != media.Opus {
		t.Fatalf("tracks %+v", tracks)
	}
	alone.Wait(t, media.Audio, 60)
	c.audio = nil // it is sent already
	c.roll()
	both := r.Next(t)
	if tracks := both.Tracks(); len(tracks) != 2 || tracks[0].Codec != media.H264 || tracks[1].Codec != media.Opus {
		t.Fatalf("tracks %+v", tracks)
	}
	both.Wait(t, media.Audio, 50)
	if p := both.Wait(t, media.Video, 30); !p[0].Key {
		t.Error("the first picture is no key frame")
	}
}
