package fileblob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"weir/services/backing/blob"
)

// tries bounds how often a step is done again that another goroutine or process undid.
const tries = 100

// Put implements blob.Blob.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, o blob.PutOptions) (blob.Info, error) {
	if err := blob.CheckKey(key); err != nil {
		return blob.Info{}, err
	}
	o, err := o.Check()
	if err != nil {
		return blob.Info{}, err
	}
	f, name, err := s.temp()
	if err != nil {
		return blob.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	placed := false
	defer func() {
		if !placed { // also when r panics
			s.root.Remove(name) //nolint:errcheck // the next Open removes it
		}
		f.Close() // after the removal: it unlocks
	}()
	info, err := s.fill(f, blob.Body(ctx, r, o.Size), o.ContentType)
	if err != nil {
		return blob.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	if err := ctx.Err(); err != nil {
		return blob.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	if err := s.alone(key); err != nil {
		return blob.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	if err := s.place(name, key+suffix); err != nil {
		return blob.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	placed = true
	if err := s.removeBare(key); err != nil {
		return blob.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	info.Key = key
	return info, nil
}

// copyBuffer is the bytes that are copied at once: calls of the system are most of what
// a copy costs.
const copyBuffer = 256 << 10

// fill writes the whole file and waits until the disk has it.
func (s *Store) fill(f *os.File, r io.Reader, contentType string) (blob.Info, error) {
	hash := sha256.New()
	buffer, ok := s.buffers.Get().(*[]byte)
	if !ok {
		b := make([]byte, copyBuffer)
		buffer = &b
	}
	defer s.buffers.Put(buffer)
	size, err := io.CopyBuffer(io.MultiWriter(f, hash), r, *buffer)
	if err != nil {
		return blob.Info{}, err
	}
	t := trailer{Size: size, ETag: hex.EncodeToString(hash.Sum(nil)[:16]), ContentType: contentType}
	b, err := t.bytes()
	if err != nil {
		return blob.Info{}, err
	}
	if _, err := f.Write(b); err != nil {
		return blob.Info{}, err
	}
	if err := f.Sync(); err != nil {
		return blob.Info{}, err
	}
	st, err := f.Stat()
	if err != nil {
		return blob.Info{}, err
	}
	return blob.Info{Size: size, ModTime: st.ModTime().UTC(), ETag: t.ETag, ContentType: contentType}, nil
}

// alone refuses a key that begins another one, or begins with one; see blob.CheckKey.
// Two Puts at the same time may both get through: it is there to find mistakes early.
func (s *Store) alone(key string) error {
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		_, err := s.root.Lstat(dir + suffix)
		if err != nil && mayBeBare(dir) {
			_, err = s.root.Lstat(dir + bare)
		}
		if err == nil {
			return fmt.Errorf("%w: there is an object %s", blob.ErrBadKey, dir)
		}
	}
	st, err := s.root.Lstat(key)
	if err != nil || !st.IsDir() || s.root.Remove(key) == nil { // it was empty
		return nil //nolint:nilerr // there is no folder
	}
	return fmt.Errorf("%w: there are objects in %s/", blob.ErrBadKey, key)
}

// place moves a temporary file to its name and syncs the folder. A Delete may remove
// a folder that was just made for it: then it is made again.
func (s *Store) place(temp, name string) error {
	var err error
	for range tries {
		if err = s.mkdir(path.Dir(name)); err == nil {
			err = s.root.Rename(temp, name)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := s.sync(path.Dir(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // not there: deleted since, by somebody who was later
	}
	return nil
}

// mkdir makes dir and what it is in, and syncs the folder that got a new one.
func (s *Store) mkdir(dir string) error {
	if dir == "." {
		return nil
	}
	err := s.root.Mkdir(dir, dirMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.mkdir(path.Dir(dir)); err != nil {
			return err
		}
		if err = s.root.Mkdir(dir, dirMode); errors.Is(err, fs.ErrExist) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	return s.sync(path.Dir(dir))
}

func (s *Store) sync(dir string) error {
	d, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// temp returns a new temporary file, locked until it is closed.
func (s *Store) temp() (*os.File, string, error) {
	for range tries {
		name := tmp + "/" + rand.Text()
		f, err := s.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
		if errors.Is(err, fs.ErrNotExist) { // somebody tidied up
			err = s.root.Mkdir(tmp, dirMode)
			if err == nil || errors.Is(err, fs.ErrExist) {
				continue
			}
		}
		if err != nil {
			return nil, "", err
		}
		if lock(f) == nil && s.same(f, name) {
			return f, name, nil
		}
		f.Close() // a sweep of another process was between the two
	}
	return nil, "", errors.New("no temporary file could be made")
}

// same says whether name still is f.
func (s *Store) same(f *os.File, name string) bool {
	a, errA := f.Stat()
	b, errB := s.root.Lstat(name)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// lock takes the file's lock if nobody has it; the system frees it with the process.
func lock(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var locked error
	err = raw.Control(func(fd uintptr) { locked = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) })
	return errors.Join(err, locked)
}

// sweep removes the temporary files that nobody is writing.
func (s *Store) sweep() error {
	if err := s.root.Mkdir(tmp, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := s.root.Open(tmp)
	if err != nil {
		return err
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(batch)
		for _, name := range names {
			if err := s.sweepOne(tmp + "/" + name); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *Store) sweepOne(name string) error {
	f, err := s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil // it has gone, or is nothing of ours
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || lock(f) != nil {
		return nil // it is being written
	}
	if err := s.root.Remove(name); err != nil && !missing(err) {
		return err
	}
	return nil
}
