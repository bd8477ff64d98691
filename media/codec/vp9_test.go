package codec

import (
	"bytes"
	"errors"
	"testing"

	"weir/media"
)

// Heads of key frames that libvpx made: of profile 0, of profile 1 with 4:4:4 samples, and
// of profile 2 with 10 bits.
const (
	vp9Key    = "824983420027f0167604"
	vp9Key444 = "a24983420004fe02cec0"
	vp9Key10  = "924983420009f8059b02"
)

func TestVP9(t *testing.T) {
	for _, c := range []struct {
		name, hex, record, codecs string
		w, h, depth               int
	}{
		{"profile 0", vp9Key, "0015820202020000", "vp09.00.21.08", 640, 360, 8},
		{"profile 1", vp9Key444, "0115860202020000", "vp09.01.21.08", 640, 360, 8},
		{"profile 2", vp9Key10, "020ba20202020000", "vp09.02.11.10", 320, 180, 10},
	} {
		frame := unhex(t, c.hex)
		info, key, err := ParseVP9(frame)
		if err != nil || !key || info.Width != c.w || info.Height != c.h || info.BitDepth != c.depth {
			t.Errorf("%s: %+v, %v, %v", c.name, info, key, err)
		}
		config := BuildVPCC(info)
		if !bytes.Equal(config, unhex(t, c.record)) {
			t.Errorf("%s: record %x", c.name, config)
		}
		again, err := ParseVPCC(config)
		again.Width, again.Height = info.Width, info.Height
		if err != nil || again != info {
			t.Errorf("%s: %+v read back, %v", c.name, again, err)
		}
		boxed, err := ParseVPCC(append([]byte{1, 0, 0, 0}, config...))
		if err != nil || boxed.Level != info.Level || boxed.BitDepth != info.BitDepth {
			t.Errorf("%s: %+v of a full box, %v", c.name, boxed, err)
		}
		if s := Codecs(&media.Track{Codec: media.VP9, Config: config}); s != c.codecs {
			t.Errorf("%s: %s", c.name, s)
		}
		for n := range len(frame) - 1 {
			if _, key, _ := ParseVP9(frame[:n]); key {
				t.Errorf("%s: %d bytes are a key frame", c.name, n)
			}
		}
		if _, err := ParseVPCC(config[:7]); !errors.Is(err, ErrTruncated) {
			t.Errorf("%s: a short record: %v", c.name, err)
		}
	}
	for name, frame := range map[string][]byte{"inter frame": {0x86, 0, 0}, "shown again": {0x88}} {
		if info, key, err := ParseVP9(frame); key || err != nil || info != (VP9Info{}) {
			t.Errorf("%s: %+v, %v, %v", name, info, key, err)
		}
	}
	for name, bad := range map[string]string{"no frame": "00", "other sync code": "824983430027f0167000", "RGB in profile 0": "82498342e027f0167000"} {
		if _, key, err := ParseVP9(unhex(t, bad)); key || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, %v", name, key, err)
		}
	}
}

func FuzzVP9(f *testing.F) {
	f.Add(unhex(f, vp9Key))
	f.Add(unhex(f, vp9Key10))
	f.Fuzz(func(t *testing.T, data []byte) {
		info, key, err := ParseVP9(data)
		if key && (err != nil || info.Width <= 0 || info.Width > maxSide || info.Height <= 0 || info.Height > maxSide) {
			t.Errorf("%+v, %v", info, err)
		}
		if !key {
			return
		}
		if _, err := ParseVPCC(BuildVPCC(info)); err != nil {
			t.Errorf("%+v: %v", info, err)
		}
	})
}
