package target

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/outbox"
	"weir/services/backing/redis"
	"weir/services/fault"
	"weir/services/live"
	"weir/services/seal"
	"weir/services/servicetest"
)

func TestMain(m *testing.M) { servicetest.Main(m) }

// rig is a Service on real backings, with channels of the real live-service.
type rig struct {
	*Service
	db       *db.DB
	redis    *redis.Client
	key      []byte // of the box
	channels *live.Service
	anna     auth.Identity // owns channel
	bert     auth.Identity // owns other
	admin    auth.Identity
	channel  live.View
	other    live.View

	log *servicetest.Log
}

// each runs a test on every database, and on the real Redis together with PostgreSQL.
func each(t *testing.T, run func(t *testing.T, r *rig)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		set, err := outbox.Set()
		ok(t, err)
		ok(t, d.Migrate(t.Context(), set, live.Migrations()))
		r := &rig{db: d, redis: servicetest.Redis(t, d), log: &servicetest.Log{}, key: seal.NewKey(), anna: servicetest.Person(auth.User), bert: servicetest.Person(auth.User), admin: servicetest.Person(auth.Admin)}
		r.channels, err = live.Open(live.Config{DB: d, Redis: r.redis, Node: "node-1", Log: slog.New(slog.DiscardHandler)})
		ok(t, err)
		r.channel, err = r.channels.CreateChannel(t.Context(), r.anna, "anna", live.Changes{})
		ok(t, err)
		r.other, err = r.channels.CreateChannel(t.Context(), r.bert, "bert", live.Changes{})
		ok(t, err)
		r.Service = r.open(t, r.key)
		run(t, r)
	})
}

// open is another process on the same backings, whose box has these keys.
func (r *rig) open(t testing.TB, keys ...[]byte) *Service {
	t.Helper()
	box, err := seal.New(keys[0], keys[1:]...)
	ok(t, err)
	s, err := Open(Config{DB: r.db, Redis: r.redis, Box: box, Channels: r.channels, Log: slog.New(slog.NewTextHandler(r.log, nil)), Check: func(url string) string {
		if !strings.HasPrefix(url, "rtmp") {
			return "is not an address of RTMP"
		}
		return ""
	}})
	ok(t, err)
	return s
}

const secret = "hunter2-of-the-target"

// target is one of anna's channel.
func (r *rig) target(t testing.TB, label string) Target {
	t.Helper()
	x, err := r.Create(t.Context(), r.anna, r.channel.ID, TargetChanges{Label: &label, URL: ptr("rtmps://example.org/" + label), Key: ptr(secret)})
	ok(t, err)
	return x
}

// onAir writes a session of a node as the live-service does.
func (r *rig) onAir(t testing.TB, channel uuid.UUID, node string) {
	t.Helper()
	_, err := r.db.Exec(t.Context(), `INSERT INTO live_sessions (id, channel_id, node, state, title, protocol, encoder, began_at, end_reason, order_reason, stats)
VALUES ($1,$2,$3,'live','','rtmp','',$4,'','','{}')`, uuid.Must(uuid.NewV7()), channel, node, time.Now().UTC())
	ok(t, err)
}

func want(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }
