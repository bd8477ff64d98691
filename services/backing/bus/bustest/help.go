package bustest

import (
	"context"
	"testing"

	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/event"
)

// again emits an event as it is.
func again(t testing.TB, d *db.DB, e event.Event) {
	t.Helper()
	err := d.Tx(t.Context(), func(ctx context.Context, q db.Q) error { return outbox.Emit(ctx, q, e) })
	if err != nil {
		t.Fatal(err)
	}
}

// deadOf waits until n events are dead.
func deadOf(t testing.TB, d *db.DB, n int) (list []outbox.Dead) {
	t.Helper()
	Until(t, "events are dead", func() bool {
		var err error
		if list, err = outbox.ListDead(t.Context(), d, 100); err != nil {
			t.Fatal(err)
		}
		return len(list) == n
	})
	return list
}

// signal is open or not.
type signal chan struct{}

func gate() signal { return make(signal) }

func (s signal) open() { close(s) }

func (s signal) is() bool {
	select {
	case <-s:
		return true
	default:
		return false
	}
}
