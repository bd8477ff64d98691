package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-redis/redis_rate/v10"
	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"weir/services/backing/redis"
	"weir/services/backing/redis/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConformance holds what weir uses of Redis to be the same on both servers.
func TestConformance(t *testing.T) {
	suite := []struct {
		name string
		test func(t *testing.T, c *redis.Client)
	}{
		{"strings", testStrings},
		{"ttl passes by itself", testTTL},
		{"hash field ttl", testHashTTL},
		{"time", testTime},
		{"lock", testLock},
		{"lua limiter", testLua},
		{"redis_rate", testRate},
		{"pubsub", testPubSub},
		{"streams", testStreams},
		{"sorted sets", testSortedSets},
		{"hyperloglog", testHyperLogLog},
		{"pipelines", testPipelines},
		{"transactions", testTransactions},
		{"scan", testScan},
		{"context", testContext},
		{"large and binary", testLarge},
	}
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		for _, s := range suite {
			t.Run(s.name, func(t *testing.T) {
				ok(t, c.FlushDB(t.Context()).Err())
				s.test(t, c)
			})
		}
	})
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// eventually asks again until f is true; the test's own time limit ends it.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !f() {
		select {
		case <-t.Context().Done():
			t.Fatal("never: " + what)
		case <-again.C:
		}
	}
}

func testStrings(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	if err := c.Get(ctx, "a").Err(); !errors.Is(err, redis.Nil) {
		t.Fatalf("missing key: %v", err)
	}
	ok(t, c.Set(ctx, "a", "1", 0).Err())
	n, err := c.IncrBy(ctx, "a", 41).Result()
	ok(t, err)
	same(t, "incr", n, 42)
	v, err := c.GetDel(ctx, "a").Result()
	ok(t, err)
	same(t, "getdel", v, "42")
	same(t, "exists", c.Exists(ctx, "a").Val(), 0)
	ok(t, c.HSet(ctx, "h", "x", 1, "y", 2).Err())
	same(t, "hincrby", c.HIncrBy(ctx, "h", "y", 5).Val(), 7)
	same(t, "hgetall", len(c.HGetAll(ctx, "h").Val()), 2)
	if err := c.LPush(ctx, "h", "1").Err(); err == nil || !strings.HasPrefix(err.Error(), "WRONGTYPE") {
		t.Fatalf("wrong type: %v", err)
	}
}

func testTTL(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	ok(t, c.Set(ctx, "short", 1, 300*time.Millisecond).Err())
	ok(t, c.Set(ctx, "long", 1, time.Hour).Err())
	ok(t, c.Set(ctx, "until", 1, 0).Err())
	ok(t, c.PExpireAt(ctx, "until", time.Now().Add(300*time.Millisecond)).Err())
	ok(t, c.Set(ctx, "kept", 1, 0).Err())
	ok(t, c.ZAdd(ctx, "set", goredis.Z{Score: 1, Member: "a"}).Err())
	ok(t, c.PExpire(ctx, "set", 300*time.Millisecond).Err())
	eventually(t, "expired", func() bool { return c.Exists(ctx, "short", "until", "set").Val() == 0 })
	same(t, "others stay", c.Exists(ctx, "long", "kept").Val(), 2)
	if ttl := c.PTTL(ctx, "long").Val(); ttl <= 0 || ttl >= time.Hour {
		t.Fatalf("an hour's TTL is %v", ttl)
	}
	same(t, "no TTL", c.TTL(ctx, "kept").Val(), -1)
	same(t, "no key", c.TTL(ctx, "short").Val(), -2)
}

func testTime(t *testing.T, c *redis.Client) {
	a, err := c.Time(t.Context()).Result()
	ok(t, err)
	eventually(t, "the clock goes on by less than a tick", func() bool {
		b := c.Time(t.Context()).Val()
		step := b.Sub(a)
		a = b
		return step > 0 && step < redis.Tick/2
	})
}

func testLock(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	same(t, "taken", c.SetNX(ctx, "lock", "me", time.Minute).Val(), true)
	same(t, "held", c.SetNX(ctx, "lock", "you", time.Hour).Val(), false)
	unlock := goredis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)
	same(t, "not the holder", unlock.Run(ctx, c, []string{"lock"}, "you").Val(), any(int64(0)))
	ok(t, c.PExpire(ctx, "lock", 300*time.Millisecond).Err())
	eventually(t, "free after its TTL", func() bool { return c.SetNX(ctx, "lock", "you", time.Hour).Val() })
	same(t, "the holder", unlock.Run(ctx, c, []string{"lock"}, "you").Val(), any(int64(1)))
	same(t, "freed", c.Exists(ctx, "lock").Val(), 0)
}

