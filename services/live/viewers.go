package live

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"
)

const (
	// presentFor is how long a viewer counts after its last request: LL-HLS players ask
	// several times a second, DASH players once a segment.
	presentFor = 20 * time.Second
	// viewerBatch is how many are told to Redis in one command.
	viewerBatch = 1000
	// keepViewers is how long Redis keeps the numbers of a session that nobody asks for.
	keepViewers = 24 * time.Hour
)

// viewers are the figures of a session, read from Redis now and then.
type viewers struct {
	present, unique, peak int64
	sum                   float64 // of present, one each look
	looks                 int64
}

func (v *viewers) fill(s *Stats) {
	s.Peak, s.Unique = v.peak, v.unique
	if v.looks > 0 {
		s.Average = v.sum / float64(v.looks)
	}
}

func presentKey(session uuid.UUID) string { return "weir:live:viewers:" + session.String() }
func uniqueKey(b *Broadcast) string       { return "weir:live:unique:" + b.ID.String() }

// Seen tells of viewers of a session that asked for media since the last call. Ids are
// of any kind, the same for a viewer at every node. It blocks on Redis.
func (s *Service) Seen(ctx context.Context, b *Broadcast, ids []uint64) error {
	if b == nil || s.redis == nil || len(ids) == 0 {
		return nil
	}
	at := float64(s.now().UnixMilli())
	for len(ids) > 0 {
		n := min(len(ids), viewerBatch)
		present, unique := make([]goredis.Z, n), make([]any, n)
		for i, id := range ids[:n] {
			name := strconv.FormatUint(id, 36)
			present[i], unique[i] = goredis.Z{Score: at, Member: name}, name
		}
		ids = ids[n:]
		_, err := s.redis.Pipelined(ctx, func(p goredis.Pipeliner) error {
			p.ZAdd(ctx, presentKey(b.ID), present...)
			p.PFAdd(ctx, uniqueKey(b), unique...)
			p.Expire(ctx, presentKey(b.ID), keepViewers)
			p.Expire(ctx, uniqueKey(b), keepViewers)
			return nil
		})
		if err != nil {
			return fmt.Errorf("viewers: %w", err)
		}
	}
	return nil
}

// countAll reads the figures of all sessions of this process, in one round trip, and
// says that this process lives.
func (s *Service) countAll(ctx context.Context) error {
	if s.redis == nil {
		return nil
	}
	all := s.air.all()
	since := strconv.FormatInt(s.now().Add(-presentFor).UnixMilli(), 10)
	present, unique := make([]*goredis.IntCmd, len(all)), make([]*goredis.IntCmd, len(all))
	_, err := s.redis.Pipelined(ctx, func(p goredis.Pipeliner) error {
		p.Set(ctx, nodeKey(s.node), s.now().UnixMilli(), nodeLife)
		for i, b := range all {
			p.ZRemRangeByScore(ctx, presentKey(b.ID), "-inf", "("+since)
			present[i] = p.ZCard(ctx, presentKey(b.ID))
			unique[i] = p.PFCount(ctx, uniqueKey(b))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("viewers: %w", err)
	}
	for i, b := range all {
		b.count(present[i].Val(), unique[i].Val())
	}
	return nil
}

func (b *Broadcast) count(present, unique int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := &b.viewers
	v.present = present
	v.unique = max(v.unique, unique) // Redis may have been emptied
	v.peak = max(v.peak, v.present)
	v.sum += float64(v.present)
	v.looks++
}
