package main

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"weir/packager/door"
	"weir/packager/origin"
	"weir/services/fault"
	"weir/services/live"
)

// doors is where viewers of this process meet the live-service: it says who may watch.
type doors struct{ channels *live.Service }

var _ origin.Viewers = (*live.Service)(nil)

// live is the door of a session; nil, which is nobody's channel, is open to everybody.
func (d doors) live(b *live.Broadcast) door.Door {
	if b == nil {
		return nil
	}
	return func(x door.Bearer) (uint64, error) {
		viewer, err := d.channels.MayWatch(b, x.Pass, x.From)
		return viewer, closed(err)
	}
}

// waiting says whether a pass is one for a name that is not live.
func (d doors) waiting(name string, x door.Bearer) error {
	return closed(d.channels.MayWait(name, x.Pass, x.From))
}

// recording says who may have what was recorded.
func (d doors) recording(ctx context.Context, id string, x door.Bearer) error {
	of, err := uuid.Parse(id)
	if err != nil {
		return door.ErrHidden
	}
	return closed(d.channels.MayReplay(ctx, of, x.Pass, x.From))
}

// closed makes the live-service's refusal one for viewers.
func closed(err error) error {
	var why *fault.Error
	switch {
	case !errors.As(err, &why):
		return err
	case why.Code == fault.NotFound:
		return door.ErrHidden
	case why.Code == fault.Denied:
		return door.Refusal{Words: why.Detail}
	}
	return err
}
