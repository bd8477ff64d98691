package live

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Carry is what of a session the node needs that goes on with it when this one is gone.
// It is kept as JSON.
type Carry struct {
	ID      uuid.UUID  `json:"id"`
	Channel uuid.UUID  `json:"channel"`
	Began   time.Time  `json:"began"`
	Started *time.Time `json:"started,omitempty"`
	Stats   Stats      `json:"stats"`
}

// Carry is the session as it is now; nil of a nil Broadcast.
func (b *Broadcast) Carry() *Carry {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return &Carry{ID: b.ID, Channel: b.grant.Channel, Began: b.now.Began, Started: b.now.Started, Stats: b.now.Stats}
}

// adopt makes a session that has begun the one of another node: to those who read of it
// its publisher has dropped and returned.
func (b *Broadcast) adopt(c *Carry, now time.Time) {
	b.adopts, b.past = true, c.Stats
	b.now.Began, b.now.Started, b.now.Stats = c.Began, c.Started, c.Stats
	b.now.Stats.Reconnects++
	if c.Started != nil {
		b.now.State, b.lapse = OnAir, now
	}
	looks := max(0, int64(now.Sub(c.Began)/everyCount))
	b.viewers = viewers{unique: c.Stats.Unique, peak: c.Stats.Peak, looks: looks, sum: c.Stats.Average * float64(looks)}
}

// sum adds what other nodes had of the session to figures of this one, and fills in what
// is known here: viewers and reconnects.
func (b *Broadcast) sum(s Stats) Stats {
	s.Bytes += b.past.Bytes
	s.Frames += b.past.Frames
	s.Dropped += b.past.Dropped
	s.Lag = max(s.Lag, b.past.Lag)
	s.Reconnects = b.now.Stats.Reconnects
	b.viewers.fill(&s)
	return s
}

// Continues says whether a session that another node left may go on: it has not ended
// and is not to end. One that has no row yet may.
func (s *Service) Continues(ctx context.Context, c *Carry) (bool, error) {
	v, order, err := s.store().ordered(ctx, c.ID)
	switch {
	case missing(err):
		return true, nil
	case err != nil:
		return false, faultOf(err)
	}
	return v.Ended == nil && order == "" && v.Channel == c.Channel, nil
}

// HandOver says that another node is to go on with the session; this one is done with it.
// Where none does, it is ended like those of a node that is gone.
func (s *Service) HandOver(b *Broadcast, stats Stats) {
	b.change(s, func(v *SessionView) {
		v.Stats = b.sum(stats)
		if v.State == OnAir {
			v.State, b.lapse = Reconnecting, s.stamp()
		}
		b.handed = true
	})
}
