package user

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
)

// Store is the SQL of this service over a Q: the database, or the transaction that the
// caller has open. Its errors are those of package db; faultOf gives them a code.
type Store struct{ q db.Q }

// faultOf makes an error of the database one for the caller; what already is a fault
// stays as it is.
func faultOf(err error) error { return db.Fault("user", err) }

const accountColumns = `u.id, u.username, u.email, u.email_verified_at, u.password_hash, u.role,
  u.display_name, u.bio, u.links, u.language, u.time_zone, u.avatar, u.banner, u.version,
  u.suspended_at, u.suspended_until, u.suspension_reason, u.created_at, u.updated_at, u.deleted_at,
  c.followers, c.following`

const fromAccounts = ` FROM users u JOIN user_counts c ON c.user_id = u.id `

func scanAccount(r db.Row) (*Account, error) {
	var a Account
	var email *string
	var links json.RawMessage
	var since *time.Time
	var s Suspension
	err := r.Scan(&a.ID, &a.Username, &email, &a.EmailVerified, &a.PasswordHash, &a.Role,
		&a.Profile.DisplayName, &a.Profile.Bio, &links, &a.Profile.Language, &a.Profile.TimeZone, &a.avatar, &a.banner, &a.Version,
		&since, &s.Until, &s.Reason, &a.Created, &a.Updated, &a.Deleted, &a.Followers, &a.Following)
	if err != nil {
		return nil, err
	}
	if email != nil {
		a.Email = *email
	}
	if since != nil {
		s.Since = *since
		a.Suspension = &s
	}
	if err := json.Unmarshal(links, &a.Profile.Links); err != nil {
		return nil, fmt.Errorf("links of user %s: %w", a.ID, err)
	}
	return &a, nil
}

// account reads one; db.ErrNotFound when there is none. A deleted one is returned too.
func (s Store) account(ctx context.Context, id uuid.UUID) (*Account, error) {
	return scanAccount(s.q.QueryRow(ctx, `SELECT `+accountColumns+fromAccounts+`WHERE u.id = $1`, id))
}

// held is account, kept from other transactions until this one ends.
func (s Store) held(ctx context.Context, id uuid.UUID) (*Account, error) {
	var got uuid.UUID
	if err := s.q.QueryRow(ctx, `SELECT id FROM users WHERE id = $1 `+db.Hold(s.q), id).Scan(&got); err != nil {
		return nil, err
	}
	return s.account(ctx, id)
}

// heldUser is held for what only a user who is still there can do; the fault is
// not_found otherwise.
func (s Store) heldUser(ctx context.Context, id uuid.UUID) (*Account, error) {
	a, err := s.held(ctx, id)
	if err != nil {
		return nil, notFound(err, "user")
	}
	if a.Deleted != nil {
		return nil, notFound(db.ErrNotFound, "user")
	}
	return a, nil
}

func (s Store) byUsername(ctx context.Context, name string) (*Account, error) {
	return scanAccount(s.q.QueryRow(ctx, `SELECT `+accountColumns+fromAccounts+`WHERE u.username = $1`, name))
}

func (s Store) byEmail(ctx context.Context, key string) (*Account, error) {
	return scanAccount(s.q.QueryRow(ctx, `SELECT `+accountColumns+fromAccounts+`WHERE u.email_key = $1`, key))
}

// claimName takes a username for ever; false when somebody has or had it.
func (s Store) claimName(ctx context.Context, name string, id uuid.UUID, now time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `INSERT INTO user_names (name_hash, user_id, claimed_at) VALUES ($1,$2,$3)
ON CONFLICT (name_hash) DO NOTHING`, hashText(name), id, now)
	return n == 1, err
}

// insert adds an account without name claim; false when its e-mail address is taken.
func (s Store) insert(ctx context.Context, a *Account, emailKey string) (bool, error) {
	n, err := s.q.Exec(ctx, `INSERT INTO users (id, username, email, email_key, email_verified_at, password_hash, role,
  display_name, bio, links, language, time_zone, version, suspension_reason, created_at, updated_at)
VALUES ($1,$2,$3,$4,$5,$6,$7,'','',$8,$9,$10,1,'',$11,$11) ON CONFLICT (email_key) DO NOTHING`,
		a.ID, a.Username, a.Email, emailKey, a.EmailVerified, a.PasswordHash, string(a.Role),
		json.RawMessage(`[]`), a.Profile.Language, a.Profile.TimeZone, a.Created)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = s.q.Exec(ctx, `INSERT INTO user_counts (user_id, followers, following) VALUES ($1,0,0)`, a.ID)
	return true, err
}

// setProfile writes the profile if the account still has that version and is not
// deleted; false otherwise.
func (s Store) setProfile(ctx context.Context, id uuid.UUID, p Profile, version int64, now time.Time) (bool, error) {
	links, err := json.Marshal(p.Links)
	if err != nil {
		return false, err
	}
	n, err := s.q.Exec(ctx, `UPDATE users SET display_name=$1, bio=$2, links=$3, language=$4, time_zone=$5, version=version+1, updated_at=$6
WHERE id=$7 AND version=$8 AND deleted_at IS NULL`, p.DisplayName, p.Bio, json.RawMessage(links), p.Language, p.TimeZone, now, id, version)
	return n == 1, err
}

