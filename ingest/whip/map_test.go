package whip

import (
	"testing"

	"weir/media"
	"weir/media/frames"
)

func TestSizes(t *testing.T) {
	vp8 := []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}
	if key, w, h := vp8Size(vp8); !key || w != 640 || h != 360 {
		t.Errorf("VP8: %v %dx%d", key, w, h)
	}
	for _, short := range [][]byte{nil, {1}, vp8[:9], make([]byte, 20)} {
		if key, _, _ := vp8Size(short); key {
			t.Errorf("VP8: % x is a key frame", short)
		}
	}
}

// FuzzLane: whatever a frame is, it makes a packet or an error.
func FuzzLane(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Fuzz(func(_ *testing.T, data []byte) {
		for _, c := range []media.Codec{media.H264, media.H265, media.AV1, media.VP8, media.VP9} {
			l := lane{codec: c}
			_, _, _ = l.packet(frames.Frame{Data: data}, 0)
		}
	})
}
