package frames

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// packets are n frames of VP8 of three packets each, numbered across the wrap.
func packets(n int) []*rtp.Packet {
	var out []*rtp.Packet
	seq := uint16(65500)
	for i := range n {
		for part := range 3 {
			start := byte(0)
			if part == 0 {
				start = 0x10
			}
			out = append(out, &rtp.Packet{
				Header:  rtp.Header{SequenceNumber: seq, Timestamp: uint32(i) * 3000, Marker: part == 2},
				Payload: []byte{start, byte(i), byte(part)},
			})
			seq++
		}
	}
	return out
}

func TestFrames(t *testing.T) {
	start := time.Unix(1000, 0)
	ordered := packets(200)
	shuffled := slices.Clone(ordered)
	r := rand.New(rand.NewPCG(1, 2))
	for i := 3; i < len(shuffled); i += 5 { // the first stays the first
		r.Shuffle(min(5, len(shuffled)-i), func(a, b int) { shuffled[i+a], shuffled[i+b] = shuffled[i+b], shuffled[i+a] })
	}
	twice := slices.Concat(ordered[:90], ordered[60:])
	for name, c := range map[string]struct {
		in     []*rtp.Packet
		want   int
		broken int // frames that are missing
	}{
		"in order":      {ordered, 200, 0},
		"out of order":  {shuffled, 200, 0},
		"some twice":    {twice, 200, 0},
		"one lost":      {slices.Delete(slices.Clone(ordered), 31, 32), 199, 1},
		"a start lost":  {slices.Delete(slices.Clone(ordered), 30, 31), 199, 1},
		"an end lost":   {slices.Delete(slices.Clone(ordered), 32, 33), 199, 1},
		"frames lost":   {slices.Delete(slices.Clone(ordered), 30, 60), 190, 10},
		"a great hole":  {slices.Concat(ordered[:3], jump(ordered[3:], 20_000)), 200, 0},
		"the other way": {slices.Concat(ordered[:3], jump(ordered[3:], 40_000)), 179, 21}, // 63 packets
	} {
		t.Run(name, func(t *testing.T) {
			f := Assembler{Fresh: func() rtp.Depacketizer { return &codecs.VP8Packet{} }}
			var got []Frame
			for i, p := range c.in {
				f.Push(p, start.Add(time.Duration(i)*11*time.Millisecond), func(x Frame) { got = append(got, x) })
			}
			if len(got) != c.want {
				t.Fatalf("%d frames, want %d", len(got), c.want)
			}
			lost := 0
			for i, x := range got {
				if n := byte(x.At / 3000); !slices.Equal(x.Data, []byte{n, 0, n, 1, n, 2}) {
					t.Fatalf("frame %d is %v", i, x.Data)
				}
				if x.Lost {
					lost++
				}
			}
			if c.broken > 0 && c.want > 1 && lost != 1 {
				t.Errorf("%d frames tell of a loss, want one", lost)
			}
		})
	}
}

// jump numbers packets so many later.
func jump(list []*rtp.Packet, by uint16) []*rtp.Packet {
	var out []*rtp.Packet
	for _, p := range list {
		q := *p
		q.SequenceNumber += by
		out = append(out, &q)
	}
	return out
}

func h264() rtp.Depacketizer { return &codecs.H264Packet{IsAVC: true} }

// counted is a depacketizer of H.264 that tells how much it was given in all.
type counted struct {
	rtp.Depacketizer
	most *int
	has  int
}

func (c *counted) Unmarshal(payload []byte) ([]byte, error) {
	c.has += len(payload)
	*c.most = max(*c.most, c.has)
	return c.Depacketizer.Unmarshal(payload)
}

// A NAL unit whose end never comes is given up, also when every piece is of another
// time, and what comes after it is whole.
func TestEndlessUnit(t *testing.T) {
	for name, step := range map[string]uint32{"at one time": 0, "each at its own": 3000} {
		t.Run(name, func(t *testing.T) {
			most, seq := 0, uint16(0)
			f := Assembler{Fresh: func() rtp.Depacketizer { return &counted{Depacketizer: h264(), most: &most} }}
			var got []Frame
			push := func(at uint32, marker bool, payload []byte) {
				f.Push(&rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: at, Marker: marker}, Payload: payload},
					time.Unix(1000, 0), func(x Frame) { got = append(got, x) })
				seq++
			}
			piece := make([]byte, 60_000)
			piece[0], piece[1] = 0x7c, 0x85
			push(1, false, piece)
			piece[1] = 0x05
			for i := range uint32(300) {
				push(1+i*step, false, piece)
			}
			if most > maxFrame {
				t.Errorf("%d bytes were kept", most)
			}
			push(2_000_000, false, []byte{0x7c, 0x85, 1})
			push(2_000_000, true, []byte{0x7c, 0x45, 2})
			if len(got) != 1 || !slices.Equal(got[0].Data, []byte{0, 0, 0, 3, 0x65, 1, 2}) || !got[0].Lost {
				t.Errorf("%d frames came", len(got))
			}
		})
	}
}

// FuzzFrames: whatever comes, in whatever order, frames are bounded.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, fresh := range []func() rtp.Depacketizer{
			h264, func() rtp.Depacketizer { return &codecs.H265Depacketizer{} }, func() rtp.Depacketizer { return &codecs.VP8Packet{} },
			func() rtp.Depacketizer { return &codecs.VP9Packet{} }, func() rtp.Depacketizer { return &codecs.OpusPacket{} },
		} {
			x, given := Assembler{Fresh: fresh}, len(data)
			now, data := time.Unix(1000, 0), data
			for len(data) > 4 {
				n := min(int(data[3]), len(data)-4)
				now = now.Add(time.Duration(data[0]) * time.Millisecond)
				x.Push(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(data[0]) << (data[1] & 8), Timestamp: uint32(data[1]), Marker: data[2]&1 != 0}, Payload: data[4 : 4+n]},
					now, func(y Frame) {
						if len(y.Data) > 4*given+16 {
							t.Errorf("%d bytes of %d", len(y.Data), given)
						}
					})
				data = data[4+n:]
			}
		}
	})
}
