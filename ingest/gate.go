package ingest

import (
	"context"
	"errors"
)

// Refusals. Their texts are shown to the publisher as they are.
var (
	ErrDenied  = errors.New("stream key is not valid")
	ErrBusy    = errors.New("somebody is publishing this name already")
	ErrTooMany = errors.New("too many connections")
	ErrClosing = errors.New("server is shutting down")
	// ErrReplaced ends the session of a publisher whose place a newer one took.
	ErrReplaced = errors.New("another publisher took over")
)

// Refusal is a gate's own reason, in words for the publisher; it is an ErrDenied.
type Refusal struct{ Words string }

func (r Refusal) Error() string { return r.Words }

// Is says that it is an ErrDenied.
func (r Refusal) Is(target error) bool { return target == ErrDenied }

// Request is what a publisher asks for.
type Request struct {
	Protocol string // "rtmp", "srt", ...: for logs and the API
	Key      string // the secret; never logged
	Peer     string // host:port of the publisher
}

// Gate says who may publish. It is called once per connection, before anything
// is promised to the publisher.
type Gate interface {
	// Publish resolves a key to the name that its owner publishes as. It returns
	// an error that is ErrDenied when there is no such key; other errors mean
	// that the question could not be answered. ctx carries the deadline.
	Publish(ctx context.Context, r Request) (name string, err error)
}
