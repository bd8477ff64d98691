//go:build cgo

package av

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/asticode/go-astiav"

	"weir/media"
	"weir/media/codec"
)

const (
	inputPadding = 64          // zero bytes that decoders may read beyond a packet
	maxPixels    = 4096 * 2304 // larger pictures are refused before memory is taken
	sizeSlack    = 64          // samples that coded pictures may be larger than shown, each way
	maxInput     = 64 << 20    // bytes of one packet
)

// Decoder turns the packets of one track into frames: pictures in presentation
// order, or samples. It has no thread of its own, and holds a picture back only
// where the stream says that another one may come before it.
type Decoder struct {
	track   *media.Track
	context *astiav.CodecContext
	packet  *astiav.Packet
	spare   *astiav.Frame
	scratch []byte
}

// OpenDecoder makes a decoder for the track's packets. The error wraps
// ErrUnsupported when there is none for its codec. The track's Config must be
// that of the packets; a stream that changes it needs a new decoder.
func OpenDecoder(t *media.Track) (*Decoder, error) {
	decoder := findDecoder(t.Codec)
	if decoder == nil {
		return nil, fmt.Errorf("av: decoder %s: %w", t.Codec, ErrUnsupported)
	}
	c := allocContext(decoder)
	options := map[string]string{"max_pixels": strconv.Itoa(pixels(t))}
	if err := configure(c, t, options); err != nil {
		freeContext(c)
		return nil, wrap("decoder", err)
	}
	if err := openCodec(c, decoder, options); err != nil {
		freeContext(c)
		return nil, wrap("decoder "+t.Codec.String(), err)
	}
	return &Decoder{track: t, context: c, packet: allocPacket(), spare: allocFrame()}, nil
}

// pixels bounds the pictures of a track: a stream that says in its middle that it
// is larger than its Track is damaged.
func pixels(t *media.Track) int {
	if t.Width <= 0 || t.Height <= 0 {
		return maxPixels
	}
	return min(maxPixels, (t.Width+sizeSlack)*(t.Height+sizeSlack))
}

func findDecoder(c media.Codec) *astiav.Codec {
	switch c {
	case media.H264:
		return astiav.FindDecoder(astiav.CodecIDH264)
	case media.H265:
		return astiav.FindDecoder(astiav.CodecIDHevc)
	case media.AV1:
		return astiav.FindDecoderByName("libdav1d")
	case media.VP9:
		return astiav.FindDecoder(astiav.CodecIDVp9)
	case media.VP8:
		return astiav.FindDecoder(astiav.CodecIDVp8)
	case media.AAC:
		return astiav.FindDecoder(astiav.CodecIDAac)
	case media.Opus:
		return astiav.FindDecoder(astiav.CodecIDOpus)
	case media.MP3:
		return astiav.FindDecoder(astiav.CodecIDMp3)
	case media.MP2:
		return astiav.FindDecoder(astiav.CodecIDMp2)
	case media.AC3:
		return astiav.FindDecoder(astiav.CodecIDAc3)
	case media.EAC3:
		return astiav.FindDecoder(astiav.CodecIDEac3)
	case media.PCMU:
		return astiav.FindDecoder(astiav.CodecIDPcmMulaw)
	case media.PCMA:
		return astiav.FindDecoder(astiav.CodecIDPcmAlaw)
	case media.FLAC:
		return astiav.FindDecoder(astiav.CodecIDFlac)
	}
	return nil
}

func configure(c *astiav.CodecContext, t *media.Track, options map[string]string) error {
	config := t.Config
	switch t.Codec {
	case media.VP8, media.VP9, media.MP3, media.MP2, media.AC3, media.EAC3, media.PCMU, media.PCMA:
		config = nil // nothing that a decoder needs
	case media.Opus:
		config = opusHead(config)
	case media.AV1:
		options["max_frame_delay"] = "1"
	}
	if t.Kind == media.Audio && t.SampleRate > 0 {
		c.SetSampleRate(t.SampleRate)
		switch t.Channels {
		case 1:
			c.SetChannelLayout(astiav.ChannelLayoutMono)
		case 2:
			c.SetChannelLayout(astiav.ChannelLayoutStereo)
		}
	}
	return c.SetExtraData(config)
}

// opusHead makes the identification header of RFC 7845 5.1, which libav wants,
// from a dOps body, which has the same fields in big-endian order.
func opusHead(dops []byte) []byte {
	if len(dops) < 11 {
		return nil
	}
	out := append([]byte("OpusHead"), 1, dops[1])
	out = binary.LittleEndian.AppendUint16(out, binary.BigEndian.Uint16(dops[2:]))
	out = binary.LittleEndian.AppendUint32(out, binary.BigEndian.Uint32(dops[4:]))
	out = binary.LittleEndian.AppendUint16(out, binary.BigEndian.Uint16(dops[8:]))
	return append(out, dops[10:]...)
}

// Track is what the decoder was opened for.
func (d *Decoder) Track() *media.Track { return d.track }

// Send hands in one packet; Receive is then to be called until it has nothing
// more. The error wraps ErrCorrupt.
func (d *Decoder) Send(data []byte, pts media.Time) error {
	if len(data) == 0 || len(data) > maxInput {
		return wrap("decode", ErrCorrupt)
	}
	if err := codec.CheckInBand(d.track.Codec, data); err != nil {
		return fmt.Errorf("av: decode: %w (%w)", ErrCorrupt, err)
	}
	d.scratch = append(append(d.scratch[:0], data...), make([]byte, inputPadding)...)
	if err := d.packet.FromData(d.scratch); err != nil {
		return wrap("decode", err)
	}
	defer d.packet.Unref()
	d.packet.SetSize(len(data))
	d.packet.SetPts(int64(pts))
	if err := d.context.SendPacket(d.packet); err != nil {
		return fmt.Errorf("av: decode: %w (%w)", ErrCorrupt, err)
	}
	return nil
}

// Drain says that no more packets come: Receive gives what is left, then io.EOF.
func (d *Decoder) Drain() error {
	if err := d.context.SendPacket(nil); err != nil && !errors.Is(err, astiav.ErrEof) {
		return wrap("drain", err)
	}
	return nil
}

// Receive gives the next frame, which is then the caller's. It returns ErrAgain
// when another packet is needed, io.EOF after the end, or what wraps ErrCorrupt.
func (d *Decoder) Receive() (*Frame, error) {
	switch err := d.context.ReceiveFrame(d.spare); {
	case errors.Is(err, astiav.ErrEagain):
		return nil, ErrAgain
	case errors.Is(err, astiav.ErrEof):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("av: decode: %w (%w)", ErrCorrupt, err)
	}
	f := &Frame{PTS: media.Time(d.spare.Pts()), f: d.spare}
	d.spare = allocFrame()
	if d.track.Kind == media.Video {
		aspect := f.f.SampleAspectRatio()
		f.Signal = Signal{space: f.f.ColorSpace(), primaries: d.context.ColorPrimaries(),
			transfer: d.context.ColorTransferCharacteristic(), aspect: media.Rational{Num: aspect.Num(), Den: aspect.Den()}}
	}
	return f, nil
}

// Close frees the decoder. Frames that it gave stay valid.
func (d *Decoder) Close() {
	freeFrame(d.spare)
	freePacket(d.packet)
	freeContext(d.context)
}
