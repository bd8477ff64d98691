package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// dataDir is the data folder, held by this process alone. `weir key` works beside
// it: the keys have a lock of their own.
type dataDir struct{ lock *os.File }

// errHeld is the error for a folder that another process holds.
var errHeld = errors.New("another weir runs")

// openDataDir makes the folder where it is missing and takes it.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, fmt.Errorf("WEIR_DATA_DIR=%s cannot be made: %w", path, err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "weir.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("WEIR_DATA_DIR=%s cannot be written: %w", path, err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		lock.Close()
		return nil, fmt.Errorf("%w on %s: stop it, or set WEIR_DATA_DIR to a folder of its own", errHeld, path)
	}
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("WEIR_DATA_DIR=%s cannot be locked: %w", path, err)
	}
	return &dataDir{lock}, nil
}

// close gives the folder back; the lock file stays.
func (d *dataDir) close() { d.lock.Close() }
