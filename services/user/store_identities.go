package user

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// identity is a row of user_identities: an account elsewhere that signs in here.
type identity struct {
	id, user        uuid.UUID
	provider        string
	issuer, subject string
	email           string
	created         time.Time
	used            *time.Time // nil: never
}

const identityColumns = `id, user_id, provider, issuer, subject, email, created_at, used_at`

func scanIdentity(r db.Row) (identity, error) {
	var i identity
	err := r.Scan(&i.id, &i.user, &i.provider, &i.issuer, &i.subject, &i.email, &i.created, &i.used)
	return i, err
}

// insertIdentity links one; false when it is linked to an account already.
func (s Store) insertIdentity(ctx context.Context, i identity) (bool, error) {
	n, err := s.q.Exec(ctx, `INSERT INTO user_identities (`+identityColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
ON CONFLICT (issuer, subject) DO NOTHING`, i.id, i.user, i.provider, i.issuer, i.subject, i.email, i.created, i.used)
	return n == 1, err
}

// identity finds the one that a provider speaks of; db.ErrNotFound when nobody has it.
func (s Store) identity(ctx context.Context, issuer, subject string) (identity, error) {
	return scanIdentity(s.q.QueryRow(ctx, `SELECT `+identityColumns+` FROM user_identities WHERE issuer=$1 AND subject=$2`, issuer, subject))
}

// identities are those of a user, oldest first.
func (s Store) identities(ctx context.Context, user uuid.UUID) ([]identity, error) {
	rows, err := s.q.Query(ctx, `SELECT `+identityColumns+` FROM user_identities WHERE user_id=$1 ORDER BY created_at, id LIMIT $2`, user, maxIdentities)
	return db.Collect(rows, err, scanIdentity)
}

// useIdentity notes the use; false when it is not linked to that user any more.
func (s Store) useIdentity(ctx context.Context, i identity, now time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `UPDATE user_identities SET used_at=$1 WHERE id=$2 AND user_id=$3`, now, i.id, i.user)
	return n == 1, err
}

func (s Store) dropIdentity(ctx context.Context, user, id uuid.UUID) error {
	_, err := s.q.Exec(ctx, `DELETE FROM user_identities WHERE id=$1 AND user_id=$2`, id, user)
	return err
}

func (s Store) dropIdentities(ctx context.Context, user uuid.UUID) error {
	_, err := s.q.Exec(ctx, `DELETE FROM user_identities WHERE user_id=$1`, user)
	return err
}
