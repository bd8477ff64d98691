package bustest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/services/backing/bus"
	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/event"
)

// Long is the variable that asks for the long form of tests.
const Long = "WEIR_TEST_LONG"

// Many is how many events Flood has to send: 10,000 in the long form, else 1,000.
func Many() int {
	if os.Getenv(Long) != "" {
		return 10_000
	}
	return 1_000
}

// floodGroups each get every event.
func floodGroups() []string { return []string{"first", "second"} }

// Flood emits many events of 40 subjects in transactions of one to five, some of
// which are rolled back, while handlers of two groups fail now and then. Disturb does
// its harm from the moment Handled grows until it returns; see Check.
type Flood struct {
	db      *db.DB
	many    int
	handled atomic.Int64 // handler calls that went well; some may not be committed
	mu      sync.Mutex
	wrong   []string
}

// NewFlood prepares a flood of many events on d.
func NewFlood(t testing.TB, d *db.DB, many int) *Flood {
	Prepare(t, d)
	return &Flood{db: d, many: many}
}

// Config is that of the bus under test.
func (f *Flood) Config() bus.Config {
	var subs []bus.Subscription
	for _, group := range floodGroups() {
		subs = append(subs, bus.Subscription{Group: group, Types: []string{"flood.*"}, Handle: f.handler(group)})
	}
	c := quick(f.db, subs...)
	c.MaxAttempts = 50       // chance must not make an event dead
	c.DeliveryLimit = 10_000 // nor the disturbance
	return c
}

// handler checks the order and counts, with the database as the only witness.
func (f *Flood) handler(group string) func(context.Context, db.Q, event.Event) error {
	return func(ctx context.Context, q db.Q, e event.Event) error {
		var last int
		err := q.QueryRow(ctx, `SELECT coalesce(max(n), 0) FROM effects WHERE grp = $1 AND subject = $2`, group, e.Subject).Scan(&last)
		if err != nil {
			return err
		}
		if n := number(e); n != last+1 {
			f.note("%s: %s: %d came after %d", group, e.Subject, n, last)
		}
		if err := Effect(ctx, q, group, e); err != nil {
			return err
		}
		if rand.IntN(50) == 0 {
			return errors.New("bad luck")
		}
		f.handled.Add(1)
		return nil
	}
}

func (f *Flood) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.wrong) < 20 {
		f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
	}
}

// Handled is about how many events have been handled by one of the groups.
func (f *Flood) Handled() int { return int(f.handled.Load()) / len(floodGroups()) }

// Emit emits all events, and returns when they are committed.
func (f *Flood) Emit(t testing.TB) {
	const subjects, writers = 40, 4
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			next := make([]int, subjects)
			share := f.many / writers
			for sent := 0; sent < share; {
				subject := rand.IntN(subjects/writers)*writers + w // nobody else's
				size := min(1+rand.IntN(5), share-sent)
				ok, err := f.emit(subject, next[subject]+1, size)
				if err != nil {
					t.Errorf("emit: %v", err)
					return
				}
				if ok {
					sent, next[subject] = sent+size, next[subject]+size
				}
			}
		})
	}
	wg.Wait()
}

// emit reports whether the transaction was committed: one in ten is not.
func (f *Flood) emit(subject, from, size int) (bool, error) {
	undo := rand.IntN(10) == 0
	err := f.db.Tx(context.Background(), func(ctx context.Context, q db.Q) error {
		for n := from; n < from+size; n++ {
			e, err := event.New(ctx, "/flood", Note{"flood.rose.v1", fmt.Sprint("s", subject), n})
			if err != nil {
				return err
			}
			if err := outbox.Emit(ctx, q, e); err != nil {
				return err
			}
		}
		if undo {
			return errUndo
		}
		return nil
	})
	if undo && errors.Is(err, errUndo) {
		return false, nil
	}
	return err == nil, err
}

var errUndo = errors.New("changed my mind")

// Check waits until every event has had its effect in every group, and then checks
// that it had it once and in its turn.
func (f *Flood) Check(t testing.TB) {
	t.Helper()
	many := f.many / 4 * 4
	for _, group := range floodGroups() {
		UntilWithin(t, 10*patience, group+" has all effects", func() bool { return effects(t, f.db, group) >= many })
		var rows, events, pairs int
		err := f.db.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT event_id), count(DISTINCT subject || '/' || n)
			FROM effects WHERE grp = $1`, group).Scan(&rows, &events, &pairs)
		if err != nil {
			t.Fatal(err)
		}
		if rows != many || events != many || pairs != many {
			t.Errorf("%s: %d effects of %d events and %d turns, want %d of each", group, rows, events, pairs, many)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.wrong) > 0 {
		t.Errorf("order:\n%s", strings.Join(f.wrong, "\n"))
	}
	if list, err := outbox.ListDead(t.Context(), f.db, 10); err != nil || len(list) > 0 {
		t.Errorf("dead: %v, %v", list, err)
	}
}

// Rate emits many events before the bus starts, and returns how long it takes from
// the start until all have had their effect in both groups.
func (f *Flood) Rate(t testing.TB, open Maker) time.Duration {
	t.Helper()
	f.Emit(t)
	b := open(t, f.Config())
	began := time.Now()
	stop := Start(t, b)
	for _, group := range floodGroups() {
		Until(t, "all is handled", func() bool { return effects(t, f.db, group) >= f.many/4*4 })
	}
	took := time.Since(began)
	stop()
	return took
}
