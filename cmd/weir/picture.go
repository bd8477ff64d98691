package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"weir/media"
	"weir/media/rtmp"
	"weir/media/testcard"
)

// The demo picture: enough to look at, little to encode.
const (
	demoWidth, demoHeight = 1280, 720
	demoFrames            = 30
	demoBitrate           = 2_500_000
	demoLate              = 100 * time.Millisecond // frames that are later are left out
)

// runDemo publishes a moving test picture over RTMP to rtmpAddr until ctx is done
// or the connection is lost. It is a publisher like any other. onAir is called when
// the server has let it in.
func runDemo(ctx context.Context, log *slog.Logger, rtmpAddr, key string, onAir func()) error {
	camera, err := testcard.OpenCamera(testcard.CameraConfig{
		Width: demoWidth, Height: demoHeight, FrameRate: media.Rational{Num: demoFrames, Den: 1}, Bitrate: demoBitrate,
		Key: func(n int64) bool { return n%demoFrames == 0 }, Now: time.Now,
	})
	if err != nil {
		return fmt.Errorf("demo picture: %w", err)
	}
	defer camera.Close()
	client, err := rtmp.Dial(ctx, "rtmp://"+rtmpAddr+"/live/"+key, rtmp.Limits{})
	if err != nil {
		return err
	}
	defer func() {
		if err := client.Close(); err != nil && ctx.Err() == nil {
			log.Debug("demo picture: goodbye", "err", err)
		}
	}()
	onAir()
	if err = announce(client, camera.Tracks()); err != nil {
		return err
	}
	return shoot(ctx, camera, client)
}

// announce sends what players of the stream need before its first frame.
func announce(client *rtmp.Client, tracks []*media.Track) error {
	err := client.WriteMetadata(0, rtmp.Array{
		{Name: "width", Value: float64(demoWidth)}, {Name: "height", Value: float64(demoHeight)},
		{Name: "framerate", Value: float64(demoFrames)}, {Name: "videodatarate", Value: float64(demoBitrate / 1000)},
		{Name: "videocodecid", Value: float64(7)}, {Name: "audiocodecid", Value: float64(10)}, {Name: "encoder", Value: "weir demo"},
	})
	for _, t := range tracks {
		if err != nil {
			return err
		}
		err = send(client, &media.Packet{Track: t, Data: t.Config, Key: true}, rtmp.SequenceStart)
	}
	return err
}

// shoot sends frames at the pace of the clock. Where the CPU is too slow for all of them it
// sends fewer, as other encoders do: a stream that is slower than time jumps again and again.
func shoot(ctx context.Context, camera *testcard.Camera, client *rtmp.Client) error {
	start := time.Now()
	tick := time.NewTimer(0)
	defer tick.Stop()
	for n := int64(0); ; n++ {
		tick.Reset(time.Until(start.Add(camera.Time(n).Duration())))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		take := camera.Shoot
		if time.Since(start.Add(camera.Time(n).Duration())) > demoLate {
			take = camera.Skip
		}
		packets, err := take()
		if err != nil {
			return fmt.Errorf("demo picture: %w", err)
		}
		for _, p := range packets {
			if err = send(client, p, rtmp.CodedFrames); err != nil {
				return err
			}
		}
	}
}

func send(client *rtmp.Client, p *media.Packet, kind rtmp.PacketType) error {
	at := uint32(max(0, p.DTS.In(1000)))
	if p.Track.Kind == media.Video {
		return client.WriteVideo(at, rtmp.Tag{FourCC: rtmp.FourCCAVC, Packet: kind, Key: p.Key, CTS: int32((p.PTS - p.DTS).In(1000)), Body: p.Data})
	}
	return client.WriteAudio(at, rtmp.Tag{FourCC: rtmp.FourCCAAC, Packet: kind, Body: p.Data})
}
