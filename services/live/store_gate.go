package live

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

func missing(err error) bool { return errors.Is(err, db.ErrNotFound) }

// ownerBarred is whether the owner o of a channel may not publish at $2; $3 is false: of
// an owner nothing was told, or there is none.
const ownerBarred = `COALESCE(o.deleted OR (o.suspended AND (o.suspended_until IS NULL OR o.suspended_until > $2)), $3)`

// door finds a key with its channel, whatever is wrong with them.
func (s Store) door(ctx context.Context, hash string, now time.Time) (*door, error) {
	var c Channel
	d := door{channel: &c}
	var tags, limits json.RawMessage
	dst := append(c.fields(&tags, &limits), d.key.fields()...)
	err := s.q.QueryRow(ctx, `SELECT `+channelColumns+`, `+keyColumns+`, k.revoked_at, k.digest, `+ownerBarred+`
FROM live_keys k JOIN live_channels c ON c.id=k.channel_id LEFT JOIN live_owners o ON o.user_id=c.owner_id
WHERE k.key_hash=$1 AND c.deleted_at IS NULL`, hash, now, false).Scan(append(dst, &d.revoked, &d.digest, &d.barred)...)
	if err != nil {
		return nil, err
	}
	return &d, c.decode(tags, limits)
}

// published is a channel and whether its owner may not publish.
func (s Store) published(ctx context.Context, channel uuid.UUID, now time.Time) (*Channel, bool, error) {
	var c Channel
	var barred bool
	var tags, limits json.RawMessage
	err := s.q.QueryRow(ctx, `SELECT `+channelColumns+`, `+ownerBarred+`
FROM live_channels c LEFT JOIN live_owners o ON o.user_id=c.owner_id WHERE c.id=$1 AND c.deleted_at IS NULL`, channel, now, false).Scan(append(c.fields(&tags, &limits), &barred)...)
	if err != nil {
		return nil, false, err
	}
	return &c, barred, c.decode(tags, limits)
}

// onAir counts the open sessions of an owner in other channels.
func (s Store) onAir(ctx context.Context, owner, except uuid.UUID) (n int, err error) {
	err = s.q.QueryRow(ctx, `SELECT COUNT(*) FROM live_sessions s JOIN live_channels c ON c.id=s.channel_id
WHERE c.owner_id=$1 AND s.ended_at IS NULL AND s.channel_id<>$2`, owner, except).Scan(&n)
	return n, err
}

// noteRefusal adds one; tell says that nobody was told of it lately, and notes that
// somebody is now.
func (s Store) noteRefusal(ctx context.Context, channel uuid.UUID, r *Refusal, protocol, address string, now time.Time) (tell bool, err error) {
	_, err = s.q.Exec(ctx, `INSERT INTO live_refusals (channel_id, code, address, words, protocol, times, first_at, last_at) VALUES ($1,$2,$3,$4,$5,1,$6,$6)
ON CONFLICT (channel_id, code, address) DO UPDATE SET words=excluded.words, protocol=excluded.protocol, times=live_refusals.times+1, last_at=excluded.last_at`,
		channel, r.Code, address, r.Words, protocol, now)
	if err != nil {
		return false, err
	}
	n, err := s.q.Exec(ctx, `UPDATE live_refusals SET told_at=$1 WHERE channel_id=$2 AND code=$3 AND address=$4 AND (told_at IS NULL OR told_at <= $5)`,
		now, channel, r.Code, address, now.Add(-refusedPace))
	return n == 1, err
}

// RefusedView is why publishers of a channel were turned away.
type RefusedView struct {
	Code     string    `json:"code" example:"key_expired"`
	Words    string    `json:"words" doc:"What the encoder was shown"`
	Protocol string    `json:"protocol"`
	Address  string    `json:"address" doc:"Where it came from"`
	Times    int64     `json:"times" doc:"How often"`
	First    time.Time `json:"first_at"`
	Last     time.Time `json:"last_at"`
}

func (s Store) refusals(ctx context.Context, channel uuid.UUID) ([]RefusedView, error) {
	rows, err := s.q.Query(ctx, `SELECT code, words, protocol, address, times, first_at, last_at FROM live_refusals
WHERE channel_id=$1 ORDER BY last_at DESC LIMIT 100`, channel)
	return db.Collect(rows, err, func(r db.Row) (v RefusedView, err error) {
		err = r.Scan(&v.Code, &v.Words, &v.Protocol, &v.Address, &v.Times, &v.First, &v.Last)
		return v, err
	})
}

// setOwner keeps what the user-service told of an account.
func (s Store) setOwner(ctx context.Context, user uuid.UUID, suspended bool, until *time.Time, deleted bool) error {
	_, err := s.q.Exec(ctx, `INSERT INTO live_owners (user_id, suspended, suspended_until, deleted) VALUES ($1,$2,$3,$4)
ON CONFLICT (user_id) DO UPDATE SET suspended=excluded.suspended, suspended_until=excluded.suspended_until, deleted=excluded.deleted OR live_owners.deleted`,
		user, suspended, until, deleted)
	return err
}
