//go:build cgo

package av

import (
	"errors"
	"fmt"

	"github.com/asticode/go-astiav"

	"weir/media"
	"weir/media/codec"
)

// The one form of sound that weir makes.
const (
	SoundRate     = 48000 // Hz
	SoundChannels = 2
	soundFrame    = 1024 // samples of one AAC frame
	soundPriming  = 1024 // samples that the AAC encoder puts before the first
	opusFrame     = 960  // samples of one Opus packet: 20 ms
)

// SoundDuration is the length of every packet of AAC.
const SoundDuration = soundFrame * media.TicksPerSecond / SoundRate

// Resampler turns sound of any rate, layout and format into stereo at 48 kHz.
type Resampler struct {
	// Opus has the samples of both sides in turn, as an encoder for Opus takes them;
	// false: one side after the other, for AAC. It is set before the first Convert.
	Opus bool

	context *astiav.SoftwareResampleContext
}

// Convert gives the samples that f leads to, which may be a few more or less
// than f has; the n-th sample that comes out belongs to n/48000 s after the
// first that went in. The new frame has no PTS. A nil f asks for what is left.
// Both may be nil: no output yet.
func (r *Resampler) Convert(f *Frame) (*Frame, error) {
	if f == nil && r.context == nil {
		return nil, nil
	}
	out, err := r.convert(f)
	if errors.Is(err, astiav.ErrInputChanged) || errors.Is(err, astiav.ErrOutputChanged) {
		r.Close()
		out, err = r.convert(f)
	}
	if err != nil {
		return nil, wrap("resample", err)
	}
	if out.NbSamples() == 0 {
		freeFrame(out)
		return nil, nil
	}
	return &Frame{f: out}, nil
}

func (r *Resampler) convert(f *Frame) (*astiav.Frame, error) {
	if r.context == nil {
		r.context = astiav.AllocSoftwareResampleContext()
		liveContexts.Add(1)
	}
	out := allocFrame()
	stereo48k(out)
	if r.Opus {
		out.SetSampleFormat(astiav.SampleFormatFlt)
	}
	var in *astiav.Frame
	if f != nil {
		in = f.f
	}
	if err := r.context.ConvertFrame(in, out); err != nil {
		freeFrame(out)
		return nil, err
	}
	return out, nil
}

// Close frees what the resampler holds. It may be used again, as if new.
func (r *Resampler) Close() {
	if r.context != nil {
		r.context.Free()
		r.context = nil
		liveContexts.Add(-1)
	}
}

// SoundEncoder makes AAC-LC or Opus of stereo at 48 kHz: packets of one duration,
// all key. What the encoder puts before the first sample is left out, so that the
// time of a packet is the time of the sound in it.
type SoundEncoder struct {
	track   *media.Track
	frame   int // samples of one packet
	context *astiav.CodecContext
	packet  *astiav.Packet
	queue   *astiav.AudioFifo
	start   media.Time
	started bool
	sent    int64 // samples given to the encoder
}

// OpenSoundEncoder opens an AAC encoder for bitrate bit/s.
func OpenSoundEncoder(bitrate int) (*SoundEncoder, error) {
	aac := astiav.FindEncoderByName("aac")
	if aac == nil {
		return nil, fmt.Errorf("av: encoder aac: %w", ErrUnsupported)
	}
	c := allocContext(aac)
	c.SetSampleRate(SoundRate)
	c.SetChannelLayout(astiav.ChannelLayoutStereo)
	c.SetSampleFormat(astiav.SampleFormatFltp)
	c.SetBitRate(int64(bitrate))
	c.SetTimeBase(astiav.NewRational(1, SoundRate))
	c.SetFlags(c.Flags().Add(astiav.CodecContextFlagGlobalHeader))
	if err := openCodec(c, aac, nil); err != nil {
		freeContext(c)
		return nil, wrap("encoder", err)
	}
	e := newSoundEncoder(c, soundFrame)
	e.track = &media.Track{Kind: media.Audio, Codec: media.AAC, Config: c.ExtraData(), SampleRate: SoundRate, Channels: SoundChannels}
	return e, nil
}

