package ingest

import (
	"context"

	"weir/media"
)

// Opener gives publishers their sessions, as a protocol sees it. Local is the real one.
type Opener interface {
	// Open asks whether the publisher may go on. It is called once a connection,
	// from the connection's goroutine, and may block until ctx ends. The error
	// wraps one of the refusals of this package where one fits.
	Open(ctx context.Context, r Request) (Hold, error)
}

// Hold is one publisher's hold on its stream: a Publisher. All but Done are called from
// the connection's goroutine.
type Hold interface {
	Name() string
	Introduce(encoder string)          // what the publisher calls itself, if it tells
	LeaveOut(video, audio int)         // how many tracks of each kind come that are not taken
	Start(tracks []*media.Track) error // video first, before Write; again with a kind that came late
	Write(p *media.Packet) error       // takes p over; may block; an error is final
	Close(clean bool)                  // clean: the publisher said goodbye
	Done() <-chan struct{}             // closed when the publisher has to go ...
	Err() error                        // ... and why
}

var (
	_ Opener = Local{}
	_ Hold   = (*Publisher)(nil)
)

// Local are the sessions of this process.
type Local struct{ Sessions *Sessions }

// Open is Sessions.Open.
func (l Local) Open(ctx context.Context, r Request) (Hold, error) {
	p, err := l.Sessions.Open(ctx, r)
	if err != nil {
		return nil, err
	}
	return p, nil
}
