package whip

import (
	"testing"

	"weir/media/frames"
)

func TestSizes(t *testing.T) {
	vp8 := []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}
	if key, w, h := vp8Size(vp8); !key || w != 640 || h != 360 {
		t.Errorf("VP8: %v %dx%d", key, w, h)
	}
	vp9 := []byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x16, 0x70, 0x00}
	if key, w, h := vp9Size(vp9); !key || w != 640 || h != 360 {
		t.Errorf("VP9: %v %dx%d", key, w, h)
	}
	for _, short := range [][]byte{nil, {1}, vp8[:9], vp9[:9], make([]byte, 20)} {
		if key, _, _ := vp8Size(short); key {
			t.Errorf("VP8: % x is a key frame", short)
		}
		if key, _, _ := vp9Size(short); key {
			t.Errorf("VP9: % x is a key frame", short)
		}
	}
}

// FuzzLane: whatever a frame is, it makes a packet or an error.
func FuzzLane(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Fuzz(func(_ *testing.T, data []byte) {
		l := lane{codec: 1}
		_, _, _ = l.packet(frames.Frame{Data: data}, 0)
		_, _, _ = vp8Size(data)
		_, _, _ = vp9Size(data)
	})
}
