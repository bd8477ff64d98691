package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"weir/media"
	"weir/media/hub"
	"weir/media/ring"
	wire "weir/media/rtmp"
	"weir/packager/door"
	"weir/packager/feed"
	"weir/packager/flv"
)

const (
	// askEvery is how often a viewer is asked for its right, and counted.
	askEvery = 2 * time.Second

	queueItems = 1024
	queueBytes = 8 << 20 // some 20 s of 3 Mbit/s
)

// errLeft is why Listen ended.
var errLeft = errors.New("the player left")

// viewer is one player.
type viewer struct {
	wire     *wire.ViewerConn
	watching func() error // counts it, and asks the door again
	source   *hub.Stream
	feeds    []feed.Feed // what it gets
}

// takes tells which tracks a player can be sent.
func takes(req wire.PlayRequest) func(*media.Track) bool {
	return func(t *media.Track) bool {
		name, ok := flv.FourCC(t.Codec)
		return ok && (flv.Classic(t.Codec) || req.Takes(name))
	}
}

// show sends the stream until it ends (io.EOF), the player leaves or may watch no more.
func (v *viewer) show(ctx context.Context) error {
	if err := v.watching(); err != nil {
		return err
	}
	readers := v.subscribe()
	defer func() {
		for _, r := range readers {
			r.Close()
		}
	}()
	if err := v.wire.Begin(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	// A write that waits for the player ends soon after ctx.
	stop := context.AfterFunc(ctx, v.wire.Interrupt)
	defer stop()
	out := flv.NewSender(v.wire, v.tracks())
	var sending, beside sync.WaitGroup
	beside.Go(func() { cancel(fmt.Errorf("%w: %w", errLeft, v.wire.Listen())) })
	beside.Go(func() { cancel(v.ask(ctx)) })
	var turn sync.Mutex
	for _, r := range readers {
		sending.Go(func() { cancel(v.send(ctx, r, out, &turn)) })
	}
	sending.Wait()
	err := context.Cause(ctx)
	said := v.farewell(err)
	v.wire.Interrupt()
	beside.Wait()
	if said {
		v.wire.Linger()
	}
	return err
}

// subscribe attaches a reader to each stream that something comes from.
func (v *viewer) subscribe() (list []*hub.Reader) {
	limits := ring.Limits{Items: queueItems, Bytes: queueBytes}
	if len(v.feeds) == 2 && v.feeds[0].Stream == v.feeds[1].Stream {
		return append(list, v.feeds[0].Stream.Subscribe(limits)) // both miss the same
	}
	for _, f := range v.feeds {
		list = append(list, f.Stream.SubscribeKind(f.Track.Kind, limits))
	}
	return list
}

// tracks are what the player is told of.
func (v *viewer) tracks() (list []*media.Track) {
	for _, f := range v.feeds {
		list = append(list, f.Track)
	}
	return list
}

// farewell tells the player why it gets no more, if it is there to hear that.
func (v *viewer) farewell(why error) (said bool) {
	switch {
	case errors.Is(why, io.EOF) && !errors.Is(why, errLeft):
		return v.wire.End() == nil
	case errors.Is(why, door.ErrHidden), errors.As(why, new(door.Refusal)):
		return v.wire.Refuse(refusal(why)) == nil
	}
	return false
}

// ask returns when the viewer may watch no more, or ctx ends.
func (v *viewer) ask(ctx context.Context) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := v.watching(); err != nil {
			return err
		}
	}
}

// send sends packets until ctx or the stream ends, the latter with io.EOF, or the player
// takes no more. turn is for out, which several use.
func (v *viewer) send(ctx context.Context, r *hub.Reader, out *flv.Sender, turn *sync.Mutex) error {
	for {
		p, err := r.Read(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(v.feeds, func(f feed.Feed) bool { return f.Track.Codec == p.Track.Codec }) {
			continue // of a kind that it does not take
		}
		turn.Lock()
		_, err = out.Send(p)
		turn.Unlock()
		if err != nil {
			return err
		}
	}
}
