package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// FileVersion is the version of the key file that this code reads and writes.
const FileVersion = 1

// errUnchanged ends an update that has nothing to write.
var errUnchanged = errors.New("unchanged")

// keyFile is keys.json on disk. It is replaced, never changed in place.
type keyFile struct {
	path string // keys.json
	lock string // keys.lock: flock for writers, never removed
}

func newKeyFile(dir string) keyFile {
	return keyFile{path: filepath.Join(dir, "keys.json"), lock: filepath.Join(dir, "keys.lock")}
}

type keyFileBody struct {
	Version int   `json:"version"`
	Keys    []Key `json:"keys"`
}

// stamp tells two states of the file apart; zero means that there is none.
type stamp struct {
	inode   uint64
	size    int64
	mtimeNs int64
}

func (f keyFile) stamp() (stamp, error) {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return stamp{}, nil
	}
	if err != nil {
		return stamp{}, fmt.Errorf("stream keys: %w", err)
	}
	return stampOf(info), nil
}

func stampOf(info fs.FileInfo) stamp {
	st := stamp{size: info.Size(), mtimeNs: info.ModTime().UnixNano()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		st.inode = sys.Ino
	}
	return st
}

// read returns the keys and the state they are of; nil keys when there is no file.
func (f keyFile) read() ([]Key, stamp, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, stamp{}, nil
	}
	if err != nil {
		return nil, stamp{}, fmt.Errorf("stream keys: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, stamp{}, fmt.Errorf("stream keys: %w", err)
	}
	var body keyFileBody
	if err := json.NewDecoder(file).Decode(&body); err != nil {
		return nil, stamp{}, fmt.Errorf("%s: %w: %w", f.path, ErrFile, err)
	}
	if body.Version != FileVersion {
		return nil, stamp{}, fmt.Errorf("%s: %w: version %d, not %d", f.path, ErrFile, body.Version, FileVersion)
	}
	if body.Keys == nil {
		body.Keys = []Key{}
	}
	return body.Keys, stampOf(info), nil
}

// update gives the keys to change, under the lock of all processes, and stores
// what it returns. A change that fails with errUnchanged is no error.
func (f keyFile) update(change func([]Key) ([]Key, error)) error {
	lock, err := os.OpenFile(f.lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("stream keys: %w", err)
	}
	defer lock.Close() // ends the flock too
	if err := flock(lock); err != nil {
		return fmt.Errorf("stream keys: %s: %w", f.lock, err)
	}
	keys, _, err := f.read()
	if err != nil {
		return err
	}
	keys, err = change(keys)
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(keys) > maxKeys {
		return fmt.Errorf("stream keys: more than %d; revoke some", maxKeys)
	}
	return f.replace(keyFileBody{Version: FileVersion, Keys: keys})
}

// flock waits for the lock; a signal does not end the wait.
func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// replace writes the file beside, syncs it, renames it over the old one and syncs
// the folder. The caller holds the lock.
func (f keyFile) replace(body keyFileBody) (err error) {
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		return fmt.Errorf("stream keys: %w", err)
	}
	next := f.path + ".new"
	defer func() {
		if err != nil {
			os.Remove(next)
			err = fmt.Errorf("stream keys: %w", err)
		}
	}()
	if err := writeSynced(next, append(text, '\n')); err != nil {
		return err
	}
	if err := os.Rename(next, f.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}