func (s Store) setPassword(ctx context.Context, id uuid.UUID, hash string, now time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE users SET password_hash=$1, updated_at=$2 WHERE id=$3 AND deleted_at IS NULL`, hash, now, id)
	return err
}

// upgradePassword replaces the hash that was checked by one of the present cost, unless
// the password was changed meanwhile.
func (s Store) upgradePassword(ctx context.Context, id uuid.UUID, old, hash string) error {
	_, err := s.q.Exec(ctx, `UPDATE users SET password_hash=$1 WHERE id=$2 AND password_hash=$3`, hash, id, old)
	return err
}

// setEmail makes address the verified one; db.ErrConflict when another account has it.
func (s Store) setEmail(ctx context.Context, id uuid.UUID, address string, now time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE users SET email=$1, email_key=$2, email_verified_at=$3, version=version+1, updated_at=$3
WHERE id=$4 AND deleted_at IS NULL`, address, strings.ToLower(address), now, id)
	return err
}

func (s Store) setRole(ctx context.Context, id uuid.UUID, role auth.Role, now time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE users SET role=$1, version=version+1, updated_at=$2 WHERE id=$3`, string(role), now, id)
	return err
}

// setSuspension with nil lifts it.
func (s Store) setSuspension(ctx context.Context, id uuid.UUID, to *Suspension, now time.Time) error {
	var since, until *time.Time
	var reason string
	if to != nil {
		since, until, reason = &to.Since, to.Until, to.Reason
	}
	_, err := s.q.Exec(ctx, `UPDATE users SET suspended_at=$1, suspended_until=$2, suspension_reason=$3, version=version+1, updated_at=$4
WHERE id=$5`, since, until, reason, now, id)
	return err
}

// admins returns the ids of the admins that can sign in, all of them held until the
// transaction ends, so that two cannot take each other's role away at once.
func (s Store) admins(ctx context.Context, now time.Time) ([]uuid.UUID, error) {
	rows, err := s.q.Query(ctx, `SELECT id FROM users WHERE role='admin' AND deleted_at IS NULL
AND (suspended_at IS NULL OR suspended_until <= $1) ORDER BY id `+db.Hold(s.q), now)
	return db.Collect(rows, err, scanID)
}

// bury makes the account a tombstone: nothing personal stays, the username is not given
// out again.
func (s Store) bury(ctx context.Context, id uuid.UUID, now time.Time) error {
	tombstone := "deleted-" + strings.ReplaceAll(id.String(), "-", "") // longer than any username
	_, err := s.q.Exec(ctx, `UPDATE users SET username=$1, email=NULL, email_key=NULL, email_verified_at=NULL, password_hash='',
  role='user', display_name='', bio='', links=$2, language='', time_zone='', avatar='', banner='', suspended_at=NULL, suspended_until=NULL,
  suspension_reason='', version=version+1, updated_at=$3, deleted_at=$3 WHERE id=$4`, tombstone, json.RawMessage(`[]`), now, id)
	return err
}

// Filter chooses users of the admin's list.
type Filter struct {
	Prefix string // of the username or the e-mail address, in lower case
	Role   auth.Role
	State  string // "", active, suspended, deleted
}

// list returns accounts after the id, oldest first.
func (s Store) list(ctx context.Context, f Filter, after uuid.UUID, now time.Time, limit int) ([]*Account, error) {
	where, args := []string{`u.id > $1`}, []any{after}
	add := func(cond string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(cond, "?", fmt.Sprintf("$%d", len(args))))
	}
	if f.Prefix != "" {
		add(`(u.username LIKE ? ESCAPE '\' OR u.email_key LIKE ? ESCAPE '\')`, likePrefix(f.Prefix))
	}
	if f.Role != "" {
		add(`u.role = ?`, string(f.Role))
	}
	switch f.State {
	case "active":
		add(`u.deleted_at IS NULL AND (u.suspended_at IS NULL OR u.suspended_until <= ?)`, now)
	case "suspended":
		add(`u.deleted_at IS NULL AND u.suspended_at IS NOT NULL AND (u.suspended_until IS NULL OR u.suspended_until > ?)`, now)
	case "deleted":
		where = append(where, `u.deleted_at IS NOT NULL`)
	}
	args = append(args, limit)
	rows, err := s.q.Query(ctx, `SELECT `+accountColumns+fromAccounts+`WHERE `+strings.Join(where, " AND ")+
		fmt.Sprintf(` ORDER BY u.id LIMIT $%d`, len(args)), args...)
	return db.Collect(rows, err, scanAccount)
}

func likePrefix(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%"
}

func scanID(r db.Row) (uuid.UUID, error) {
	var id uuid.UUID
	err := r.Scan(&id)
	return id, err
}
