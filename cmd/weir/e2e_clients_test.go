package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/url"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	gortmp "github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"

	"weir/media"
)

// shot sends packets of the tape through a client that is not ours.
type shot func(p *media.Packet, at media.Time) error

// TestOtherClients publishes the tape by the clients of two other projects and
// follows what viewers get.
func TestOtherClients(t *testing.T) {
	t.Parallel()
	s := startStation(t)
	x, err := record()
	if err != nil {
		t.Fatal(err)
	}
	clients := map[string]func(t *testing.T, s *station, x *tape, name string) (shot, func()){
		"gortmplib": openGortmplib, "go-rtmp": openGoRTMP,
	}
	for name, open := range clients {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			send, end := open(t, s, x, name)
			sent := make(chan error, 1)
			go func() { sent <- repeat(ctx, x, send) }()
			v, err := s.view(limited(t), name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.until(limited(t), v.pictures[0], closedSegments(5)); err != nil {
				t.Error(err)
			}
			if err := v.check(limited(t)); err != nil {
				t.Error(err)
			}
			cancel()
			if err := <-sent; err != nil {
				t.Errorf("the client failed: %v", err)
			}
			end()
		})
	}
}

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

// sets are the parameter sets in an AVCDecoderConfigurationRecord with one each.
func sets(config []byte) (sps, pps []byte) {
	n := int(binary.BigEndian.Uint16(config[6:]))
	sps, config = config[8:8+n], config[8+n:]
	n = int(binary.BigEndian.Uint16(config[1:]))
	return sps, config[3 : 3+n]
}

func openGortmplib(t *testing.T, s *station, x *tape, name string) (shot, func()) {
	u, err := url.Parse("rtmp://" + s.rtmp + "/live/" + name)
	if err != nil {
		t.Fatal(err)
	}
	c := &gortmplib.Client{URL: u, Publish: true}
	if err := c.Initialize(limited(t)); err != nil {
		t.Fatal(err)
	}
	sps, pps := sets(x.tracks[0].Config)
	var asc mpeg4audio.AudioSpecificConfig
	if err := asc.Unmarshal(x.tracks[1].Config); err != nil {
		t.Fatal(err)
	}
	video, audio := &gortmplib.Track{Codec: &codecs.H264{SPS: sps, PPS: pps}}, &gortmplib.Track{Codec: &codecs.MPEG4Audio{Config: &asc}}
	w := &gortmplib.Writer{Conn: c, Tracks: []*gortmplib.Track{video, audio}}
	if err := w.Initialize(); err != nil {
		t.Fatal(err)
	}
	return func(p *media.Packet, at media.Time) error {
		if p.Kind() == media.Audio {
			return w.WriteMPEG4Audio(audio, at.Duration(), p.Data)
		}
		var units h264.AVCC
		if err := units.Unmarshal(p.Data); err != nil {
			return err
		}
		return w.WriteH264(video, at.Duration(), at.Duration(), units)
	}, c.Close
}

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
