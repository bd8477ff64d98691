package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/event"
)

// Subscription is what a consumer group wants, and what it does.
type Subscription struct {
	Group string   // as in event.Group
	Types []string // as in event.Group
	// Handle takes e into effect with q, in the transaction in which the inbox mark
	// was written: all of it happens once or not at all. It may be called again after
	// an error, a crash or a lost race of the transaction, so what it does outside of
	// q can happen more often. ctx carries the trace and ends after HandleTimeout.
	// It is called from many goroutines, for one subject from one at a time. An error
	// that wraps event.ErrData or event.ErrMalformed makes the event dead at once.
	Handle func(ctx context.Context, q db.Q, e event.Event) error
}

// Dead is an event that a group could not handle.
type Dead = outbox.Dead

// Bus is what the roles of weir see of a bus.
type Bus interface {
	// Run carries and handles events until ctx ends, and returns nil then; all
	// goroutines have ended. A broker or database that goes away is waited for. It is
	// called once.
	Run(ctx context.Context) error
	// Ready is nil when events flow, else why not.
	Ready(ctx context.Context) error
	// Wake says that something was emitted; it saves up to Poll and does not block.
	Wake()
	// Dead is the dead events of all groups, oldest first; ErrNoDead is what Retry
	// and Drop return for an unknown id (see outbox.Retry and outbox.Drop).
	Dead(ctx context.Context, limit int) ([]Dead, error)
	Retry(ctx context.Context, id string) error
	Drop(ctx context.Context, id string) error
}

// Config is what all buses need. The zero value of a number gives its default.
type Config struct {
	DB            *db.DB         // with the migrations of outbox.Set
	Log           *slog.Logger   // nil: silent
	Subscriptions []Subscription // of this process; groups are distinct
	Groups        []event.Group  // all there are, also those that only other processes handle; nil: those of Subscriptions
	MaxAttempts   int            // how often a handler may fail; 5
	Backoff       Backoff        // the pauses between attempts
	HandleTimeout time.Duration  // for one attempt; 30 s
	Workers       int            // handlers at a time in each group; 8
	Prefetch      int            // events of a group that this process may hold; 256
	DeliveryLimit int            // how often an event may be handed out when every time the process ends or is cut off; 20
	Poll          time.Duration  // how often the outbox is looked at without Wake; 100 ms
	Lease         time.Duration  // for how long one process alone empties the outbox without renewing; 3 s
	Keep          time.Duration  // how long the inbox remembers; 7 days
	Now           func() time.Time
	Metrics       prometheus.Registerer // nil: none
	Tracer        trace.TracerProvider  // nil: OpenTelemetry's global one
}

// Backoff is how pauses grow: First, then each Factor times as long, at most Max.
type Backoff struct {
	First  time.Duration // 200 ms
	Max    time.Duration // 30 s
	Factor float64       // 5
}

// Pause after the n-th failure in a row (from 1).
func (b Backoff) Pause(n int) time.Duration {
	d := float64(b.First)
	for range n - 1 {
		if d *= b.Factor; d >= float64(b.Max) {
			return b.Max
		}
	}
	return min(time.Duration(d), b.Max)
}

// Defaults is c with its zero values filled in.
func (c Config) Defaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Tracer == nil {
		c.Tracer = otel.GetTracerProvider()
	}
	if c.Groups == nil {
		for _, s := range c.Subscriptions {
			c.Groups = append(c.Groups, s.group())
		}
	}
	number := func(n *int, otherwise int) {
		if *n <= 0 {
			*n = otherwise
		}
	}
	number(&c.MaxAttempts, 5)
	number(&c.Workers, 8)
	number(&c.Prefetch, 256)
	number(&c.DeliveryLimit, 20)
	period := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	period(&c.Backoff.First, 200*time.Millisecond)
	period(&c.Backoff.Max, 30*time.Second)
	if c.Backoff.Factor < 1 {
		c.Backoff.Factor = 5
	}
	period(&c.HandleTimeout, 30*time.Second)
	period(&c.Poll, 100*time.Millisecond)
	period(&c.Lease, 3*time.Second)
	period(&c.Keep, 7*24*time.Hour)
	return c
}

// Check says what is wrong with c, or nil.
func (c Config) Check() error {
	if c.DB == nil {
		return errors.New("bus: no database")
	}
	for _, s := range c.Subscriptions {
		switch {
		case s.Handle == nil:
			return fmt.Errorf("bus: group %q handles nothing", s.Group)
		case c.Groups != nil && !slices.ContainsFunc(c.Groups, func(g event.Group) bool { return g.Name == s.Group && slices.Equal(g.Types, s.Types) }):
			return fmt.Errorf("bus: group %q is not among all groups with the same types", s.Group)
		}
	}
	own := make([]event.Group, 0, len(c.Subscriptions))
	for _, s := range c.Subscriptions {
		own = append(own, s.group())
	}
	return errors.Join(checkGroups(own), checkGroups(c.Groups))
}

func checkGroups(groups []event.Group) error {
	name := regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	kind := regexp.MustCompile(`^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$`)
	seen := map[string]bool{}
	for _, g := range groups {
		switch {
		case !name.MatchString(g.Name):
			return fmt.Errorf("bus: group %q is not like notification", g.Name)
		case seen[g.Name]:
			return fmt.Errorf("bus: group %q is there twice: one group can have many types", g.Name)
		case len(g.Types) == 0:
			return fmt.Errorf("bus: group %q subscribes to no type", g.Name)
		}
		seen[g.Name] = true
		for _, t := range g.Types {
			if !kind.MatchString(t) {
				return fmt.Errorf("bus: group %q: type %q is not like user.followed.v1, user.* or *", g.Name, t)
			}
		}
	}
	return nil
}

func (s Subscription) group() event.Group { return event.Group{Name: s.Group, Types: s.Types} }

// Wants reports whether s subscribes to the type.
func (s Subscription) Wants(typ string) bool { return s.group().Wants(typ) }
