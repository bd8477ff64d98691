//go:build cgo

package slate

import (
	"errors"
	"fmt"

	"weir/media"
	"weir/media/av"
	"weir/media/ladder"
)

// Config says what is stood in for.
type Config struct {
	// Tracks are those of the publisher, as they were last: all its sounds in order.
	Tracks []*media.Track
	// Key is the newest key frame, of any size; nil: there is a plain card.
	Key *media.Packet
	// Segment is the distance of key frames.
	Segment media.Time
}

// ErrNothing is returned for tracks of which there is nothing to make.
var ErrNothing = errors.New("slate: neither a picture of a known size nor sound")

// Slate makes packets. One goroutine uses it; Close frees it.
type Slate struct {
	interval media.Time // from one Next to the next
	n        int64      // calls of Next

	video   *av.VideoEncoder // nil without a picture
	picture *av.Frame
	length  int         // pictures of a group
	group   []av.Packet // as far as it is encoded

	sounds []silence
}

// silence is what there is in place of one sound.
type silence struct {
	track *media.Track
	data  []byte     // one packet of it
	lasts media.Time // how long that is
	heard int64      // packets so far
}

// Open encodes the first of all and decodes the picture, which takes some tens of
// milliseconds.
func Open(c Config) (*Slate, error) {
	s := &Slate{}
	for _, t := range c.Tracks {
		var err error
		if t.Kind == media.Audio {
			err = s.mute(t)
		} else if t.Width >= 2 && t.Height >= 2 {
			err = s.show(t, c)
		}
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("slate: %w", err)
		}
	}
	switch {
	case s.video != nil:
	case len(s.sounds) > 0:
		s.interval = s.sounds[0].lasts
	default:
		return nil, ErrNothing
	}
	return s, nil
}

// show opens the encoder for pictures like those of t.
func (s *Slate) show(t *media.Track, c Config) error {
	rate := t.FrameRate
	if f := rate.Float(); f < 1 || f > 120 {
		rate = media.Rational{Num: 30, Den: 1}
	}
	s.interval = rate.Interval()
	s.length = max(1, int((c.Segment+s.interval/2)/s.interval))
	like := ladder.Source(t, 0)
	var err error
	if s.picture, err = picture(c.Key, like.Width, like.Height); err != nil {
		return err
	}
	s.video, err = av.OpenVideoEncoder(av.VideoConfig{Width: like.Width, Height: like.Height, FrameRate: rate, Bitrate: like.Bitrate, Signal: s.picture.Signal})
	return err
}

// Tracks are those of the packets, the picture's first.
func (s *Slate) Tracks() []*media.Track {
	var out []*media.Track
	if s.video != nil {
		out = append(out, s.video.Track())
	}
	for i := range s.sounds {
		out = append(out, s.sounds[i].track)
	}
	return out
}

// Next gives the next picture and the sounds beside it, the picture first; without a
// picture one packet of the first sound is first. Times begin at 0.
func (s *Slate) Next() ([]*media.Packet, error) {
	at := media.Time(s.n) * s.interval
	var out []*media.Packet
	if s.video != nil {
		p, err := s.next(int(s.n % int64(s.length)))
		if err != nil {
			return nil, err
		}
		out = append(out, &media.Packet{Track: s.video.Track(), DTS: at, PTS: at, Duration: s.interval, Key: p.Key, Slate: true, Data: p.Data})
	}
	s.n++
	for i := range s.sounds {
		out = s.sounds[i].until(at+s.interval, i, out)
	}
	return out, nil
}

// until appends the packets that begin before end.
func (x *silence) until(end media.Time, number int, out []*media.Packet) []*media.Packet {
	for at := media.Time(x.heard) * x.lasts; at < end; at += x.lasts {
		out = append(out, &media.Packet{Track: x.track, DTS: at, PTS: at, Duration: x.lasts, Sound: number, Key: true, Slate: true, Data: x.data})
		x.heard++
	}
	return out
}

// next is picture i of the group. The encoder has no delay: each picture comes out as it
// went in.
func (s *Slate) next(i int) (av.Packet, error) {
	if i < len(s.group) {
		return s.group[i], nil
	}
	s.picture.PTS = media.Time(i) * s.interval
	if err := s.video.Send(s.picture, i == 0); err != nil {
		return av.Packet{}, err
	}
	p, err := s.video.Receive()
	if err != nil {
		return av.Packet{}, err
	}
	s.group = append(s.group, p)
	return p, nil
}

// Close frees the encoder. It may be called once.
func (s *Slate) Close() {
	if s.picture != nil {
		s.picture.Free()
	}
	if s.video != nil {
		s.video.Close()
	}
}
