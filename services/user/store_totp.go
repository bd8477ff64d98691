package user

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// totp is an account's second factor.
type totp struct {
	secret    string // base32, sealed (see sealTOTP)
	lastStep  int64  // of the last code that was taken
	created   time.Time
	confirmed *time.Time // nil: not in force
}

// totp reads the second factor of an account, confirmed or not; db.ErrNotFound when
// there is none.
func (s Store) totp(ctx context.Context, user uuid.UUID) (t totp, err error) {
	err = s.q.QueryRow(ctx, `SELECT secret, last_step, created_at, confirmed_at FROM user_totp WHERE user_id=$1`, user).
		Scan(&t.secret, &t.lastStep, &t.created, &t.confirmed)
	return t, err
}

// proposeTOTP stores a sealed secret that is not in force yet, in place of another such one;
// false when one is in force.
func (s Store) proposeTOTP(ctx context.Context, user uuid.UUID, secret string, now time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `INSERT INTO user_totp (user_id, secret, last_step, created_at) VALUES ($1,$2,0,$3)
ON CONFLICT (user_id) DO UPDATE SET secret=excluded.secret, last_step=0, created_at=excluded.created_at WHERE user_totp.confirmed_at IS NULL`, user, secret, now)
	return n == 1, err
}

func (s Store) confirmTOTP(ctx context.Context, user uuid.UUID, step int64, now time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE user_totp SET confirmed_at=$1, last_step=$2 WHERE user_id=$3`, now, step, user)
	return err
}

// useStep takes the code of that step, once; false when it or a later one was taken.
func (s Store) useStep(ctx context.Context, user uuid.UUID, step int64) (bool, error) {
	n, err := s.q.Exec(ctx, `UPDATE user_totp SET last_step=$1 WHERE user_id=$2 AND last_step < $1`, step, user)
	return n == 1, err
}

// dropTOTP turns the second factor off; false when there was none in force.
func (s Store) dropTOTP(ctx context.Context, user uuid.UUID) (bool, error) {
	var was int64
	err := s.q.QueryRow(ctx, `SELECT count(*) FROM user_totp WHERE user_id=$1 AND confirmed_at IS NOT NULL`, user).Scan(&was)
	if err != nil {
		return false, err
	}
	for _, statement := range []string{
		`DELETE FROM user_totp WHERE user_id=$1`, `DELETE FROM user_recovery_codes WHERE user_id=$1`, `DELETE FROM user_challenges WHERE user_id=$1`,
	} {
		if _, err := s.q.Exec(ctx, statement, user); err != nil {
			return false, err
		}
	}
	return was == 1, nil
}

// setRecovery replaces the recovery codes of an account by those with these hashes.
func (s Store) setRecovery(ctx context.Context, user uuid.UUID, hashes []string) error {
	if _, err := s.q.Exec(ctx, `DELETE FROM user_recovery_codes WHERE user_id=$1`, user); err != nil {
		return err
	}
	for _, h := range hashes {
		if _, err := s.q.Exec(ctx, `INSERT INTO user_recovery_codes (code_hash, user_id) VALUES ($1,$2)`, h, user); err != nil {
			return err
		}
	}
	return nil
}

// useRecovery takes a recovery code out; false when there is none like it.
func (s Store) useRecovery(ctx context.Context, user uuid.UUID, hash string) (bool, error) {
	n, err := s.q.Exec(ctx, `DELETE FROM user_recovery_codes WHERE code_hash=$1 AND user_id=$2`, hash, user)
	return n == 1, err
}

func (s Store) recoveryLeft(ctx context.Context, user uuid.UUID) (n int64, err error) {
	err = s.q.QueryRow(ctx, `SELECT count(*) FROM user_recovery_codes WHERE user_id=$1`, user).Scan(&n)
	return n, err
}

// challenge is a sign-in that waits for its code.
type challenge struct {
	hash    string
	user    uuid.UUID
	checked string // hashText of the password hash
	created time.Time
	expires time.Time
}

// insertChallenge adds one and drops the oldest of the account beyond most.
func (s Store) insertChallenge(ctx context.Context, c challenge, most int) error {
	_, err := s.q.Exec(ctx, `DELETE FROM user_challenges WHERE user_id=$1 AND token_hash NOT IN
  (SELECT token_hash FROM user_challenges WHERE user_id=$1 ORDER BY created_at DESC, token_hash LIMIT $2)`, c.user, most-1)
	if err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `INSERT INTO user_challenges (token_hash, user_id, checked, created_at, expires_at) VALUES ($1,$2,$3,$4,$5)`,
		c.hash, c.user, c.checked, c.created, c.expires)
	return err
}

// challenge reads one that can still be used; db.ErrNotFound otherwise.
func (s Store) challenge(ctx context.Context, hash string, now time.Time) (challenge, error) {
	c := challenge{hash: hash}
	err := s.q.QueryRow(ctx, `SELECT user_id, checked, created_at, expires_at FROM user_challenges WHERE token_hash=$1 AND expires_at > $2`, hash, now).
		Scan(&c.user, &c.checked, &c.created, &c.expires)
	return c, err
}

// useChallenge takes a challenge out; false when it was used or has expired.
func (s Store) useChallenge(ctx context.Context, hash string, now time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `DELETE FROM user_challenges WHERE token_hash=$1 AND expires_at > $2`, hash, now)
	return n == 1, err
}

func (s Store) dropChallenges(ctx context.Context, user uuid.UUID) error {
	_, err := s.q.Exec(ctx, `DELETE FROM user_challenges WHERE user_id=$1`, user)
	return err
}
