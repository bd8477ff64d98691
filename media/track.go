package media

import (
	"strconv"
	"strings"
)

// Kind says whether a track is seen or heard.
type Kind uint8

// The two kinds of track.
const (
	Video Kind = iota + 1
	Audio
)

func (k Kind) String() string {
	switch k {
	case Video:
		return "video"
	case Audio:
		return "audio"
	}
	return "unknown"
}

// Codec names a coding format.
type Codec uint8

// The formats that a track may have.
const (
	H264 Codec = iota + 1
	H265
	AV1
	VP9
	VP8
	AAC
	Opus
	MP3
	AC3
	EAC3
	FLAC
	MP2
	PCMU // G.711, the μ-law
	PCMA // G.711, the A-law
)

func (c Codec) String() string {
	names := [...]string{"unknown", "h264", "h265", "av1", "vp9", "vp8", "aac", "opus", "mp3", "ac3", "eac3", "flac", "mp2", "pcmu", "pcma"}
	if int(c) >= len(names) {
		return names[0]
	}
	return names[c]
}

// Kind tells whether c is seen or heard.
func (c Codec) Kind() Kind {
	if c >= AAC {
		return Audio
	}
	return Video
}

// Track describes how the packets that point to it are to be decoded. It is
// immutable: a source that changes its parameters goes on with a new Track, and
// whoever compares the pointer of two packets sees the change at the packet
// where it happens.
type Track struct {
	Kind  Kind
	Codec Codec

	// Config is the decoder configuration as ISO BMFF carries it:
	// AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1) for H.264,
	// HEVCDecoderConfigurationRecord for H.265, AV1CodecConfigurationRecord for
	// AV1, VPCodecConfigurationRecord for VP9, AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) for AAC, the OpusHead
	// fields as in dOps for Opus. Never changed after the Track is published.
	Config []byte

	Width, Height int      // coded size after cropping, in samples; video only
	FrameRate     Rational // nominal; zero when unknown; video only
	Reorder       bool     // decode order differs from presentation order (B-frames)

	SampleRate int // Hz; audio only
	Channels   int // audio only
	// Language that is spoken, as BCP 47 has it, such as "en"; "": not told. Audio only.
	Language string
	// Label is what the publisher calls the sound, for people to read; "": not told. It was
	// sanitised where it came in. Audio only.
	Label string
}

// StreamID names a stream inside one process: "NAME" is what the publisher
// sends, "NAME/RENDITION" is what the ladder made of it; see also Sound.
type StreamID string

// Name is the part of the ID before the slash.
func (id StreamID) Name() string {
	name, _, _ := strings.Cut(string(id), "/")
	return name
}

// MaxSounds is how many sounds of one publisher are taken.
const MaxSounds = 4

// AudioName is the name of the rendition with the sound, the first where there are several.
const AudioName = "audio"

// SoundName is the name of the rendition with sound i, counted from 0: AudioName, then
// "audio-2" and so on.
func SoundName(i int) string {
	if i == 0 {
		return AudioName
	}
	return AudioName + "-" + strconv.Itoa(i+1)
}

// OriginalSound is the name of the rendition with the publisher's own packets of sound i, where
// the one called SoundName has what was made of them: Opus.
func OriginalSound(i int) string { return OriginalName + "-" + SoundName(i) }

// SoundOf tells which sound the rendition of a name has, and whether it is its OriginalSound.
func SoundOf(name string) (i int, original bool) {
	name, original = strings.CutPrefix(name, OriginalName+"-")
	if n, err := strconv.Atoi(strings.TrimPrefix(name, AudioName+"-")); err == nil {
		return n - 1, original
	}
	return 0, original
}

// Sound names the stream with one sound of the publisher of id: its first, number 0, is
// beside the picture in id itself, each further one in "NAME/sound-2" and so on.
func (id StreamID) Sound(n int) StreamID {
	if n == 0 {
		return id
	}
	return id + "/sound-" + StreamID(strconv.Itoa(n+1))
}

// Rendition is one rung of a ladder: how a stream's picture is offered once more.
type Rendition struct {
	Name          string // "720p"; SourceName for the publisher's own
	Width, Height int    // samples, both even
	Bitrate       int    // bit/s that the encoder aims at; 0 for a pass-through
	FrameRate     Rational
	Encode        bool // false: the publisher's own packets
}

// SourceName is the name of the rendition that shows the publisher's own
// picture, passed through or, where it is not fit for that, re-encoded.
const SourceName = "source"

// OriginalName is the name of the rendition that has the publisher's own packets
// where SourceName has what was made of them: pictures in H.265, AV1 or VP9.
const OriginalName = "original"
