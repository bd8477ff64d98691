package rig

import (
	"context"
	"time"

	"weir/media/rtmp"
)

// Publisher replays a clip to a server over and over at the pace of the clock.
type Publisher struct {
	// Accepted is when the server said that publishing may begin.
	Accepted time.Time
	// Wrote, when set, is told of every video frame that was written to the
	// connection, counted from 0, and when the writing began. It must not block.
	Wrote func(frame int, at time.Time)

	client *rtmp.Client
	clip   *Clip
}

// Publish connects; Play sends. Only Close says goodbye.
func Publish(ctx context.Context, s *Server, name string, clip *Clip) (*Publisher, error) {
	client, err := rtmp.Dial(ctx, "rtmp://"+s.RTMP+"/live/"+name, rtmp.Limits{})
	return &Publisher{Accepted: time.Now(), client: client, clip: clip}, err
}

// Play sends the clip until ctx is done.
func (p *Publisher) Play(ctx context.Context) error {
	for _, h := range p.clip.headers {
		if err := p.send(h, 0); err != nil {
			return err
		}
	}
	start := time.Now()
	tick := time.NewTimer(0)
	defer tick.Stop()
	frame := 0
	for round := time.Duration(0); ; round += p.clip.Length {
		for _, f := range p.clip.frames {
			if late := time.Until(start.Add(round + f.at)); late > 0 {
				tick.Reset(late)
				select {
				case <-ctx.Done():
					return nil
				case <-tick.C:
				}
			}
			began := time.Now()
			if err := p.send(f, round+f.at); err != nil {
				return err
			}
			if f.video {
				if p.Wrote != nil {
					p.Wrote(frame, began)
				}
				frame++
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

func (p *Publisher) send(f flvTag, at time.Duration) error {
	ms := uint32(at / time.Millisecond)
	if f.video {
		return p.client.WriteVideo(ms, f.tag)
	}
	return p.client.WriteAudio(ms, f.tag)
}

// Close ends the stream.
func (p *Publisher) Close() error { return p.client.Close() }

// OnAir publishes and plays in the background. off ends the stream and returns
// what went wrong.
func OnAir(ctx context.Context, s *Server, name string, clip *Clip, wrote func(frame int, at time.Time)) (p *Publisher, off func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	p, err = Publish(ctx, s, name, clip)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	p.Wrote = wrote
	done := make(chan error, 1)
	go func() { done <- p.Play(ctx) }()
	return p, func() error {
		cancel()
		err := <-done
		if e := p.Close(); err == nil {
			err = e
		}
		return err
	}, nil
}
