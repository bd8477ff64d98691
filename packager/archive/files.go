package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"weir/packager/window"
)

// Files stores the segments of one session below Dir, a folder of its own:
// Dir/RENDITION/MSN.m4s. A file is complete once Put has returned its path.
type Files struct {
	Dir string
	// Spare, when set, makes room where a segment cannot be written, and reports whether it
	// did: then that is tried once more. It is called by Put.
	Spare func() bool
}

// Put writes a segment. A failed write leaves nothing behind.
func (f *Files) Put(s *window.Finished) (string, error) {
	path, parts := filepath.Join(f.Dir, s.Rendition, strconv.FormatUint(s.Segment.MSN, 10)+".m4s"), s.Data
	err := place(path, parts)
	if err != nil && f.Spare != nil && f.Spare() {
		err = place(path, parts)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("store segment: %w", err), ignoreMissing(os.Remove(path)))
	}
	return path, nil
}

// place is write, into a folder that may not be there yet.
func place(path string, parts [][]byte) error {
	err := write(path, parts)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o750); err == nil {
			err = write(path, parts)
		}
	}
	return err
}

// write makes a new file, in place of an old one: that may have other names, of
// recordings, which must not change.
func write(path string, parts [][]byte) error {
	err := create(path, parts)
	if errors.Is(err, fs.ErrExist) {
		if err = os.Remove(path); err == nil {
			err = create(path, parts)
		}
	}
	return err
}

// create makes a file without package os, whose files ask the poller first: with
// segments of two seconds, calls of the system are most of what storing costs.
func create(path string, parts [][]byte) error {
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o640)
	})
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return errors.Join(gather(fd, parts), unix.Close(fd))
}

// gather writes all parts, many in one call.
func gather(fd int, parts [][]byte) error {
	rest := slices.Clone(parts)
	for len(rest) > 0 {
		n, err := retry(func() (int, error) { return unix.Writev(fd, rest[:min(len(rest), maxVectors)]) })
		if err != nil {
			return err
		}
		rest = after(rest, n)
	}
	return nil
}

// retry calls f again while signals interrupt it.
func retry(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// maxVectors is the system's limit (IOV_MAX).
const maxVectors = 1024

// after is what is left of parts when n bytes were written.
func after(parts [][]byte, n int) [][]byte {
	for len(parts) > 0 && n >= len(parts[0]) {
		n -= len(parts[0])
		parts = parts[1:]
	}
	if n > 0 {
		parts[0] = parts[0][n:]
	}
	return parts
}

// Remove deletes a segment; one that is gone already is no error.
func (f *Files) Remove(path string) error { return ignoreMissing(os.Remove(path)) }

// Close deletes the session's folder, and the one above it if nothing else is there.
func (f *Files) Close() error {
	if err := os.RemoveAll(f.Dir); err != nil {
		return err
	}
	_ = os.Remove(filepath.Dir(f.Dir)) // fails while another session of the name is there
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
