package fileblob

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"weir/services/backing/blob"
)

// bare marks objects that were moved in: files without a trailer. What a trailer would
// say is the same for all of them: only keys that end with bareKey can be one, and they
// have the type bareType.
const (
	bare     = "+bare"
	bareKey  = ".m4s"
	bareType = "video/mp4"
)

// mayBeBare says whether the object of a key may be a bare file.
func mayBeBare(key string) bool { return strings.HasSuffix(key, bareKey) }

// Move stores the file at name, which lies anywhere, under key in place of what was
// there, and takes it from where it was; nothing is copied. It must not be written to any
// more, by whatever other name. The error wraps blob.ErrUnsupported for a key that does
// not end with .m4s, another type than video/mp4 and a file on another file system, and
// fs.ErrNotExist when there is no file: then nothing has changed.
func (s *Store) Move(ctx context.Context, key, name, contentType string) error {
	if err := errors.Join(blob.CheckKey(key), ctx.Err()); err != nil {
		return err
	}
	if !mayBeBare(key) || contentType != bareType {
		return fmt.Errorf("move %s: %w", key, blob.ErrUnsupported)
	}
	if err := settle(name); err != nil {
		return fmt.Errorf("move %s: %w", key, err)
	}
	err := s.alone(key)
	if err == nil {
		err = s.take(key, name)
	}
	if errors.Is(err, unix.EXDEV) {
		err = fmt.Errorf("%w: %w", blob.ErrUnsupported, err)
	}
	if err != nil {
		return fmt.Errorf("move %s: %w", key, err)
	}
	return nil
}

// settle waits until the disk has a file.
func settle(name string) error {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%w: not a file", blob.ErrUnsupported)
	}
	return f.Sync()
}

// take moves a file to its key and syncs the folder. A Delete may remove a folder that
// was just made for it: then it is made again.
func (s *Store) take(key, name string) error {
	var err error
	for range tries {
		var dir *os.File
		if dir, err = s.root.Open(path.Dir(key)); err == nil {
			err = place(dir, path.Base(key), name)
			dir.Close()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if _, gone := os.Lstat(name); gone != nil {
			return gone
		}
		if err = s.mkdir(path.Dir(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// place is take in an open folder.
func place(dir *os.File, base, name string) error {
	fd := int(dir.Fd()) //nolint:gosec // it is one
	if err := unix.Renameat(unix.AT_FDCWD, name, fd, base+bare); err != nil {
		return err
	}
	if err := unix.Unlinkat(fd, base+suffix, 0); err != nil && !missing(err) {
		return err
	}
	return dir.Sync()
}

// describeBare is describe for a bare file.
func describeBare(f *os.File, key string) (blob.Info, error) {
	st, err := f.Stat()
	if err != nil {
		return blob.Info{}, err
	}
	if !st.Mode().IsRegular() {
		return blob.Info{}, fmt.Errorf("%w: not a file", blob.ErrNotFound)
	}
	tag := strconv.AppendInt(strconv.AppendInt(nil, st.ModTime().UnixNano(), 36), st.Size(), 36)
	return blob.Info{Key: key, Size: st.Size(), ModTime: st.ModTime().UTC(), ETag: hex.EncodeToString(tag), ContentType: bareType}, nil
}
