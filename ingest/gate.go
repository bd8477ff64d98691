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
	// ErrMoved: the stream goes on at another server behind the same address.
	ErrMoved = errors.New("this server is going away, connect again")
	// ErrReplaced ends the session of a publisher whose place a newer one took.
	ErrReplaced = errors.New("another publisher took over")
)

// Ends of sessions that nobody asked for but their publishers. The texts are shown to
// who looks after the channel.
var (
	ErrGoodbye = errors.New("the encoder ended it")
	ErrLost    = errors.New("the connection to the encoder was lost") // and it did not come back in time
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
	Proof    *Proof // in place of Key; may be nil
	Peer     string // host:port of the publisher
	// Unlock, where the protocol can encrypt with a passphrase, takes that of the channel;
	// empty: it has none. The gate calls it once it knows the channel, and returns its
	// error as it is: the publisher does not encrypt with that.
	Unlock  func(passphrase string) error
	Encoder string // what it calls itself, as far as that is known by now; of any form
	// Via are marks of where the stream was before it was sent on to here, as the publisher
	// says; ingest does not look at them.
	Via []string

	Scheme  string // of the address that it called, where the protocol can name another one; empty: it cannot
	Follows bool   // it goes to another address by itself when it is told to
	Sent    bool   // it was sent here a moment ago, by another server

	Waits bool // it takes nobody's place, not even that of one who has fallen silent
}

// Proof shows that a publisher has a key of a channel without sending it: a digest of
// RFC 7616 (3.4.1, without qop) for the realm "weir".
type Proof struct {
	Name     string // of the channel
	User     string // any
	SHA256   bool   // else MD5
	Rest     string // nonce:H(A2); the protocol has made sure of both
	Response string // H(H(A1):Rest) in hex, if it is right
}

// Grant is what a gate lets a publisher do.
type Grant struct {
	Name     string // what it publishes as
	Takeover bool   // it replaces a publisher that is there, also where Config.Takeover does not
	Detail   any    // the gate's own, for its Watcher; ingest does not look at it
}

// Gate says who may publish. It is called once per connection, before anything
// is promised to the publisher.
type Gate interface {
	// Publish resolves a key, or the proof of one, to the name that its owner publishes as. It returns
	// an error that is ErrDenied when there is no such key; other errors mean
	// that the question could not be answered. ctx carries the deadline.
	Publish(ctx context.Context, r Request) (Grant, error)
}

// Watcher is told what becomes of publishers. Its methods are called with the session
// locked, in the order in which things happen to a name, and must not block, but for the last.
type Watcher interface {
	// Joined: the publisher of r is the session's now, as a new one, in place of one
	// that dropped, or in place of one that it replaced.
	Joined(g Grant, r Request)
	// Introduced: the publisher has said what it is, in text of any form.
	Introduced(name, encoder string)
	// Dropped: the publisher is gone, and waited for.
	Dropped(name string)
	// Ended: the session is over. The reason is ErrGoodbye or ErrLost when its publisher left.
	Ended(name string, reason error)
	// TurnedAway: the gate let the publisher of r in, and its name is taken. It is called
	// without the session's lock, and may block until ctx ends.
	TurnedAway(ctx context.Context, g Grant, r Request, reason error)
}
