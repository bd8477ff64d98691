package whep

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pion/rtp/codecs"

	"weir/media"
	"weir/media/mediatest"
)

// FuzzPicture: whatever a publisher sends as an access unit, payloads have bounds and,
// put together again, are its NAL units.
func FuzzPicture(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 0x65, 1}, true)
	f.Add([]byte{0, 0, 0, 1, 0x09, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, false)
	f.Add(append([]byte{0, 0, 16, 0, 0x41}, make([]byte, 4095)...), false)
	track := (&mediatest.Source{}).Tracks()[0]
	f.Fuzz(func(t *testing.T, data []byte, key bool) {
		var s sets
		var h codecs.H264Packet
		h.IsAVC = true
		var got []byte
		payloads := s.picture(&media.Packet{Track: track, Data: data, Key: key})
		for _, p := range payloads {
			if len(p) == 0 || len(p) > maxPayload {
				t.Fatalf("payload of %d bytes", len(p))
			}
			if kind := p[0] & 0x1f; kind >= rtpSTAPA && kind != rtpFUA {
				continue // a NAL unit of a type that RTP uses itself, or the parameter sets
			}
			out, err := h.Unmarshal(p)
			if err != nil {
				continue
			}
			got = append(got, out...)
		}
		if bytes.Contains(data, []byte{0, 0, 0, 1}) || key || len(data) < 5 {
			return
		}
		if n := binary.BigEndian.Uint32(data); int(n) == len(data)-4 && data[4]&0x1f < nalSPS && data[4]&0x1f > 0 && !bytes.Equal(got, data) {
			t.Errorf("%d bytes came out of %d", len(got), len(data))
		}
	})
}
