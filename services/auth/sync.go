package auth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// errFull is a set that has no room.
var errFull = errors.New("there are more revocations than are held")

// Sync reads all revocations from Redis once and blocks for it. Run does that by
// itself; who wants a Verifier that is in step before it serves calls Sync first.
// What Redis should hold and does not is put back. On error what was known still
// counts.
func (v *Verifier) Sync(ctx context.Context) error {
	begin, now := v.mono(), instantOf(v.config.Now())
	members, err := v.config.Redis.ZRevRangeByScore(ctx, revokedKey, &goredis.ZRangeBy{
		Max: "+inf", Min: "(" + strconv.FormatInt(int64(now), 10), Count: maxRevoked,
	}).Result()
	if err != nil {
		return fmt.Errorf("read revocations: %w", err)
	}
	v.revoked.prune(now)
	stored := newRevoked()
	for _, member := range members {
		if r, ok := parseRevocation(member); ok {
			stored.add(r)
			v.revoked.add(r)
		}
	}
	if err := v.putBack(ctx, stored); err != nil {
		return err
	}
	if v.revoked.overflowed() || len(members) == maxRevoked {
		return errFull
	}
	v.inStepAt(begin)
	return nil
}

// putBack stores what is known here and lost there. It is not published: whoever
// lacks it reads it with the next Sync.
func (v *Verifier) putBack(ctx context.Context, stored *revoked) error {
	var lost []goredis.Z
	for _, r := range v.revoked.list() {
		if !stored.has(r.Session, r.User, instantOf(r.At)) {
			lost = append(lost, goredis.Z{Score: float64(r.until()), Member: r.member()})
		}
	}
	for len(lost) > 0 {
		n := min(len(lost), 1000)
		_, err := v.config.Redis.TxPipelined(ctx, func(p goredis.Pipeliner) error {
			return p.ZAdd(ctx, revokedKey, lost[:n]...).Err()
		})
		if err != nil {
			return fmt.Errorf("put revocations back: %w", err)
		}
		lost = lost[n:]
	}
	return nil
}

// heard takes in a published revocation.
func (v *Verifier) heard(member string) {
	r, ok := parseRevocation(member)
	if !ok {
		v.config.Log.Warn("not a revocation", "bytes", len(member))
		return
	}
	v.revoked.add(r)
}

// inStepAt notes that nothing that was revoked before t (on mono) is unknown.
func (v *Verifier) inStepAt(t time.Time) {
	if known := v.asOf.Load(); known == nil || t.After(*known) {
		v.asOf.Store(&t)
	}
}

// gap is for how long revocations may have been missed.
func (v *Verifier) gap() time.Duration {
	asOf := v.asOf.Load()
	if asOf == nil || v.revoked.overflowed() {
		return math.MaxInt64
	}
	return v.mono().Sub(*asOf)
}

// Ready says why a revocation might not be known here; nil: all are. It calls
// nothing and does not block. See the package for what counts meanwhile.
func (v *Verifier) Ready(context.Context) error {
	switch gap := v.gap(); {
	case v.revoked.overflowed():
		return errFull
	case gap == math.MaxInt64:
		return errors.New("revocations have not been read from Redis yet")
	case gap > (silence+1)*v.pingEvery:
		return fmt.Errorf("no word of revocations from Redis for %v: those that are known count", gap.Round(time.Second))
	}
	return nil
}
