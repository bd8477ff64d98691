package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/fault"
	"weir/services/outside"
	"weir/services/seal"
)

const (
	// PerChannel is how many endpoints a channel may have, and the installation too.
	PerChannel = 20

	sendWithin = 10 * time.Second    // one attempt, with its answer
	lease      = 30 * time.Second    // after it an attempt counts as lost
	giveUp     = 24 * time.Hour      // after the event, or the wish to send it again
	overlap    = 24 * time.Hour      // an old secret signs for
	offAfter   = 3 * 24 * time.Hour  // without one delivery an endpoint is turned off
	keepFor    = 30 * 24 * time.Hour // deliveries
	keepEach   = 1000                // deliveries of an endpoint, waiting ones included
)

// Channels says who manages a channel. hold keeps the channel from being deleted until
// the transaction of q ends. Errors are faults.
type Channels interface {
	Manages(ctx context.Context, q db.Q, who auth.Identity, channel uuid.UUID, hold bool) error
}

// Config says what a Service works with.
type Config struct {
	DB       *db.DB         // migrated with live.Migrations
	Box      *seal.Box      // seals secrets; nil: only Subscription works
	Channels Channels       // as Box
	Private  []netip.Prefix // networks that may be told beside the open Internet, also by plain http
	Client   *http.Client   // nil: that of an outside.Guard
	Log      *slog.Logger   // nil: none
	Now      func() time.Time
}

// Service is the webhooks of all channels. Its methods may be called from any goroutine
// and block on the database until ctx ends; their errors are faults.
type Service struct {
	db       *db.DB
	box      *seal.Box
	channels Channels
	guard    outside.Guard
	client   *http.Client
	log      *slog.Logger
	now      func() time.Time
	desk     desk
}

// Open does no I/O and starts nothing.
func Open(c Config) (*Service, error) {
	if c.DB == nil {
		return nil, errors.New("webhook: a database is needed")
	}
	s := &Service{db: c.DB, box: c.Box, channels: c.Channels, guard: outside.Guard{Private: c.Private}, client: c.Client, log: c.Log, now: c.Now}
	if s.client == nil {
		s.client = s.guard.Client(sendWithin)
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.desk.busy, s.desk.slow, s.desk.freed = map[uuid.UUID]int{}, map[uuid.UUID]bool{}, make(chan struct{}, 1)
	return s, nil
}

// within runs do in a transaction and gives its error a code.
func (s *Service) within(ctx context.Context, do func(ctx context.Context, st store) error) error {
	return db.Fault("webhook", s.db.Tx(ctx, func(ctx context.Context, q db.Q) error { return do(ctx, store{q}) }))
}

// stamp is the time that is stored.
func (s *Service) stamp() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// mayManage is nil when who manages the channel; the nil UUID stands for the
// installation, which admins manage.
func (s *Service) mayManage(ctx context.Context, q db.Q, who auth.Identity, channel uuid.UUID, hold bool) error {
	if channel != uuid.Nil {
		return s.channels.Manages(ctx, q, who, channel, hold)
	}
	if !who.Role.AtLeast(auth.Admin) {
		return fault.New(fault.Denied, "only an admin may do this")
	}
	return nil
}

func noSuch(err error, what string) error {
	if errors.Is(err, db.ErrNotFound) {
		return fault.New(fault.NotFound, "there is no such "+what)
	}
	return db.Fault("webhook", err)
}
