package restream

import (
	"context"

	"weir/media"
	"weir/media/hub"
	"weir/media/rtmp"
)

// sender is where the packets of one connection go.
type sender struct {
	client *rtmp.Client
	all    []*media.Track // that the stream began with
	video  bool           // the stream has a picture: begin with a key frame
	begun  bool
	base   media.Time      // the time that is 0 for the target
	tracks [3]*media.Track // announced, by kind
}

// copy sends what r reads until one of the two ends.
func (p *Push) copy(ctx context.Context, r *hub.Reader, client *rtmp.Client) error {
	s := &sender{client: client, all: p.conf.Stream.Tracks()}
	for _, t := range s.all {
		s.video = s.video || t.Kind == media.Video
	}
	for {
		packet, err := r.Read(ctx)
		if err != nil {
			return err
		}
		note, err := codecs([]*media.Track{packet.Track})
		if err != nil {
			return err
		}
		if note != "" {
			p.note(note)
			continue
		}
		n, err := s.send(packet)
		if err != nil {
			return err
		}
		p.count(n)
	}
}

func (p *Push) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Note = text
}

func (p *Push) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Bytes += uint64(n)
}

// send sends a packet, and before it what its decoder needs where that is new. It
// returns how many bytes of media went out.
func (s *sender) send(p *media.Packet) (int, error) {
	if !s.begun {
		if s.video && (p.Track.Kind != media.Video || !p.Key) {
			return 0, nil
		}
		s.begun, s.base = true, p.DTS
		if err := s.client.WriteMetadata(0, metadata(s.all)); err != nil {
			return 0, err
		}
	}
	if p.DTS < s.base { // sound from before the first key frame
		return 0, nil
	}
	if s.tracks[p.Track.Kind] != p.Track {
		if err := s.write(p, rtmp.SequenceStart, p.Track.Config); err != nil {
			return 0, err
		}
		s.tracks[p.Track.Kind] = p.Track
	}
	return len(p.Data), s.write(p, rtmp.CodedFrames, p.Data)
}

func (s *sender) write(p *media.Packet, kind rtmp.PacketType, body []byte) error {
	at := uint32((p.DTS - s.base).Duration().Milliseconds()) // wraps after 49 days, as RTMP does (5.3.1)
	if p.Track.Kind == media.Audio {
		return s.client.WriteAudio(at, rtmp.Tag{FourCC: rtmp.FourCCAAC, Packet: kind, Body: body})
	}
	t := rtmp.Tag{FourCC: rtmp.FourCCAVC, Packet: kind, Key: p.Key || kind == rtmp.SequenceStart, Body: body}
	if kind == rtmp.CodedFrames {
		t.CTS = int32((p.PTS - p.DTS).Duration().Milliseconds())
	}
	return s.client.WriteVideo(at, t)
}

// metadata tells a target what to expect; some wait for a kind that is not told of.
func metadata(tracks []*media.Track) rtmp.Array {
	list := rtmp.Array{{Name: "encoder", Value: "weir"}}
	for _, t := range tracks {
		switch t.Codec {
		case media.H264:
			list = append(list, rtmp.Array{{Name: "width", Value: float64(t.Width)}, {Name: "height", Value: float64(t.Height)},
				{Name: "framerate", Value: t.FrameRate.Float()}, {Name: "videocodecid", Value: 7.0}}...)
		case media.AAC:
			list = append(list, rtmp.Array{{Name: "audiosamplerate", Value: float64(t.SampleRate)}, {Name: "audiocodecid", Value: 10.0}}...)
		}
	}
	return list
}
