package outbox

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"weir/services/backing/db"
	"weir/services/event"
)

//go:embed migrations
var files embed.FS

// Set is the migrations of the tables of this package.
func Set() (db.Set, error) {
	sub, err := fs.Sub(files, "migrations")
	return db.Set{Name: "outbox", FS: sub}, err
}

// Entry is a row of the outbox.
type Entry struct {
	Seq   int64       // grows; says nothing else
	Group string      // empty: for all that subscribed; else for this group only, again
	Event event.Event // with everything
}

// Tell makes an event of d, by source (see event.New), and emits it.
func Tell(ctx context.Context, q db.Q, source string, d event.Data) error {
	e, err := event.New(ctx, source, d)
	if err != nil {
		return err
	}
	return Emit(ctx, q, e)
}

// Emit puts e into the outbox, in the transaction of q: it happened if and only if
// that is committed. It does not wait for any broker. An event that no consumer
// could read (see event.New) is refused with event.ErrMalformed.
func Emit(ctx context.Context, q db.Q, e event.Event) error {
	return put(ctx, q, "", e)
}

func put(ctx context.Context, q db.Q, group string, e event.Event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("outbox: %w: %w", event.ErrMalformed, err)
	}
	if _, err = event.Parse(text); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	_, err = q.Exec(ctx, `INSERT INTO outbox (grp, event_id, type, event) VALUES ($1, $2, $3, $4)`,
		group, e.ID, e.Type, string(text))
	if err != nil {
		return fmt.Errorf("outbox: emit %s: %w", e.Type, err)
	}
	return nil
}

// Pending is the oldest entries, at most limit of them, in order. Entries that
// cannot be read (somebody wrote to the table by hand) are left out and named by
// the error, beside the good ones.
func Pending(ctx context.Context, q db.Q, limit int) ([]Entry, error) {
	rows, err := q.Query(ctx, `SELECT seq, grp, event FROM outbox ORDER BY seq LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("outbox: pending: %w", err)
	}
	defer rows.Close()
	var list []Entry
	var bad []error
	for rows.Next() {
		var e Entry
		var text string
		if err := rows.Scan(&e.Seq, &e.Group, &text); err != nil {
			return nil, fmt.Errorf("outbox: pending: %w", err)
		}
		if err := e.Event.UnmarshalJSON([]byte(text)); err != nil {
			bad = append(bad, fmt.Errorf("outbox: row %d: %w", e.Seq, err))
			continue
		}
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("outbox: pending: %w", err)
	}
	return list, errors.Join(bad...)
}

// Remove takes entries out of the outbox, now that something else has them for
// sure, and returns how many of them were still there. At most a few hundred at once.
func Remove(ctx context.Context, q db.Q, seqs ...int64) (int64, error) {
	if len(seqs) == 0 {
		return 0, nil
	}
	args := make([]any, len(seqs))
	for i, seq := range seqs {
		args[i] = seq
	}
	n, err := q.Exec(ctx, `DELETE FROM outbox WHERE seq IN (`+marks(len(seqs))+`)`, args...)
	if err != nil {
		return 0, fmt.Errorf("outbox: remove: %w", err)
	}
	return n, nil
}

// Count is how many entries wait, at most limit.
func Count(ctx context.Context, q db.Q, limit int) (int, error) {
	var n int
	err := q.QueryRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT $1) AS first_ones`, limit).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("outbox: count: %w", err)
	}
	return n, nil
}

// Hold takes or renews the lease called name for holder until now + ttl, and
// reports whether holder has it. It is for saving double work only: every step
// that it guards is also safe when two do it.
func Hold(ctx context.Context, q db.Q, name, holder string, now time.Time, ttl time.Duration) (bool, error) {
	n, err := q.Exec(ctx, `INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE leases.holder = excluded.holder OR leases.until < $4`, name, holder, now.Add(ttl), now)
	if err != nil {
		return false, fmt.Errorf("outbox: lease %s: %w", name, err)
	}
	return n == 1, nil
}

// Release gives a lease back before its time, if holder has it.
func Release(ctx context.Context, q db.Q, name, holder string) error {
	if _, err := q.Exec(ctx, `DELETE FROM leases WHERE name = $1 AND holder = $2`, name, holder); err != nil {
		return fmt.Errorf("outbox: release %s: %w", name, err)
	}
	return nil
}

// marks is "$1, $2, ... $n".
func marks(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	return b.String()
}
