package target

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// store is the SQL of this package. Its errors are those of package db.
type store struct{ q db.Q }

const columns = `id, channel_id, label, url, stream_key, enabled, version, created_at`

func scan(r db.Row) (t Target, err error) {
	err = r.Scan(&t.ID, &t.Channel, &t.Label, &t.URL, &t.key, &t.Enabled, &t.Version, &t.Created)
	return t, err
}

func (s store) targets(ctx context.Context, channel uuid.UUID) ([]Target, error) {
	rows, err := s.q.Query(ctx, `SELECT `+columns+` FROM live_targets WHERE channel_id=$1 ORDER BY id LIMIT 100`, channel)
	return db.Collect(rows, err, scan)
}

// target is one of targets, held when the caller will change it.
func (s store) target(ctx context.Context, channel, id uuid.UUID, hold bool) (Target, error) {
	end := ""
	if hold {
		end = db.Hold(s.q)
	}
	return scan(s.q.QueryRow(ctx, `SELECT `+columns+` FROM live_targets WHERE id=$1 AND channel_id=$2 `+end, id, channel))
}

func (s store) insert(ctx context.Context, t Target) error {
	_, err := s.q.Exec(ctx, `INSERT INTO live_targets (id, channel_id, label, url, stream_key, enabled, version, created_at, updated_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$8)`,
		t.ID, t.Channel, t.Label, t.URL, t.key, t.Enabled, t.Version, t.Created)
	return err
}

func (s store) update(ctx context.Context, t Target, now time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE live_targets SET label=$1, url=$2, stream_key=$3, enabled=$4, version=$5, updated_at=$6 WHERE id=$7`,
		t.Label, t.URL, t.key, t.Enabled, t.Version, now, t.ID)
	return err
}

// enabled are those of channels on the air that streams are sent to.
func (s store) enabled(ctx context.Context, node string) ([]Target, error) {
	rows, err := s.q.Query(ctx, `SELECT t.id, t.channel_id, t.label, t.url, t.stream_key, t.enabled, t.version, t.created_at FROM live_targets t
JOIN live_sessions s ON s.channel_id=t.channel_id JOIN live_channels c ON c.id=t.channel_id
WHERE s.node=$1 AND s.ended_at IS NULL AND t.enabled AND c.deleted_at IS NULL ORDER BY t.id LIMIT 10000`, node)
	return db.Collect(rows, err, scan)
}
