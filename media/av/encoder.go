//go:build cgo

package av

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/asticode/go-astiav"

	"weir/media"
)

// Packet is what an encoder makes. Data is the caller's, as media.Packet has it.
type Packet struct {
	Data     []byte
	PTS, DTS media.Time // DTS of the n-th packet is the PTS of the n-th frame
	Key      bool       // video: IDR
}

// VideoConfig says how to encode pictures. Width, Height and Bitrate are needed.
type VideoConfig struct {
	Width, Height int            // samples, both even
	FrameRate     media.Rational // nominal, for rate control; zero means 30
	Bitrate       int            // bit/s on the average
	Lookahead     int            // frames that the encoder sees ahead: quality for delay
	Preset        string         // of x264; "" means veryfast
	MaxBFrames    int            // 0 for live
	KeyInterval   int            // frames after which a key frame comes unforced; 0 means 20 s
	Signal        Signal
}

// VideoEncoder makes H.264 of pictures. It has no thread of its own.
type VideoEncoder struct {
	config  VideoConfig
	track   *media.Track
	context *astiav.CodecContext
	packet  *astiav.Packet
	sent    int64
	pts     map[int64]media.Time // by frame number, until the packet comes
	dts     []media.Time
}

// OpenVideoEncoder opens x264. The track is known from here on.
func OpenVideoEncoder(config VideoConfig) (*VideoEncoder, error) {
	codec := astiav.FindEncoderByName("libx264")
	if codec == nil {
		return nil, fmt.Errorf("av: encoder libx264: %w", ErrUnsupported)
	}
	if config.FrameRate.Num <= 0 || config.FrameRate.Den <= 0 {
		config.FrameRate = media.Rational{Num: 30, Den: 1}
	}
	c := allocContext(codec)
	config.apply(c)
	if err := openCodec(c, codec, config.options()); err != nil {
		freeContext(c)
		return nil, wrap("encoder", err)
	}
	t := &media.Track{Kind: media.Video, Codec: media.H264, Config: c.ExtraData(), Width: config.Width, Height: config.Height,
		FrameRate: config.FrameRate, Reorder: config.MaxBFrames > 0}
	return &VideoEncoder{config: config, track: t, context: c, packet: allocPacket(), pts: map[int64]media.Time{}}, nil
}

func (v *VideoConfig) apply(c *astiav.CodecContext) {
	c.SetWidth(v.Width)
	c.SetHeight(v.Height)
	c.SetPixelFormat(astiav.PixelFormatYuv420P)
	c.SetTimeBase(astiav.NewRational(v.FrameRate.Den, v.FrameRate.Num))
	c.SetFramerate(astiav.NewRational(v.FrameRate.Num, v.FrameRate.Den))
	c.SetBitRate(int64(v.Bitrate))
	c.SetRateControlMaxRate(int64(v.Bitrate) * 107 / 100)
	c.SetRateControlBufferSize(v.Bitrate * 3 / 2)
	c.SetMaxBFrames(v.MaxBFrames)
	interval := v.KeyInterval
	if interval <= 0 {
		interval = int(20*v.FrameRate.Float()) + 1
	}
	c.SetGopSize(interval)
	c.SetFlags(c.Flags().Add(astiav.CodecContextFlagGlobalHeader))
	c.SetColorRange(astiav.ColorRangeMpeg)
	c.SetColorSpace(v.Signal.space)
	c.SetColorPrimaries(v.Signal.primaries)
	c.SetColorTransferCharacteristic(v.Signal.transfer)
	if v.Signal.aspect.Den > 0 {
		c.SetSampleAspectRatio(astiav.NewRational(v.Signal.aspect.Num, v.Signal.aspect.Den))
	}
}

func (v *VideoConfig) options() map[string]string {
	preset := v.Preset
	if preset == "" {
		preset = "veryfast"
	}
	o := map[string]string{
		"preset":       preset,
		"profile":      "high",
		"sc_threshold": "0",
		"forced-idr":   "1",
		"rc-lookahead": strconv.Itoa(v.Lookahead),
		// 4-byte lengths before NAL units, as media.Packet has them; constant frame
		// rate, since waiting for the next stamp would be a frame of delay
		"x264-params": "annexb=0:force-cfr=1:sync-lookahead=0",
	}
	if v.Lookahead == 0 {
		o["mbtree"] = "0"
	}
	return o
}

// Track describes the packets. It is the same one for the encoder's life.
func (e *VideoEncoder) Track() *media.Track { return e.track }

// Config is what the encoder was opened with.
func (e *VideoEncoder) Config() VideoConfig { return e.config }

// Send encodes f, which stays the caller's; it must be of the encoder's size in
// 4:2:0 with 8 bits, as a Scaler makes it. key asks for an IDR picture. Receive
// is then to be called until it has nothing more.
func (e *VideoEncoder) Send(f *Frame, key bool) error {
	if f.Width() != e.config.Width || f.Height() != e.config.Height || f.f.PixelFormat() != astiav.PixelFormatYuv420P {
		return wrap("encode", errors.New("picture is not of the encoder's size and format"))
	}
	c := f.Ref()
	defer c.Free()
	c.f.SetPts(e.sent)
	c.f.SetPictureType(astiav.PictureTypeNone)
	if key {
		c.f.SetPictureType(astiav.PictureTypeI)
	}
	if err := e.context.SendFrame(c.f); err != nil {
		return wrap("encode", err)
	}
	e.pts[e.sent] = f.PTS
	e.dts = append(e.dts, f.PTS)
	e.sent++
	return nil
}

// Drain says that no more frames come: Receive gives what is left, then io.EOF.
func (e *VideoEncoder) Drain() error {
	if err := e.context.SendFrame(nil); err != nil && !errors.Is(err, astiav.ErrEof) {
		return wrap("drain", err)
	}
	return nil
}

// Receive gives the next packet. It returns ErrAgain when another frame is
// needed first and io.EOF after the end.
func (e *VideoEncoder) Receive() (Packet, error) {
	if err := receive(e.context, e.packet); err != nil {
		return Packet{}, err
	}
	defer e.packet.Unref()
	n := e.packet.Pts()
	p := Packet{Data: e.packet.Data(), PTS: e.pts[n], DTS: e.dts[0], Key: e.packet.Flags().Has(astiav.PacketFlagKey)}
	delete(e.pts, n)
	e.dts = e.dts[1:]
	return p, nil
}

// Pending is the number of frames that were sent and have not come out yet.
func (e *VideoEncoder) Pending() int { return len(e.dts) }

// Close frees the encoder with what is left in it.
func (e *VideoEncoder) Close() {
	freePacket(e.packet)
	freeContext(e.context)
}

// receive takes the next packet out of an encoder.
func receive(c *astiav.CodecContext, p *astiav.Packet) error {
	switch err := c.ReceivePacket(p); {
	case errors.Is(err, astiav.ErrEagain):
		return ErrAgain
	case errors.Is(err, astiav.ErrEof):
		return io.EOF
	case err != nil:
		return wrap("encode", err)
	}
	return nil
}
