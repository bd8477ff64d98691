package main

import (
	"bytes"
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
	gortmp "github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"

	"weir/media"
	"weir/media/codec"
)

// shot sends packets of the tape through a client that is not ours.
type shot func(p *media.Packet, at media.Time) error

// repeat sends the tape over and over at the pace of the clock.
func repeat(ctx context.Context, x *tape, send shot) error {
	start := time.Now()
	tick := time.NewTimer(0)
	defer tick.Stop()
	for round := media.Time(0); ; round++ {
		for _, p := range x.packets {
			at := p.DTS + round*x.length
			tick.Reset(time.Until(start.Add(at.Duration())))
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			if err := send(p, at); err != nil {
				return err
			}
		}
	}
}

// dialGortmplib connects a publisher by gortmplib.
func dialGortmplib(t *testing.T, s *station, name string) *gortmplib.Client {
	t.Helper()
	u, err := url.Parse("rtmp://" + s.rtmp + "/live/" + name)
	if err != nil {
		t.Fatal(err)
	}
	c := &gortmplib.Client{URL: u, Publish: true}
	if err := c.Initialize(limited(t)); err != nil {
		t.Fatal(err)
	}
	return c
}

// openGortmplib publishes HEVC and Opus by gortmplib, in Enhanced RTMP.
func openGortmplib(t *testing.T, s *station, x *tape, name string) (shot, func()) {
	c := dialGortmplib(t, s, name)
	sets, err := codec.ParseHVCC(x.tracks[0].Config)
	if err != nil {
		t.Fatal(err)
	}
	video := &gortmplib.Track{Codec: &codecs.H265{VPS: sets.VPS[0], SPS: sets.SPS[0], PPS: sets.PPS[0]}}
	audio := &gortmplib.Track{Codec: &codecs.Opus{IDHeader: &opus.IDHeader{Version: 1, ChannelCount: 2, InputSampleRate: 48000}}}
	w := &gortmplib.Writer{Conn: c, Tracks: []*gortmplib.Track{video, audio}}
	if err := w.Initialize(); err != nil {
		t.Fatal(err)
	}
	return func(p *media.Packet, at media.Time) error {
		if p.Kind() == media.Audio {
			return w.WriteOpus(audio, at.Duration(), p.Data)
		}
		var units h264.AVCC // the same for HEVC
		if err := units.Unmarshal(p.Data); err != nil {
			return err
		}
		return w.WriteH265(video, at.Duration(), at.Duration(), units)
	}, c.Close
}

// openGoRTMP publishes H.264 and AAC by go-rtmp.
func openGoRTMP(t *testing.T, s *station, x *tape, name string) (shot, func()) {
	c, err := gortmp.Dial("rtmp", s.rtmp, &gortmp.ConnConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(&message.NetConnectionConnect{Command: message.NetConnectionConnectCommand{App: "live", TCURL: "rtmp://" + s.rtmp + "/live"}}); err != nil {
		t.Fatal(err)
	}
	stream, err := c.CreateStream(nil, 4096)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Publish(&message.NetStreamPublish{PublishingName: name, PublishingType: "live"}); err != nil {
		t.Fatal(err)
	}
	write := func(p *media.Packet, at media.Time, kind byte, body []byte) error {
		if p.Kind() == media.Audio {
			return stream.Write(4, uint32(at.In(1000)), &message.AudioMessage{Payload: bytes.NewReader(append([]byte{0xaf, kind}, body...))})
		}
		head := []byte{0x27, kind, 0, 0, 0}
		if p.Key {
			head[0] = 0x17
		}
		return stream.Write(6, uint32(at.In(1000)), &message.VideoMessage{Payload: bytes.NewReader(append(head, body...))})
	}
	for _, k := range x.tracks {
		if err := write(&media.Packet{Track: k, Key: true}, 0, 0, k.Config); err != nil {
			t.Fatal(err)
		}
	}
	return func(p *media.Packet, at media.Time) error { return write(p, at, 1, p.Data) }, func() { c.Close() }
}
