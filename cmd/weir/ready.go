package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
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
type readiness struct {
	phase atomic.Int32

	mu     sync.Mutex
	checks []check
	at     time.Time // of last
	last   error
}

// check asks something that the process cannot work without. Its name is public.
type check struct {
	name string
	ask  func(context.Context) error
}

func (r *readiness) set(phase int32) { r.phase.Store(phase) }

// need adds a check. It is called while the process starts.
func (r *readiness) need(name string, ask func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks = append(r.checks, check{name, ask})
}

// How often the checks are made at most, whoever asks, and how long one may take.
const (
	askEvery    = time.Second
	checkWithin = 3 * time.Second
)

// err is nil when ready, else what the process is doing or waiting for instead,
// by name: the errors themselves may say more than everybody may know. It may
// block for as long as a check takes.
func (r *readiness) err() error {
	switch r.phase.Load() {
	case starting:
		return errStarting
	case stopping:
		return errStopping
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.checks) == 0 || time.Since(r.at) < askEvery {
		return r.last
	}
	r.last = r.ask()
	r.at = time.Now()
	return r.last
}

func (r *readiness) ask() error {
	ctx, cancel := context.WithTimeout(context.Background(), checkWithin)
	defer cancel()
	errs := make([]error, len(r.checks))
	var wait sync.WaitGroup
	for i, c := range r.checks {
		wait.Go(func() {
			if c.ask(ctx) != nil {
				errs[i] = errors.New(c.name + " is away")
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}
