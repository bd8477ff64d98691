package place

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"weir/services/backing/redis"
)

// Run says that this node lives and looks at the others, until ctx ends; then it gives
// up all its names. What fails is tried again.
func (t *Table) Run(ctx context.Context) error {
	t.keep(ctx, t.turn)
	return t.leave(context.WithoutCancel(ctx))
}

// Watch is Run for a process that has no streams: it looks at the nodes alone, and they do
// not see it.
func (t *Table) Watch(ctx context.Context) error {
	t.keep(ctx, func(ctx context.Context, _ bool) error {
		ctx, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		return t.look(ctx)
	})
	return nil
}

// Nodes is how many nodes with streams are known to Redis, for whoever is none of them. One
// that died may be among them until another one looks.
func Nodes(ctx context.Context, r *redis.Client) (int, error) {
	n, err := r.SCard(ctx, nodesKey).Result()
	return int(n), err
}

// keep takes turns until ctx ends; some of them are a sign of life.
func (t *Table) keep(ctx context.Context, turn func(ctx context.Context, beat bool) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	ill := false
	for n := 0; ; n++ {
		err := turn(ctx, n%beats == 0)
		if ctx.Err() == nil && (err != nil) != ill {
			ill = err != nil
			if ill {
				t.cfg.Log.Warn("other nodes are out of sight; trying again", "err", err)
			} else {
				t.cfg.Log.Info("other nodes are in sight again")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (t *Table) turn(ctx context.Context, beat bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := t.answer(ctx)
	err = errors.Join(err, t.free(ctx))
	if beat {
		err = errors.Join(err, t.beat(ctx))
	}
	return errors.Join(err, t.look(ctx))
}

// answer hears what other nodes ask.
func (t *Table) answer(ctx context.Context) error {
	for range 100 {
		text, err := t.cfg.Redis.LPop(ctx, askKey(t.cfg.Node)).Bytes()
		if errors.Is(err, redis.Nil) {
			return nil
		}
		if err != nil {
			return err
		}
		var q question
		if json.Unmarshal(text, &q) != nil || t.frees(q.Name) || t.cfg.Owner.Yield(q.Name, q.Takeover) {
			continue
		}
		if err := t.cfg.Redis.Set(ctx, noKey(q.Name, q.From), 1, Life).Err(); err != nil {
			return err
		}
	}
	return nil
}

// frees says whether a name was given up, and Redis is about to be told.
func (t *Table) frees(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.freed[name]
}

// free tells Redis of names that were given up.
func (t *Table) free(ctx context.Context) error {
	t.mu.Lock()
	freed := maps.Clone(t.freed)
	t.mu.Unlock()
	for name := range freed {
		if err := t.cfg.Redis.Eval(ctx, deleteOurs, []string{nameKey(name)}, t.cfg.Node).Err(); err != nil {
			return err
		}
		t.mu.Lock()
		delete(t.freed, name)
		t.mu.Unlock()
	}
	return nil
}

// beat says that this node lives and what it has.
func (t *Table) beat(ctx context.Context) error {
	t.mu.Lock()
	leaves := t.leaves
	t.mu.Unlock()
	doors, free := t.cfg.Owner.Takes()
	text, err := json.Marshal(Peer{Node: t.cfg.Node, URL: t.cfg.URL, Doors: doors, Free: free, Streams: t.cfg.Owner.Placed(), Leaving: leaves})
	if err != nil {
		return err
	}
	t.mu.Lock()
	names := slices.Sorted(maps.Keys(t.held))
	t.mu.Unlock()
	ours := make([]*goredis.Cmd, len(names))
	_, err = t.cfg.Redis.Pipelined(ctx, func(p goredis.Pipeliner) error {
		p.SAdd(ctx, nodesKey, t.cfg.Node)
		p.Set(ctx, nodeKey(t.cfg.Node), text, Life)
		for i, name := range names {
			ours[i] = p.Eval(ctx, extendOurs, []string{nameKey(name)}, t.cfg.Node, Life.Milliseconds())
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, name := range names {
		if n, err := ours[i].Int(); err == nil && n == 0 {
			t.mu.Lock()
			delete(t.held, name)
			t.mu.Unlock()
			t.cfg.Owner.Lost(name)
		}
	}
	return nil
}

// look reads what the other nodes have.
func (t *Table) look(ctx context.Context) error {
	began := time.Now()
	nodes, err := t.cfg.Redis.SMembers(ctx, nodesKey).Result()
	if err != nil {
		return err
	}
	nodes = slices.DeleteFunc(nodes, func(n string) bool { return n == t.cfg.Node })
	nodes = nodes[:min(len(nodes), mostNodes)]
	found, peers, all := map[string]*spot{}, 0, make([]Peer, 0, len(nodes))
	if len(nodes) > 0 {
		keys := make([]string, len(nodes))
		for i, n := range nodes {
			keys[i] = nodeKey(n)
		}
		values, err := t.cfg.Redis.MGet(ctx, keys...).Result()
		if err != nil {
			return err
		}
		for i, v := range values {
			text, ok := v.(string)
			if !ok { // it is back in the set with its next sign of life
				if err := t.cfg.Redis.SRem(ctx, nodesKey, nodes[i]).Err(); err != nil {
					return err
				}
				continue
			}
			p := &Peer{}
			if json.Unmarshal([]byte(text), p) != nil || p.Node != nodes[i] {
				continue
			}
			if !p.Leaving {
				peers++
			}
			all = append(all, *p)
			for _, s := range p.Streams {
				if !s.Over || found[s.Name] == nil {
					found[s.Name] = &spot{peer: p, stream: s}
				}
			}
		}
	}
	t.mu.Lock()
	slices.SortFunc(all, func(a, b Peer) int { return strings.Compare(a.Node, b.Node) })
	if !slices.EqualFunc(all, t.nodes, func(a, b Peer) bool { return a.Node == b.Node }) {
		t.tell()
	}
	t.nodes, t.peers, t.looked = all, peers, began
	t.mu.Unlock()
	t.replace(found, time.Now())
	return nil
}

// replace takes over what was found, and remembers for a while what is gone.
func (t *Table) replace(found map[string]*spot, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, s := range t.others {
		if found[name] != nil || s.stream.Over {
			continue
		}
		missed := *s
		if missed.gone.IsZero() {
			missed.gone = now
		}
		if now.Sub(missed.gone) < t.cfg.Remember {
			found[name] = &missed
		}
	}
	same := maps.EqualFunc(found, t.others, func(a, b *spot) bool {
		return a.peer.Node == b.peer.Node && a.stream.Epoch == b.stream.Epoch && a.stream.Over == b.stream.Over && a.gone.IsZero() == b.gone.IsZero()
	})
	t.others = found
	if !same {
		t.tell()
	}
}

// tell wakes who waits for Moved. The caller holds mu.
func (t *Table) tell() {
	close(t.moved)
	t.moved = make(chan struct{})
}

// leave gives up what is left, at the end of the process.
func (t *Table) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := errors.Join(t.free(ctx), t.cfg.Redis.Del(ctx, nodeKey(t.cfg.Node)).Err(), t.cfg.Redis.SRem(ctx, nodesKey, t.cfg.Node).Err())
	if err != nil {
		t.cfg.Log.Info("other nodes will miss this one a while", "err", err)
	}
	return nil
}
