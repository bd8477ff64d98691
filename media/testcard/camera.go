//go:build cgo

package testcard

import (
	"errors"
	"io"
	"time"

	"weir/media"
	"weir/media/av"
)

// CameraConfig says what a Camera makes. Width and Height are needed.
type CameraConfig struct {
	Width, Height int
	FrameRate     media.Rational // zero means 30
	Bitrate       int            // bit/s of the picture; zero means 2.5 Mbit/s
	Preset        string         // of x264; "" means superfast
	MaxBFrames    int

	// Key says whether frame n is to be a key frame; the first always is. Nil
	// means every two seconds.
	Key    func(n int64) bool
	Silent bool // no sound

	// Now is the wall clock that is drawn and given to packets as their Wall; nil
	// leaves Wall zero and draws the time since 1970 plus the frame's own.
	Now func() time.Time
}

// Camera is a publisher without a network: it draws, encodes and hands out
// packets as fast as it is asked. One goroutine at a time; Close frees it.
type Camera struct {
	config  CameraConfig
	card    *Card
	video   *av.VideoEncoder
	sound   *av.SoundEncoder
	picture []byte
	frames  *av.Pictures
	n       int64 // next frame
	owed    bool  // a key frame was skipped: the next one is it
	samples int64 // sound made so far
}

// OpenCamera prepares the card and the encoders.
func OpenCamera(config CameraConfig) (*Camera, error) {
	if config.FrameRate.Interval() == 0 {
		config.FrameRate = media.Rational{Num: 30, Den: 1}
	}
	if config.Bitrate == 0 {
		config.Bitrate = 2_500_000
	}
	if config.Preset == "" {
		config.Preset = "superfast"
	}
	card, err := New(config.Width, config.Height)
	if err != nil {
		return nil, err
	}
	c := &Camera{config: config, card: card, picture: make([]byte, card.Size()), frames: av.NewPictures(config.Width, config.Height)}
	c.video, err = av.OpenVideoEncoder(av.VideoConfig{Width: config.Width, Height: config.Height, FrameRate: config.FrameRate,
		Bitrate: config.Bitrate, Preset: config.Preset, MaxBFrames: config.MaxBFrames,
		Signal: av.UsualSignal(config.Width, config.Height)})
	if err != nil {
		return nil, err
	}
	if config.Silent {
		return c, nil
	}
	if c.sound, err = av.OpenSoundEncoder(128_000); err != nil {
		c.video.Close()
		return nil, err
	}
	return c, nil
}

// Tracks are those of the packets, the picture's first.
func (c *Camera) Tracks() []*media.Track {
	if c.sound == nil {
		return []*media.Track{c.video.Track()}
	}
	return []*media.Track{c.video.Track(), c.sound.Track()}
}

// Time is when frame n is shown, from 0.
func (c *Camera) Time(n int64) media.Time {
	r := c.config.FrameRate
	return media.Time(n * media.TicksPerSecond / int64(r.Num) * int64(r.Den))
}

// Shoot makes the next frame and the sound beside it. It returns what the
// encoders gave, the picture first; with B-frames some calls give no picture
// and some give several.
func (c *Camera) Shoot() ([]*media.Packet, error) {
	at, wall := c.Time(c.n), time.Time{}
	shown := time.UnixMilli(0).Add(at.Duration())
	if c.config.Now != nil {
		wall = c.config.Now()
		shown = wall
	}
	c.card.Draw(c.picture, at.Duration(), shown)
	f, err := c.frames.New(c.picture, at)
	if err != nil {
		return nil, err
	}
	defer f.Free()
	if err := c.video.Send(f, c.owed || c.isKey(c.n)); err != nil {
		return nil, err
	}
	c.owed = false
	c.n++
	out, err := c.collectVideo(wall)
	if err != nil || c.sound == nil {
		return out, err
	}
	more, err := c.hear(c.Time(c.n), wall)
	return append(out, more...), err
}

// Skip leaves the next frame out, as cameras and encoders do that are late; the sound
// beside it is made.
func (c *Camera) Skip() ([]*media.Packet, error) {
	c.owed = c.owed || c.isKey(c.n)
	c.n++
	if c.sound == nil {
		return nil, nil
	}
	wall := time.Time{}
	if c.config.Now != nil {
		wall = c.config.Now()
	}
	return c.hear(c.Time(c.n), wall)
}

func (c *Camera) isKey(n int64) bool {
	if c.config.Key != nil {
		return n == 0 || c.config.Key(n)
	}
	return n%int64(2*c.config.FrameRate.Float()+0.5) == 0
}

func (c *Camera) collectVideo(wall time.Time) (out []*media.Packet, err error) {
	for {
		p, err := c.video.Receive()
		if errors.Is(err, av.ErrAgain) || errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, &media.Packet{Track: c.video.Track(), DTS: p.DTS, PTS: p.PTS, Key: p.Key, Data: p.Data,
			Duration: c.config.FrameRate.Interval(), Wall: wall})
	}
}

// hear makes the sound up to a time.
func (c *Camera) hear(until media.Time, wall time.Time) (out []*media.Packet, err error) {
	n := until.In(av.SoundRate) - c.samples
	both := make([]float32, 2*n)
	left, right := both[:n], both[n:]
	Tone(left, right, c.samples)
	f, err := av.NewSound(left, right, media.FromScale(c.samples, av.SoundRate))
	if err != nil {
		return nil, err
	}
	defer f.Free()
	c.samples += n
	if err := c.sound.Send(f); err != nil {
		return nil, err
	}
	for {
		p, err := c.sound.Receive()
		if errors.Is(err, av.ErrAgain) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, &media.Packet{Track: c.sound.Track(), DTS: p.DTS, PTS: p.PTS, Key: true, Data: p.Data,
			Duration: av.SoundDuration, Wall: wall})
	}
}

// Flush gives the pictures that the encoder still holds. Shoot must not be
// called afterwards.
func (c *Camera) Flush() ([]*media.Packet, error) {
	if err := c.video.Drain(); err != nil {
		return nil, err
	}
	return c.collectVideo(time.Time{})
}

// Close frees the encoders.
func (c *Camera) Close() {
	c.video.Close()
	c.frames.Close()
	if c.sound != nil {
		c.sound.Close()
	}
}
