package ingest

import "errors"

// StreamError says what is wrong with a publisher's stream, in words for it; the
// stream ends.
type StreamError struct {
	Words string
	Err   error // what lies behind it; may be nil
}

func (e *StreamError) Error() string {
	if e.Err != nil {
		return e.Words + ": " + e.Err.Error()
	}
	return e.Words
}

func (e *StreamError) Unwrap() error { return e.Err }

// ErrIdle ends a publisher from whom nothing comes that is of use.
var ErrIdle = &StreamError{Words: "no picture and no sound came for too long"}

// BadMedia is a piece of media that is of no use; the stream goes on.
type BadMedia struct{ Err error }

func (b *BadMedia) Error() string { return b.Err.Error() }
func (b *BadMedia) Unwrap() error { return b.Err }

// refusals are the errors whose texts are meant for publishers.
func refusals() [6]error {
	return [...]error{ErrDenied, ErrBusy, ErrTooMany, ErrClosing, ErrMoved, ErrReplaced}
}

// Words is what a publisher is shown of an error: refusals and what is wrong with
// its own stream, nothing of our inside.
func Words(err error) string {
	if e := (*Elsewhere)(nil); errors.As(err, &e) {
		return Words(e.Reason) + " (" + e.To + ")"
	}
	var own Refusal
	if errors.As(err, &own) {
		return own.Words
	}
	for _, r := range refusals() {
		if errors.Is(err, r) {
			return r.Error()
		}
	}
	var bad *StreamError
	if errors.As(err, &bad) {
		return bad.Error()
	}
	return "the server cannot take this stream now"
}

// Orderly tells whether a publisher is sent away since this server goes, which is nothing
// to warn of.
func Orderly(err error) bool { return errors.Is(err, ErrClosing) || errors.Is(err, ErrMoved) }
