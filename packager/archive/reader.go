package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"weir/packager/window"
)

// Reader has the segments of a recording for those who rewind a stream that is on the air:
// as packager/origin asks for them. Its errors wrap fs.ErrNotExist where there is none.
type Reader struct {
	all *Recordings
	id  string
}

// Reader reads a recording that may be running.
func (r *Recordings) Reader(id string) *Reader { return &Reader{r, id} }

// Segment gives length bytes of a segment from the position on, or, with both 0, all of it.
func (r *Reader) Segment(ctx context.Context, rendition string, s window.Segment, from, length int64) (io.ReadCloser, error) {
	body, _, err := r.open(ctx, SegmentFile(rendition, Segment{MSN: s.MSN, Start: s.Start, Duration: s.Duration, Init: s.Init, Flags: flagsOf(&s)}), from, length)
	return body, err
}

// maxInit bounds an initialisation segment that is read.
const maxInit = 1 << 20

// Init gives an initialisation segment.
func (r *Reader) Init(ctx context.Context, rendition string, n int) ([]byte, error) {
	body, size, err := r.open(ctx, InitFile(rendition, n), 0, 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if size > maxInit {
		return nil, fmt.Errorf("an initialisation segment of %d bytes", size)
	}
	return io.ReadAll(body)
}

// open opens a file of the recording where it is: in the spool until the store has it.
func (r *Reader) open(ctx context.Context, file string, from, length int64) (io.ReadCloser, int64, error) {
	body, size, err := spooledFile(filepath.Join(r.all.path(r.id), file), from, length)
	if errors.Is(err, fs.ErrNotExist) {
		body, size, err = r.all.Open(ctx, r.id, file, from, length)
	}
	if errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	}
	return body, size, err
}

// part is a piece of a file.
type part struct {
	io.Reader
	io.Closer
}

func spooledFile(path string, from, length int64) (io.ReadCloser, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err == nil {
		_, err = f.Seek(from, io.SeekStart)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	if length == 0 {
		length = st.Size() - from
	}
	return part{io.LimitReader(f, length), f}, st.Size(), nil
}

// Keeps says whether the store has a segment of the recording.
func (r *Recorder) Keeps(rendition string, msn uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.index.Rendition(rendition)
	if in == nil {
		return false
	}
	i := in.Segments.Find(msn)
	return i < len(in.Segments) && in.Segments[i].MSN == msn
}
