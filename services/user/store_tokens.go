package user

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
)

// apiToken is a row of user_api_tokens.
type apiToken struct {
	id, user uuid.UUID
	name     string
	scopes   []string // never nil
	created  time.Time
	expires  time.Time
	used     *time.Time // nil: never
}

const apiTokenColumns = `id, user_id, name, scopes, created_at, expires_at, used_at`

func scanAPIToken(r db.Row) (apiToken, error) {
	var t apiToken
	var scopes string
	err := r.Scan(&t.id, &t.user, &t.name, &scopes, &t.created, &t.expires, &t.used)
	t.scopes = strings.Fields(scopes)
	return t, err
}

func (s Store) insertAPIToken(ctx context.Context, t apiToken, hash string) error {
	_, err := s.q.Exec(ctx, `INSERT INTO user_api_tokens (id, token_hash, user_id, name, scopes, created_at, expires_at) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
		t.id, hash, t.user, t.name, strings.Join(t.scopes, " "), t.created, t.expires)
	return err
}

// apiToken finds the token with that hash; db.ErrNotFound when there is none that is
// valid at now.
func (s Store) apiToken(ctx context.Context, hash string, now time.Time) (apiToken, error) {
	return scanAPIToken(s.q.QueryRow(ctx, `SELECT `+apiTokenColumns+` FROM user_api_tokens WHERE token_hash=$1 AND expires_at > $2`, hash, now))
}

// apiTokens are those of a user that are valid, newest first, at most limit.
func (s Store) apiTokens(ctx context.Context, user uuid.UUID, now time.Time, limit int) ([]apiToken, error) {
	rows, err := s.q.Query(ctx, `SELECT `+apiTokenColumns+` FROM user_api_tokens WHERE user_id=$1 AND expires_at > $2
ORDER BY created_at DESC, id DESC LIMIT $3`, user, now, limit)
	return db.Collect(rows, err, scanAPIToken)
}

// touchAPIToken notes the use, unless one was noted after before.
func (s Store) touchAPIToken(ctx context.Context, id uuid.UUID, now, before time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE user_api_tokens SET used_at=$1 WHERE id=$2 AND (used_at IS NULL OR used_at <= $3)`, now, id, before)
	return err
}

// endAPIToken ends a token of that user and notes the revocation; db.ErrNotFound when
// there is none.
func (s Store) endAPIToken(ctx context.Context, user, id uuid.UUID, now time.Time) (name string, err error) {
	err = s.q.QueryRow(ctx, `DELETE FROM user_api_tokens WHERE id=$1 AND user_id=$2 RETURNING name`, id, user).Scan(&name)
	if err != nil {
		return "", err
	}
	return name, s.revoke(ctx, auth.Revocation{Session: id, At: now})
}

// endAPITokens ends all tokens of a user.
func (s Store) endAPITokens(ctx context.Context, user uuid.UUID, now time.Time) error {
	rows, err := s.q.Query(ctx, `DELETE FROM user_api_tokens WHERE user_id=$1 RETURNING id`, user)
	ids, err := db.Collect(rows, err, scanID)
	if err != nil {
		return err
	}
	for _, id := range ids { // at most APITokensMax, and those that have expired in the last minute
		if err := s.revoke(ctx, auth.Revocation{Session: id, At: now}); err != nil {
			return err
		}
	}
	return nil
}

// endAccess ends all that gives access to an account: sessions, sign-ins that have begun
// and API tokens.
func (s Store) endAccess(ctx context.Context, user uuid.UUID, why string, now time.Time) error {
	if _, err := s.endSessions(ctx, user, uuid.Nil, why, now); err != nil {
		return err
	}
	if err := s.dropChallenges(ctx, user); err != nil {
		return err
	}
	return s.endAPITokens(ctx, user, now)
}

// endOthers ends what a new password ends: with a session that stays, the person has
// shown the old password, and the API tokens stay too.
func (s Store) endOthers(ctx context.Context, user, but uuid.UUID, why string, now time.Time) error {
	if but == uuid.Nil {
		return s.endAccess(ctx, user, why, now)
	}
	if _, err := s.endSessions(ctx, user, but, why, now); err != nil {
		return err
	}
	return s.dropChallenges(ctx, user)
}
