package srt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	srt "github.com/datarhei/gosrt"
)

// askEvery is how often a viewer is asked for its right, and counted.
const askEvery = 2 * time.Second

// payload is what a datagram has: seven packets of the transport stream.
const payload = 7 * 188

var (
	errLeft = errors.New("the player left")
	errSlow = errors.New("the network takes nothing any more")
)

// show sends the stream until it ends, the player leaves or may watch no more; then it closes
// the wire.
func show(ctx context.Context, wire srt.Conn, c *channel, x *seat, watching func() error) error {
	if err := watching(); err != nil {
		_ = wire.Close()
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(ctx, func() { _ = wire.Close() })
	defer stop()
	var beside sync.WaitGroup
	defer beside.Wait()
	defer func() { _ = wire.Close() }() // ends the reading
	defer cancel(nil)
	beside.Go(func() {
		for buf := make([]byte, 2048); ; { // players say nothing; this ends with the connection
			if _, err := wire.Read(buf); err != nil {
				cancel(errLeft)
				return
			}
		}
	})
	beside.Go(func() {
		if err := ask(ctx, c, watching); err != nil {
			cancel(err)
		}
		x.queue.Close() // what waits goes out
	})
	for {
		one, err := x.queue.Pull(ctx)
		if err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
		for data := one.data; len(data) > 0; {
			n := min(len(data), payload)
			if _, err := wire.Write(data[:n]); err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				return fmt.Errorf("%w: %w", errSlow, err)
			}
			data = data[n:]
		}
	}
}

// ask returns when the stream is over, or with an error when the viewer may watch no more
// or ctx ends.
func ask(ctx context.Context, c *channel, watching func() error) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.source.Done():
			return nil
		case <-tick.C:
		}
		if err := watching(); err != nil {
			return err
		}
	}
}
