package user

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
)

// session is a sign-in and the family of its refresh tokens.
type session struct {
	id, user           uuid.UUID
	generation         int64 // of the present token, from 1
	hash, previousHash string
	sealed             string
	macKey             string
	rotated            time.Time
	cookie             bool
	address, userAgent string
	created, seen      time.Time
	expires            time.Time
	ended              *time.Time
}

const sessionColumns = `id, user_id, generation, token_hash, previous_hash, sealed, mac_key, rotated_at, cookie,
  address, user_agent, created_at, seen_at, expires_at, ended_at`

func scanSession(r db.Row) (*session, error) {
	var s session
	err := r.Scan(&s.id, &s.user, &s.generation, &s.hash, &s.previousHash, &s.sealed, &s.macKey, &s.rotated, &s.cookie,
		&s.address, &s.userAgent, &s.created, &s.seen, &s.expires, &s.ended)
	return &s, err
}

// live says whether the session can still be refreshed at now.
func (s *session) live(now time.Time) bool { return s.ended == nil && now.Before(s.expires) }

func (s Store) insertSession(ctx context.Context, n *session) error {
	_, err := s.q.Exec(ctx, `INSERT INTO user_sessions (`+sessionColumns+`, ended_why)
VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,'')`, n.id, n.user, n.generation, n.hash, n.previousHash, n.sealed, n.macKey,
		n.rotated, n.cookie, n.address, n.userAgent, n.created, n.seen, n.expires, n.ended)
	return err
}

// session reads one and holds it until the transaction ends.
func (s Store) session(ctx context.Context, id uuid.UUID) (*session, error) {
	return scanSession(s.q.QueryRow(ctx, `SELECT `+sessionColumns+` FROM user_sessions WHERE id=$1 `+db.Hold(s.q), id))
}

// rotate stores what a held session has become.
func (s Store) rotate(ctx context.Context, n *session) error {
	_, err := s.q.Exec(ctx, `UPDATE user_sessions SET generation=$1, token_hash=$2, previous_hash=$3, sealed=$4, rotated_at=$5,
  address=$6, user_agent=$7, seen_at=$5, expires_at=$8 WHERE id=$9`,
		n.generation, n.hash, n.previousHash, n.sealed, n.rotated, n.address, n.userAgent, n.expires, n.id)
	return err
}

// sessions are those of a user that are live, newest first, at most limit.
func (s Store) sessions(ctx context.Context, user uuid.UUID, now time.Time, limit int) ([]*session, error) {
	rows, err := s.q.Query(ctx, `SELECT `+sessionColumns+` FROM user_sessions
WHERE user_id=$1 AND ended_at IS NULL AND expires_at > $2 ORDER BY created_at DESC, id DESC LIMIT $3`, user, now, limit)
	return db.Collect(rows, err, scanSession)
}

// endSession ends a session of that user and notes the revocation; false when there is
// none that is live.
func (s Store) endSession(ctx context.Context, user, id uuid.UUID, why string, now time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `UPDATE user_sessions SET ended_at=$1, ended_why=$2, sealed='' WHERE id=$3 AND user_id=$4 AND ended_at IS NULL`,
		now, why, id, user)
	if err != nil || n == 0 {
		return false, err
	}
	return true, s.revoke(ctx, auth.Revocation{Session: id, At: now})
}

// endSessions ends all of a user's sessions but one (uuid.Nil: none is kept) and says
// how many those were.
func (s Store) endSessions(ctx context.Context, user, but uuid.UUID, why string, now time.Time) (int, error) {
	rows, err := s.q.Query(ctx, `UPDATE user_sessions SET ended_at=$1, ended_why=$2, sealed=''
WHERE user_id=$3 AND id<>$4 AND ended_at IS NULL AND expires_at > $1 RETURNING id`, now, why, user, but)
	ids, err := db.Collect(rows, err, scanID)
	if err != nil {
		return 0, err
	}
	for _, id := range ids { // at most maxSessions
		if err := s.revoke(ctx, auth.Revocation{Session: id, At: now}); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// revoke notes what Redis has to know.
func (s Store) revoke(ctx context.Context, r auth.Revocation) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `INSERT INTO user_revocations (id, session_id, user_id, revoked_at, sent) VALUES ($1,$2,$3,$4,$5)`,
		id, orNull(r.Session), orNull(r.User), r.At, false)
	return err
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// revocation is a row of user_revocations.
type revocation struct {
	id uuid.UUID
	auth.Revocation
}

// revocations returns, oldest first, those after the time that Redis was not told of, or
// all of them.
func (s Store) revocations(ctx context.Context, after time.Time, all bool, limit int) ([]revocation, error) {
	cond := ` AND NOT sent`
	if all {
		cond = ``
	}
	rows, err := s.q.Query(ctx, `SELECT id, session_id, user_id, revoked_at FROM user_revocations
WHERE revoked_at > $1`+cond+` ORDER BY revoked_at LIMIT $2`, after, limit)
	return db.Collect(rows, err, func(r db.Row) (v revocation, err error) {
		var session, user *uuid.UUID
		if err := r.Scan(&v.id, &session, &user, &v.At); err != nil {
			return v, err
		}
		if session != nil {
			v.Session = *session
		}
		if user != nil {
			v.User = *user
		}
		return v, nil
	})
}

func (s Store) markSent(ctx context.Context, id uuid.UUID) error {
	_, err := s.q.Exec(ctx, `UPDATE user_revocations SET sent=$1 WHERE id=$2`, true, id)
	return err
}

// mailToken is a token in a mail.
type mailToken struct {
	hash    string
	user    uuid.UUID
	purpose string
	email   string
	created time.Time
	expires time.Time
}

// insertMailToken replaces what the user had for the same purpose.
func (s Store) insertMailToken(ctx context.Context, t mailToken) error {
	if err := s.dropMailTokens(ctx, t.user, t.purpose); err != nil {
		return err
	}
	_, err := s.q.Exec(ctx, `INSERT INTO user_mail_tokens (token_hash, user_id, purpose, email, created_at, expires_at) VALUES ($1,$2,$3,$4,$5,$6)`,
		t.hash, t.user, t.purpose, t.email, t.created, t.expires)
	return err
}

func (s Store) dropMailTokens(ctx context.Context, user uuid.UUID, purpose string) error {
	_, err := s.q.Exec(ctx, `DELETE FROM user_mail_tokens WHERE user_id=$1 AND ($2='' OR purpose=$2)`, user, purpose)
	return err
}

// useMailToken takes the token out; db.ErrNotFound when it is unknown, used, expired or
// for something else.
func (s Store) useMailToken(ctx context.Context, hash, purpose string, now time.Time) (t mailToken, err error) {
	err = s.q.QueryRow(ctx, `DELETE FROM user_mail_tokens WHERE token_hash=$1 AND purpose=$2 AND expires_at > $3 RETURNING user_id, email`,
		hash, purpose, now).Scan(&t.user, &t.email)
	return t, err
}

// hasMailToken says whether useMailToken would find it.
func (s Store) hasMailToken(ctx context.Context, hash, purpose string, now time.Time) (bool, error) {
	var n int64
	err := s.q.QueryRow(ctx, `SELECT count(*) FROM user_mail_tokens WHERE token_hash=$1 AND purpose=$2 AND expires_at > $3`,
		hash, purpose, now).Scan(&n)
	return n == 1, err
}
