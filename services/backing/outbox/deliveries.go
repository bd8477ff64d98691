package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"weir/services/backing/db"
	"weir/services/event"
)

// Delivery is an event that the in-process bus has for a group.
type Delivery struct {
	Seq      int64       // grows
	Event    event.Event // with everything
	Claims   int         // how often a process has taken it up, this time included
	Attempts int         // how often the handler has failed
	NextAt   time.Time   // not to be handled before
	Error    string      // of the last attempt
}

// Deliver adds e to what group has to handle.
func Deliver(ctx context.Context, q db.Q, group string, e event.Event, now time.Time) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("deliveries: %w", err)
	}
	_, err = q.Exec(ctx, `INSERT INTO deliveries (grp, event, claims, attempts, next_at, error) VALUES ($1, $2, 0, 0, $3, '')`,
		group, string(text), now)
	if err != nil {
		return fmt.Errorf("deliveries: add: %w", err)
	}
	return nil
}

// Deliveries is the oldest deliveries of group, at most limit, in order, without
// those that known reports. Each counts as claimed once more.
func Deliveries(ctx context.Context, d *db.DB, group string, limit int, known func(seq int64) bool) ([]Delivery, error) {
	list, err := deliveries(ctx, d, group, limit, known)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	args := []any{}
	for i := range list {
		list[i].Claims++
		args = append(args, list[i].Seq)
	}
	if _, err := d.Exec(ctx, `UPDATE deliveries SET claims = claims + 1 WHERE seq IN (`+marks(len(args))+`)`, args...); err != nil {
		return nil, fmt.Errorf("deliveries: claim: %w", err)
	}
	return list, nil
}

func deliveries(ctx context.Context, q db.Q, group string, limit int, known func(int64) bool) ([]Delivery, error) {
	rows, err := q.Query(ctx, `SELECT seq, event, claims, attempts, next_at, error FROM deliveries
		WHERE grp = $1 ORDER BY seq LIMIT $2`, group, limit)
	if err != nil {
		return nil, fmt.Errorf("deliveries: %w", err)
	}
	defer rows.Close()
	var list []Delivery
	for rows.Next() {
		var d Delivery
		var text string
		if err := rows.Scan(&d.Seq, &text, &d.Claims, &d.Attempts, &d.NextAt, &d.Error); err != nil {
			return nil, fmt.Errorf("deliveries: %w", err)
		}
		if known(d.Seq) {
			continue
		}
		if err := d.Event.UnmarshalJSON([]byte(text)); err != nil {
			return nil, fmt.Errorf("deliveries: row %d: %w", d.Seq, err)
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// Delivered takes a delivery away, in the transaction of its effects, and reports
// whether it was still there.
func Delivered(ctx context.Context, q db.Q, seq int64) (bool, error) {
	n, err := q.Exec(ctx, `DELETE FROM deliveries WHERE seq = $1`, seq)
	if err != nil {
		return false, fmt.Errorf("deliveries: remove: %w", err)
	}
	return n == 1, nil
}

// Failed notes a failed attempt at a delivery.
func Failed(ctx context.Context, q db.Q, seq int64, attempts int, next time.Time, cause string) error {
	_, err := q.Exec(ctx, `UPDATE deliveries SET attempts = $1, next_at = $2, error = $3 WHERE seq = $4`,
		attempts, next, Short(cause), seq)
	if err != nil {
		return fmt.Errorf("deliveries: failed: %w", err)
	}
	return nil
}
