//go:build cgo

package slate

import (
	"errors"

	"weir/media"
	"weir/media/av"
	"weir/media/testcard"
)

// picture is what is shown: made of the key frame, or where that cannot be decoded a
// plain card.
func picture(key *media.Packet, width, height int) (*av.Frame, error) {
	pix, signal, err := last(key, width, height)
	if err != nil {
		pix, signal = black(width, height), av.Signal{}
	}
	if err := testcard.Pause(pix, width, height); err != nil {
		return nil, err
	}
	f, err := av.NewPicture(width, height, pix, 0)
	if err != nil {
		return nil, err
	}
	f.Signal = signal.Or(av.UsualSignal(width, height))
	return f, nil
}

// last decodes a key frame.
func last(key *media.Packet, width, height int) ([]byte, av.Signal, error) {
	if key == nil {
		return nil, av.Signal{}, ErrNothing
	}
	d, err := av.OpenDecoder(key.Track)
	if err != nil {
		return nil, av.Signal{}, err
	}
	defer d.Close()
	if err := errors.Join(d.Send(key.Data, 0), d.Drain()); err != nil {
		return nil, av.Signal{}, err
	}
	f, err := d.Receive()
	if err != nil {
		return nil, av.Signal{}, err
	}
	defer f.Free()
	s := av.NewScaler(width, height)
	defer s.Close()
	fit, err := s.Scale(f)
	if err != nil {
		return nil, av.Signal{}, err
	}
	defer fit.Free()
	pix, err := fit.Picture()
	return pix, f.Signal, err
}

func black(width, height int) []byte {
	n := width * height
	pix := make([]byte, n*3/2)
	for i := range pix {
		pix[i] = 128
		if i < n {
			pix[i] = 16
		}
	}
	return pix
}

const (
	silentRate = 32_000 // bit/s; silence takes less
	settled    = 4      // packets until nothing of the beginning is heard
)

// mute makes a packet of silence in the coding of t, or in AAC.
func (s *Slate) mute(t *media.Track) error {
	opus := t.Codec == media.Opus
	open := av.OpenSoundEncoder
	if opus {
		open = av.OpenOpusEncoder
	}
	e, err := open(silentRate)
	if err != nil {
		return err
	}
	defer e.Close()
	r := av.Resampler{Opus: opus}
	defer r.Close()
	none := make([]float32, 1024)
	var data []byte
	for got := 0; got < settled; {
		if err := feed(e, &r, none); err != nil {
			return err
		}
		p, err := e.Receive()
		if errors.Is(err, av.ErrAgain) {
			continue
		}
		if err != nil {
			return err
		}
		data = p.Data
		got++
	}
	track := *e.Track()
	track.Language, track.Label = t.Language, t.Label
	s.sounds = append(s.sounds, silence{track: &track, data: data, lasts: e.Duration()})
	return nil
}

// feed gives an encoder the samples of both sides.
func feed(e *av.SoundEncoder, r *av.Resampler, both []float32) error {
	f, err := av.NewSound(both, both, 0)
	if err != nil {
		return err
	}
	defer f.Free()
	out, err := r.Convert(f)
	if err != nil || out == nil {
		return err
	}
	defer out.Free()
	return e.Send(out)
}