func testLua(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	limiter := goredis.NewScript(`
		local n = redis.call('INCR', KEYS[1])
		if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
		return {n, redis.call('PTTL', KEYS[1])}`)
	count := func() (int64, time.Duration) {
		v, err := limiter.Run(ctx, c, []string{"window"}, time.Minute.Milliseconds()).Int64Slice()
		ok(t, err)
		return v[0], time.Duration(v[1]) * time.Millisecond
	}
	for i := range int64(3) {
		n, left := count()
		same(t, "count", n, i+1)
		if left <= 0 || left > time.Minute {
			t.Fatalf("%v left of the window", left)
		}
	}
	ok(t, c.PExpire(ctx, "window", 300*time.Millisecond).Err())
	eventually(t, "a new window", func() bool { n, _ := count(); return n == 1 })
	if err := c.Eval(ctx, `return redis.call('NOSUCH')`, nil).Err(); err == nil {
		t.Fatal("a script's error is lost")
	}
	if err := c.Eval(ctx, `error('mine')`, nil).Err(); err == nil || !strings.Contains(err.Error(), "mine") {
		t.Fatalf("error() in a script: %v", err)
	}
	same(t, "still there", c.Ping(ctx).Val(), "PONG")
}

func testRate(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	l := redis_rate.NewLimiter(c)
	limit := redis_rate.Limit{Rate: 5, Burst: 5, Period: time.Hour}
	for i := range 5 {
		r, err := l.Allow(ctx, "slow", limit)
		ok(t, err)
		same(t, "allowed", r.Allowed, 1)
		same(t, "remaining", r.Remaining, 4-i)
	}
	r, err := l.Allow(ctx, "slow", limit)
	ok(t, err)
	same(t, "refused", r.Allowed, 0)
	if r.RetryAfter <= 0 || r.RetryAfter > 12*time.Minute {
		t.Fatalf("retry after %v", r.RetryAfter)
	}
	fast := redis_rate.Limit{Rate: 1, Burst: 1, Period: 300 * time.Millisecond}
	r, err = l.Allow(ctx, "fast", fast)
	ok(t, err)
	same(t, "first", r.Allowed, 1)
	eventually(t, "allowed again", func() bool {
		r, err := l.Allow(ctx, "fast", fast)
		ok(t, err)
		return r.Allowed == 1
	})
}

func testPubSub(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	name := fmt.Sprintf("weir:test:%d", time.Now().UnixNano())
	const readers, messages = 20, 50
	subs := make([]*goredis.PubSub, readers)
	for i := range subs {
		if i%2 == 0 {
			subs[i] = c.Subscribe(ctx, name+":a")
		} else {
			subs[i] = c.PSubscribe(ctx, name+":*")
		}
		_, err := subs[i].Receive(ctx) // it is subscribed now
		ok(t, err)
	}
	var wg sync.WaitGroup
	errs := make([]error, readers)
	for i, s := range subs {
		wg.Go(func() {
			for n := range messages {
				m, err := s.ReceiveMessage(ctx)
				if err == nil && m.Payload != fmt.Sprint(n) {
					err = fmt.Errorf("message %d is %q", n, m.Payload)
				}
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	for n := range messages {
		got, err := c.Publish(ctx, name+":a", n).Result()
		ok(t, err)
		same(t, "receivers", got, readers)
	}
	wg.Wait()
	for _, s := range subs {
		ok(t, s.Close())
	}
	ok(t, errors.Join(errs...))
	eventually(t, "unsubscribed", func() bool { return c.Publish(ctx, name+":a", "x").Val() == 0 })
}

func testContext(t *testing.T, c *redis.Client) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.BLPop(ctx, time.Hour, "never").Err() }()
	cancel()
	// go-redis sees the end of a context before it sends, or by its deadline.
	ctx2, cancel2 := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel2()
	if err := c.BLPop(ctx2, time.Hour, "never").Err(); err == nil {
		t.Fatal("a deadline is not seen")
	}
	if err := c.Ping(ctx).Err(); !errors.Is(err, context.Canceled) {
		t.Fatalf("a call with an ended context: %v", err)
	}
	ok(t, c.LPush(t.Context(), "never", 1, 2).Err()) // lets the first one go in any case
	<-done
}
