package cmaf

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/media"
	"weir/media/codec"
)

// ErrUnsupported means that a track cannot be carried in CMAF by weir: its codec
// is none of H.264, H.265, AV1, VP9, AAC and Opus, or its size or rate is missing.
var ErrUnsupported = errors.New("track cannot be put into CMAF")

// maxASC bounds an AudioSpecificConfig: descriptors then fit one-byte lengths.
const maxASC = 64

// Timescale is the number of units in a second that t's chunks count in: 90,000
// for video, the sample rate for audio. It is positive for every track.
func Timescale(t *media.Track) int64 {
	if t.Kind == media.Audio && t.SampleRate > 0 {
		return int64(t.SampleRate)
	}
	return 90000
}

// Init makes the initialisation segment (CMAF header, ISO/IEC 23000-19 7.3.1)
// of t: ftyp and moov with one track, whose ID is given. For H.264 and H.265 the
// samples must have NAL units with 4-byte lengths, whatever t.Config says; the
// record in the segment is corrected to that.
func Init(t *media.Track, trackID uint32) ([]byte, error) {
	var entry mp4.Box
	var err error
	kind := "audio"
	if t.Kind == media.Video {
		kind = "video"
		entry, err = videoEntry(t)
	} else {
		entry, err = audioEntry(t)
	}
	if err != nil {
		return nil, err
	}
	in := mp4.NewMP4Init()
	in.AddChild(mp4.NewFtyp("cmfc", 0, []string{"cmfc", "iso6", "cmf2"}))
	moov := mp4.NewMoovBox()
	in.AddChild(moov)
	mvhd := mp4.CreateMvhd()
	mvhd.NextTrackID = trackID + 1
	moov.AddChild(mvhd)
	trak := mp4.CreateEmptyTrak(trackID, uint32(Timescale(t)), kind, "und")
	trak.Tkhd.Width = mp4.Fixed32(t.Width << 16)
	trak.Tkhd.Height = mp4.Fixed32(t.Height << 16)
	trak.Mdia.Hdlr.Name = "weir " + kind
	trak.Mdia.Minf.Stbl.Stsd.AddChild(entry)
	moov.AddChild(trak)
	mvex := mp4.NewMvexBox()
	mvex.AddChild(mp4.CreateTrex(trackID))
	moov.AddChild(mvex)
	var b bytes.Buffer
	if err := in.Encode(&b); err != nil {
		return nil, fmt.Errorf("init segment: %w", err)
	}
	return b.Bytes(), nil
}

// box wraps a configuration record, which is written as it is: mp4ff never
// parses what came from outside.
func box(name string, payload []byte) mp4.Box {
	return mp4.CreateUnknownBox(name, uint64(8+len(payload)), payload)
}

func videoEntry(t *media.Track) (mp4.Box, error) {
	if t.Width <= 0 || t.Height <= 0 || t.Width > 0xffff || t.Height > 0xffff {
		return nil, fmt.Errorf("%w: %v of %dx%d", ErrUnsupported, t.Codec, t.Width, t.Height)
	}
	var name string
	var config mp4.Box
	switch t.Codec {
	case media.H264:
		info, err := codec.ParseAVCC(t.Config)
		if err != nil {
			return nil, fmt.Errorf("init segment: %w", err)
		}
		name, config = "avc1", box("avcC", codec.BuildAVCC(info.SPS, info.PPS))
	case media.H265:
		if _, err := codec.ParseHVCC(t.Config); err != nil {
			return nil, fmt.Errorf("init segment: %w", err)
		}
		record := bytes.Clone(t.Config)
		record[21] |= 3 // lengthSizeMinusOne
		name, config = "hvc1", box("hvcC", record)
	case media.AV1:
		if _, err := codec.ParseAV1C(t.Config); err != nil {
			return nil, fmt.Errorf("init segment: %w", err)
		}
		name, config = "av01", box("av1C", t.Config)
	case media.VP9:
		v, err := codec.ParseVPCC(t.Config)
		if err != nil {
			return nil, fmt.Errorf("init segment: %w", err)
		}
		name, config = "vp09", box("vpcC", append([]byte{1, 0, 0, 0}, codec.BuildVPCC(v)...)) // version and flags of the full box
	default:
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, t.Codec)
	}
	e := mp4.CreateVisualSampleEntryBox(name, uint16(t.Width), uint16(t.Height), nil)
	e.CompressorName = ""
	e.Children = append(e.Children, config)
	return e, nil
}

func audioEntry(t *media.Track) (mp4.Box, error) {
	if t.SampleRate <= 0 {
		return nil, fmt.Errorf("%w: %v without a sample rate", ErrUnsupported, t.Codec)
	}
	var e *mp4.AudioSampleEntryBox
	switch t.Codec {
	case media.AAC:
		if _, err := codec.ParseASC(t.Config); err != nil {
			return nil, fmt.Errorf("init segment: %w", err)
		}
		if len(t.Config) > maxASC {
			return nil, fmt.Errorf("%w: AudioSpecificConfig of %d bytes", ErrUnsupported, len(t.Config))
		}
		e = mp4.CreateAudioSampleEntryBox("mp4a", uint16(t.Channels), 16, rate16(t.SampleRate), nil)
		e.Children = append(e.Children, mp4.CreateEsdsBox(t.Config))
	case media.Opus:
		if _, err := codec.ParseDOps(t.Config); err != nil {
			return nil, fmt.Errorf("init segment: %w", err)
		}
		e = mp4.CreateAudioSampleEntryBox("Opus", uint16(t.Channels), 16, 48000, nil)
		e.Children = append(e.Children, box("dOps", t.Config))
	default:
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, t.Codec)
	}
	return e, nil
}

// rate16 is the integer part of the 16.16 samplerate of a sample entry (ISO/IEC
// 14496-12 12.2.3), 0 where it does not fit; decoders look at the record anyway.
func rate16(hz int) uint16 {
	if hz > 0xffff {
		return 0
	}
	return uint16(hz)
}
