package main

import (
	"errors"
	"sync/atomic"
)

// Phases of a process.
const (
	starting = iota
	up
	stopping
)

var (
	errStarting = errors.New("starting")
	errStopping = errors.New("stopping")
)

// readiness says whether this process wants requests. The zero value is starting.
type readiness struct{ phase atomic.Int32 }

func (r *readiness) set(phase int32) { r.phase.Store(phase) }

// err is nil when ready, else what the process is doing instead.
func (r *readiness) err() error {
	switch r.phase.Load() {
	case starting:
		return errStarting
	case stopping:
		return errStopping
	}
	return nil
}
