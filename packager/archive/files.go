package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
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
	for _, p := range parts {
		if _, err = file.Write(p); err != nil {
			break
		}
	}
	return errors.Join(err, file.Close())
}

// Remove deletes a segment; one that is gone already is no error.
func (f *Files) Remove(path string) error { return ignoreMissing(os.Remove(path)) }

// Close deletes the session's folder.
func (f *Files) Close() error { return os.RemoveAll(f.Dir) }

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
