package live

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/outbox"
	"weir/services/backing/redis"
	"weir/services/backing/redis/redistest"
	"weir/services/event"
)

func TestMain(m *testing.M) {
	// fasthttp's worker pool notices its end only after a sleep of 10 s, and its clock
	// never ends.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// rig is a Service on real backings, with a clock.
type rig struct {
	*Service
	db    *db.DB
	redis *redis.Client
	clock *clock
}

// each runs a test on every database, and on the real Redis together with PostgreSQL.
func each(t *testing.T, run func(t *testing.T, r *rig)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		set, err := outbox.Set()
		ok(t, err)
		ok(t, d.Migrate(t.Context(), set, Migrations()))
		r := &rig{db: d, clock: &clock{at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}}
		if d.Postgres() && os.Getenv(redistest.Env) != "" {
			r.redis = redistest.Real(t)
		} else {
			r.redis = redistest.Embedded(t)
		}
		r.Service = r.open(t, Config{Node: "here"})
		run(t, r)
	})
}

func (r *rig) open(t *testing.T, c Config) *Service {
	t.Helper()
	c.DB, c.Redis, c.Now, c.Log = r.db, r.redis, r.clock.now, slog.New(slog.DiscardHandler)
	s, err := Open(c)
	ok(t, err)
	return s
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// someone is a new user with a role.
func someone(role auth.Role) auth.Identity {
	return auth.Identity{User: uuid.Must(uuid.NewV7()), Role: role}
}

// channel makes a channel of who's.
func (r *rig) channel(t *testing.T, who auth.Identity, name string) View {
	t.Helper()
	v, err := r.CreateChannel(t.Context(), who, name, Changes{})
	ok(t, err)
	return v
}

// keyed makes a channel with a key.
func (r *rig) keyed(t *testing.T, who auth.Identity, name string) (View, NewKey) {
	t.Helper()
	c := r.channel(t, who, name)
	k, err := r.CreateKey(t.Context(), who, c.ID, "studio", nil)
	ok(t, err)
	return c, k
}

func attempt(key string) Attempt {
	return Attempt{Key: key, Protocol: "rtmp", Address: netip.MustParseAddr("198.51.100.7")}
}

// told are the types of the events in the outbox about streams and channels, in order.
func (r *rig) told(t *testing.T) []string {
	t.Helper()
	list, err := outbox.Pending(t.Context(), r.db, 10_000)
	ok(t, err)
	var types []string
	for _, e := range list {
		types = append(types, e.Event.Type)
	}
	return types
}

// deliver gives an event to the service as the bus does.
func (r *rig) deliver(t *testing.T, d event.Data) {
	t.Helper()
	e, err := event.New(t.Context(), "/weir/user", d)
	ok(t, err)
	ok(t, r.db.Tx(t.Context(), func(ctx context.Context, q db.Q) error { return r.handle(ctx, q, e) }))
}
