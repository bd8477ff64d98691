package live

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// kept is what a store has of a name.
type kept struct {
	name  string
	keep  Keep
	bytes int64
}

func (s Store) kept(ctx context.Context, store string) ([]kept, error) {
	rows, err := s.q.Query(ctx, `SELECT r.name, COALESCE(c.keep_days, 0), COALESCE(c.keep_bytes, 0), CAST(SUM(r.bytes) AS BIGINT) FROM live_recordings r
LEFT JOIN live_channels c ON c.name=r.name WHERE r.store=$1 AND r.state=$2 GROUP BY r.name, c.keep_days, c.keep_bytes ORDER BY r.name`, store, string(Ready))
	return db.Collect(rows, err, func(r db.Row) (k kept, err error) {
		err = r.Scan(&k.name, &k.keep.Days, &k.keep.Bytes, &k.bytes)
		return k, err
	})
}

// condemnOld is condemn for what of a name began before that time and is no more made.
func (s Store) condemnOld(ctx context.Context, store, name string, before time.Time, reason string) error {
	_, err := s.q.Exec(ctx, `UPDATE live_recordings SET state=$1, reason=$2 WHERE store=$3 AND name=$4 AND created_at < $5 AND state IN ($6, $7)`,
		string(Deleting), reason, store, name, before, string(Ready), string(Failed))
	return err
}

// byAge are the recordings of a name that are ready, oldest first.
func (s Store) byAge(ctx context.Context, store, name string) ([]*Recording, error) {
	rows, err := s.q.Query(ctx, `SELECT `+recordingColumns+` FROM live_recordings r WHERE r.store=$1 AND r.name=$2 AND r.state=$3 ORDER BY r.id LIMIT 10000`, store, name, string(Ready))
	return db.Collect(rows, err, scanRecording)
}

// condemned are those to be removed that nobody stores to: they are closed, or their
// session is over and they were begun before that time.
func (s Store) condemned(ctx context.Context, store string, before time.Time, limit int) ([]*Recording, error) {
	rows, err := s.q.Query(ctx, `SELECT `+recordingColumns+` FROM live_recordings r WHERE r.store=$1 AND r.state=$2
AND (r.closed_at IS NOT NULL OR r.kind=$3 OR (r.created_at < $4 AND NOT EXISTS (SELECT 1 FROM live_sessions s WHERE s.id=r.session_id AND s.ended_at IS NULL)))
ORDER BY r.id LIMIT $5`, store, string(Deleting), string(Clip), before, limit)
	return db.Collect(rows, err, scanRecording)
}

// left are recordings that are not closed though their sessions ended before that time.
func (s Store) left(ctx context.Context, store string, before time.Time, limit int) ([]*Recording, error) {
	rows, err := s.q.Query(ctx, `SELECT `+recordingColumns+` FROM live_recordings r WHERE r.store=$1 AND r.state=$2 AND r.kind=$3 AND r.created_at < $4
AND NOT EXISTS (SELECT 1 FROM live_sessions s WHERE s.id=r.session_id AND (s.ended_at IS NULL OR s.ended_at > $4)) ORDER BY r.id LIMIT $5`,
		store, string(Being), string(Whole), before, limit)
	return db.Collect(rows, err, scanRecording)
}

// clipCount is how many clips a channel has: all, those that are not made yet, and those
// that were ordered lately.
type clipCount struct{ all, asked, lately int }

func (s Store) countClips(ctx context.Context, channel uuid.UUID, lately time.Time) (n clipCount, err error) {
	err = s.q.QueryRow(ctx, `SELECT COUNT(*), COUNT(CASE WHEN state=$3 THEN 1 END), COUNT(CASE WHEN created_at > $4 THEN 1 END)
FROM live_recordings WHERE channel_id=$1 AND kind=$2`, channel, string(Clip), string(Being), lately).Scan(&n.all, &n.asked, &n.lately)
	return n, err
}

// clipsWanted are clips that node may make: its own, and, of its store, those of nobody
// and of sessions that are over; not those that somebody began to make after stale.
func (s Store) clipsWanted(ctx context.Context, store, node string, stale time.Time, limit int) ([]*Recording, error) {
	rows, err := s.q.Query(ctx, `SELECT `+recordingColumns+` FROM live_recordings r WHERE r.state=$1 AND r.kind=$2 AND (r.claimed_at IS NULL OR r.claimed_at < $4)
AND (r.node=$5 OR (r.store=$3 AND (r.node=$6 OR NOT EXISTS (SELECT 1 FROM live_sessions s WHERE s.id=r.session_id AND s.ended_at IS NULL)))) ORDER BY r.id LIMIT $7`,
		string(Being), string(Clip), store, stale, node, "", limit)
	return db.Collect(rows, err, scanRecording)
}

// claim makes a clip the caller's for a while, in its store; false: somebody else was faster.
func (s Store) claim(ctx context.Context, id uuid.UUID, store string, now, stale time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `UPDATE live_recordings SET claimed_at=$1, store=$5 WHERE id=$2 AND state=$3 AND (claimed_at IS NULL OR claimed_at < $4)`, now, id, string(Being), stale, store)
	return n == 1, err
}

// unclaim gives a claim another time, so that it ends sooner.
func (s Store) unclaim(ctx context.Context, id uuid.UUID, at time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE live_recordings SET claimed_at=$1 WHERE id=$2`, at, id)
	return err
}
