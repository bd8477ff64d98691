package live

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// Store is the SQL of this service over a Q: the database, or the transaction that the
// caller has open. Its errors are those of package db; faultOf gives them a code.
type Store struct{ q db.Q }

const channelColumns = `c.id, c.owner_id, c.name, c.title, c.description, c.category, c.tags, c.language, c.mature, c.visibility,
  c.record, c.takeover, c.scheduled_at, c.limits, c.keep_days, c.keep_bytes, c.banned_at, c.ban_reason, c.version, c.created_at, c.updated_at, c.deleted_at, c.srt_passphrase`

// fields are where channelColumns go; decode finishes it.
func (c *Channel) fields(tags, limits *json.RawMessage) []any {
	return []any{&c.ID, &c.Owner, &c.Name, &c.Title, &c.Description, &c.Category, tags, &c.Language, &c.Mature, &c.Visibility,
		&c.Record, &c.Takeover, &c.Scheduled, limits, &c.Keep.Days, &c.Keep.Bytes, &c.Banned, &c.BanReason, &c.Version, &c.Created, &c.Updated, &c.Deleted, &c.srt}
}

func (c *Channel) decode(tags, limits json.RawMessage) error {
	if err := json.Unmarshal(tags, &c.Tags); err != nil {
		return fmt.Errorf("tags of channel %s: %w", c.ID, err)
	}
	if err := json.Unmarshal(limits, &c.Limits); err != nil {
		return fmt.Errorf("limits of channel %s: %w", c.ID, err)
	}
	return nil
}

func scanChannel(r db.Row) (*Channel, error) {
	var c Channel
	var tags, limits json.RawMessage
	if err := r.Scan(c.fields(&tags, &limits)...); err != nil {
		return nil, err
	}
	return &c, c.decode(tags, limits)
}

// channel reads one that is not deleted; db.ErrNotFound when there is none.
func (s Store) channel(ctx context.Context, id uuid.UUID) (*Channel, error) {
	return scanChannel(s.q.QueryRow(ctx, `SELECT `+channelColumns+` FROM live_channels c WHERE c.id=$1 AND c.deleted_at IS NULL`, id))
}

// anyChannel is channel, also of one that is deleted.
func (s Store) anyChannel(ctx context.Context, id uuid.UUID) (*Channel, error) {
	return scanChannel(s.q.QueryRow(ctx, `SELECT `+channelColumns+` FROM live_channels c WHERE c.id=$1`, id))
}

// nameGone says that a channel of that name was deleted.
func (s Store) nameGone(ctx context.Context, name string) (bool, error) {
	rows, err := s.q.Query(ctx, `SELECT id FROM live_channels WHERE name=$1 AND deleted_at IS NOT NULL`, name)
	ids, err := db.Collect(rows, err, scanID)
	return len(ids) > 0, err
}

// held is channel, kept from other transactions until this one ends.
func (s Store) held(ctx context.Context, id uuid.UUID) (*Channel, error) {
	var got uuid.UUID
	if err := s.q.QueryRow(ctx, `SELECT id FROM live_channels WHERE id=$1 `+db.Hold(s.q), id).Scan(&got); err != nil {
		return nil, err
	}
	return s.channel(ctx, id)
}

func (s Store) byName(ctx context.Context, name string) (*Channel, error) {
	return scanChannel(s.q.QueryRow(ctx, `SELECT `+channelColumns+` FROM live_channels c WHERE c.name=$1 AND c.deleted_at IS NULL`, name))
}

// insert adds a channel; false when its name is, or was, taken.
func (s Store) insert(ctx context.Context, c *Channel) (bool, error) {
	tags, limits, err := c.encoded()
	if err != nil {
		return false, err
	}
	n, err := s.q.Exec(ctx, `INSERT INTO live_channels (id, owner_id, name, title, description, category, tags, language, mature, visibility,
  record, takeover, scheduled_at, limits, keep_days, keep_bytes, ban_reason, version, created_at, updated_at)
VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,'',$17,$18,$18) ON CONFLICT (name) DO NOTHING`,
		c.ID, c.Owner, c.Name, c.Title, c.Description, c.Category, tags, c.Language, c.Mature, string(c.Visibility),
		c.Record, c.Takeover, c.Scheduled, limits, c.Keep.Days, c.Keep.Bytes, c.Version, c.Created)
	return n == 1, err
}

// update writes what can change of a channel that the caller holds, and its new version.
func (s Store) update(ctx context.Context, c *Channel, now time.Time) error {
	tags, limits, err := c.encoded()
	if err != nil {
		return err
	}
	c.Version++
	c.Updated = now
	_, err = s.q.Exec(ctx, `UPDATE live_channels SET title=$1, description=$2, category=$3, tags=$4, language=$5, mature=$6, visibility=$7,
  record=$8, takeover=$9, scheduled_at=$10, limits=$11, banned_at=$12, ban_reason=$13, version=$14, updated_at=$15, deleted_at=$16,
  keep_days=$17, keep_bytes=$18 WHERE id=$19`,
		c.Title, c.Description, c.Category, tags, c.Language, c.Mature, string(c.Visibility),
		c.Record, c.Takeover, c.Scheduled, limits, c.Banned, c.BanReason, c.Version, now, c.Deleted,
		c.Keep.Days, c.Keep.Bytes, c.ID)
	return err
}