// OpenOpusEncoder opens an Opus encoder for bitrate bit/s, in the mode with the least
// delay: 2.5 ms beside the 20 ms of a packet. It takes what a Resampler for Opus makes.
func OpenOpusEncoder(bitrate int) (*SoundEncoder, error) {
	libopus := astiav.FindEncoderByName("libopus")
	if libopus == nil {
		return nil, fmt.Errorf("av: encoder libopus: %w", ErrUnsupported)
	}
	c := allocContext(libopus)
	c.SetSampleRate(SoundRate)
	c.SetChannelLayout(astiav.ChannelLayoutStereo)
	c.SetSampleFormat(astiav.SampleFormatFlt)
	c.SetBitRate(int64(bitrate))
	c.SetTimeBase(astiav.NewRational(1, SoundRate))
	if err := openCodec(c, libopus, map[string]string{"application": "lowdelay", "frame_duration": "20"}); err != nil {
		freeContext(c)
		return nil, wrap("encoder", err)
	}
	e := newSoundEncoder(c, opusFrame)
	e.track = &media.Track{Kind: media.Audio, Codec: media.Opus, Config: codec.BuildDOps(codec.OpusInfo{Channels: SoundChannels, InputRate: SoundRate}), SampleRate: SoundRate, Channels: SoundChannels}
	return e, nil
}

func newSoundEncoder(c *astiav.CodecContext, frame int) *SoundEncoder {
	liveContexts.Add(1)
	return &SoundEncoder{context: c, frame: frame, packet: allocPacket(),
		queue: astiav.AllocAudioFifo(c.SampleFormat(), SoundChannels, 4*frame)}
}

// Duration is the length of every packet.
func (e *SoundEncoder) Duration() media.Time { return media.FromScale(int64(e.frame), SoundRate) }

// Track describes the packets. It is the same one for the encoder's life.
func (e *SoundEncoder) Track() *media.Track { return e.track }

// Send encodes f, which stays the caller's and is as a Resampler makes it. The
// PTS of the first one is where the sound begins; from there on samples are
// counted. Receive is then to be called until it has nothing more.
func (e *SoundEncoder) Send(f *Frame) error {
	if !e.started {
		e.started, e.start = true, f.PTS
	}
	if _, err := e.queue.Write(f.f); err != nil {
		return wrap("encode", err)
	}
	return nil
}

// Drain says that no more sound comes: Receive gives what is left, then io.EOF.
// The last packet may end in silence.
func (e *SoundEncoder) Drain() error {
	if e.queue.Size() > 0 {
		if err := e.feed(min(e.queue.Size(), e.frame)); err != nil {
			return err
		}
	}
	if err := e.context.SendFrame(nil); err != nil && !errors.Is(err, astiav.ErrEof) {
		return wrap("drain", err)
	}
	return nil
}

// feed moves n queued samples into the encoder.
func (e *SoundEncoder) feed(n int) error {
	f, err := newSamples(n, e.context.SampleFormat())
	if err != nil {
		return err
	}
	defer freeFrame(f)
	if _, err := e.queue.Read(f); err != nil {
		return wrap("encode", err)
	}
	f.SetPts(e.sent)
	e.sent += int64(n)
	if err := e.context.SendFrame(f); err != nil {
		return wrap("encode", err)
	}
	return nil
}

// Receive gives the next packet. It returns ErrAgain when more sound is needed
// first and io.EOF after the end.
func (e *SoundEncoder) Receive() (Packet, error) {
	for {
		err := receive(e.context, e.packet)
		if errors.Is(err, ErrAgain) && e.queue.Size() >= e.frame {
			if err = e.feed(e.frame); err != nil {
				return Packet{}, err
			}
			continue
		}
		if err != nil {
			return Packet{}, err
		}
		at, data := e.packet.Pts(), e.packet.Data()
		e.packet.Unref()
		if at < 0 {
			continue // priming
		}
		t := e.start + media.FromScale(at, SoundRate)
		return Packet{Data: data, PTS: t, DTS: t, Key: true}, nil
	}
}

// Close frees the encoder with what is left in it.
func (e *SoundEncoder) Close() {
	e.queue.Free()
	liveContexts.Add(-1)
	freePacket(e.packet)
	freeContext(e.context)
}
