package live

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Vault is where the media of recordings are, as a process that has the store sees it. Its
// methods may be called from anywhere.
type Vault interface {
	// Remove removes all objects of a recording and makes sure of that; the error wraps
	// ErrBusy while it is being made in this process.
	Remove(ctx context.Context, id uuid.UUID) error
	// Stored are the IDs of what the store has, those after after, by their text.
	Stored(ctx context.Context, after string, limit int) ([]string, error)
	// Close makes whole what nobody makes any more; it reports Bytes 0 where there is
	// nothing to play, and the error wraps ErrBusy while this process makes it.
	Close(ctx context.Context, id uuid.UUID) (Stored, error)
	// Cut makes the recording id out of a piece of another one, or of a session of this
	// process. The error wraps ErrNothing when there is no media at that time, ErrFull when
	// there is no room.
	Cut(ctx context.Context, id uuid.UUID, c Cut) (Stored, error)
}

// Errors of a Vault.
var (
	ErrBusy    = errors.New("the recording is still being made")
	ErrNothing = errors.New("there is no media at that time")
	ErrFull    = errors.New("the disk is nearly full")
)

// Keep bounds what is kept of a channel; 0 is no bound.
type Keep struct {
	Days  int   `json:"days" minimum:"0" maximum:"36500" doc:"Recordings and clips are deleted after so many days; 0: the server's bound alone"`
	Bytes int64 `json:"bytes" minimum:"0" maximum:"1000000000000000" doc:"When all take more, the oldest are deleted, clips last; 0: the server's bound alone"`
}

// within is the tighter of two bounds.
func (k Keep) within(o Keep) Keep {
	return Keep{Days: tighter(k.Days, o.Days), Bytes: tighter(k.Bytes, o.Bytes)}
}

func tighter[N int | int64](a, b N) N {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// KeepOf is what may be kept of the channel of a grant, of all its recordings together.
func (s *Service) KeepOf(g Grant) Keep { return g.channel.Keep.within(s.shelf.keep) }

// shelf is what a Service knows of the store.
type shelf struct {
	vault Vault // nil: this process has none
	name  string
	keep  Keep // of all channels

	clips   chan struct{} // there is a clip to be made; buffered by one
	changed chan struct{} // there is something to remove; buffered by one

	removed, orphans atomic.Uint64
}

// wake says that something is to be removed.
func (h *shelf) wake() { poke(h.changed) }

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// Removed counts what this process has removed from the store: recordings, and the
// remains of some that nobody knew.
func (s *Service) Removed() (recordings, orphans uint64) {
	return s.shelf.removed.Load(), s.shelf.orphans.Load()
}

const (
	// everySweep is how often it is looked for what is to be removed.
	everySweep = 30 * time.Second
	// everySearch is how often the store is compared with the database.
	everySearch = time.Hour
	// orphanAge is how old something in the store must be to be nobody's.
	orphanAge = 24 * time.Hour
	// leftAge is how long after its session a recording is waited for whose node is gone.
	// That may add to it later.
	leftAge = time.Hour
	// sweepLease is how long a process is the one that sweeps.
	sweepLease = time.Minute
	sweepBatch = 100
)

// RunRecordings does, until ctx ends, what belongs to the recordings of this process's
// store: makes clips, removes what is deleted or too old or too much, and what nobody
// knows. Several processes may do it.
func (s *Service) RunRecordings(ctx context.Context) error {
	if s.shelf.vault == nil {
		<-ctx.Done()
		return nil
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	wait.Go(func() { s.cutLoop(ctx) })
	tick, search := time.NewTicker(everySweep), time.NewTicker(everySearch)
	defer tick.Stop()
	defer search.Stop()
	defer s.release(ctx)
	var ill illness
	for {
		ill.log(s, "recordings are not cleared away", s.sweep(ctx))
		select {
		case <-ctx.Done():
			return nil
		case <-s.shelf.changed:
		case <-tick.C:
		case <-search.C:
			ill.log(s, "the store is not compared with the database", s.search(ctx))
		}
	}
}
