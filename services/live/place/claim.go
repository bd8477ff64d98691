package place

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"weir/services/backing/redis"
)

// ours are scripts that change a name's key if it is this node's; KEYS 1 is the key,
// ARGV 1 the node, ARGV 2 milliseconds to live.
const (
	extendOurs = `local v = redis.call('GET', KEYS[1])
if v and v ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`
	deleteOurs = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1`
)

// Claim makes a name this node's for Life; Hold makes that last. It waits for a
// node that is gone or gives the name up, at most until ctx ends. The error may be
// ErrElsewhere.
func (t *Table) Claim(ctx context.Context, name string, takeover bool) error {
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	if end, ok := ctx.Deadline(); ok { // leave time to say why
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, end.Add(-300*time.Millisecond))
		defer stop()
	}
	tick := time.NewTicker(claimPoll)
	defer tick.Stop()
	asked := ""
	for {
		holder, err := t.take(ctx, name)
		switch {
		case ctx.Err() != nil:
			return ErrElsewhere
		case err != nil:
			return fmt.Errorf("place: %w", err)
		case holder == "" || holder == t.cfg.Node:
			return nil
		}
		if asked != holder {
			asked = holder
			err = t.ask(ctx, holder, name, takeover)
		} else if n, no := t.cfg.Redis.Exists(ctx, noKey(name, t.cfg.Node)).Result(); no == nil && n > 0 {
			return ErrElsewhere
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("place: %w", err)
		}
		select {
		case <-ctx.Done():
			return ErrElsewhere
		case <-tick.C:
		}
	}
}

// take takes a free name; else it returns who has it.
func (t *Table) take(ctx context.Context, name string) (holder string, err error) {
	err = t.cfg.Redis.SetArgs(ctx, nameKey(name), t.cfg.Node, goredis.SetArgs{Mode: "NX", TTL: Life}).Err()
	if !errors.Is(err, redis.Nil) {
		return "", err
	}
	holder, err = t.cfg.Redis.Get(ctx, nameKey(name)).Result()
	if errors.Is(err, redis.Nil) {
		return "?", nil // it ended between the two
	}
	return holder, err
}

// question is what a node is asked.
type question struct {
	Name     string `json:"name"`
	Takeover bool   `json:"takeover"`
	From     string `json:"from"`
}

func (t *Table) ask(ctx context.Context, holder, name string, takeover bool) error {
	text, err := json.Marshal(question{name, takeover, t.cfg.Node})
	if err != nil {
		return err
	}
	_, err = t.cfg.Redis.Pipelined(ctx, func(p goredis.Pipeliner) error {
		p.Del(ctx, noKey(name, t.cfg.Node))
		p.RPush(ctx, askKey(holder), text)
		p.PExpire(ctx, askKey(holder), Life)
		return nil
	})
	return err
}
