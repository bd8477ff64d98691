package rtsp

import (
	"bytes"
	"slices"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"weir/media"
)

// inLATM is a description of AAC in LATM, with so many more frames in an element.
func inLATM(more uint) *format.MPEG4AudioLATM {
	asc := &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 48000, ChannelConfig: 2, ChannelCount: 2}
	return &format.MPEG4AudioLATM{PayloadTyp: 97, StreamMuxConfig: &mpeg4audio.StreamMuxConfig{
		NumSubFrames: more,
		Programs:     []*mpeg4audio.StreamMuxConfigProgram{{Layers: []*mpeg4audio.StreamMuxConfigLayer{{AudioSpecificConfig: asc}}}},
	}}
}

func laneOf(t *testing.T, f format.Format) *lane {
	t.Helper()
	lanes, err := announced([]*description.Media{{Type: description.MediaTypeAudio, Formats: []format.Format{f}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return lanes[f]
}

// TestLATM: frames come as they were put in, whole or in pieces, and what lacks a piece
// costs itself only.
func TestLATM(t *testing.T) {
	frame := func(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n) }
	short, long, odd := frame(3, 7), frame(300, 8), frame(255, 9)
	one, two := slices.Concat([]byte{3}, short), slices.Concat([]byte{255, 45}, long)
	three := slices.Concat([]byte{255, 0}, odd)
	type packet struct {
		number  uint16
		last    bool
		payload []byte
	}
	for _, tt := range []struct {
		name    string
		more    uint // frames in an element beside the first
		packets []packet
		want    [][]byte
		bad     int // packets that are errors
	}{
		{"one each", 0, []packet{{1, true, one}, {2, true, two}, {3, true, three}}, [][]byte{short, long, odd}, 0},
		{"several", 2, []packet{{1, true, slices.Concat(one, two, three)}}, [][]byte{short, long, odd}, 0},
		{"in pieces, over the end of the numbers", 0, []packet{{65535, false, two[:100]}, {0, false, two[100:200]}, {1, true, two[200:]}, {2, true, one}}, [][]byte{long, short}, 0},
		{"a piece is missing", 0, []packet{{1, false, two[:100]}, {3, true, two[200:]}, {4, true, one}}, [][]byte{short}, 1},
		{"the last piece is missing", 0, []packet{{1, false, two[:200]}, {3, true, one}}, [][]byte{short}, 0},
		{"cut off", 0, []packet{{1, true, two[:1]}, {2, true, two[:50]}, {3, true, nil}, {4, true, one}}, [][]byte{short}, 3},
		{"a frame of nothing", 0, []packet{{1, true, []byte{0}}}, nil, 1},
		{"too much", 0, []packet{{1, true, slices.Concat(one, one)}}, nil, 1},
		{"without an end", 0, slices.Concat(
			slices.Collect(func(yield func(packet) bool) {
				for i := range uint16(65) {
					if !yield(packet{i, false, frame(1024, 255)}) {
						return
					}
				}
			}), []packet{{66, true, one}}), [][]byte{short}, 1},
	} {
		l := laneOf(t, inLATM(tt.more))
		var got [][]byte
		bad := 0
		for _, p := range tt.packets {
			list, err := l.unpack(&rtp.Packet{Header: rtp.Header{SequenceNumber: p.number, Marker: p.last}, Payload: p.payload})
			if err != nil {
				bad++
			}
			got = append(got, list...)
		}
		if !slices.EqualFunc(got, tt.want, bytes.Equal) || bad != tt.bad {
			t.Errorf("%s: %d frames, %d bad packets, want %d, %d", tt.name, len(got), bad, len(tt.want), tt.bad)
		}
	}
}

// TestLATMTrack: the description tells what there is; what it does not tell is refused.
func TestLATMTrack(t *testing.T) {
	l := laneOf(t, inLATM(0))
	if l.codec != media.AAC || l.track.SampleRate != 48000 || l.track.Channels != 2 || l.step != 1024 || l.clock.Rate != 48000 {
		t.Errorf("%+v, %+v", l, l.track)
	}
	layers := inLATM(0)
	layers.StreamMuxConfig.Programs[0].Layers = append(layers.StreamMuxConfig.Programs[0].Layers, &mpeg4audio.StreamMuxConfigLayer{})
	fixed := inLATM(0)
	fixed.StreamMuxConfig.Programs[0].Layers[0].FrameLengthType = 1
	for name, f := range map[string]format.Format{"in band": &format.MPEG4AudioLATM{PayloadTyp: 97, CPresent: true}, "two layers": layers, "no lengths": fixed} {
		if newLane(f) != nil {
			t.Errorf("%s is taken", name)
		}
	}
}
