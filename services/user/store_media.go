package user

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// setPicture writes the name of one picture, empty for none, of an account that the
// caller holds.
func (s Store) setPicture(ctx context.Context, id uuid.UUID, kind PictureKind, name string, now time.Time) error {
	column := "avatar"
	if kind == Banner {
		column = "banner"
	}
	_, err := s.q.Exec(ctx, `UPDATE users SET `+column+`=$1, version=version+1, updated_at=$2 WHERE id=$3 AND deleted_at IS NULL`, name, now, id)
	return err
}

// removeObjects has objects removed from blob at a time, sooner or later than was said
// before.
func (s Store) removeObjects(ctx context.Context, at time.Time, keys ...string) error {
	for _, key := range keys {
		_, err := s.q.Exec(ctx, `INSERT INTO user_objects_due (object_key, due_at) VALUES ($1,$2)
ON CONFLICT (object_key) DO UPDATE SET due_at=excluded.due_at`, key, at)
		if err != nil {
			return err
		}
	}
	return nil
}

// keepObject takes back a removal that is not due at now; false when it is, or when it
// was done: the object may be gone.
func (s Store) keepObject(ctx context.Context, key string, now time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `DELETE FROM user_objects_due WHERE object_key=$1 AND due_at > $2`, key, now)
	return n == 1, err
}

// delayObject puts off a removal that is not due at now; false as in keepObject.
func (s Store) delayObject(ctx context.Context, key string, now, to time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `UPDATE user_objects_due SET due_at=$1 WHERE object_key=$2 AND due_at > $3`, to, key, now)
	return n == 1, err
}

// objectsDue are the keys whose time has come, oldest first.
func (s Store) objectsDue(ctx context.Context, now time.Time, limit int) ([]string, error) {
	rows, err := s.q.Query(ctx, `SELECT object_key FROM user_objects_due WHERE due_at <= $1 ORDER BY due_at LIMIT $2`, now, limit)
	return db.Collect(rows, err, func(r db.Row) (key string, err error) {
		err = r.Scan(&key)
		return key, err
	})
}

// objectRemoved forgets a removal that was done.
func (s Store) objectRemoved(ctx context.Context, key string) error {
	_, err := s.q.Exec(ctx, `DELETE FROM user_objects_due WHERE object_key=$1`, key)
	return err
}

// export is a row of user_exports.
type export struct {
	id, user uuid.UUID
	state    string
	attempt  int64
	claimed  *time.Time
	key      string
	size     int64
	created  time.Time
	ready    *time.Time
	expires  *time.Time
}

const exportColumns = `id, user_id, state, attempt, claimed_until, object_key, size_bytes, created_at, ready_at, expires_at`

func scanExport(r db.Row) (*export, error) {
	var e export
	err := r.Scan(&e.id, &e.user, &e.state, &e.attempt, &e.claimed, &e.key, &e.size, &e.created, &e.ready, &e.expires)
	return &e, err
}

func (s Store) insertExport(ctx context.Context, e *export) error {
	_, err := s.q.Exec(ctx, `INSERT INTO user_exports (`+exportColumns+`) VALUES ($1,$2,$3,0,NULL,'',0,$4,NULL,NULL)`, e.id, e.user, e.state, e.created)
	return err
}

// lastExport is the newest of a user; db.ErrNotFound when there is none.
func (s Store) lastExport(ctx context.Context, user uuid.UUID) (*export, error) {
	return scanExport(s.q.QueryRow(ctx, `SELECT `+exportColumns+` FROM user_exports WHERE user_id=$1 ORDER BY created_at DESC, id DESC LIMIT 1`, user))
}

// exportOf reads one of a user's own; db.ErrNotFound for those of others.
func (s Store) exportOf(ctx context.Context, user, id uuid.UUID) (*export, error) {
	return scanExport(s.q.QueryRow(ctx, `SELECT `+exportColumns+` FROM user_exports WHERE id=$1 AND user_id=$2`, id, user))
}

// claimExport takes the oldest that is to be made and that nobody is making, until a
// time; db.ErrNotFound when there is none.
func (s Store) claimExport(ctx context.Context, now, until time.Time) (*export, error) {
	return scanExport(s.q.QueryRow(ctx, `UPDATE user_exports SET attempt=attempt+1, claimed_until=$1 WHERE id = (
  SELECT id FROM user_exports WHERE state='pending' AND (claimed_until IS NULL OR claimed_until <= $2)
  ORDER BY created_at LIMIT 1 `+db.Lock(s.q)+`) RETURNING `+exportColumns, until, now))
}

// extendExport keeps a claim; false when it was lost.
func (s Store) extendExport(ctx context.Context, e *export, until time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `UPDATE user_exports SET claimed_until=$1 WHERE id=$2 AND attempt=$3 AND state='pending'`, until, e.id, e.attempt)
	return n == 1, err
}

// finishExport writes how a claimed one ended; false when the claim was lost.
func (s Store) finishExport(ctx context.Context, e *export) (bool, error) {
	n, err := s.q.Exec(ctx, `UPDATE user_exports SET state=$1, claimed_until=NULL, object_key=$2, size_bytes=$3, ready_at=$4, expires_at=$5
WHERE id=$6 AND attempt=$7 AND state='pending'`, e.state, e.key, e.size, e.ready, e.expires, e.id, e.attempt)
	return n == 1, err
}

// dropExports forgets the exports of a user, and has their objects removed.
func (s Store) dropExports(ctx context.Context, user uuid.UUID, now time.Time) error {
	rows, err := s.q.Query(ctx, `DELETE FROM user_exports WHERE user_id=$1 RETURNING `+exportColumns, user)
	list, err := db.Collect(rows, err, scanExport)
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.key == "" {
			continue
		}
		if err := s.removeObjects(ctx, now, e.key); err != nil {
			return err
		}
	}
	return nil
}
