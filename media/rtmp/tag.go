package rtmp

import "fmt"

// PacketType is what a Tag carries. The values are our own: audio and video
// number theirs differently.
type PacketType uint8

// Packet types.
const (
	SequenceStart      PacketType = iota + 1 // Body is the decoder configuration
	CodedFrames                              // Body is one frame
	SequenceEnd                              // no more frames of this track; no Body
	MetadataPacket                           // Body is AMF0, for instance colour information
	MultichannelConfig                       // Body is the order of audio channels
	OtherPacket                              // something newer than this package
)

// Tag is one track's part of an audio or video message, classic (FLV E.4.2,
// E.4.3) or enhanced ("Enhanced Audio", "Enhanced Video").
type Tag struct {
	// FourCC is the codec; 0 for a classic codec that has none, whose number is
	// in Classic then.
	FourCC   FourCC
	Classic  uint8 // SoundFormat or CodecID of a classic message
	Enhanced bool  // the message had an enhanced header
	Packet   PacketType
	Key      bool   // video: the message says that it is a key frame
	CTS      int32  // video: presentation time less decoding time, in ms
	Nanos    uint32 // to be added to the message's time, in ns, below 1,000,000
	Track    uint8  // track id of a multitrack message, else 0
	Body     []byte // aliases the message
}

const (
	maxTracks  = 16 // tracks in one multitrack message
	maxModExes = 8  // ModEx packets in front of one message

	frameTypeKey     = 1
	frameTypeCommand = 5

	multitrackOne       = 0
	multitrackManyCodes = 2
)

// classicVideo and classicAudio give the FourCC of a classic codec number; 0 for
// those that Enhanced RTMP does not name.
func classicVideo(id uint8) FourCC {
	switch id {
	case 7:
		return FourCCAVC
	case 12: // never specified, but sent by many encoders
		return FourCCHEVC
	case 13: // likewise
		return FourCCAV1
	}
	return 0
}

func classicAudio(format uint8) FourCC {
	switch format {
	case 2, 14:
		return FourCCMP3
	case 10:
		return FourCCAAC
	}
	return 0
}

func tagCutOff() error { return fmt.Errorf("%w: media header is cut off", ErrProtocol) }

// AppendVideoTags appends what a video message holds to dst: one Tag, or one a
// track. Command frames hold nothing. It allocates nothing when dst has room.
func AppendVideoTags(dst []Tag, body []byte) ([]Tag, error) {
	if len(body) == 0 {
		return dst, nil
	}
	if body[0]&0x80 != 0 {
		return appendEnhanced(dst, body, true)
	}
	t := Tag{Classic: body[0] & 15, Key: body[0]>>4 == frameTypeKey, Packet: CodedFrames}
	if body[0]>>4 == frameTypeCommand {
		return dst, nil
	}
	t.FourCC = classicVideo(t.Classic)
	if t.FourCC == 0 {
		t.Body = body[1:]
		return append(dst, t), nil
	}
	if len(body) < 5 {
		if len(body) > 1 && body[1] == 2 {
			return append(dst, Tag{FourCC: t.FourCC, Classic: t.Classic, Packet: SequenceEnd}), nil
		}
		return dst, tagCutOff()
	}
	switch body[1] {
	case 0:
		t.Packet = SequenceStart
	case 1:
		t.CTS = int24(body[2:])
	case 2:
		t.Packet = SequenceEnd
	default:
		t.Packet = OtherPacket
	}
	t.Body = body[5:]
	return append(dst, t), nil
}

// AppendAudioTags does for an audio message what AppendVideoTags does for video.
func AppendAudioTags(dst []Tag, body []byte) ([]Tag, error) {
	if len(body) == 0 {
		return dst, nil
	}
	format := body[0] >> 4
	if format == 9 {
		return appendEnhanced(dst, body, false)
	}
	t := Tag{Classic: format, FourCC: classicAudio(format), Packet: CodedFrames, Body: body[1:]}
	if t.FourCC == FourCCAAC {
		if len(body) < 2 {
			return dst, tagCutOff()
		}
		switch body[1] {
		case 0:
			t.Packet = SequenceStart
		case 1:
		default:
			t.Packet = OtherPacket
		}
		t.Body = body[2:]
	}
	return append(dst, t), nil
}

func int24(b []byte) int32 { return int32(uint24(b)<<8) >> 8 }
