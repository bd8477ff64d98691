package webhook

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

const (
	everyLook = 500 * time.Millisecond // for deliveries that are due
	everyTidy = time.Minute

	atOnce     = 32         // attempts of this process
	atOnceEach = 2          // of them to one endpoint
	atOnceOf   = 4          // of them to those of one channel
	atOnceIll  = atOnce / 2 // of them to endpoints that fail or are slow

	slowAfter = 2 * time.Second // an endpoint whose last answer took longer is slow
	slowMost  = 10_000          // endpoints of which that is remembered

	pauseFirst = 5 * time.Second // after the first attempt; three times as long after each
	pauseMax   = 2 * time.Hour
)

// desk is what this process is sending.
type desk struct {
	mu    sync.Mutex
	busy  map[uuid.UUID]int // attempts by endpoint, and by channel
	slow  map[uuid.UUID]bool
	all   int
	ill   int // of all, to endpoints that fail or are slow
	wait  sync.WaitGroup
	freed chan struct{}
}

// take claims a place; the caller gives it back by the function.
func (d *desk) take(e Endpoint) (done func(), ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ill := e.Failing != nil || d.slow[e.ID]
	if d.all >= atOnce || d.busy[e.ID] >= atOnceEach || ill && (d.ill >= atOnceIll || d.busy[e.ID] > 0) {
		return nil, false
	}
	if e.Channel != nil && d.busy[*e.Channel] >= atOnceOf {
		return nil, false
	}
	d.all++
	d.busy[e.ID]++
	if e.Channel != nil {
		d.busy[*e.Channel]++
	}
	if ill {
		d.ill++
	}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.all--
		d.free(e.ID)
		if e.Channel != nil {
			d.free(*e.Channel)
		}
		if ill {
			d.ill--
		}
		select {
		case d.freed <- struct{}{}:
		default:
		}
	}, true
}

// free gives back one of what id has.
func (d *desk) free(id uuid.UUID) {
	if d.busy[id]--; d.busy[id] == 0 {
		delete(d.busy, id)
	}
}

// took notes how long an endpoint took to answer.
func (d *desk) took(endpoint uuid.UUID, long time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if long <= slowAfter {
		delete(d.slow, endpoint)
		return
	}
	if len(d.slow) >= slowMost { // it is seen anew who is slow
		clear(d.slow)
	}
	d.slow[endpoint] = true
}

// Run sends what is due until ctx ends, and drops what is old. Several processes may do
// it. It returns when no attempt is under way.
func (s *Service) Run(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	look, tidy := time.NewTicker(everyLook), time.NewTicker(everyTidy)
	defer look.Stop()
	defer tidy.Stop()
	defer s.desk.wait.Wait()
	ill := false
	check := func(err error) {
		if bad := err != nil && ctx.Err() == nil; bad != ill {
			ill = bad
			if bad {
				s.log.Warn("webhooks wait for the database; trying again", "err", err)
			} else {
				s.log.Info("webhooks are sent again")
			}
		}
	}
	check(errors.Join(s.reseal(ctx), s.tidy(ctx)))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tidy.C:
			check(s.tidy(ctx))
		case <-s.desk.freed:
			check(s.look(ctx))
		case <-look.C:
			check(s.look(ctx))
		}
	}
}

// look begins to send what is due, as far as there is room.
func (s *Service) look(ctx context.Context) error {
	now := s.stamp()
	list, err := store{s.db}.due(ctx, now)
	if err != nil {
		return err
	}
	for _, x := range list {
		e, d := x.endpoint, x.delivery
		done, ok := s.desk.take(e)
		if !ok {
			continue
		}
		mine, err := store{s.db}.claim(ctx, d, now)
		if err != nil || !mine {
			done()
			if err != nil {
				return err
			}
			continue
		}
		d.Attempts++
		s.desk.wait.Go(func() {
			defer done()
			s.attempt(ctx, e, d)
		})
	}
	return nil
}

// attempt sends, and writes down what came of it. When that cannot be written the
// delivery is sent again after its lease.
func (s *Service) attempt(ctx context.Context, e Endpoint, d Delivery) {
	r := s.send(ctx, e, d)
	s.desk.took(e.ID, r.took)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if ctx.Err() != nil && r.err != "" { // broken off by the end of this process
		r.after = time.Second
	}
	if err := s.settle(end, e, d, r); err != nil {
		s.log.Warn("what came of a webhook is not written; it will be sent again", "webhook", e.ID, "err", err)
	}
}

func (s *Service) settle(ctx context.Context, e Endpoint, d Delivery, r result) error {
	now := s.stamp()
	next := now.Add(max(pause(d.Attempts), r.after))
	state := Delivered
	switch {
	case r.err != "" && (r.status == http.StatusGone || next.After(d.until)):
		state = Failed
	case r.err != "":
		state = Waiting
	}
	return s.db.Tx(ctx, func(ctx context.Context, q db.Q) error {
		st := store{q}
		mine, err := st.settle(ctx, d, state, r, now, next)
		if err != nil || !mine {
			return err
		}
		if state == Delivered {
			return st.well(ctx, e.ID)
		}
		since, err := st.ill(ctx, e.ID, now)
		switch {
		case errors.Is(err, db.ErrNotFound): // deleted meanwhile
			return nil
		case err != nil:
			return err
		case r.status == http.StatusGone:
			return st.turnOff(ctx, e.ID, "it answered 410 Gone", now)
		case state == Failed && now.Sub(since) >= offAfter:
			return st.turnOff(ctx, e.ID, "nothing could be delivered for days", now)
		}
		return nil
	})
}

// pause is how long after the n-th attempt the next one is made: longer each time, and
// not the same for all that failed together.
func pause(n int64) time.Duration {
	d := pauseFirst
	for i := int64(1); i < n && d < pauseMax; i++ {
		d *= 3
	}
	d = min(d, pauseMax)
	return d - d/5 + rand.N(2*d/5)
}
