package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/backing/redis"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/seal"
)

const source = "/weir/live" // of events

// What there may be at most.
const (
	PerOwner   = 20 // channels of a user
	Concurrent = 3  // of them on the air at once

	keysEach    = 20 // of a channel
	membersEach = 50 // of a channel
)

// Config says what a Service works with.
type Config struct {
	DB    *db.DB        // migrated with Migrations and with outbox.Set
	Redis *redis.Client // viewers, health and what else may be lost; nil: only channels and keys work

	// Node names this process among those that have streams; empty when it has none.
	Node string
	// Alone says that no other process can have streams: those of other nodes in the
	// database are of a process that was killed.
	Alone bool
	// Await is how long sessions of a node that is gone may still go on at another, or
	// after a restart; 0: not at all.
	Await time.Duration
	// HookURL is asked before each publisher is let in; empty: nobody is. See hook.go.
	HookURL string
	// Hook is the client for HookURL; nil: a plain one.
	Hook *http.Client

	// Vault is the store of recordings, Store its name: the same in all processes that
	// have it, and no others. nil: this process has none.
	Vault Vault
	Store string
	// Keep bounds what is kept of every channel.
	Keep Keep
	// Box seals the keys of passes, with which viewers of channels that are not public
	// watch, and what digests of stream keys are checked by; nil: there are none.
	// OpenPasses and RunPasses say more.
	Box *seal.Box

	Log *slog.Logger     // nil: none
	Now func() time.Time // nil: time.Now
}

// Service is the live-stream-service. All methods may be called from any goroutine and
// block on the database and on Redis until ctx ends; their errors are faults, and
// those of Admit may be a Refusal.
type Service struct {
	db    *db.DB
	redis *redis.Client
	log   *slog.Logger
	now   func() time.Time
	node  string
	alone bool
	await time.Duration
	began time.Time // of this process
	box   *seal.Box // nil: none
	hook  *hook     // nil: none
	lent  lent
	uses  uses
	air   air // the streams of this process
	shelf shelf
	board board

	passes passes
}

// Open does no I/O and starts nothing; Run does what has to be done beside requests.
func Open(c Config) (*Service, error) {
	if c.DB == nil {
		return nil, errors.New("live: a database is needed")
	}
	s := &Service{db: c.DB, redis: c.Redis, log: c.Log, now: c.Now, node: c.Node, alone: c.Alone, await: c.Await, box: c.Box}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.began = s.now()
	s.lent.byHash = map[string]string{}
	s.air.sessions, s.air.changed = map[uuid.UUID]*Broadcast{}, make(chan struct{}, 1)
	s.shelf.vault, s.shelf.name, s.shelf.keep = c.Vault, c.Store, c.Keep
	s.shelf.clips, s.shelf.changed = make(chan struct{}, 1), make(chan struct{}, 1)
	if c.HookURL != "" {
		var err error
		if s.hook, err = newHook(c.HookURL, c.Hook); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Node is Config.Node.
func (s *Service) Node() string { return s.node }

// within runs do in a transaction and gives its error a code.
func (s *Service) within(ctx context.Context, do func(ctx context.Context, st Store) error) error {
	return faultOf(s.db.Tx(ctx, func(ctx context.Context, q db.Q) error { return do(ctx, Store{q}) }))
}

// store reads outside of a transaction.
func (s *Service) store() Store { return Store{s.db} }

// stamp is the time that is stored: UTC, microseconds, as the databases keep it.
func (s *Service) stamp() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// emit puts an event into the outbox, in the transaction of st.
func emit(ctx context.Context, st Store, d event.Data) error {
	return outbox.Tell(ctx, st.q, source, d)
}

// faultOf makes an error of the database one for the caller; what already is a fault
// stays as it is.
func faultOf(err error) error { return db.Fault("live", err) }

// notFound makes the database's "no row" the fault that callers see.
func notFound(err error, what string) error {
	if errors.Is(err, db.ErrNotFound) {
		return noSuch(what)
	}
	return faultOf(err)
}

func noSuch(what string) error { return fault.New(fault.NotFound, "there is no such "+what) }

func newID() (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return id, fmt.Errorf("live: %w", err)
	}
	return id, nil
}
