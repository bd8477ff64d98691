package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"weir/media"
	"weir/media/rtmp"
	"weir/media/testcard"
)

// tape is a little over a second of picture and sound, recorded once and published
// over and over: 25 fps, two key frames, and as long in frames of sound as in
// pictures, so that it has no seam.
type tape struct {
	tracks  []*media.Track
	packets []*media.Packet
	length  media.Time
}

const (
	tapePictures = 32
	tapeSounds   = 60
)

// record is the tape, made once for all tests.
var record = sync.OnceValues(func() (*tape, error) { return recordSize(256, 144, 150_000) })

func recordSize(width, height, bitrate int) (*tape, error) {
	c, err := testcard.OpenCamera(testcard.CameraConfig{
		Width: width, Height: height, FrameRate: media.Rational{Num: 25, Den: 1}, Bitrate: bitrate,
		Key: func(n int64) bool { return n%(tapePictures/2) == 0 },
	})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	x := &tape{tracks: c.Tracks(), length: c.Time(tapePictures)}
	for range 2 * tapePictures {
		list, err := c.Shoot()
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if p.DTS < x.length {
				x.packets = append(x.packets, p)
			}
		}
	}
	sortPackets(x.packets)
	if len(x.packets) != tapePictures+tapeSounds {
		return nil, fmt.Errorf("%d packets on the tape", len(x.packets))
	}
	return x, nil
}

func sortPackets(list []*media.Packet) {
	slices.SortStableFunc(list, func(a, b *media.Packet) int { return cmp.Compare(a.DTS, b.DTS) })
}

// caster publishes the tape over our own RTMP client.
type caster struct {
	client *rtmp.Client
	wire   *wire
	still  bool // time stamps do not move
}

// dialCaster publishes; the error is the server's refusal.
func dialCaster(t *testing.T, s *station, key string) (*caster, error) {
	t.Helper()
	w := dialWire(t, s.rtmp)
	client, err := rtmp.NewClient(w, rtmp.Target{App: "live", Key: key, URL: "rtmp://" + s.rtmp + "/live"}, rtmp.Limits{})
	return &caster{client: client, wire: w}, err
}

// mustCast publishes, trying again while the server believes that the publisher
// before is still there.
func mustCast(t *testing.T, s *station, key string) *caster {
	t.Helper()
	var c *caster
	eventually(t, "a place to publish", func() bool {
		var err error
		if c, err = dialCaster(t, s, key); err != nil && !errors.Is(err, rtmp.ErrRefused) && !s.flaky {
			t.Fatal(err)
		}
		return err == nil
	})
	return c
}

// cut ends the connection without a goodbye.
func (c *caster) cut() {
	c.wire.Close()
	_ = c.client.Close() // its goodbye cannot leave
}

// play sends the tape over and over at the pace of the clock, with times that
// begin at base milliseconds and wrap, until ctx is done or for a length. Only
// what a broken connection says is an error.
func (c *caster) play(ctx context.Context, base uint32, length time.Duration) error {
	x, err := record()
	if err != nil {
		return err
	}
	return c.roll(ctx, x, base, length)
}

// roll is play for any tape.
func (c *caster) roll(ctx context.Context, x *tape, base uint32, length time.Duration) error {
	for _, k := range x.tracks {
		if err := c.send(&media.Packet{Track: k, Data: k.Config, Key: true}, base, rtmp.SequenceStart); err != nil {
			return err
		}
	}
	start := time.Now()
	tick := time.NewTimer(0)
	defer tick.Stop()
	for round := media.Time(0); ; round++ {
		for _, p := range x.packets {
			at := p.DTS + round*x.length
			if length > 0 && at.Duration() >= length {
				return nil
			}
			tick.Reset(time.Until(start.Add(at.Duration())))
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			later := *p
			later.DTS, later.PTS = at, at
			if err := c.send(&later, base, rtmp.CodedFrames); err != nil {
				return err
			}
		}
	}
}

func (c *caster) send(p *media.Packet, base uint32, kind rtmp.PacketType) error {
	at := base
	if !c.still {
		at += uint32(max(0, p.DTS.In(1000)))
	}
	fourCC := map[media.Codec]rtmp.FourCC{media.H264: rtmp.FourCCAVC, media.AV1: rtmp.FourCCAV1, media.VP9: rtmp.FourCCVP9}
	if p.Track.Kind == media.Video {
		return c.client.WriteVideo(at, rtmp.Tag{FourCC: fourCC[p.Track.Codec], Packet: kind, Key: p.Key, Body: p.Data})
	}
	return c.client.WriteAudio(at, rtmp.Tag{FourCC: rtmp.FourCCAAC, Packet: kind, Body: p.Data})
}

// onAir is a caster that plays until it is stopped.
type onAir struct {
	*caster
	stop context.CancelFunc
	done chan error
}

// air publishes in the background until the test ends or a method below ends it.
func air(t *testing.T, s *station, key string) *onAir {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	o := &onAir{caster: mustCast(t, s, key), stop: cancel, done: make(chan error, 1)}
	go func() { o.done <- o.play(ctx, 0, 0) }()
	t.Cleanup(func() {
		cancel()
		o.cut()
	})
	return o
}

// vanish cuts the connection.
func (o *onAir) vanish() {
	o.stop()
	o.cut()
	<-o.done
}

// leave says goodbye.
func (o *onAir) leave() error {
	o.stop()
	return errors.Join(<-o.done, o.client.Close())
}

// lost waits for the server to end the connection.
func (o *onAir) lost(t *testing.T) error {
	t.Helper()
	select {
	case err := <-o.done:
		return err
	case <-time.After(patience):
		t.Fatal("the server never ended the connection")
		return nil
	}
}
