package rtmp

import (
	"bytes"
	"slices"

	"weir/ingest"
	"weir/media"
	"weir/media/codec"
	wire "weir/media/rtmp"
)

// accessUnit gives the bytes of a frame as packets have them, and whether decoding can
// start with it. AV1 and VP9, and many streams of H.265, tell in their key frames what they are; some senders make
// up what they say before.
func (m *mapper) accessUnit(l *lane, t wire.Tag) (data []byte, key bool, err error) {
	data = t.Body
	if l.lengthSize > 0 {
		if data, err = codec.Normalize(data, l.lengthSize); err != nil {
			return nil, false, &ingest.BadMedia{Err: err}
		}
	}
	switch {
	case l.kind == media.Audio:
		return data, true, nil
	case l.track.Codec == media.H264:
		return data, codec.IsKey(data), nil
	case l.track.Codec == media.H265:
		return m.unitH265(l, data)
	case l.track.Codec == media.AV1:
		return m.unitAV1(l, data)
	case l.track.Codec == media.VP9:
		return m.frameVP9(l, data)
	}
	return data, t.Key, nil
}

// unitH265 takes parameter sets out of key frames: in an hvc1 track they are in the
// configuration alone (ISO/IEC 14496-15 8.3.3), of which a key frame may bring a new one.
func (m *mapper) unitH265(l *lane, au []byte) (data []byte, key bool, err error) {
	if !codec.IsKeyHEVC(au) {
		return au, false, nil
	}
	data, sets := codec.Strip(media.H265, au)
	config := sets.Config(media.H265)
	if config == nil {
		return au, true, nil
	}
	if h, err := codec.ParseHVCC(l.track.Config); err == nil && same(h.VPS, sets.VPS) && same(h.SPS, sets.SPS) && same(h.PPS, sets.PPS) {
		return data, true, nil
	}
	return data, true, m.renew(l, config, 0, 0)
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func (m *mapper) unitAV1(l *lane, body []byte) (data []byte, key bool, err error) {
	data, header, key, err := codec.AV1Unit(body)
	if err == nil && key {
		var config []byte
		if config, err = codec.AV1Config(l.track.Config, header); err == nil {
			return data, true, m.renew(l, config, 0, 0)
		}
	}
	if err != nil {
		return nil, false, &ingest.BadMedia{Err: err}
	}
	return data, key, nil
}

func (m *mapper) frameVP9(l *lane, data []byte) ([]byte, bool, error) {
	info, key, err := codec.ParseVP9(data)
	if err != nil {
		return nil, false, &ingest.BadMedia{Err: err}
	}
	if key {
		err = m.renew(l, codec.BuildVPCC(info), info.Width, info.Height)
	}
	return data, key, err
}

// renew goes on with another track where a key frame says something else than what was
// configured. The size is 0 where config tells it.
func (m *mapper) renew(l *lane, config []byte, width, height int) error {
	known := bytes.Equal(config, l.track.Config) && (width == 0 || width == l.track.Width && height == l.track.Height)
	if known && l.seen {
		return nil
	}
	if !known {
		track, err := codec.NewTrack(l.track.Codec, config)
		if err != nil {
			return &ingest.BadMedia{Err: err}
		}
		if width > 0 {
			track.Width, track.Height = width, height
		}
		m.meta.complete(l, track)
		l.track = track
	}
	l.seen = true
	m.out.Know(0, l.track)
	return nil
}

// looks tells whether what a track is is told by its key frames.
func looks(c media.Codec) bool { return c == media.AV1 || c == media.VP9 }
