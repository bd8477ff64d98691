package fileblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"
	"time"

	"weir/services/backing/blob"
)

// suffix marks the files that are objects; "+" is in no key.
const suffix = "+blob"

// tmp is the folder of temporary files; no key begins with a dot.
const tmp = ".tmp"

const (
	dirMode  = 0o750
	fileMode = 0o640
)

// Store is a folder of objects.
type Store struct {
	root    *os.Root
	buffers sync.Pool // of *[]byte, for copies
}

var _ blob.Blob = (*Store)(nil)

// Open opens the folder dir, which is made when it is not there, and removes the
// temporary files of processes that have ended. The caller closes the Store.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("object folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("object folder: %w", err)
	}
	s := &Store{root: root}
	if err := s.sweep(); err != nil {
		return nil, errors.Join(fmt.Errorf("object folder %s: %w", dir, err), root.Close())
	}
	return s, nil
}

// Close lets go of the folder. Readers that Get gave stay good.
func (s *Store) Close() error { return s.root.Close() }

// Get implements blob.Blob. The reader is an io.ReadSeeker and io.ReaderAt too, on the
// range alone.
func (s *Store) Get(ctx context.Context, key string, rng blob.Range) (io.ReadCloser, blob.Info, error) {
	if err := errors.Join(blob.CheckKey(key), rng.Check()); err != nil {
		return nil, blob.Info{}, err
	}
	f, info, err := s.open(ctx, key)
	if err != nil {
		return nil, blob.Info{}, err
	}
	from, length, err := rng.Clip(info.Size)
	if err != nil {
		f.Close()
		return nil, blob.Info{}, fmt.Errorf("%s: %w", key, err)
	}
	return &part{SectionReader: io.NewSectionReader(f, from, length), file: f}, info, nil
}

// part is a range of an open file.
type part struct {
	*io.SectionReader
	file *os.File
}

// Close implements io.Closer.
func (p *part) Close() error { return p.file.Close() }

// Stat implements blob.Blob.
func (s *Store) Stat(ctx context.Context, key string) (blob.Info, error) {
	if err := blob.CheckKey(key); err != nil {
		return blob.Info{}, err
	}
	f, info, err := s.open(ctx, key)
	if err != nil {
		return blob.Info{}, err
	}
	f.Close()
	return info, nil
}

// open returns the file of an object, which the caller closes.
func (s *Store) open(ctx context.Context, key string) (*os.File, blob.Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, blob.Info{}, err
	}
	if mayBeBare(key) {
		f, info, err := s.openAs(key, bare, describeBare)
		if !errors.Is(err, blob.ErrNotFound) {
			return f, info, err
		}
	}
	return s.openAs(key, suffix, describe)
}

// openAs is open for the file that has a suffix.
func (s *Store) openAs(key, suffix string, describe func(*os.File, string) (blob.Info, error)) (*os.File, blob.Info, error) {
	// O_NONBLOCK: somebody may have put a pipe there.
	f, err := s.root.OpenFile(key+suffix, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if missing(err) {
		return nil, blob.Info{}, fmt.Errorf("%s: %w", key, blob.ErrNotFound)
	}
	if err != nil {
		return nil, blob.Info{}, fmt.Errorf("object %s: %w", key, err)
	}
	info, err := describe(f, key)
	if err != nil {
		f.Close()
		return nil, blob.Info{}, fmt.Errorf("object %s: %w", key, err)
	}
	return f, info, nil
}

// missing says whether there is no such file: also "a/b" when "a" is a file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func describe(f *os.File, key string) (blob.Info, error) {
	st, err := f.Stat()
	if err != nil {
		return blob.Info{}, err
	}
	if !st.Mode().IsRegular() {
		return blob.Info{}, fmt.Errorf("%w: not a file", blob.ErrNotFound)
	}
	meta, size, err := readTrailer(f, st.Size())
	if err != nil {
		return blob.Info{}, err
	}
	return blob.Info{Key: key, Size: size, ModTime: st.ModTime().UTC(), ETag: meta.ETag, ContentType: meta.ContentType}, nil
}

// Delete implements blob.Blob. Folders that become empty are removed.
func (s *Store) Delete(ctx context.Context, key ...string) error {
	for _, k := range key {
		if err := blob.CheckKey(k); err != nil {
			return err
		}
	}
	var errs []error
	for _, k := range key {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		if err := s.remove(k); err != nil {
			errs = append(errs, fmt.Errorf("delete %s: %w", k, err))
			continue
		}
		for dir := path.Dir(k); dir != "."; dir = path.Dir(dir) {
			if s.root.Remove(dir) != nil { // there is more in it, or it has gone
				break
			}
		}
	}
	return errors.Join(errs...)
}

// remove removes the file of an object, if there is one.
func (s *Store) remove(key string) error {
	err := s.root.Remove(key + suffix)
	if missing(err) {
		err = nil
	}
	return errors.Join(err, s.removeBare(key))
}

// removeBare removes the file of an object that was moved in.
func (s *Store) removeBare(key string) error {
	if !mayBeBare(key) {
		return nil
	}
	if err := s.root.Remove(key + bare); !missing(err) {
		return err
	}
	return nil
}

// Presign implements blob.Blob: a folder has no addresses.
func (s *Store) Presign(_ context.Context, _, key string, _ time.Duration) (string, error) {
	if err := blob.CheckKey(key); err != nil {
		return "", err
	}
	return "", fmt.Errorf("presign: %w", blob.ErrUnsupported)
}
