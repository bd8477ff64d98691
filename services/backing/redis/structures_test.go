package redis_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"weir/services/backing/redis"
)

func testHashTTL(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	ok(t, c.HSet(ctx, "h", "a", 1, "b", 1).Err())
	// HPEXPIRE came with Redis 7.4: on an older server weir does without.
	if err := c.HPExpire(ctx, "h", 300*time.Millisecond, "a").Err(); err != nil {
		if !strings.Contains(err.Error(), "unknown command") {
			t.Fatal(err)
		}
		return
	}
	eventually(t, "the field expired", func() bool { return !c.HExists(ctx, "h", "a").Val() })
	same(t, "the other stays", c.HExists(ctx, "h", "b").Val(), true)
}

func testStreams(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	for i := range 30 {
		ok(t, c.XAdd(ctx, &goredis.XAddArgs{Stream: "s", MaxLen: 20, Values: map[string]any{"i": i}}).Err())
	}
	same(t, "bounded", c.XLen(ctx, "s").Val(), 20)
	ok(t, c.XGroupCreateMkStream(ctx, "s", "g", "0").Err())
	if err := c.XGroupCreate(ctx, "s", "g", "0").Err(); err == nil || !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		t.Fatalf("second group of one name: %v", err)
	}
	got, err := c.XReadGroup(ctx, &goredis.XReadGroupArgs{Group: "g", Consumer: "a", Streams: []string{"s", ">"}, Count: 5}).Result()
	ok(t, err)
	same(t, "read", len(got[0].Messages), 5)
	same(t, "first", got[0].Messages[0].Values["i"], any("10"))
	same(t, "acked", c.XAck(ctx, "s", "g", got[0].Messages[0].ID).Val(), 1)
	claimed, _, err := c.XAutoClaim(ctx, &goredis.XAutoClaimArgs{Stream: "s", Group: "g", Consumer: "b", Start: "0", Count: 10}).Result()
	ok(t, err)
	same(t, "claimed", len(claimed), 4)

	ok(t, c.XGroupCreateMkStream(ctx, "wait", "g", "$").Err())
	found := make(chan error, 1)
	go func() {
		got, err := c.XReadGroup(ctx, &goredis.XReadGroupArgs{Group: "g", Consumer: "a", Streams: []string{"wait", ">"}, Block: time.Minute}).Result()
		if err == nil && (len(got) != 1 || got[0].Messages[0].Values["k"] != "v") {
			err = fmt.Errorf("got %v", got)
		}
		found <- err
	}()
	ok(t, c.XAdd(ctx, &goredis.XAddArgs{Stream: "wait", Values: map[string]any{"k": "v"}}).Err())
	ok(t, <-found)
	last, err := c.XRevRangeN(ctx, "s", "+", "-", 1).Result()
	ok(t, err)
	same(t, "last", last[0].Values["i"], any("29"))
}

func testSortedSets(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	for i := range 100 {
		ok(t, c.ZAdd(ctx, "z", goredis.Z{Score: float64(i), Member: fmt.Sprintf("m%02d", i)}).Err())
	}
	ok(t, c.ZAddArgs(ctx, "z", goredis.ZAddArgs{GT: true, Members: []goredis.Z{{Score: 1, Member: "m50"}, {Score: 1000, Member: "m03"}}}).Err())
	same(t, "GT holds", c.ZScore(ctx, "z", "m50").Val(), 50)
	top, err := c.ZRevRangeWithScores(ctx, "z", 0, 1).Result()
	ok(t, err)
	same(t, "top", top[0], goredis.Z{Score: 1000, Member: "m03"})
	same(t, "second", top[1], goredis.Z{Score: 99, Member: "m99"})
	same(t, "count", c.ZCount(ctx, "z", "(10", "20").Val(), 10)
	same(t, "drop the old", c.ZRemRangeByScore(ctx, "z", "-inf", "9").Val(), 9)
	same(t, "rank", c.ZRank(ctx, "z", "m10").Val(), 0)
	same(t, "incr", c.ZIncrBy(ctx, "z", 0.5, "m10").Val(), 10.5)
	page, err := c.ZRangeArgs(ctx, goredis.ZRangeArgs{Key: "z", Start: "20", Stop: "+inf", ByScore: true, Offset: 2, Count: 2}).Result()
	ok(t, err)
	same(t, "page", strings.Join(page, " "), "m22 m23")
	if err := c.ZScore(ctx, "z", "nobody").Err(); !errors.Is(err, redis.Nil) {
		t.Fatalf("missing member: %v", err)
	}
}

