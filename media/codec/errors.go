package codec

import "errors"

// What may be wrong with a bit-stream. Functions wrap one of these once, with
// the name of the structure that was being read.
var (
	ErrTruncated   = errors.New("truncated")
	ErrInvalid     = errors.New("invalid")
	ErrUnsupported = errors.New("unsupported")
	// ErrTooLarge is a picture that takes more memory to decode than the levels of
	// its standard allow.
	ErrTooLarge = errors.New("too much memory to decode")
)
