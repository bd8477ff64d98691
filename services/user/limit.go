package user

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"weir/services/backing/redis"
	"weir/services/fault"
)

// Rate is how often something may be done: Count times in any Per, all at once too.
type Rate struct {
	Count int
	Per   time.Duration
}

// Limits are the sliding windows of this service, each for one address or one account.
// A zero Rate is the default, which is in the comment.
type Limits struct {
	Register      Rate // new accounts from an address: 20 an hour
	SignIn        Rate // sign-ins from an address: 30 a minute
	Refresh       Rate // refreshes from an address: 300 a minute
	Mail          Rate // mails asked for from an address: 20 an hour
	MailToAccount Rate // mails to an account: 5 an hour
	Token         Rate // links of mails used from an address: 60 an hour
	Password      Rate // passwords given by somebody who is signed in: 10 in 10 minutes
	Change        Rate // changes of an account's profile: 60 a minute
	Follow        Rate // follows and unfollows of an account: 60 a minute
}

func (l Limits) orDefault() Limits {
	for _, d := range []struct {
		of *Rate
		is Rate
	}{
		{&l.Register, Rate{20, time.Hour}}, {&l.SignIn, Rate{30, time.Minute}}, {&l.Refresh, Rate{300, time.Minute}},
		{&l.Mail, Rate{20, time.Hour}}, {&l.MailToAccount, Rate{5, time.Hour}}, {&l.Token, Rate{60, time.Hour}},
		{&l.Password, Rate{10, 10 * time.Minute}}, {&l.Change, Rate{60, time.Minute}}, {&l.Follow, Rate{60, time.Minute}},
	} {
		if d.of.Count <= 0 || d.of.Per <= 0 {
			*d.of = d.is
		}
	}
	return l
}

// lockout slows down who guesses the password of one account: free tries, then a pause
// of first that doubles with each further try up to longest.
type lockout struct {
	name    string
	free    int
	first   time.Duration
	longest time.Duration
}

// Two of them watch every sign-in. From one address few mistakes are enough; from all
// addresses together it takes many, and the pause stays short, because it also keeps
// out the owner.
func addressLockout() lockout { return lockout{"one", 5, 2 * time.Second, 15 * time.Minute} }
func accountLockout() lockout { return lockout{"all", 50, 2 * time.Second, time.Minute} }

// codeLockout is accountLockout for the second factor. Only who knows the password gets
// that far, so the pause may be long: a million codes are not many.
func codeLockout() lockout { return lockout{"all", 10, 2 * time.Second, 15 * time.Minute} }

// lockoutMemory is how long tries are counted together.
const lockoutMemory = 24 * time.Hour

// limiter keeps the windows and lock-outs in Redis, so that they are the same for all
// processes.
type limiter struct {
	Limits
	redis   *redis.Client
	rate    *redis_rate.Limiter
	lockout *goredis.Script
}

func newLimiter(r *redis.Client, l Limits) *limiter {
	return &limiter{Limits: l.orDefault(), redis: r, rate: redis_rate.NewLimiter(r), lockout: goredis.NewScript(lockoutScript)}
}

// allow counts one use of what by who and returns a fault when it is one too many.
// When Redis is away the answer is unavailable: guessing passwords must not become
// free by taking Redis down.
func (l *limiter) allow(ctx context.Context, what, who string, rate Rate) error {
	res, err := l.rate.Allow(ctx, "weir:user:"+what+":"+who, redis_rate.Limit{Rate: rate.Count, Burst: rate.Count, Period: rate.Per})
	if err != nil {
		return limitsAway(err)
	}
	if res.Allowed > 0 {
		return nil
	}
	return limited("too many requests of this kind", res.RetryAfter)
}

func limited(what string, wait time.Duration) error {
	wait = max(wait, time.Second).Round(time.Second)
	e := fault.Newf(fault.Limited, "%s; try again in %v", what, wait)
	e.RetryAfter = wait
	return e
}

func limitsAway(err error) error {
	e := fault.Wrap(fault.Unavailable, "limits cannot be checked at the moment; try again in a few seconds", fmt.Errorf("limits: %w", err))
	e.RetryAfter = 5 * time.Second
	return e
}

// lockoutScript counts a try before its outcome is known, so that a thousand tries at
// once are counted too. It answers how many milliseconds are to wait; 0: go on.
// KEYS: the counter. ARGV: now, free, first, longest, memory; all in milliseconds.
const lockoutScript = `
local now = tonumber(ARGV[1])
local v = redis.call('HMGET', KEYS[1], 'n', 'till')
local n, till = tonumber(v[1] or 0) or 0, tonumber(v[2] or 0) or 0
if now < till then return till - now end
n = n + 1
if n >= tonumber(ARGV[2]) then
  local pause = tonumber(ARGV[3]) * 2 ^ math.min(n - tonumber(ARGV[2]), 30)
  till = now + math.min(pause, tonumber(ARGV[4]))
end
redis.call('HSET', KEYS[1], 'n', n, 'till', string.format('%.0f', till))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 0`

// try counts a sign-in to an account, known or not, and refuses it while a pause lasts.
func (l *limiter) try(ctx context.Context, account string, from netip.Addr, now time.Time) error {
	return l.tryAll(ctx, account, from, now, accountLockout(), "too many wrong passwords for this account")
}

// tryCode is try for a code of the second factor.
func (l *limiter) tryCode(ctx context.Context, user uuid.UUID, from netip.Addr, now time.Time) error {
	return l.tryAll(ctx, codeAccount(user), from, now, codeLockout(), "too many wrong codes for this account")
}

// codeAccount is what tries of codes are counted under.
func codeAccount(user uuid.UUID) string { return "code:" + user.String() }

func (l *limiter) tryAll(ctx context.Context, account string, from netip.Addr, now time.Time, all lockout, detail string) error {
	for _, k := range []struct {
		lockout
		key string
	}{{addressLockout(), lockoutKey(account, netKey(from))}, {all, lockoutKey(account, "")}} {
		wait, err := l.lockout.Run(ctx, l.redis, []string{k.key}, now.UnixMilli(), k.free,
			k.first.Milliseconds(), k.longest.Milliseconds(), lockoutMemory.Milliseconds()).Int64()
		if err != nil {
			return limitsAway(err)
		}
		if wait > 0 {
			return limited(detail, time.Duration(wait)*time.Millisecond)
		}
	}
	return nil
}

// forgive forgets the tries after a right password.
func (l *limiter) forgive(ctx context.Context, account string, from netip.Addr) error {
	return l.redis.Del(ctx, lockoutKey(account, netKey(from)), lockoutKey(account, "")).Err()
}

// lockoutKey hashes the account's name, which people also mistype as a password.
func lockoutKey(account, from string) string {
	return "weir:user:tries:" + hashText(strings.ToLower(account))[:32] + ":" + from
}

// netKey is what counts as one address: with IPv6 a network of 64 bits, which is what
// one customer has.
func netKey(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return "unknown"
	}
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
