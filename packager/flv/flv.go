package flv

import (
	"weir/media"
	"weir/media/codec"
	"weir/media/rtmp"
	"weir/media/timing"
)

// Out is where tags go: rtmp.Client and rtmp.ViewerConn.
type Out interface {
	WriteMetadata(timestamp uint32, properties rtmp.Array) error
	WriteVideo(timestamp uint32, t rtmp.Tag) error
	WriteAudio(timestamp uint32, t rtmp.Tag) error
}

// FourCC is what RTMP calls a codec; false: it cannot be sent.
func FourCC(c media.Codec) (rtmp.FourCC, bool) {
	switch c {
	case media.H264:
		return rtmp.FourCCAVC, true
	case media.H265:
		return rtmp.FourCCHEVC, true
	case media.AV1:
		return rtmp.FourCCAV1, true
	case media.VP9:
		return rtmp.FourCCVP9, true
	case media.AAC:
		return rtmp.FourCCAAC, true
	}
	return 0, false
}

// Classic tells whether a codec needs no Enhanced RTMP.
func Classic(c media.Codec) bool { return c == media.H264 || c == media.AAC }

// Sender sends the packets of one stream to one Out. The first packets wait for a key
// frame, unless the stream has no picture.
type Sender struct {
	out    Out
	all    []*media.Track // to tell of
	video  bool           // there is a picture: begin with a key frame
	begun  bool
	base   media.Time      // the time that is 0 for the other side
	tracks [3]*media.Track // announced, by kind
	order  timing.Reorder  // of the pictures
}

// NewSender makes a Sender for a stream that begins with these tracks, without those that
// will not be sent.
func NewSender(out Out, tracks []*media.Track) *Sender {
	s := &Sender{out: out, all: tracks}
	for _, t := range tracks {
		s.video = s.video || t.Kind == media.Video
	}
	return s
}

// Send sends a packet, and before it what its decoder needs where that is new. It returns
// how many bytes of media went out. Packets whose codec has no FourCC are left out.
func (s *Sender) Send(p *media.Packet) (int, error) {
	name, ok := FourCC(p.Track.Codec)
	if !ok {
		return 0, nil
	}
	if !s.begun && s.video && (p.Track.Kind != media.Video || !p.Key) {
		return 0, nil
	}
	at := s.decode(p)
	if !s.begun {
		s.begun, s.base = true, at
		if err := s.out.WriteMetadata(0, metadata(s.all)); err != nil {
			return 0, err
		}
	}
	if at < s.base { // sound from before the first key frame
		return 0, nil
	}
	if s.tracks[p.Track.Kind] != p.Track {
		if err := s.write(p, at, name, rtmp.SequenceStart, p.Track.Config); err != nil {
			return 0, err
		}
		s.tracks[p.Track.Kind] = p.Track
	}
	return len(p.Data), s.write(p, at, name, rtmp.CodedFrames, p.Data)
}

// decode is when a packet is decoded. That is never after it is shown, as it may be in a
// media.Packet: many players and servers take no negative composition time (FLV E.4.3.1).
func (s *Sender) decode(p *media.Packet) media.Time {
	if p.Track.Kind == media.Audio {
		return p.DTS
	}
	if s.tracks[media.Video] != p.Track {
		s.order.Interval = p.Track.FrameRate.Interval()
		if n, known := codec.Reordered(p.Track); known {
			s.order.Depth = n
		}
	}
	return s.order.Next(p.PTS)
}

func (s *Sender) write(p *media.Packet, decoded media.Time, name rtmp.FourCC, kind rtmp.PacketType, body []byte) error {
	at := (decoded - s.base).Duration().Milliseconds()
	stamp := uint32(at) // wraps after 49 days, as RTMP does (5.3.1)
	if p.Track.Kind == media.Audio {
		return s.out.WriteAudio(stamp, rtmp.Tag{FourCC: name, Packet: kind, Body: body})
	}
	t := rtmp.Tag{FourCC: name, Packet: kind, Key: p.Key || kind == rtmp.SequenceStart, Body: body}
	if kind == rtmp.CodedFrames {
		t.CTS = int32((p.PTS - s.base).Duration().Milliseconds() - at)
	}
	return s.out.WriteVideo(stamp, t)
}

// metadata tells the other side what to expect; some wait for a kind that is not told of.
func metadata(tracks []*media.Track) rtmp.Array {
	list := rtmp.Array{{Name: "encoder", Value: "weir"}}
	for _, t := range tracks {
		name, ok := FourCC(t.Codec)
		if !ok {
			continue
		}
		id := float64(name) // Enhanced RTMP, "Enhancing onMetaData"
		switch t.Codec {
		case media.H264:
			id = 7
		case media.AAC:
			id = 10
		}
		if t.Kind == media.Audio {
			list = append(list, rtmp.Array{{Name: "audiosamplerate", Value: float64(t.SampleRate)}, {Name: "audiocodecid", Value: id}}...)
			continue
		}
		list = append(list, rtmp.Array{{Name: "width", Value: float64(t.Width)}, {Name: "height", Value: float64(t.Height)},
			{Name: "framerate", Value: t.FrameRate.Float()}, {Name: "videocodecid", Value: id}}...)
	}
	return list
}
