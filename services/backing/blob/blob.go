package blob

import (
	"context"
	"errors"
	"io"
	"time"
)

// Errors that callers tell apart with errors.Is. All others mean that the storage
// does not work now.
var (
	// ErrNotFound: there is no object with this key.
	ErrNotFound = errors.New("no such object")
	// ErrBadKey: the key, prefix or position is not one; see CheckKey.
	ErrBadKey = errors.New("not a valid object key")
	// ErrUnsupported: this storage cannot do that.
	ErrUnsupported = errors.New("not supported by this storage")
	// ErrRange: the range begins at or after the end of the object, or is negative.
	ErrRange = errors.New("range is outside of the object")
	// ErrSize: the body has more or fewer bytes than PutOptions.Size, or more than
	// the storage takes.
	ErrSize = errors.New("the body does not have the announced size")
	// ErrContentType: PutOptions.ContentType is not a media type.
	ErrContentType = errors.New("not a valid content type")
)

// MaxList is the most that one List returns.
const MaxList = 1000

// Blob is a storage of objects. Every call ends soon after ctx does.
type Blob interface {
	// Put stores what r holds under key, in place of what was there. It reads r to
	// its end, from the calling goroutine, and never after it has returned; an
	// error of r is in the chain of the error returned. The Info has no ModTime
	// when the storage does not tell it.
	Put(ctx context.Context, key string, r io.Reader, o PutOptions) (Info, error)
	// Get returns the bytes of a range, and the Info of the whole object that they
	// are from. The caller closes the reader. A reader that ends early gives an
	// error, not io.EOF.
	Get(ctx context.Context, key string, rng Range) (io.ReadCloser, Info, error)
	// Stat returns what Get would, without the bytes.
	Stat(ctx context.Context, key string) (Info, error)
	// List returns the objects whose keys begin with prefix and come after after,
	// in the order of the keys' bytes: limit of them at most, or MaxList when limit
	// is 0 or more than that. The next page begins after the last key of this one.
	// ContentType is not filled in.
	List(ctx context.Context, prefix, after string, limit int) ([]Info, error)
	// Delete removes the objects; a key that is not there counts as removed. When
	// some cannot be removed the others are, and the errors are joined.
	Delete(ctx context.Context, key ...string) error
	// Presign returns an address at which anybody may GET or PUT the object for
	// ttl, one second to seven days, without other credentials. It is a secret.
	// A storage without addresses returns ErrUnsupported: the caller then serves
	// the bytes itself.
	Presign(ctx context.Context, method, key string, ttl time.Duration) (string, error)
}

// PutOptions go with the bytes of a Put.
type PutOptions struct {
	// ContentType is a media type of RFC 9110, section 8.3; "" is
	// application/octet-stream.
	ContentType string
	// Size is the number of bytes that must come, when it is known before; 0 is
	// not known. Put needs less memory with it.
	Size int64
}

// Info describes a stored object.
type Info struct {
	Key string
	// Size of the whole object, in bytes.
	Size int64
	// ModTime is when it was stored, by the storage's clock, in UTC, to the second
	// at least.
	ModTime time.Time
	// ETag, without quotes, changes when the bytes do. Two storages give different
	// ones for the same bytes.
	ETag string
	// ContentType as given to Put.
	ContentType string
}

// Range is a part of an object, in bytes; the zero value is all of it.
type Range struct {
	From int64
	// Length is cut at the end of the object; 0 goes to the end.
	Length int64
}

// Clip returns the first byte and the number of bytes that r is of an object of
// size bytes, or ErrRange.
func (r Range) Clip(size int64) (from, length int64, err error) {
	if err := r.Check(); err != nil {
		return 0, 0, err
	}
	if r == (Range{}) {
		return 0, size, nil
	}
	if r.From >= size {
		return 0, 0, ErrRange
	}
	rest := size - r.From
	if r.Length == 0 {
		return r.From, rest, nil
	}
	return r.From, min(r.Length, rest), nil
}

// Check returns ErrRange for a range that is none of any object.
func (r Range) Check() error {
	if r.From < 0 || r.Length < 0 {
		return ErrRange
	}
	return nil
}
