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
)

// Files stores the segments of one session below Dir, a folder of its own:
// Dir/RENDITION/MSN.m4s. A file is complete when it has that name.
type Files struct {
	Dir string
}

// Put writes a segment. A failed write leaves nothing behind.
func (f *Files) Put(rendition string, msn uint64, parts [][]byte) (string, error) {
	path := filepath.Join(f.Dir, rendition, strconv.FormatUint(msn, 10)+".m4s")
	err := write(path+".part", parts)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o750); err == nil {
			err = write(path+".part", parts)
		}
	}
	if err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("store segment: %w", err), ignoreMissing(os.Remove(path+".part")))
	}
	return path, nil
}

func write(path string, parts [][]byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	return errors.Join(gather(file, parts), file.Close())
}

// gather writes all parts, many in one call of the system: small writes are most
// of what storing costs.
func gather(file *os.File, parts [][]byte) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	rest := slices.Clone(parts)
	for len(rest) > 0 {
		var n int
		var failed error
		err = raw.Write(func(fd uintptr) bool {
			n, failed = unix.Writev(int(fd), rest[:min(len(rest), maxVectors)])
			return true
		})
		if err = errors.Join(err, failed); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		rest = after(rest, max(n, 0))
	}
	return nil
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