func testHyperLogLog(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	const n = 5000
	_, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for i := range n {
			p.PFAdd(ctx, fmt.Sprintf("day%d", i%2), i, i/2)
		}
		return nil
	})
	ok(t, err)
	ok(t, c.PFMerge(ctx, "week", "day0", "day1").Err())
	if got := c.PFCount(ctx, "week").Val(); math.Abs(float64(got)-n) > n*0.05 {
		t.Fatalf("%d of %d counted", got, n)
	}
}

func testPipelines(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	// More in flight, both ways, than any buffer in between holds.
	const n = 1000
	value := strings.Repeat("v", 2000)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			cmds, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
				for i := range n {
					p.Set(ctx, fmt.Sprintf("%d:%d", w, i%50), value, 0)
					p.Get(ctx, fmt.Sprintf("%d:%d", w, i%50))
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			for i := 1; i < len(cmds); i += 2 {
				if got, ok := cmds[i].(*goredis.StringCmd); !ok || got.Val() != value {
					t.Errorf("answer %d is not its question's", i)
					return
				}
			}
		})
	}
	wg.Wait()
	cmds, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
		p.Set(ctx, "s", "x", 0)
		p.Incr(ctx, "s") // fails alone
		p.Get(ctx, "s")
		return nil
	})
	if err == nil || cmds[0].Err() != nil || cmds[1].Err() == nil || cmds[2].Err() != nil {
		t.Fatalf("one bad command in a pipeline: %v", cmds)
	}
}

func testTransactions(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	_, err := c.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		p.Incr(ctx, "n")
		p.Expire(ctx, "n", time.Hour)
		return nil
	})
	ok(t, err)
	const workers, each = 8, 20
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				add(t, c)
			}
		})
	}
	wg.Wait()
	same(t, "no addition lost", c.Get(ctx, "n").Val(), fmt.Sprint(1+workers*each))
}

// add is optimistic: it tries again when somebody else was quicker.
func add(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	for {
		err := c.Watch(ctx, func(tx *goredis.Tx) error {
			n, err := tx.Get(ctx, "n").Int()
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p goredis.Pipeliner) error {
				p.Set(ctx, "n", n+1, 0)
				return nil
			})
			return err
		}, "n")
		if errors.Is(err, goredis.TxFailedErr) {
			continue
		}
		if err != nil {
			t.Error(err)
		}
		return
	}
}

func testScan(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	for i := range 500 {
		ok(t, c.Set(ctx, fmt.Sprintf("scan:%d", i), 1, 0).Err())
	}
	ok(t, c.Set(ctx, "other", 1, 0).Err())
	seen := map[string]bool{}
	it := c.Scan(ctx, 0, "scan:*", 50).Iterator()
	for it.Next(ctx) {
		seen[it.Val()] = true
	}
	ok(t, it.Err())
	same(t, "seen", len(seen), 500)
}

func testLarge(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	big := strings.Repeat("\x00\r\n*0\r\n$-1\r\n\xff", 100_000)
	ok(t, c.Set(ctx, "bin\r\n\x00", big, 0).Err())
	got, err := c.Get(ctx, "bin\r\n\x00").Result()
	ok(t, err)
	same(t, "kept", got == big, true)
	ok(t, c.Set(ctx, "", "", 0).Err())
	same(t, "empty", c.Get(ctx, "").Val(), "")
}
