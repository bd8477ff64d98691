package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"
)

const (
	// everyLook is how often a node asks what became of its sessions: the time that a
	// revoked key, a ban or an order to end takes at most.
	everyLook = time.Second
	// everyCount is how often viewers are counted and the node says that it lives.
	everyCount = 2 * time.Second
	// everyTotal is how often the figures of sessions are kept for the case that the
	// process is killed.
	everyTotal = 15 * time.Second
	// redisWithin bounds one look at Redis: a server that does not answer must not keep
	// what is written to the database waiting.
	redisWithin = 2 * time.Second
	// everyReap is how often sessions of nodes that are gone are looked for.
	everyReap = 5 * time.Second
	// nodeLife is how long a node counts as alive after it last said so.
	nodeLife = 15 * time.Second
	// reapAfter is how long a node must have been missed, in a row and with Redis
	// answering, before its sessions are ended: an emptied Redis ends nobody's.
	reapAfter = 20 * time.Second
	// lastWords is how long the end of the process waits for the ends of its sessions
	// to be written.
	lastWords = 5 * time.Second

	keepRefusals = 30 * 24 * time.Hour
)

func nodeKey(node string) string { return "weir:live:node:" + node }

// RunNode does, until ctx ends, what belongs to the streams of this process: writes what
// became of them, ends those that are to end, counts viewers. It returns when the ends
// of all sessions are written, or after 5 s. What fails is logged once and tried again.
func (s *Service) RunNode(ctx context.Context) error {
	look, count, total := time.NewTicker(everyLook), time.NewTicker(everyCount), time.NewTicker(everyTotal)
	defer look.Stop()
	defer count.Stop()
	defer total.Stop()
	var ill illness
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-s.air.changed:
			ill.log(s, "sessions are not written", s.flush(ctx))
		case <-look.C:
			ill.log(s, "sessions are not written", errors.Join(s.flush(ctx), s.look(ctx)))
			ill.log(s, "last uses of stream keys are not written", s.writeUses(ctx))
		case <-count.C:
			ill.log(s, "viewers are not counted", bounded(ctx, s.countAll))
			ill.log(s, "the health of streams is not told", errors.Join(bounded(ctx, s.forgetLive), bounded(ctx, s.tellHealth)))
		case <-total.C:
			ill.log(s, "figures of sessions are not kept", s.keepTotals(ctx))
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	ill.log(s, "last uses of stream keys are not written", s.writeUses(end))
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		err := s.flush(end)
		if len(s.air.all()) == 0 {
			if err := bounded(end, s.forgetLive); err != nil {
				s.log.Debug("viewers of ended sessions stay in Redis for a day", "err", err)
			}
			return nil
		}
		select {
		case <-end.Done():
			s.log.Warn("the end of sessions is not written; another process will do it", "sessions", len(s.air.all()), "err", err)
			return nil
		case <-again.C:
		}
	}
}

// bounded gives one look at Redis its time.
func bounded(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	return do(ctx)
}

// illness logs the beginning and the end of a trouble, not each failure.
type illness struct{ what map[string]bool }

func (i *illness) log(s *Service, what string, err error) {
	if i.what == nil {
		i.what = map[string]bool{}
	}
	switch was := i.what[what]; {
	case errors.Is(err, context.Canceled):
	case err != nil && !was:
		s.log.Warn(what+"; trying again", "err", err)
		i.what[what] = true
	case err == nil && was:
		s.log.Info("no longer: " + what)
		i.what[what] = false
	}
}

// look reads the channels of the sessions of this node, and ends those that are to end.
func (s *Service) look(ctx context.Context) error {
	all := s.air.all()
	if len(all) == 0 {
		return nil
	}
	list, err := s.store().standings(ctx, s.node, s.stamp())
	if err != nil {
		return err
	}
	byID := make(map[uuid.UUID]standing, len(list))
	for _, x := range list {
		byID[x.id] = x
	}
	now := s.now()
	for _, b := range all {
		x, known := byID[b.ID]
		if known {
			b.mu.Lock()
			b.channel = *x.channel
			b.mu.Unlock()
		}
		reason := ""
		switch {
		case known:
			reason = x.why()
		case b.stored():
			reason = "the server took this stream for lost: publish again" // another process ended its row
		}
		if limit := b.grant.Limits.Duration; reason == "" && limit > 0 && now.Sub(b.began()) > time.Duration(limit)*time.Second {
			reason = fmt.Sprintf("the channel's limit of %d s for a stream is reached", limit)
		}
		if reason != "" {
			b.send(reason)
		}
	}
	return nil
}

