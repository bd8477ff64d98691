package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"weir/services/backing/db"
	"weir/services/event"
)

// States of an inbox row.
const (
	handled = "handled" // its effects are committed
	dead    = "dead"    // given up; waits for Retry or Drop
	retry   = "retry"   // back in the outbox for its group
	dropped = "dropped" // somebody decided that it never takes effect
)

// maxError is how many bytes of an error are kept.
const maxError = 1000

// ErrNoDead is the error of Retry and Drop: no dead event has that id.
var ErrNoDead = errors.New("no such dead event")

// Mark notes in the transaction of q that group takes e into effect, and reports
// whether that is right: false means that it has done so before, or that the event
// is dead for it; then the caller must have no effects. Of two transactions that
// mark the same event the second waits for the first.
func Mark(ctx context.Context, q db.Q, group, id string, now time.Time) (bool, error) {
	n, err := q.Exec(ctx, `INSERT INTO inbox (grp, event_id, state, at, attempts, error) VALUES ($1, $2, $3, $4, 0, '')
		ON CONFLICT (grp, event_id) DO UPDATE SET state = excluded.state, at = excluded.at, error = '', event = NULL
		WHERE inbox.state = $5`, group, id, handled, now, retry)
	if err != nil {
		return false, fmt.Errorf("inbox: mark: %w", err)
	}
	return n == 1, nil
}

// Dead is an event that a group could not handle.
type Dead struct {
	ID       string      // "GROUP/EVENT": what Retry and Drop want
	Group    string      // the consumer group
	Event    event.Event // do not print its Data: it can hold secrets
	Attempts int         // how often the handler failed; 0: it never came to an end
	Error    string      // of the last attempt, shortened
	Time     time.Time   // when it was given up, or Retry was called
	Retrying bool        // Retry was called, and it is neither handled nor dead again yet
}

// Bury makes d.Event dead for d.Group, in the transaction of q, unless it is handled,
// dead or dropped already; it reports whether it did. ID and Retrying are ignored.
func Bury(ctx context.Context, q db.Q, d Dead) (bool, error) {
	return bury(ctx, q, d, `UPDATE SET state = excluded.state, at = excluded.at, attempts = excluded.attempts,
		error = excluded.error, event = excluded.event WHERE inbox.state = '`+retry+`'`)
}

// BuryUnknown is Bury for an event that a broker gave up: it also does nothing when
// the event is being retried, since that news can be old.
func BuryUnknown(ctx context.Context, q db.Q, d Dead) (bool, error) {
	return bury(ctx, q, d, `NOTHING`)
}

func bury(ctx context.Context, q db.Q, d Dead, conflict string) (bool, error) {
	text, err := json.Marshal(d.Event)
	if err != nil {
		return false, fmt.Errorf("inbox: bury: %w", err)
	}
	n, err := q.Exec(ctx, `INSERT INTO inbox (grp, event_id, state, at, attempts, error, event)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (grp, event_id) DO `+conflict,
		d.Group, d.Event.ID, dead, d.Time, d.Attempts, Short(d.Error), string(text))
	if err != nil {
		return false, fmt.Errorf("inbox: bury: %w", err)
	}
	return n == 1, nil
}

// ListDead is the dead events, the oldest first, at most limit of them.
func ListDead(ctx context.Context, q db.Q, limit int) ([]Dead, error) {
	rows, err := q.Query(ctx, `SELECT grp, event_id, state, at, attempts, error, event FROM inbox
		WHERE event IS NOT NULL ORDER BY at, grp, event_id LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("inbox: dead: %w", err)
	}
	defer rows.Close()
	var list []Dead
	for rows.Next() {
		var d Dead
		var id, state, text string
		if err := rows.Scan(&d.Group, &id, &state, &d.Time, &d.Attempts, &d.Error, &text); err != nil {
			return nil, fmt.Errorf("inbox: dead: %w", err)
		}
		if err := d.Event.UnmarshalJSON([]byte(text)); err != nil {
			return nil, fmt.Errorf("inbox: dead event %s of %s: %w", id, d.Group, err)
		}
		d.ID, d.Retrying = d.Group+"/"+id, state == retry
		list = append(list, d)
	}
	return list, rows.Err()
}

// Retry puts the dead event id ("GROUP/EVENT") back into the outbox, for its group
// only. It is handled after what its subject has in the queue by then. It can be
// called from any process on the database, also when no broker runs, and again
// while an earlier retry is on its way. The error is ErrNoDead when id is not dead.
func Retry(ctx context.Context, d *db.DB, id string, now time.Time) error {
	return d.Tx(ctx, func(ctx context.Context, q db.Q) error {
		group, eventID, err := change(ctx, q, id, retry, now)
		if err != nil {
			return err
		}
		var text string
		err = q.QueryRow(ctx, `SELECT event FROM inbox WHERE grp = $1 AND event_id = $2`, group, eventID).Scan(&text)
		if err != nil {
			return fmt.Errorf("inbox: %s: %w", id, err)
		}
		var e event.Event
		if err := e.UnmarshalJSON([]byte(text)); err != nil {
			return fmt.Errorf("inbox: %s: %w", id, err)
		}
		return put(ctx, q, group, e)
	})
}

// Drop decides that the dead event id ("GROUP/EVENT") never takes effect in its
// group, and forgets its data. The error is ErrNoDead when id is not dead.
func Drop(ctx context.Context, d *db.DB, id string, now time.Time) error {
	return d.Tx(ctx, func(ctx context.Context, q db.Q) error {
		group, eventID, err := change(ctx, q, id, dropped, now)
		if err != nil {
			return err
		}
		_, err = q.Exec(ctx, `UPDATE inbox SET event = NULL WHERE grp = $1 AND event_id = $2`, group, eventID)
		if err != nil {
			return fmt.Errorf("inbox: drop: %w", err)
		}
		return nil
	})
}

func change(ctx context.Context, q db.Q, id, to string, now time.Time) (group, eventID string, err error) {
	group, eventID, _ = strings.Cut(id, "/")
	n, err := q.Exec(ctx, `UPDATE inbox SET state = $1, at = $2 WHERE grp = $3 AND event_id = $4 AND event IS NOT NULL`,
		to, now, group, eventID)
	if err != nil {
		return "", "", fmt.Errorf("inbox: %s: %w", to, err)
	}
	if n == 0 {
		return "", "", fmt.Errorf("%w: %.80q; the ids are GROUP/EVENT", ErrNoDead, id)
	}
	return group, eventID, nil
}

// Forget deletes at most limit marks of what was handled or dropped before the time
// given, and returns how many. An event that a broker still delivers after that would
// take effect again: leave days.
func Forget(ctx context.Context, q db.Q, before time.Time, limit int) (int64, error) {
	n, err := q.Exec(ctx, `DELETE FROM inbox WHERE (grp, event_id) IN (
		SELECT grp, event_id FROM inbox WHERE at < $1 AND event IS NULL ORDER BY at LIMIT $2)`, before, limit)
	if err != nil {
		return 0, fmt.Errorf("inbox: forget: %w", err)
	}
	return n, nil
}

// Short is the first part of the text of an error, whole letters, so that it can be
// kept and shown.
func Short(text string) string {
	if len(text) > maxError {
		text = text[:maxError] + "..."
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
}
