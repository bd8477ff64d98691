package user

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

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

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		if err := child(text); err != nil {
			panic(err)
		}
		return
	}
	servicetest.Main(m)
}

const goodPassword = "quiet otters build weirs"

// rig is a Service on real backings, with a clock.
type rig struct {
	*Service
	db    *db.DB
	redis *redis.Client
	box   *seal.Box
	clock *servicetest.Clock
	log   *servicetest.Log
}

// plenty are limits that no test meets by accident.
func plenty() Limits {
	r := Rate{1000, time.Minute}
	return Limits{r, r, r, r, r, r, r, r, r}
}

// each runs a test on every database, and on the real Redis together with PostgreSQL.
func each(t *testing.T, run func(t *testing.T, r *rig)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { run(t, newRig(t, d, servicetest.Redis(t, d), plenty())) })
}

func newRig(t testing.TB, d *db.DB, c *redis.Client, l Limits) *rig {
	t.Helper()
	migrate(t, d)
	box, err := seal.New(bytes.Repeat([]byte{7}, seal.KeySize)) // the same for two rigs on one database
	ok(t, err)
	r := &rig{db: d, redis: c, box: box, clock: servicetest.NewClock(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)), log: &servicetest.Log{}}
	r.Service = r.open(t, l)
	return r
}

func (r *rig) open(t testing.TB, l Limits) *Service {
	t.Helper()
	s, err := Open(t.Context(), Config{
		DB: r.db, Box: r.box, Redis: r.redis, Limits: l, Now: r.clock.Now, PublicURL: "https://tv.example.org",
		Log: slog.New(slog.NewTextHandler(r.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.pace = 0
	s.hasher.cost = hashCost{memory: 64, passes: 1, threads: 1} // tests are about the rest
	s.hasher.dummy.cost = s.hasher.cost
	return s
}

func migrate(t testing.TB, d *db.DB) {
	t.Helper()
	set, err := outbox.Set()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), set, Migrations()); err != nil {
		t.Fatal(err)
	}
}

func here() Peer {
	return Peer{Address: netip.MustParseAddr("198.51.100.7"), UserAgent: "test/1.0"}
}

// person registers and signs in.
type person struct {
	Own
	who    auth.Identity
	tokens Tokens
}

func (r *rig) register(t testing.TB, name string) Own {
	t.Helper()
	own, err := r.Register(t.Context(), here(), Registration{Username: name, Email: name + "@example.org", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func (r *rig) person(t testing.TB, name string) person {
	t.Helper()
	own := r.register(t, name)
	return r.enter(t, own)
}

func (r *rig) enter(t testing.TB, own Own) person {
	t.Helper()
	tok, err := r.SignIn(t.Context(), here(), Credentials{Login: own.Username, Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	return person{Own: tok.User, tokens: tok, who: auth.Identity{User: own.ID, Session: tok.Session, Username: own.Username, Role: tok.User.Role}}
}

func (r *rig) admin(t testing.TB, name string) person {
	t.Helper()
	own, err := r.Create(t.Context(), Registration{Username: name, Email: name + "@example.org", Password: goodPassword}, auth.Admin)
	if err != nil {
		t.Fatal(err)
	}
	return r.enter(t, own)
}

// events are those in the outbox of that type.
func events[T event.Data](t testing.TB, r *rig) []T {
	t.Helper()
	list, err := outbox.Pending(t.Context(), r.db, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var zero T
	var out []T
	for _, e := range list {
		if e.Event.Type != zero.EventType() {
			continue
		}
		d, err := event.Decode[T](e.Event)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

// token is what follows #token= in a link.
func token(t testing.TB, link string) string {
	t.Helper()
	_, tok, ok := strings.Cut(link, "#token=")
	if !ok || len(tok) != mailTokenLen {
		t.Fatalf("link %q", link)
	}
	return tok
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

func text(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	ok(t, err)
	return string(b)
}

// verifier is what another service has.
func (r *rig) verifier(t testing.TB, keys auth.KeySource) *auth.Verifier {
	t.Helper()
	v, err := auth.New(auth.Config{Keys: keys, Redis: r.redis, Issuer: "weir", Audience: "weir", Now: r.clock.Now, Opaque: r.Opaque})
	ok(t, err)
	ok(t, v.Sync(context.Background()))
	return v
}

func openLite(t testing.TB) *db.DB {
	t.Helper()
	return dbtest.Open(t, db.Config{Path: t.TempDir() + "/weir.db"})
}