// countOwned counts the channels of a user, who is locked out of making more until the
// caller's transaction ends.
func (s Store) countOwned(ctx context.Context, owner uuid.UUID) (n int, err error) {
	_, err = s.q.Exec(ctx, `INSERT INTO live_owners (user_id, suspended, deleted) VALUES ($1,$2,$2) ON CONFLICT (user_id) DO NOTHING`, owner, false)
	if err != nil {
		return 0, err
	}
	var held uuid.UUID
	if err := s.q.QueryRow(ctx, `SELECT user_id FROM live_owners WHERE user_id=$1 `+db.Hold(s.q), owner).Scan(&held); err != nil {
		return 0, err
	}
	err = s.q.QueryRow(ctx, `SELECT COUNT(*) FROM live_channels WHERE owner_id=$1 AND deleted_at IS NULL`, owner).Scan(&n)
	return n, err
}

// listed are channels that everybody may find, those after the id, oldest first.
func (s Store) listed(ctx context.Context, after uuid.UUID, limit int) ([]*Channel, error) {
	rows, err := s.q.Query(ctx, `SELECT `+channelColumns+` FROM live_channels c
WHERE c.id > $1 AND c.deleted_at IS NULL AND c.banned_at IS NULL AND c.visibility='public' ORDER BY c.id LIMIT $2`, after, limit)
	return db.Collect(rows, err, scanChannel)
}

// listedOf are those of listed that a user owns.
func (s Store) listedOf(ctx context.Context, owner, after uuid.UUID, limit int) ([]*Channel, error) {
	rows, err := s.q.Query(ctx, `SELECT `+channelColumns+` FROM live_channels c
WHERE c.owner_id=$1 AND c.id > $2 AND c.deleted_at IS NULL AND c.banned_at IS NULL AND c.visibility='public' ORDER BY c.id LIMIT $3`, owner, after, limit)
	return db.Collect(rows, err, scanChannel)
}

// ofUser are the channels that a user owns or works for.
func (s Store) ofUser(ctx context.Context, user, after uuid.UUID, limit int) ([]*Channel, error) {
	rows, err := s.q.Query(ctx, `SELECT `+channelColumns+` FROM live_channels c
WHERE c.id > $2 AND c.deleted_at IS NULL AND (c.owner_id=$1 OR c.id IN (SELECT channel_id FROM live_members WHERE user_id=$1))
ORDER BY c.id LIMIT $3`, user, after, limit)
	return db.Collect(rows, err, scanChannel)
}

// owned are the ids of the channels of a user, deleted ones not.
func (s Store) owned(ctx context.Context, owner uuid.UUID) ([]uuid.UUID, error) {
	rows, err := s.q.Query(ctx, `SELECT id FROM live_channels WHERE owner_id=$1 AND deleted_at IS NULL ORDER BY id LIMIT 1000`, owner)
	return db.Collect(rows, err, scanID)
}

func scanID(r db.Row) (id uuid.UUID, err error) {
	err = r.Scan(&id)
	return id, err
}

// role is what a user is in a channel beside its owner; empty: nothing.
func (s Store) role(ctx context.Context, channel, user uuid.UUID) (role Role, err error) {
	rows, err := s.q.Query(ctx, `SELECT role FROM live_members WHERE channel_id=$1 AND user_id=$2`, channel, user)
	roles, err := db.Collect(rows, err, func(r db.Row) (role Role, err error) { err = r.Scan(&role); return role, err })
	if err != nil || len(roles) == 0 {
		return "", err
	}
	return roles[0], nil
}

func (s Store) setMember(ctx context.Context, channel, user uuid.UUID, role Role, now time.Time) error {
	_, err := s.q.Exec(ctx, `INSERT INTO live_members (channel_id, user_id, role, added_at) VALUES ($1,$2,$3,$4)
ON CONFLICT (channel_id, user_id) DO UPDATE SET role=excluded.role`, channel, user, string(role), now)
	return err
}

func (s Store) removeMember(ctx context.Context, channel, user uuid.UUID) (int64, error) {
	return s.q.Exec(ctx, `DELETE FROM live_members WHERE channel_id=$1 AND user_id=$2`, channel, user)
}

func (s Store) members(ctx context.Context, channel uuid.UUID) ([]Member, error) {
	rows, err := s.q.Query(ctx, `SELECT user_id, role, added_at FROM live_members WHERE channel_id=$1 ORDER BY added_at, user_id LIMIT 100`, channel)
	return db.Collect(rows, err, func(r db.Row) (m Member, err error) {
		err = r.Scan(&m.User, &m.Role, &m.Since)
		return m, err
	})
}
