package auth

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"weir/services/fault"
)

// revokedKey names both the sorted set (member: what, score: until when, in
// microseconds since 1970) and the channel that new members are published on.
const revokedKey = "weir:revoked"

// Redis is what this package needs of a go-redis client; *backing/redis.Client is
// one.
type Redis interface {
	Subscribe(ctx context.Context, channels ...string) *goredis.PubSub
	TxPipelined(ctx context.Context, do func(goredis.Pipeliner) error) ([]goredis.Cmder, error)
	ZRevRangeByScore(ctx context.Context, key string, by *goredis.ZRangeBy) *goredis.StringSliceCmd
}

// Revocation takes back tokens. Either Session or User is set.
type Revocation struct {
	Session uuid.UUID // this session's tokens, or the API token with this id
	User    uuid.UUID // the user's access tokens that were issued at or before At
	At      time.Time // when it was revoked; it is forgotten MaxLife (and a little) later
}

// until is when no token can be left that the revocation speaks of.
func (r Revocation) until() instant { return instantOf(r.At.Add(keep)) }

// member is the revocation as it is kept in Redis and published:
// "s:<session>:<at>" or "u:<user>:<at>", at in microseconds since 1970.
func (r Revocation) member() string {
	at := strconv.FormatInt(r.At.UnixMicro(), 10)
	if r.Session != uuid.Nil {
		return "s:" + r.Session.String() + ":" + at
	}
	return "u:" + r.User.String() + ":" + at
}

// parseRevocation is the reverse of member; false for anything else.
func parseRevocation(member string) (Revocation, bool) {
	parts := strings.Split(member, ":")
	if len(member) > 80 || len(parts) != 3 {
		return Revocation{}, false
	}
	id, err := uuid.Parse(parts[1])
	if err != nil || id == uuid.Nil {
		return Revocation{}, false
	}
	at, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || at <= 0 {
		return Revocation{}, false
	}
	r := Revocation{At: time.UnixMicro(at).UTC()}
	switch parts[0] {
	case "s":
		r.Session = id
	case "u":
		r.User = id
	default:
		return Revocation{}, false
	}
	return r, true
}

// Revoker takes back tokens on all Verifiers. Who calls it has stored the same in
// its database before, and calls again when it fails: doing it twice is harmless.
// The methods may be called from any goroutine and block for the round trip to
// Redis; their error is fault.Unavailable.
type Revoker struct {
	redis Redis
	now   func() time.Time
}

// NewRevoker returns a Revoker. now is the wall clock; nil: time.Now.
func NewRevoker(redis Redis, now func() time.Time) *Revoker {
	if now == nil {
		now = time.Now
	}
	return &Revoker{redis: redis, now: now}
}

// RevokeSession ends the access tokens of a session.
func (r *Revoker) RevokeSession(ctx context.Context, session uuid.UUID) error {
	return r.Add(ctx, Revocation{Session: session, At: r.now()})
}

// RevokeUser ends all access tokens of a user that were issued at or before the
// time given, on the clock of the signers, to the microsecond. Revoke the sessions
// too when there is more than one signer, whose clocks may be apart.
func (r *Revoker) RevokeUser(ctx context.Context, user uuid.UUID, before time.Time) error {
	return r.Add(ctx, Revocation{User: user, At: before})
}

// RevokeToken ends an API token. Without it the token ends OpaqueLife after
// Config.Opaque no longer knows it.
func (r *Revoker) RevokeToken(ctx context.Context, token uuid.UUID) error {
	return r.Add(ctx, Revocation{Session: token, At: r.now()})
}

// Add revokes all of these, in one transaction for each thousand, and clears out what
// is over. The user-service gives it the revocations of the last MaxLife at its
// start. What is already over, or names nothing, is passed over.
func (r *Revoker) Add(ctx context.Context, revocations ...Revocation) error {
	const atOnce = 1000
	for len(revocations) > 0 {
		n := min(len(revocations), atOnce)
		if err := r.add(ctx, revocations[:n]); err != nil {
			return fault.Wrap(fault.Unavailable, "revocations cannot be stored now: try again", fmt.Errorf("revoke: %w", err))
		}
		revocations = revocations[n:]
	}
	return nil
}

func (r *Revoker) add(ctx context.Context, revocations []Revocation) error {
	now := instantOf(r.now())
	_, err := r.redis.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		for _, rev := range revocations {
			if rev.until() <= now || (rev.Session == uuid.Nil && rev.User == uuid.Nil) {
				continue
			}
			p.ZAdd(ctx, revokedKey, goredis.Z{Score: float64(rev.until()), Member: rev.member()})
			p.Publish(ctx, revokedKey, rev.member())
		}
		p.ZRemRangeByScore(ctx, revokedKey, "-inf", strconv.FormatInt(int64(now), 10))
		return nil
	})
	return err
}
