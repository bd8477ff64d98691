package archive

import (
	"context"
	"errors"
	"io"
)

// ErrNotFound means that there is no such object, or no such recording.
var ErrNotFound = errors.New("no such recording")

// Store is an object store. Its methods may be called from anywhere and end soon
// after ctx does.
type Store interface {
	// Put stores the size bytes of r, whole or not at all, in place of what was there.
	Put(ctx context.Context, key string, r io.Reader, size int64, contentType string) error
	// Get gives length bytes from the position from on, fewer at the end of the
	// object; with both 0 all of it. size is that of the whole object. The error
	// wraps ErrNotFound when there is none. The caller closes body, whose WriteTo,
	// if it has one, is used.
	Get(ctx context.Context, key string, from, length int64) (body io.ReadCloser, size int64, err error)
	// List gives the next objects whose keys begin with prefix and come after
	// after, by the bytes of their keys, limit of them at most, some number of its
	// own when limit is 0. None means that there are no more.
	List(ctx context.Context, prefix, after string, limit int) ([]Object, error)
	// Delete removes objects; one that is not there counts as removed.
	Delete(ctx context.Context, keys ...string) error
}

// Mover is a Store that can take files as they are.
type Mover interface {
	// Move stores the file at path, in place of what was there, and takes it from
	// where it is; nobody writes to it any more. The error wraps
	// errors.ErrUnsupported where it has to be Put instead, and fs.ErrNotExist when
	// there is no file: then nothing has changed.
	Move(ctx context.Context, key, path, contentType string) error
}

// Object is what a list says of one.
type Object struct {
	Key  string
	Size int64
}
