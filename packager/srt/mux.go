package srt

import (
	"bytes"
	"errors"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"

	"weir/media"
	"weir/media/codec"
	"weir/media/timing"
	"weir/packager/feed"
)

// lead is added to all times, in 90 kHz: the clock reference goes before the first of them.
const lead = 90000

// takes tells which tracks a transport stream gets. Opus would have a place there, which
// few players know.
func takes(t *media.Track) bool {
	return t.Codec == media.H264 || t.Codec == media.H265 || t.Codec == media.AAC
}

// mux makes one transport stream. One goroutine at a time uses it.
type mux struct {
	out    bytes.Buffer
	writer mpegts.Writer
	kinds  [3]*mpegts.Track // by kind; nil: there is none
	codecs [3]media.Codec
	sound  *media.Track // whose configuration the frames are marked with
	shown  *media.Track // whose pictures are put in order
	order  timing.Reorder
	begun  bool
}

var (
	errMux   = errors.New("what is live under this name cannot be played over SRT")
	errEmpty = errors.New("an access unit without NAL units")
)

// newMux makes a mux of what was chosen.
func newMux(feeds []feed.Feed) (*mux, error) {
	m := new(mux)
	for _, f := range feeds {
		t := &mpegts.Track{}
		switch f.Track.Codec {
		case media.H264:
			t.Codec = &codecs.H264{}
		case media.H265:
			t.Codec = &codecs.H265{}
		default:
			t.Codec = &codecs.MPEG4Audio{}
		}
		m.kinds[f.Track.Kind], m.codecs[f.Track.Kind] = t, f.Track.Codec
		m.writer.Tracks = append(m.writer.Tracks, t)
	}
	if len(feeds) == 0 {
		return nil, errMux
	}
	m.writer.W = &m.out
	if err := m.writer.Initialize(); err != nil {
		return nil, err
	}
	return m, nil
}

// chunk is the transport packets of one frame.
type chunk struct {
	data  []byte // whole packets of 188 bytes; shared by all viewers
	start bool   // players can begin here: tables and, where there is a picture, a key frame
}

// add makes a packet's chunk; false: it has none. The picture is first, so that the clock is its.
func (m *mux) add(p *media.Packet) (chunk, bool) {
	kind := p.Kind()
	if m.kinds[kind] == nil || m.codecs[kind] != p.Track.Codec {
		return chunk{}, false
	}
	start := p.Key && (kind == media.Video || m.kinds[media.Video] == nil)
	if m.begun = m.begun || start; !m.begun {
		return chunk{}, false
	}
	m.out.Reset()
	if err := m.write(p); err != nil || m.out.Len() == 0 {
		return chunk{}, false // this one is of no form that a transport stream has
	}
	return chunk{slices.Clone(m.out.Bytes()), start}, true
}

func (m *mux) write(p *media.Packet) error {
	t, pts, dts := m.kinds[p.Kind()], p.PTS.In(90000)+lead, int64(0)
	if p.Kind() == media.Video {
		dts = m.decode(p).In(90000) + lead
	}
	switch p.Track.Codec {
	case media.H264:
		var sets [][]byte
		if info, err := codec.ParseAVCC(p.Track.Config); p.Key && err == nil {
			sets = slices.Concat(info.SPS, info.PPS)
		}
		au := units(sets, p)
		if len(au) == 0 {
			return errEmpty
		}
		return m.writer.WriteH264(t, pts, dts, au)
	case media.H265:
		var sets [][]byte
		if info, err := codec.ParseHVCC(p.Track.Config); p.Key && err == nil {
			sets = slices.Concat(info.VPS, info.SPS, info.PPS)
		}
		au := units(sets, p)
		if len(au) == 0 {
			return errEmpty
		}
		return m.writer.WriteH265(t, pts, dts, au)
	}
	if m.sound != p.Track {
		var config mpeg4audio.AudioSpecificConfig
		if err := config.Unmarshal(p.Track.Config); err != nil {
			return err
		}
		t.Codec, m.sound = &codecs.MPEG4Audio{Config: config}, p.Track
	}
	return m.writer.WriteMPEG4Audio(t, pts, [][]byte{p.Data})
}

// decode is when a picture is decoded, which is never after it is shown (ISO/IEC 13818-1
// 2.7.5) as it may be in a media.Packet.
func (m *mux) decode(p *media.Packet) media.Time {
	if m.shown != p.Track {
		m.shown, m.order.Interval = p.Track, p.Track.FrameRate.Interval()
		if n, known := codec.Reordered(p.Track); known {
			m.order.Depth = n
		}
	}
	return m.order.Next(p.PTS)
}

// units appends the NAL units of an access unit.
func units(list [][]byte, p *media.Packet) [][]byte {
	for nal := range codec.NALs(p.Data) {
		if len(nal) > 0 {
			list = append(list, nal)
		}
	}
	return list
}
