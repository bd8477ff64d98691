package transcode

import (
	"weir/media"
	"weir/media/codec"
)

// NeedsAudio tells whether a track's sound is to be made anew for viewers: all
// but AAC-LC in stereo at 48 kHz is. It is false for nil and for pictures.
func NeedsAudio(t *media.Track) bool {
	if t == nil || t.Kind != media.Audio {
		return false
	}
	if t.Codec != media.AAC {
		return true
	}
	a, err := codec.ParseASC(t.Config)
	return err != nil || a.ObjectType != 2 || a.SBR || a.PS || a.SampleRate != 48000 || a.Channels != 2
}

// NeedsVideo tells whether a track's picture cannot be passed to viewers as it
// is: all but H.264 with 4:2:0 samples of 8 bits. It is false for nil and for
// sound.
func NeedsVideo(t *media.Track) bool {
	if t == nil || t.Kind != media.Video {
		return false
	}
	if t.Codec != media.H264 {
		return true
	}
	a, err := codec.ParseAVCC(t.Config)
	if err != nil || len(a.SPS) == 0 {
		return true
	}
	s, err := codec.ParseSPS(a.SPS[0])
	return err != nil || s.ChromaFormat != 1 || s.BitDepth != 8 || s.ChromaDepth != 8
}

// Passes tells whether a track, which NeedsVideo or NeedsAudio, can go to viewers as it came
// too, beside what is made of it: H.265, AV1 and VP9 of a known size with 4:2:0 samples
// of 8 or 10 bits, and Opus.
func Passes(t *media.Track) bool {
	if t == nil || t.Kind == media.Video && (t.Width <= 0 || t.Height <= 0) {
		return false
	}
	switch t.Codec {
	case media.H265:
		h, err := codec.ParseHVCC(t.Config)
		return err == nil && len(h.SPS) > 0 && len(h.PPS) > 0 && h.ChromaFormat == 1 && h.BitDepth <= 10
	case media.AV1:
		a, err := codec.ParseAV1C(t.Config)
		return err == nil && a.Profile == 0 && !a.Monochrome
	case media.VP9:
		v, err := codec.ParseVPCC(t.Config)
		return err == nil && v.Profile&1 == 0 && v.BitDepth <= 10
	case media.Opus:
		_, err := codec.ParseDOps(t.Config)
		return err == nil
	}
	return false
}
