package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/outbox"
	"weir/services/backing/redis"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/seal"
	"weir/services/servicetest"
)

func TestMain(m *testing.M) { servicetest.Main(m) }

// rig is a Service on real backings, with a clock.
type rig struct {
	*Service
	db    *db.DB
	box   *seal.Box
	redis *redis.Client
	clock *servicetest.Clock
	log   *servicetest.Log
}

// each runs a test on every database, and on the real Redis together with PostgreSQL.
func each(t *testing.T, run func(t *testing.T, r *rig)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { run(t, newRig(t, d)) })
}

func newRig(t testing.TB, d *db.DB) *rig {
	t.Helper()
	set, err := outbox.Set()
	ok(t, err)
	ok(t, d.Migrate(t.Context(), set, Migrations()))
	r := &rig{db: d, redis: servicetest.Redis(t, d), clock: servicetest.NewClock(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)), log: &servicetest.Log{}}
	r.box, err = seal.New(seal.NewKey())
	ok(t, err)
	r.Service = r.open(t, Config{Node: "node-1"})
	return r
}

// open is another Service on the same backings.
func (r *rig) open(t testing.TB, c Config) *Service {
	t.Helper()
	c.DB, c.Redis, c.Box, c.Now, c.Log = r.db, r.redis, r.box, r.clock.Now, slog.New(slog.NewTextHandler(r.log, nil))
	s, err := Open(c)
	ok(t, err)
	ok(t, s.OpenPasses(t.Context()))
	return s
}

func (r *rig) channelOf(t testing.TB, who auth.Identity, name string) View {
	t.Helper()
	v, err := r.CreateChannel(t.Context(), who, name, Changes{})
	ok(t, err)
	return v
}

func (r *rig) keyOf(t testing.TB, who auth.Identity, channel uuid.UUID) NewKey {
	t.Helper()
	k, err := r.CreateKey(t.Context(), who, channel, "studio", nil)
	ok(t, err)
	return k
}

func (r *rig) linkOf(t testing.TB, o owned) NewShareLink {
	t.Helper()
	l, err := r.CreateShareLink(t.Context(), o.owner, o.ID, "press", "", nil)
	ok(t, err)
	return l
}

// owned is a channel with its owner and a key.
type owned struct {
	View
	owner auth.Identity
	key   NewKey
}

func (r *rig) owned(t testing.TB, name string) owned {
	t.Helper()
	o := owned{owner: servicetest.Person(auth.User)}
	o.View = r.channelOf(t, o.owner, name)
	o.key = r.keyOf(t, o.owner, o.ID)
	return o
}

func attempt(key string) Attempt {
	return Attempt{Key: key, Protocol: "rtmp", Address: netip.MustParseAddr("198.51.100.7")}
}

func (r *rig) admit(t testing.TB, key string) Grant {
	t.Helper()
	g, err := r.Admit(t.Context(), attempt(key))
	ok(t, err)
	return g
}

// refused wants a Refusal with that code.
func refused(t testing.TB, err error, code string) *Refusal {
	t.Helper()
	r, is := err.(*Refusal) //nolint:errorlint // Admit says that it is one
	if !is || r.Code != code {
		t.Fatalf("got %v, want a refusal %s", err, code)
	}
	return r
}

// told are the types and data of all events in the outbox, oldest first.
func told(t testing.TB, r *rig) []string {
	t.Helper()
	list, err := outbox.Pending(t.Context(), r.db, 10_000)
	ok(t, err)
	var out []string
	for _, e := range list {
		out = append(out, e.Event.Type)
	}
	return out
}

// events are those in the outbox of that type.
func events[T event.Data](t testing.TB, r *rig) []T {
	t.Helper()
	list, err := outbox.Pending(t.Context(), r.db, 10_000)
	ok(t, err)
	var zero T
	var out []T
	for _, e := range list {
		if e.Event.Type != zero.EventType() {
			continue
		}
		d, err := event.Decode[T](e.Event)
		ok(t, err)
		out = append(out, d)
	}
	return out
}

// tell hands an event to the service as the bus does: in a transaction.
func (r *rig) tell(t testing.TB, d event.Data) {
	t.Helper()
	e, err := event.New(t.Context(), "/weir/user", d)
	ok(t, err)
	ok(t, r.within(t.Context(), func(ctx context.Context, st Store) error { return r.handle(ctx, st.q, e) }))
}

// lines are the first columns of what a query finds.
func lines(t testing.TB, d *db.DB, sql string) string {
	t.Helper()
	rows, err := d.Query(t.Context(), sql)
	list, err := db.Collect(rows, err, func(r db.Row) (s string, err error) {
		err = r.Scan(&s)
		return s, err
	})
	ok(t, err)
	return strings.Join(list, "\n")
}

func want(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Fatalf("got %v, want %s", err, code)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t testing.TB, what string, got, wanted T) {
	t.Helper()
	g, err := json.Marshal(got)
	ok(t, err)
	w, err := json.Marshal(wanted)
	ok(t, err)
	if string(g) != string(w) {
		t.Errorf("%s: %s, want %s", what, g, w)
	}
}

func ptr[T any](v T) *T { return &v }
