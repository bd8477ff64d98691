package user

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// follow adds the pair; false when it is there already.
func (s Store) follow(ctx context.Context, follower, channel uuid.UUID, now time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `INSERT INTO user_follows (follower_id, channel_id, created_at) VALUES ($1,$2,$3)
ON CONFLICT (follower_id, channel_id) DO NOTHING`, follower, channel, now)
	if err != nil || n == 0 {
		return false, err
	}
	return true, s.count(ctx, follower, channel, 1)
}

// unfollow removes the pair; false when there is none.
func (s Store) unfollow(ctx context.Context, follower, channel uuid.UUID) (bool, error) {
	n, err := s.q.Exec(ctx, `DELETE FROM user_follows WHERE follower_id=$1 AND channel_id=$2`, follower, channel)
	if err != nil || n == 0 {
		return false, err
	}
	return true, s.count(ctx, follower, channel, -1)
}

// count adds to both sides' numbers, the rows locked in the order of their ids.
func (s Store) count(ctx context.Context, follower, channel uuid.UUID, by int) error {
	const following = `UPDATE user_counts SET following=following+$1 WHERE user_id=$2`
	const followers = `UPDATE user_counts SET followers=followers+$1 WHERE user_id=$2`
	first := bytes.Compare(follower[:], channel[:]) < 0
	if first {
		if _, err := s.q.Exec(ctx, following, by, follower); err != nil {
			return err
		}
	}
	if _, err := s.q.Exec(ctx, followers, by, channel); err != nil {
		return err
	}
	if !first {
		if _, err := s.q.Exec(ctx, following, by, follower); err != nil {
			return err
		}
	}
	return nil
}

func (s Store) follows(ctx context.Context, follower, channel uuid.UUID) (since time.Time, err error) {
	err = s.q.QueryRow(ctx, `SELECT created_at FROM user_follows WHERE follower_id=$1 AND channel_id=$2`, follower, channel).Scan(&since)
	return since, err
}

// place is where a page of follows begins: after this one, newest first.
type place struct {
	at time.Time
	id uuid.UUID
}

// followers are those of a channel, newest first. Each page is one walk along the index,
// however many there are and however far the page is from the beginning.
func (s Store) followers(ctx context.Context, channel uuid.UUID, after place, limit int) ([]Followed, error) {
	rows, err := s.q.Query(ctx, `SELECT u.id, u.username, u.display_name, f.created_at FROM (
  SELECT follower_id, created_at FROM user_follows WHERE channel_id=$1 AND (created_at, follower_id) < ($2, $3)
  ORDER BY created_at DESC, follower_id DESC LIMIT $4) f JOIN users u ON u.id = f.follower_id
ORDER BY f.created_at DESC, f.follower_id DESC`, channel, after.at, after.id, limit)
	return db.Collect(rows, err, scanFollowed)
}

// following are the channels of a follower, newest first.
func (s Store) following(ctx context.Context, follower uuid.UUID, after place, limit int) ([]Followed, error) {
	rows, err := s.q.Query(ctx, `SELECT u.id, u.username, u.display_name, f.created_at FROM (
  SELECT channel_id, created_at FROM user_follows WHERE follower_id=$1 AND (created_at, channel_id) < ($2, $3)
  ORDER BY created_at DESC, channel_id DESC LIMIT $4) f JOIN users u ON u.id = f.channel_id
ORDER BY f.created_at DESC, f.channel_id DESC`, follower, after.at, after.id, limit)
	return db.Collect(rows, err, scanFollowed)
}

func scanFollowed(r db.Row) (Followed, error) {
	var f Followed
	err := r.Scan(&f.ID, &f.Username, &f.DisplayName, &f.Since)
	return f, err
}

// exists says whether there is such an account that was not deleted.
func (s Store) exists(ctx context.Context, id uuid.UUID) (bool, error) {
	var n int64
	err := s.q.QueryRow(ctx, `SELECT count(*) FROM users WHERE id=$1 AND deleted_at IS NULL`, id).Scan(&n)
	return n == 1, err
}

// unfollowSome removes some pairs of a deleted account, on both sides, and corrects the
// numbers of the others. It says how many; fewer than limit: that was all.
func (s Store) unfollowSome(ctx context.Context, id uuid.UUID, limit int) (int, error) {
	total := 0
	for _, side := range []struct{ mine, theirs, count string }{
		{"channel_id", "follower_id", "following"}, {"follower_id", "channel_id", "followers"},
	} {
		rows, err := s.q.Query(ctx, `DELETE FROM user_follows WHERE `+side.mine+`=$1 AND `+side.theirs+` IN
  (SELECT `+side.theirs+` FROM user_follows WHERE `+side.mine+`=$1 LIMIT $2) RETURNING `+side.theirs, id, limit-total)
		others, err := db.Collect(rows, err, scanID)
		if err != nil {
			return total, err
		}
		slices.SortFunc(others, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
		for _, other := range others {
			if _, err := s.q.Exec(ctx, `UPDATE user_counts SET `+side.count+`=`+side.count+`-1 WHERE user_id=$1`, other); err != nil {
				return total, err
			}
		}
		total += len(others)
		if total >= limit {
			break
		}
	}
	return total, nil
}

// lockCounts waits for follows of and by the account that are being written, and holds
// back the next ones until the transaction ends.
func (s Store) lockCounts(ctx context.Context, id uuid.UUID) error {
	_, err := s.q.Exec(ctx, `UPDATE user_counts SET followers=followers WHERE user_id=$1`, id)
	return err
}
