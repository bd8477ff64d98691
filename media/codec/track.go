package codec

import (
	"weir/media"
)

// NewTrack makes a Track from a codec and its configuration record and fills in
// what the record tells: size, frame rate and reordering of H.264; size and frame rate of
// H.265 (always taken to reorder) and AV1 (which never does); rate and channels of AAC
// (those of the core coder) and Opus. Other codecs, and H.265 or AV1 records
// without headers, leave fields zero that the caller knows from elsewhere; VP9 does
// so with its size. The Track keeps config, for VP9 in the form of BuildVPCC.
func NewTrack(c media.Codec, config []byte) (*media.Track, error) {
	t := &media.Track{Kind: c.Kind(), Codec: c, Config: config}
	switch c {
	case media.H264:
		info, err := ParseAVCC(config)
		if err != nil {
			return nil, err
		}
		t.Width, t.Height, t.FrameRate, t.Reorder = info.Width, info.Height, info.FrameRate, info.Reorder
	case media.H265:
		info, err := ParseHVCC(config)
		if err != nil {
			return nil, err
		}
		t.Width, t.Height, t.Reorder = info.Width, info.Height, true
		if len(info.SPS) > 0 {
			t.FrameRate = hevcRate(info.SPS[0])
		}
	case media.AV1:
		info, err := ParseAV1C(config)
		if err != nil {
			return nil, err
		}
		t.Width, t.Height = info.Width, info.Height
	case media.VP9:
		info, err := ParseVPCC(config)
		if err != nil {
			return nil, err
		}
		t.Config = BuildVPCC(info)
	case media.AAC:
		info, err := ParseASC(config)
		if err != nil {
			return nil, err
		}
		t.SampleRate, t.Channels = info.SampleRate, info.Channels
	case media.Opus:
		o, err := ParseDOps(config)
		if err != nil {
			return nil, err
		}
		t.SampleRate, t.Channels = 48000, o.Channels
	}
	return t, nil
}