// stored says that the session has had a row and has not ended.
func (b *Broadcast) stored() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.written > 0 && b.now.State != Ended
}

func (b *Broadcast) began() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now.Began
}

// send sends the publisher away, once.
func (b *Broadcast) send(reason string) {
	b.mu.Lock()
	end := b.end
	b.end = nil
	b.mu.Unlock()
	if end != nil {
		end(reason)
	}
}

// forgetLive drops from Redis what nobody asks for after the ends of sessions. What
// cannot be dropped ends by itself.
func (s *Service) forgetLive(ctx context.Context) error {
	s.air.mu.Lock()
	gone := s.air.gone
	s.air.gone = nil
	s.air.mu.Unlock()
	if s.redis == nil || len(gone) == 0 {
		return nil
	}
	_, err := s.redis.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for _, b := range gone {
			p.Del(ctx, presentKey(b.ID), uniqueKey(b), healthKey(b.grant.Channel))
			p.Publish(ctx, healthNews, b.grant.Channel.String()+" "+healthEnd)
		}
		return nil
	})
	return err
}

// Run does the housekeeping of the whole installation until ctx ends: sessions of nodes
// that are gone are ended, and old refusals dropped. Several processes may do it. It also
// hears what nodes tell of the health of their streams.
func (s *Service) Run(ctx context.Context) error {
	var hearing sync.WaitGroup
	defer hearing.Wait()
	hearing.Go(func() { s.hear(ctx) })
	tick := time.NewTicker(everyReap)
	defer tick.Stop()
	missed := map[string]time.Time{}
	var ill illness
	for {
		ill.log(s, "sessions of dead nodes are not ended", s.reap(ctx, missed))
		_, err := s.db.Exec(ctx, `DELETE FROM live_refusals WHERE last_at < $1`, s.stamp().Add(-keepRefusals))
		ill.log(s, "old refusals are not dropped", err)
		_, err = s.db.Exec(ctx, `DELETE FROM live_revocations WHERE until < $1`, s.stamp().Add(-revocationLife))
		ill.log(s, "old revocations are not dropped", err)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// reap ends the sessions of nodes that are gone. missed is since when each has been missed.
func (s *Service) reap(ctx context.Context, missed map[string]time.Time) error {
	open, err := s.store().opened(ctx, "")
	if err != nil {
		return err
	}
	now := s.now()
	for _, v := range open {
		if v.node == s.node && s.node != "" {
			continue
		}
		dead := s.alone && now.Sub(s.began) >= s.await
		if !s.alone {
			if dead, err = s.dead(ctx, v.node, missed, now); err != nil {
				return err
			}
		}
		if !dead {
			continue
		}
		if err := s.bury(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) dead(ctx context.Context, node string, missed map[string]time.Time, now time.Time) (bool, error) {
	if s.redis == nil {
		return false, nil
	}
	n, err := s.redis.Exists(ctx, nodeKey(node)).Result()
	if err != nil {
		clear(missed) // who cannot be seen is not missed
		return false, err
	}
	if n > 0 {
		delete(missed, node)
		return false, nil
	}
	since, known := missed[node]
	if !known {
		missed[node] = now
	}
	return known && now.Sub(since) >= max(reapAfter, s.await), nil
}

// bury ends a session that its node did not end.
func (s *Service) bury(ctx context.Context, v SessionView) error {
	told := v.State
	at := s.stamp()
	v.State, v.Ended, v.Reason = Ended, &at, "the server that had the stream is gone"
	return s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := st.anyChannel(ctx, v.Channel)
		if err != nil && !missing(err) {
			return err
		}
		if c != nil {
			v.Title = c.Title
		}
		done, err := st.advance(ctx, v)
		if err != nil || !done || c == nil {
			return err
		}
		return s.tell(ctx, st, c, v, told, time.Time{})
	})
}
