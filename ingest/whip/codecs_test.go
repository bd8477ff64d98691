package whip_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"weir/media"
	"weir/media/codec"
)

// clip reads a file of media/av: the frames of an IVF, or a whole byte stream.
func clip(t *testing.T, name string) (frames [][]byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "media", "av", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(name) != ".ivf" {
		return [][]byte{data}
	}
	for data = data[32:]; len(data) > 12; {
		n := 12 + int(binary.LittleEndian.Uint32(data))
		frames = append(frames, data[12:n])
		data = data[n:]
	}
	return frames
}

// film sends frames over and over, in payloads as small as some networks need them.
func (c *camera) film(track *webrtc.TrackLocalStaticRTP, cutter rtp.Payloader, frames [][]byte) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		seq := uint16(0)
		for n := 0; ; n++ {
			payloads := cutter.Payload(200, frames[n%len(frames)])
			for i, p := range payloads {
				seq++
				head := rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(n) * 1800, Marker: i == len(payloads)-1}
				if track.WriteRTP(&rtp.Packet{Header: head, Payload: p}) != nil {
					return
				}
			}
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	c.r.t.Cleanup(func() { close(stop); <-done })
}

// Each codec of pictures arrives as it was sent, in the form that packets have.
func TestCodecs(t *testing.T) {
	hevc := func(frame []byte) []byte {
		data, _ := codec.Strip(media.H265, codec.AppendLengthPrefixed(nil, frame))
		return data
	}
	av1 := func(frame []byte) []byte {
		data, _, _, err := codec.AV1Unit(frame)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	whole := func(frame []byte) []byte { return frame }
	for name, c := range map[string]struct {
		mime, file string
		cutter     rtp.Payloader
		codec      media.Codec
		form       func([]byte) []byte
	}{
		"H.265": {webrtc.MimeTypeH265, "h265.hevc", &codecs.H265Payloader{}, media.H265, hevc},
		"AV1":   {webrtc.MimeTypeAV1, "av1.ivf", &codecs.AV1Payloader{}, media.AV1, av1},
		"VP8":   {webrtc.MimeTypeVP8, "vp8.ivf", &codecs.VP8Payloader{}, media.VP8, whole},
		"VP9":   {webrtc.MimeTypeVP9, "vp9.ivf", &codecs.VP9Payloader{}, media.VP9, whole},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			cam := newBareCamera(r)
			track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: c.mime}, "v", "s")
			if err != nil {
				t.Fatal(err)
			}
			cam.add(track)
			cam.connect("/whip", "x")
			frames := clip(t, c.file)
			cam.film(track, c.cutter, frames)
			s := r.Next(t)
			if k := s.Tracks()[0]; k.Codec != c.codec || k.Width == 0 || k.Height == 0 {
				t.Fatalf("track %+v", k)
			}
			want := map[string]bool{}
			for _, f := range frames {
				want[string(c.form(f))] = true
			}
			got := s.Wait(t, media.Video, 10)
			if !got[0].Key {
				t.Error("the first picture is no key frame")
			}
			for i, p := range got {
				if !want[string(p.Data)] {
					t.Fatalf("picture %d of %d bytes is none that was sent", i, len(p.Data))
				}
			}
			if len(frames) > 1 && bytes.Equal(got[0].Data, got[1].Data) {
				t.Error("the same picture came twice")
			}
		})
	}
}
