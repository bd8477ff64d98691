package rtmp

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"weir/ingest"
	"weir/media"
	wire "weir/media/rtmp"
)

// FuzzFLVMap: any messages give well-formed packets or an error. Input: type,
// 32-bit time, 16-bit length and body of each message.
func FuzzFLVMap(f *testing.F) {
	f.Add([]byte{9, 0, 0, 0, 0, 0, 2, 0x17, 2})
	for _, messages := range [][]string{
		{"\x90vp09\x00\x15\x82\x02\x02\x02\x00\x00", "\x93vp09\x82\x49\x83\x42\x00\x27\xf0\x16\x76\x04"},
		{"\x90av01\x81\x00\x0c\x00", "\x93av01\x12\x00\x0a\x0b\x00\x00\x00\x0c\xc4\xff\x67\x36\xbe\x40\x10\x32\x04\x10\x00\x00\x00"},
		{"\x90hvc1" + h265Config, "\x93hvc1\x00\x00\x00\x03\x26\x01\xaf"},
	} {
		var in []byte
		for _, m := range messages {
			in = append(binary.BigEndian.AppendUint16(append(in, 9, 0, 0, 0, 0), uint16(len(m))), m...)
		}
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := &fakeSession{}
		m := newMapper(s, time.Now)
		for len(in) >= 7 {
			n := min(int(binary.BigEndian.Uint16(in[5:])), len(in)-7)
			msg := wire.Message{Type: wire.MessageType(in[0]), Timestamp: binary.BigEndian.Uint32(in[1:]), Body: in[7 : 7+n]}
			in = in[7+n:]
			if err := m.message(msg); err != nil {
				var e *ingest.StreamError
				if !errors.As(err, &e) {
					t.Fatal(err)
				}
				break
			}
		}
		if err := m.out.Finish(); err != nil {
			t.Fatal(err)
		}
		tracks, packets := s.got()
		if len(packets) > 0 && (s.starts == 0 || len(tracks) == 0) || s.starts > 2 {
			t.Fatalf("%d packets after %d starts with %d tracks", len(packets), s.starts, len(tracks))
		}
		for _, p := range packets {
			if p.Track == nil || len(p.Data) == 0 || p.Kind() == media.Audio && !p.Key || p.Wall.IsZero() {
				t.Fatalf("packet %+v", p)
			}
		}
	})
}
