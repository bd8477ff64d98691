//go:build cgo

package transcode

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"weir/media"
	"weir/media/av"
	"weir/media/hub"
)

const (
	soundBitrate = 128_000
	// soundSlip is how far the source's stamps may be from the samples counted
	// before they are believed: one AAC frame.
	soundSlip = av.SoundDuration
)

// sound makes "NAME/audio", "NAME/audio-2" of a further sound, or "NAME/opus". It counts samples from where the source's sound
// began and looks at the source's stamps only to see gaps. All but close belongs
// to one goroutine.
type sound struct {
	job     *Job
	name    string
	reader  *hub.Reader
	stream  *hub.Stream
	leading bool // there is no picture: segments begin with sound
	track   *media.Track

	source    *media.Track
	decoder   *av.Decoder
	resampler av.Resampler
	encoder   *av.SoundEncoder
	running   bool       // origin and next are known
	origin    media.Time // where the samples counted begin
	next      media.Time // where the next decoded sample belongs
	last      media.Time // DTS of the newest packet
	written   bool
	marks     marks
	wall      time.Time

	frames, bytes atomic.Uint64
	lag           atomic.Int64 // time.Duration
}

func openSound(j *Job, from *hub.Stream, name string, source *media.Track, leading bool) (*sound, error) {
	s := &sound{job: j, name: name, leading: leading, source: source}
	s.resampler.Opus = name == OpusName
	e, err := s.open()
	if err != nil {
		return nil, err
	}
	t := *e.Track()
	t.Language, t.Label = source.Language, source.Label
	s.encoder, s.track = e, &t
	s.reader = from.SubscribeKind(media.Audio, j.config.Queue)
	s.stream, err = j.config.Hub.Create(media.StreamID(from.ID().Name()+"/"+name), from.Epoch(), []*media.Track{s.track})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *sound) open() (*av.SoundEncoder, error) {
	if s.name == OpusName {
		return av.OpenOpusEncoder(soundBitrate)
	}
	return av.OpenSoundEncoder(soundBitrate)
}

func (s *sound) run(ctx context.Context) error {
	for {
		p, err := s.reader.Read(ctx)
		if errors.Is(err, io.EOF) {
			s.finish()
			return nil
		}
		if err != nil {
			return err
		}
		if p.Track.Kind != media.Audio {
			continue
		}
		if err := s.packet(p); err != nil {
			s.job.corrupt.Add(1)
		}
	}
}

// packet decodes one packet. An error means that its sound is lost.
func (s *sound) packet(p *media.Packet) error {
	if p.Track != s.source || p.Discontinuity {
		s.finish()
		s.closeDecoder()
		s.source = p.Track
	}
	if p.Discontinuity {
		s.marks.restart()
		s.written = false
	}
	s.marks.add(p)
	s.wall = p.Wall
	if s.decoder == nil {
		d, err := av.OpenDecoder(s.source)
		if err != nil {
			return err
		}
		s.decoder = d
	}
	if err := s.decoder.Send(p.Data, p.PTS); err != nil {
		return err
	}
	for {
		f, err := s.decoder.Receive()
		if errors.Is(err, av.ErrAgain) || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = s.samples(f)
		f.Free()
		if err != nil {
			return err
		}
	}
}

// samples resamples and encodes one decoded frame at its place.
func (s *sound) samples(f *av.Frame) error {
	if s.running {
		if slip := f.PTS - s.next; slip > soundSlip || slip < -soundSlip {
			s.finish()
		}
	}
	if s.encoder == nil {
		e, err := s.open()
		if err != nil {
			return err
		}
		s.encoder = e
	}
	if !s.running {
		s.running, s.origin, s.next = true, f.PTS, f.PTS
	}
	s.next += media.FromScale(int64(f.Samples()), int64(f.SampleRate()))
	out, err := s.resampler.Convert(f)
	if err != nil || out == nil {
		return err
	}
	defer out.Free()
	out.PTS = s.origin // the encoder looks at that of its first samples only
	if err := s.encoder.Send(out); err != nil {
		return err
	}
	return s.collect()
}

func (s *sound) collect() error {
	for {
		p, err := s.encoder.Receive()
		if errors.Is(err, av.ErrAgain) || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.write(p)
	}
}

func (s *sound) write(p av.Packet) {
	if s.written && p.DTS <= s.last {
		return // the source's stamps went back a little: this was heard already
	}
	s.written, s.last = true, p.DTS
	m := s.marks.take(p.DTS)
	out := &media.Packet{Track: s.track, DTS: p.DTS, PTS: p.PTS, Duration: s.encoder.Duration(), Key: true,
		Discontinuity: m.discontinuity, Wall: s.wall, Data: p.Data}
	if s.leading && isCut(m.boundary) {
		out.Boundary = media.KeyBoundary
	}
	s.stream.Write(out)
	s.frames.Add(1)
	s.bytes.Add(uint64(len(p.Data)))
	if !s.wall.IsZero() {
		s.lag.Store(int64(s.job.config.Now().Sub(s.wall)))
	}
}

// finish writes what the encoder holds; sound that follows starts afresh at its
// own stamp.
func (s *sound) finish() {
	if s.encoder == nil || !s.running {
		return
	}
	s.running = false
	err := s.flush()
	if err != nil {
		s.job.config.Log.Warn("sound does not end", "rendition", s.name, "err", err)
	}
	s.resampler.Close()
	s.encoder.Close()
	s.encoder = nil
}

func (s *sound) flush() error {
	left, err := s.resampler.Convert(nil)
	if err != nil {
		return err
	}
	if left != nil {
		left.PTS = s.origin
		err = s.encoder.Send(left)
		left.Free()
		if err != nil {
			return err
		}
	}
	if err := s.encoder.Drain(); err != nil {
		return err
	}
	return s.collect()
}

func (s *sound) closeDecoder() {
	if s.decoder != nil {
		s.decoder.Close()
		s.decoder = nil
	}
}

func (s *sound) close() {
	s.reader.Close()
	s.closeDecoder()
	s.resampler.Close()
	if s.encoder != nil {
		s.encoder.Close()
		s.encoder = nil
	}
	if s.stream != nil {
		s.stream.Close()
	}
}
