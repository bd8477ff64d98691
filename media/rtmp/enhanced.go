package rtmp

// Packet types on the wire of Enhanced RTMP v2.
const (
	exSequenceStart = 0
	exCodedFrames   = 1
	exSequenceEnd   = 2
	exCodedFramesX  = 3 // video: no composition time follows
	exMetadata      = 4 // video; in audio: MultichannelConfig
	exMultitrack    = 6 // video; in audio it is 5
	exAudioMulti    = 5
	exModEx         = 7
)

// exReader reads an enhanced header ("ExVideoTagHeader", "ExAudioTagHeader").
type exReader struct {
	b     []byte
	video bool
	tag   Tag  // what all tracks of the message share
	wire  byte // packet type on the wire
}

// appendEnhanced appends the Tags of an enhanced message.
func appendEnhanced(dst []Tag, body []byte, video bool) ([]Tag, error) {
	r := exReader{b: body[1:], video: video, wire: body[0] & 15}
	r.tag.Enhanced = true
	frameType := body[0] >> 4 & 7
	r.tag.Key = video && frameType == frameTypeKey
	if err := r.modExes(); err != nil {
		return dst, err
	}
	if video && frameType == frameTypeCommand && r.wire != exMetadata {
		return dst, nil // a seek marker for players
	}
	if r.wire == exMultitrack && video || r.wire == exAudioMulti && !video {
		return r.multitrack(dst)
	}
	if err := r.fourCC(); err != nil {
		return dst, err
	}
	t, err := r.body(r.b)
	if err != nil {
		return dst, err
	}
	return append(dst, t), nil
}

func (r *exReader) byte() (byte, error) {
	if len(r.b) == 0 {
		return 0, tagCutOff()
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b, nil
}

func (r *exReader) bytes(n int) ([]byte, error) {
	if len(r.b) < n {
		return nil, tagCutOff()
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, nil
}

func (r *exReader) fourCC() error {
	b, err := r.bytes(4)
	if err != nil {
		return err
	}
	r.tag.FourCC = FourCC(b[0])<<24 | FourCC(uint24(b[1:]))
	return nil
}

// modExes reads the modifiers in front of the real packet type; the only one
// that is known moves the time by nanoseconds.
func (r *exReader) modExes() error {
	for range maxModExes {
		if r.wire != exModEx {
			return nil
		}
		n, err := r.byte()
		if err != nil {
			return err
		}
		size := int(n) + 1
		if size == 256 {
			b, err := r.bytes(2)
			if err != nil {
				return err
			}
			size = (int(b[0])<<8 | int(b[1])) + 1
		}
		data, err := r.bytes(size)
		if err != nil {
			return err
		}
		types, err := r.byte()
		if err != nil {
			return err
		}
		r.wire = types & 15
		if types>>4 == 0 && size >= 3 {
			r.tag.Nanos = min(uint24(data), 999_999)
		}
	}
	return tagCutOff()
}

// multitrack reads the tracks of a message. A size follows each track id unless
// there is one track only; a codec does if they differ.
func (r *exReader) multitrack(dst []Tag) ([]Tag, error) {
	types, err := r.byte()
	if err != nil {
		return dst, err
	}
	kind := types >> 4
	r.wire = types & 15
	if kind != multitrackManyCodes {
		if err := r.fourCC(); err != nil {
			return dst, err
		}
	}
	for n := 0; len(r.b) > 0 && n < maxTracks; n++ {
		if kind == multitrackManyCodes {
			if err := r.fourCC(); err != nil {
				return dst, err
			}
		}
		if r.tag.Track, err = r.byte(); err != nil {
			return dst, err
		}
		size := len(r.b)
		if kind != multitrackOne {
			b, err := r.bytes(3)
			if err != nil {
				return dst, err
			}
			size = int(uint24(b))
		}
		b, err := r.bytes(size)
		if err != nil {
			return dst, err
		}
		t, err := r.body(b)
		if err != nil {
			return dst, err
		}
		dst = append(dst, t)
	}
	return dst, nil
}

// body makes the Tag of one track. H.264 and H.265 have a composition time in
// front of their frames.
func (r *exReader) body(b []byte) (Tag, error) {
	t := r.tag
	t.Packet = r.packetType()
	if r.video && r.wire == exCodedFrames && (t.FourCC == FourCCAVC || t.FourCC == FourCCHEVC) {
		if len(b) < 3 {
			return t, tagCutOff()
		}
		t.CTS, b = int24(b), b[3:]
	}
	if t.Packet != SequenceEnd {
		t.Body = b
	}
	return t, nil
}

func (r *exReader) packetType() PacketType {
	switch {
	case r.wire == exSequenceStart:
		return SequenceStart
	case r.wire == exCodedFrames, r.wire == exCodedFramesX && r.video:
		return CodedFrames
	case r.wire == exSequenceEnd:
		return SequenceEnd
	case r.wire == exMetadata && r.video:
		return MetadataPacket
	case r.wire == exMetadata:
		return MultichannelConfig
	}
	return OtherPacket
}

// appendTagHeader appends the header of a message with one Tag, without the
// Body: classic for H.264 and AAC, which every server knows, else enhanced.
func appendTagHeader(b []byte, t Tag, video bool) []byte {
	if video {
		return appendVideoHeader(b, t)
	}
	if t.FourCC == FourCCAAC && !t.Enhanced {
		if t.Packet == SequenceStart {
			return append(b, 0xaf, 0) // FLV E.4.2.1: AAC always says 44 kHz stereo
		}
		return append(b, 0xaf, 1)
	}
	return appendFourCC(append(b, 9<<4|wirePacket(t)), t.FourCC)
}

func appendVideoHeader(b []byte, t Tag) []byte {
	frame := byte(2)
	if t.Key {
		frame = frameTypeKey
	}
	if t.FourCC == FourCCAVC && !t.Enhanced {
		b = append(b, frame<<4|7, wirePacket(t))
		return appendUint24(b, uint32(t.CTS))
	}
	wire := wirePacket(t)
	if wire == exCodedFrames && t.CTS == 0 {
		wire = exCodedFramesX
	}
	b = appendFourCC(append(b, 0x80|frame<<4|wire), t.FourCC)
	if wire == exCodedFrames && (t.FourCC == FourCCAVC || t.FourCC == FourCCHEVC) {
		b = appendUint24(b, uint32(t.CTS))
	}
	return b
}

// wirePacket is the number of a packet type, the same in classic AVC and in both
// enhanced headers as far as we write them.
func wirePacket(t Tag) byte {
	switch t.Packet {
	case SequenceStart:
		return exSequenceStart
	case SequenceEnd:
		return exSequenceEnd
	}
	return exCodedFrames
}

func appendFourCC(b []byte, f FourCC) []byte {
	return append(b, byte(f>>24), byte(f>>16), byte(f>>8), byte(f))
}
