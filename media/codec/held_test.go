package codec

import (
	"encoding/binary"
	"errors"
	"testing"

	"weir/media"
)

// TestReferencePicturesAreBudgeted holds the most that levels allow, and one more.
func TestReferencePicturesAreBudgeted(t *testing.T) {
	for _, c := range []struct {
		name                string
		width, height, refs uint32
		ok                  bool
	}{
		{"1080p, as many as there can be", 1920, 1088, 16, true},
		{"2160p, level 5.1", 3840, 2160, 5, true},
		{"2160p, more than any level", 3840, 2160, 16, false},
		{"4320p, level 6", 7680, 4320, 5, true},
		{"4320p, more than any level", 7680, 4320, 16, false},
		{"nonsense", 1920, 1088, 1<<32 - 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			sps := h264SPS(c.width, c.height, c.refs)
			_, parsed := ParseSPS(sps)
			second := append([][]byte{h264SPS(1280, 720, 1)}, sps)
			_, config := ParseAVCC(BuildAVCC(second, [][]byte{{0x68, 1}}))
			au := append(binary.BigEndian.AppendUint32(nil, uint32(len(sps))), sps...)
			low, high := h265SPS(c.width, c.height, c.refs-1), append([]byte(nil), au...)
			high = append(binary.BigEndian.AppendUint32(high[:0], uint32(len(low))), low...)
			for at, err := range map[string]error{
				"sps": parsed, "second sps of a record": config, "h264 in band": CheckInBand(media.H264, au), "h265 in band": CheckInBand(media.H265, high),
			} {
				if errors.Is(err, ErrTooLarge) == c.ok {
					t.Errorf("%s: %v", at, err)
				}
			}
		})
	}
}

func h264SPS(width, height, refs uint32) []byte {
	w := &bitWriter{data: []byte{0x67, 77, 0, 52}}
	for _, v := range []uint32{0, 0, 2, refs} { // id, frame number bits, order count type
		ue(w, v)
	}
	w.u(0, 1)
	ue(w, width/16-1)
	ue(w, height/16-1)
	w.u(0b11001, 5) // frames only, direct 8x8, no cropping, no VUI, stop
	w.u(0, 7)
	return escaped(w.data)
}

func h265SPS(width, height, kept uint32) []byte {
	w := &bitWriter{data: []byte{hevcSPS << 1, 1}}
	w.u(1, 8) // VPS 0, one sub-layer, nested
	for range 12 {
		w.u(0xff, 8)
	}
	for _, v := range []uint32{0, 1, width, height} {
		ue(w, v)
	}
	w.u(0, 1)
	for _, v := range []uint32{0, 0, 4} {
		ue(w, v)
	}
	w.u(1, 1)
	for _, v := range []uint32{kept, 0, 0} {
		ue(w, v)
	}
	w.u(0x80, 8)
	return escaped(w.data)
}

// escaped puts emulation prevention bytes in (14496-10 7.4.1).
func escaped(nal []byte) (out []byte) {
	zeros := 0
	for _, b := range nal {
		if zeros >= 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		if out = append(out, b); b == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}
