package rtsp

import (
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"weir/media"
	"weir/media/codec"
)

// payload is one track of a stream on its way into RTP. The stream's writer uses it.
type payload struct {
	media *description.Media
	codec media.Codec
	rate  int64 // of the RTP clock, Hz
	cut   func(p *media.Packet) ([]*rtp.Packet, error)
}

// newPayload is nil for a track that RTP has no place for here.
func newPayload(t *media.Track) *payload {
	x := &payload{codec: t.Codec, rate: 90000}
	var f format.Format
	switch t.Codec {
	case media.H264:
		f = x.h264(t)
	case media.H265:
		f = x.h265(t)
	case media.AAC:
		f = x.aac(t)
	case media.Opus:
		f = x.opus(t)
	}
	if f == nil {
		return nil
	}
	kind := description.MediaTypeVideo
	if t.Kind == media.Audio {
		kind = description.MediaTypeAudio
	}
	x.media = &description.Media{Type: kind, Formats: []format.Format{f}}
	return x
}

func (x *payload) h264(t *media.Track) format.Format {
	info, err := codec.ParseAVCC(t.Config)
	if err != nil || len(info.PPS) == 0 {
		return nil
	}
	f := &format.H264{PayloadTyp: 96, SPS: info.SPS[0], PPS: info.PPS[0], PacketizationMode: 1}
	e, err := f.CreateEncoder()
	if err != nil {
		return nil
	}
	x.cut = func(p *media.Packet) ([]*rtp.Packet, error) {
		var au [][]byte
		if info, err := codec.ParseAVCC(p.Track.Config); p.Key && err == nil {
			au = append(append(au, info.SPS...), info.PPS...)
		}
		return e.Encode(units(au, p))
	}
	return f
}

func (x *payload) h265(t *media.Track) format.Format {
	info, err := codec.ParseHVCC(t.Config)
	if err != nil || len(info.VPS) == 0 || len(info.SPS) == 0 || len(info.PPS) == 0 {
		return nil
	}
	f := &format.H265{PayloadTyp: 96, VPS: info.VPS[0], SPS: info.SPS[0], PPS: info.PPS[0]}
	e, err := f.CreateEncoder()
	if err != nil {
		return nil
	}
	x.cut = func(p *media.Packet) ([]*rtp.Packet, error) {
		var au [][]byte
		if info, err := codec.ParseHVCC(p.Track.Config); p.Key && err == nil {
			au = append(append(append(au, info.VPS...), info.SPS...), info.PPS...)
		}
		return e.Encode(units(au, p))
	}
	return f
}

// units appends the NAL units of an access unit.
func units(list [][]byte, p *media.Packet) [][]byte {
	for nal := range codec.NALs(p.Data) {
		list = append(list, nal)
	}
	return list
}

func (x *payload) aac(t *media.Track) format.Format {
	var config mpeg4audio.AudioSpecificConfig
	if config.Unmarshal(t.Config) != nil {
		return nil
	}
	f := &format.MPEG4Audio{PayloadTyp: 97, Config: &config, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3}
	e, err := f.CreateEncoder()
	if err != nil || f.ClockRate() <= 0 {
		return nil
	}
	x.rate = int64(f.ClockRate())
	x.cut = func(p *media.Packet) ([]*rtp.Packet, error) { return e.Encode([][]byte{p.Data}) }
	return f
}

func (x *payload) opus(t *media.Track) format.Format {
	f := &format.Opus{PayloadTyp: 97, ChannelCount: t.Channels}
	e, err := f.CreateEncoder()
	if err != nil || t.Channels < 1 || t.Channels > 2 {
		return nil
	}
	x.rate = 48000
	x.cut = func(p *media.Packet) ([]*rtp.Packet, error) {
		one, err := e.Encode(p.Data)
		return []*rtp.Packet{one}, err
	}
	return f
}
