package bustest

import (
	"context"
	"encoding/json"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"weir/services/backing/bus"
	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/event"
)

// Maker makes the bus to test, for one test alone.
type Maker func(t testing.TB, c bus.Config) bus.Bus

// patience bounds the wait for something that has to happen.
const patience = time.Minute

// Note is the data of the suite's events.
type Note struct {
	Kind string `json:"kind"` // the event's type
	Of   string `json:"of"`   // the subject
	N    int    `json:"n"`
}

// EventType is n.Kind.
func (n Note) EventType() string { return n.Kind }

// EventSubject is n.Of.
func (n Note) EventSubject() string { return n.Of }

// Prepare migrates what the suite and the buses need.
func Prepare(t testing.TB, d *db.DB) {
	t.Helper()
	set, err := outbox.Set()
	if err != nil {
		t.Fatal(err)
	}
	own := db.Set{Name: "bustest", FS: fstest.MapFS{"common/0001_effects.sql": {Data: []byte(`-- +goose Up
CREATE TABLE effects (grp TEXT NOT NULL, subject TEXT NOT NULL, n BIGINT NOT NULL, event_id TEXT NOT NULL);
CREATE INDEX effects_subject ON effects (grp, subject, n);
-- +goose Down
DROP TABLE effects;
`)}}}
	if err := d.Migrate(t.Context(), set, own); err != nil {
		t.Fatal(err)
	}
}

// Emit emits notes in one transaction and returns the events.
func Emit(t testing.TB, d *db.DB, notes ...Note) []event.Event {
	t.Helper()
	var events []event.Event
	for _, n := range notes {
		e, err := event.New(t.Context(), "/test", n)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	err := d.Tx(t.Context(), func(ctx context.Context, q db.Q) error {
		for _, e := range events {
			if err := outbox.Emit(ctx, q, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// Effect writes what a handler did, in its transaction.
func Effect(ctx context.Context, q db.Q, group string, e event.Event) error {
	_, err := q.Exec(ctx, `INSERT INTO effects (grp, subject, n, event_id) VALUES ($1, $2, $3, $4)`,
		group, e.Subject, number(e), e.ID)
	return err
}

// number is N of the Note in e, or -1.
func number(e event.Event) int {
	var n Note
	if err := json.Unmarshal(e.Data, &n); err != nil {
		return -1
	}
	return n.N
}

// effects counts the committed effects of a group.
func effects(t testing.TB, d *db.DB, group string) int {
	t.Helper()
	var n int
	if err := d.QueryRow(t.Context(), `SELECT count(*) FROM effects WHERE grp = $1`, group).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Until asks again and again until ok says yes; the test fails when that takes longer
// than a minute.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	UntilWithin(t, patience, what, ok)
}

// UntilWithin is Until with another patience.
func UntilWithin(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("still not: %s", what)
		}
	}
}

// Start runs b and returns what stops it and waits for its end; the test's end does
// so too.
func Start(t testing.TB, b bus.Bus) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			var stacks strings.Builder
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 2)
			t.Errorf("Run does not end:\n%s", stacks.String())
		}
	})
	t.Cleanup(stop)
	return stop
}

// ready starts b and waits until it says that it is ready.
func ready(t testing.TB, b bus.Bus) (stop func()) {
	t.Helper()
	stop = Start(t, b)
	Until(t, "the bus is ready", func() bool { return b.Ready(t.Context()) == nil })
	return stop
}

// diary is who was called with what, in order.
type diary struct {
	mu   sync.Mutex
	list []string
}

func (d *diary) add(e event.Event) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, e.Subject+strconv.Itoa(number(e)))
	return len(d.list)
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.list...)
}

// quick is a configuration with pauses for tests.
func quick(d *db.DB, subs ...bus.Subscription) bus.Config {
	return bus.Config{
		DB: d, Subscriptions: subs, MaxAttempts: 3, Poll: 5 * time.Millisecond, Lease: time.Second,
		Backoff: bus.Backoff{First: time.Millisecond, Max: 20 * time.Millisecond, Factor: 2},
	}
}
