package rtmp

import (
	"errors"
	"fmt"
	"testing"
)

func TestTags(t *testing.T) {
	hvc1, opus := []byte("hvc1"), []byte("Opus")
	tests := []struct {
		name  string
		video bool
		in    []byte
		want  []Tag
		err   error
	}{
		{"avc header", true, []byte{0x17, 0, 0, 0, 0, 1, 2}, []Tag{{FourCC: FourCCAVC, Classic: 7, Packet: SequenceStart, Key: true, Body: []byte{1, 2}}}, nil},
		{"avc with composition time", true, []byte{0x27, 1, 0, 0, 66, 9}, []Tag{{FourCC: FourCCAVC, Classic: 7, Packet: CodedFrames, CTS: 66, Body: []byte{9}}}, nil},
		{"avc with a negative one", true, []byte{0x27, 1, 0xff, 0xff, 0xfe, 9}, []Tag{{FourCC: FourCCAVC, Classic: 7, Packet: CodedFrames, CTS: -2, Body: []byte{9}}}, nil},
		{"avc end", true, []byte{0x17, 2}, []Tag{{FourCC: FourCCAVC, Classic: 7, Packet: SequenceEnd}}, nil},
		{"avc cut off", true, []byte{0x17, 1, 0}, nil, ErrProtocol},
		{"command frame", true, []byte{0x57, 0}, nil, nil},
		{"sorenson", true, []byte{0x12, 5}, []Tag{{Classic: 2, Packet: CodedFrames, Key: true, Body: []byte{5}}}, nil},
		{"empty", true, nil, nil, nil},
		{"empty audio", false, nil, nil, nil},
		{"aac header", false, []byte{0xaf, 0, 0x11, 0x90}, []Tag{{FourCC: FourCCAAC, Classic: 10, Packet: SequenceStart, Body: []byte{0x11, 0x90}}}, nil},
		{"aac frame", false, []byte{0xaf, 1, 7}, []Tag{{FourCC: FourCCAAC, Classic: 10, Packet: CodedFrames, Body: []byte{7}}}, nil},
		{"aac cut off", false, []byte{0xaf}, nil, ErrProtocol},
		{"mp3", false, []byte{0x2f, 1}, []Tag{{FourCC: FourCCMP3, Classic: 2, Packet: CodedFrames, Body: []byte{1}}}, nil},
		{"hevc header", true, cat([]byte{0x90}, hvc1, []byte{1}), []Tag{{FourCC: FourCCHEVC, Enhanced: true, Packet: SequenceStart, Key: true, Body: []byte{1}}}, nil},
		{"hevc frame", true, cat([]byte{0xa1}, hvc1, []byte{0, 0, 5, 1}), []Tag{{FourCC: FourCCHEVC, Enhanced: true, Packet: CodedFrames, CTS: 5, Body: []byte{1}}}, nil},
		{"hevc frame x", true, cat([]byte{0xa3}, hvc1, []byte{1}), []Tag{{FourCC: FourCCHEVC, Enhanced: true, Packet: CodedFrames, Body: []byte{1}}}, nil},
		{"av1 frame", true, cat([]byte{0xa1}, []byte("av01"), []byte{1}), []Tag{{FourCC: FourCCAV1, Enhanced: true, Packet: CodedFrames, Body: []byte{1}}}, nil},
		{"metadata", true, cat([]byte{0xd4}, hvc1, []byte{2}), []Tag{{FourCC: FourCCHEVC, Enhanced: true, Packet: MetadataPacket, Body: []byte{2}}}, nil},
		{"seek command", true, []byte{0xd1, 0}, nil, nil},
		{"end", true, cat([]byte{0xa2}, hvc1), []Tag{{FourCC: FourCCHEVC, Enhanced: true, Packet: SequenceEnd}}, nil},
		{"newer packet", true, cat([]byte{0xaf - 1}, hvc1), []Tag{{FourCC: FourCCHEVC, Enhanced: true, Packet: OtherPacket, Body: []byte{}}}, nil},
		{"opus header", false, cat([]byte{0x90}, opus, []byte{3}), []Tag{{FourCC: FourCCOpus, Enhanced: true, Packet: SequenceStart, Body: []byte{3}}}, nil},
		{"channels", false, cat([]byte{0x94}, opus, []byte{3}), []Tag{{FourCC: FourCCOpus, Enhanced: true, Packet: MultichannelConfig, Body: []byte{3}}}, nil},
		{"nanoseconds", true, cat([]byte{0xa7, 2, 0, 1, 0, 0x03}, hvc1, []byte{1}), []Tag{{FourCC: FourCCHEVC, Enhanced: true, Packet: CodedFrames, Nanos: 256, Body: []byte{1}}}, nil},
		{"long modifier", true, cat([]byte{0xa7, 255, 0, 255}, make([]byte, 256), []byte{0x13}, hvc1), []Tag{{FourCC: FourCCHEVC, Enhanced: true, Packet: CodedFrames, Body: []byte{}}}, nil},
		{"endless modifiers", true, append([]byte{0xa7}, make7(50)...), nil, ErrProtocol},
		{"fourcc cut off", true, []byte{0x90, 'h', 'v'}, nil, ErrProtocol},
		{"one track", true, cat([]byte{0x96, 0x03}, hvc1, []byte{4, 8, 9}), []Tag{{FourCC: FourCCHEVC, Enhanced: true, Packet: CodedFrames, Key: true, Track: 4, Body: []byte{8, 9}}}, nil},
		{"two tracks", false, cat([]byte{0x95, 0x11}, opus, []byte{0, 0, 0, 1, 8, 1, 0, 0, 2, 6, 7}), []Tag{
			{FourCC: FourCCOpus, Enhanced: true, Packet: CodedFrames, Body: []byte{8}},
			{FourCC: FourCCOpus, Enhanced: true, Packet: CodedFrames, Track: 1, Body: []byte{6, 7}},
		}, nil},
		{"two codecs", true, cat([]byte{0x96, 0x21}, hvc1, []byte{0, 0, 0, 4, 0, 0, 3, 1}, []byte("av01"), []byte{1, 0, 0, 1, 2}), []Tag{
			{FourCC: FourCCHEVC, Enhanced: true, Packet: CodedFrames, Key: true, CTS: 3, Body: []byte{1}},
			{FourCC: FourCCAV1, Enhanced: true, Packet: CodedFrames, Key: true, Track: 1, Body: []byte{2}},
		}, nil},
		{"track cut off", false, cat([]byte{0x95, 0x11}, opus, []byte{0, 0, 0, 9, 8}), nil, ErrProtocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parse := AppendAudioTags
			if tt.video {
				parse = AppendVideoTags
			}
			got, err := parse(nil, tt.in)
			if !errors.Is(err, tt.err) || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tt.want) {
				t.Errorf("got  %+v %v\nwant %+v %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// make7 is n modifiers that announce another.
func make7(n int) (b []byte) {
	for range n {
		b = append(b, 0, 0, 0x17)
	}
	return b
}

func TestManyTracksAreBounded(t *testing.T) {
	in := cat([]byte{0x95, 0x11}, []byte("Opus"), make([]byte, 4000))
	got, err := AppendAudioTags(nil, in)
	if err != nil || len(got) != maxTracks {
		t.Errorf("%d tracks, %v", len(got), err)
	}
}

func TestTagHeadersRoundTrip(t *testing.T) {
	for _, video := range []bool{true, false} {
		codecs := []FourCC{FourCCAAC, FourCCOpus}
		if video {
			codecs = []FourCC{FourCCAVC, FourCCHEVC, FourCCAV1}
		}
		for _, f := range codecs {
			for _, p := range []PacketType{SequenceStart, CodedFrames} {
				for _, enhanced := range []bool{true, false} {
					in := Tag{FourCC: f, Packet: p, Enhanced: enhanced, Key: video, Body: []byte{1, 2}}
					if video && p == CodedFrames && f != FourCCAV1 {
						in.CTS = -40
					}
					parse := AppendAudioTags
					if video {
						parse = AppendVideoTags
					}
					got, err := parse(nil, append(appendTagHeader(nil, in, video), in.Body...))
					if err != nil || len(got) != 1 {
						t.Fatal(got, err)
					}
					g := got[0]
					if g.FourCC != f || g.Packet != p || g.CTS != in.CTS || g.Key != in.Key || string(g.Body) != "\x01\x02" {
						t.Errorf("%v: got %+v, want %+v", f, g, in)
					}
				}
			}
		}
	}
}
