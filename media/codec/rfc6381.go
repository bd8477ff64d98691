package codec

import (
	"fmt"
	"math/bits"
	"strings"

	"weir/media"
)

// Codecs is the value that a track has in the CODECS attribute of HLS, in
// @codecs of DASH and in a MIME type (RFC 6381 and the registrations of the
// formats). What the track's Config does not tell is filled with the least that
// a decoder for its size must have. It is empty for an unknown codec and for a
// Config that cannot be read.
func Codecs(t *media.Track) string {
	switch t.Codec {
	case media.H264:
		return avcCodecs(t.Config)
	case media.H265:
		return hevcCodecs(t.Config)
	case media.AV1:
		return av1Codecs(t.Config)
	case media.VP9:
		return vp9Codecs(t)
	case media.AAC:
		return aacCodecs(t.Config)
	}
	return fixedCodecs(t.Codec)
}

func fixedCodecs(c media.Codec) string {
	switch c {
	case media.VP8:
		return "vp8"
	case media.Opus:
		return "opus"
	case media.MP3:
		return "mp4a.40.34"
	case media.MP2:
		return "mp4a.40.33"
	case media.AC3:
		return "ac-3"
	case media.EAC3:
		return "ec-3"
	case media.FLAC:
		return "fLaC"
	}
	return ""
}

// avcCodecs is avc1.PPCCLL (RFC 6381 3.3), from the SPS rather than the record,
// as encoders sometimes leave the latter wrong.
func avcCodecs(config []byte) string {
	info, err := ParseAVCC(config)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("avc1.%02x%02x%02x", info.Profile, info.Compat, info.Level)
}

// hevcCodecs is ISO/IEC 14496-15 E.3, for parameter sets in the sample entry.
func hevcCodecs(config []byte) string {
	h, err := ParseHVCC(config)
	if err != nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("hvc1.")
	if h.ProfileSpace > 0 {
		b.WriteByte('A' + h.ProfileSpace - 1)
	}
	tier := 'L'
	if h.Tier {
		tier = 'H'
	}
	fmt.Fprintf(&b, "%d.%X.%c%d", h.Profile, bits.Reverse32(h.Compatibility), tier, h.Level)
	last := len(h.Constraints)
	for last > 0 && h.Constraints[last-1] == 0 {
		last--
	}
	for _, c := range h.Constraints[:last] {
		fmt.Fprintf(&b, ".%X", c)
	}
	return b.String()
}

// av1Codecs is AV1 in ISOBMFF 5, in its short form.
func av1Codecs(config []byte) string {
	a, err := ParseAV1C(config)
	if err != nil {
		return ""
	}
	tier := 'M'
	if a.HighTier {
		tier = 'H'
	}
	return fmt.Sprintf("av01.%d.%02d%c.%02d", a.Profile, a.Level, tier, a.BitDepth)
}

// vp9Codecs takes profile, level and depth from a VPCodecConfigurationRecord, or the
// level from the picture size where there is none.
func vp9Codecs(t *media.Track) string {
	v, err := ParseVPCC(t.Config)
	if err != nil {
		v = VP9Info{Level: vp9Level(t.Width * t.Height), BitDepth: 8}
	}
	return fmt.Sprintf("vp09.%02d.%02d.%02d", v.Profile, v.Level, v.BitDepth)
}

// vp9Level is the lowest level that has room for a picture of so many samples.
func vp9Level(samples int) byte {
	limits := [...]struct {
		samples int
		level   byte
	}{{36864, 10}, {73728, 11}, {122880, 20}, {245760, 21}, {552960, 30}, {983040, 31}, {2228224, 40}, {8912896, 50}}
	for _, l := range limits {
		if samples <= l.samples {
			return l.level
		}
	}
	return 60
}

// aacCodecs is mp4a.40.N with N the object type that a decoder must know.
func aacCodecs(config []byte) string {
	a, err := ParseASC(config)
	if err != nil {
		return ""
	}
	object := a.ObjectType
	switch {
	case a.PS:
		object = aacPS
	case a.SBR:
		object = aacSBR
	}
	return fmt.Sprintf("mp4a.40.%d", object)
}
