package blob

import (
	"context"
	"fmt"
	"io"
	"mime"
	"strings"
)

// DefaultContentType is stored when PutOptions has none.
const DefaultContentType = "application/octet-stream"

// maxContentType is the most bytes of a content type.
const maxContentType = 255

// Check returns the options with their defaults filled in, or ErrContentType or
// ErrSize. Implementations of Blob call it first.
func (o PutOptions) Check() (PutOptions, error) {
	if o.Size < 0 {
		return o, fmt.Errorf("%w: %d", ErrSize, o.Size)
	}
	if o.ContentType == "" {
		o.ContentType = DefaultContentType
	}
	if !mediaType(o.ContentType) {
		return o, fmt.Errorf("%w: write it as video/mp4", ErrContentType)
	}
	return o, nil
}

func mediaType(s string) bool {
	if len(s) > maxContentType || !printable(s) {
		return false
	}
	name, _, err := mime.ParseMediaType(s)
	kind, sub, _ := strings.Cut(name, "/")
	return err == nil && kind != "" && sub != ""
}

// printable holds what comes from callers out of the lines of a header.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Body returns the reader that a Put reads r through: it ends with ctx, and gives
// ErrSize when size is not 0 and r has another number of bytes. An error of r is
// never io.EOF nor io.ErrUnexpectedEOF itself: a copy that takes those for the end
// would store half an object.
func Body(ctx context.Context, r io.Reader, size int64) io.Reader {
	return &body{ctx: ctx, r: r, size: size}
}

type body struct {
	ctx   context.Context
	r     io.Reader
	size  int64
	count int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, fmt.Errorf("read the body: %w", err)
	}
	n, err := b.r.Read(p)
	b.count += int64(n)
	switch {
	case b.size > 0 && b.count > b.size:
		return 0, fmt.Errorf("%w: more than %d bytes", ErrSize, b.size)
	case err == io.EOF && b.size > 0 && b.count < b.size: // a wrapped io.EOF is not the end
		return n, fmt.Errorf("%w: %d bytes of %d", ErrSize, b.count, b.size)
	case err != nil && err != io.EOF:
		return n, fmt.Errorf("read the body: %w", err)
	}
	return n, err
}
