package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/outbox"
	"weir/services/event"
)

// sweep removes what is to be removed, if no other process does.
func (s *Service) sweep(ctx context.Context) error {
	mine, err := outbox.Hold(ctx, s.db, s.shelf.lease(), s.node, s.stamp(), sweepLease)
	if err != nil || !mine {
		return err
	}
	return errors.Join(s.condemnWorst(ctx), s.empty(ctx))
}

func (h *shelf) lease() string { return "live.sweep." + h.name }

// release lets another process sweep.
func (s *Service) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := outbox.Release(ctx, s.db, s.shelf.lease(), s.node); err != nil {
		s.log.Debug("the lease of the store ends by itself", "err", err)
	}
}

// condemnWorst marks what is older, or more, than is kept of a name.
func (s *Service) condemnWorst(ctx context.Context) error {
	list, err := s.store().kept(ctx, s.shelf.name)
	if err != nil {
		return err
	}
	for _, k := range list {
		bound := k.keep.within(s.shelf.keep)
		if bound.Days > 0 {
			before, words := s.stamp().AddDate(0, 0, -bound.Days), fmt.Sprintf("it is older than %d days", bound.Days)
			if err := s.store().condemnOld(ctx, s.shelf.name, k.name, before, words); err != nil {
				return err
			}
		}
		if bound.Bytes == 0 || k.bytes <= bound.Bytes {
			continue
		}
		all, err := s.store().byAge(ctx, s.shelf.name, k.name)
		if err != nil {
			return err
		}
		for _, r := range tooMuch(all, bound.Bytes) {
			if err := s.store().condemn(ctx, r.ID, "newer ones needed the room"); err != nil {
				return err
			}
		}
	}
	return nil
}

// tooMuch picks from recordings, oldest first, those that have to go so that the rest
// takes at most so many bytes: clips last, and the newest recording never.
func tooMuch(all []*Recording, most int64) (out []*Recording) {
	newest := -1
	sum := int64(0)
	for i, r := range all {
		sum += r.Bytes
		if r.Kind == Whole {
			newest = i
		}
	}
	for _, kind := range []Kind{Whole, Clip} {
		for i, r := range all {
			if sum > most && r.Kind == kind && i != newest {
				out = append(out, r)
				sum -= r.Bytes
			}
		}
	}
	return out
}

// empty removes the objects of what is condemned, and then forgets it.
func (s *Service) empty(ctx context.Context) error {
	list, err := s.store().condemned(ctx, s.shelf.name, s.stamp().Add(-orphanAge), sweepBatch)
	if err != nil {
		return err
	}
	for _, r := range list {
		err := s.shelf.vault.Remove(ctx, r.ID)
		if errors.Is(err, ErrBusy) {
			continue
		}
		if err == nil {
			err = s.gone(ctx, r)
		}
		if err != nil {
			return err // what fails for one fails for all: the store is away
		}
		s.shelf.removed.Add(1)
		s.log.Info("removed a recording", "stream", r.Name, "recording", r.ID, "why", r.Reason)
	}
	if len(list) == sweepBatch {
		s.shelf.wake()
	}
	return nil
}

// gone forgets a recording that has no objects any more.
func (s *Service) gone(ctx context.Context, r *Recording) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		was, err := st.dropRecording(ctx, r.ID)
		if err != nil || !was || r.Channel == nil {
			return err
		}
		return emit(ctx, st, event.RecordingDeleted{RecordingID: r.ID, ChannelID: *r.Channel, Kind: string(r.Kind), Name: r.Name, Reason: r.Reason})
	})
}

// search compares the database with the store: what was left open is closed, and what the
// database does not know is taken in, or, where nothing of it can be played, removed.
// Media are never removed because nobody knows them: it may be the wrong database.
func (s *Service) search(ctx context.Context) error {
	if err := s.closeLeft(ctx); err != nil {
		return err
	}
	after := ""
	for {
		ids, err := s.shelf.vault.Stored(ctx, after, sweepBatch)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, text := range ids {
			after = text
			id, err := uuid.Parse(text)
			if err != nil || id.Version() != 7 || s.age(id) < orphanAge {
				continue // not this program's, or perhaps being made
			}
			if err := s.takeIn(ctx, id); err != nil && !errors.Is(err, ErrBusy) {
				return err
			}
		}
	}
}

// age is how long ago an id was made.
func (s *Service) age(id uuid.UUID) time.Duration {
	sec, nsec := id.Time().UnixTime()
	return s.now().Sub(time.Unix(sec, nsec))
}

// closeLeft closes recordings whose node went away and did not come back in time.
func (s *Service) closeLeft(ctx context.Context) error {
	list, err := s.store().left(ctx, s.shelf.name, s.stamp().Add(-leftAge), sweepBatch)
	if err != nil {
		return err
	}
	for _, r := range list {
		alive, err := s.alive(ctx, r.Cut.Node)
		if err != nil {
			return err
		}
		if alive {
			continue
		}
		x, err := s.shelf.vault.Close(ctx, r.ID)
		if errors.Is(err, ErrBusy) {
			continue
		}
		if err == nil {
			x.ID = r.ID
			err = s.Recorded(ctx, x)
		}
		if err != nil {
			return err
		}
		s.log.Warn("closed a recording that its server had left", "stream", r.Name, "recording", r.ID, "duration", x.Duration)
	}
	return nil
}

// alive says whether a node may still have its streams.
func (s *Service) alive(ctx context.Context, node string) (bool, error) {
	switch {
	case node == s.node:
		return true, nil
	case s.alone:
		return false, nil
	case s.redis == nil:
		return true, nil
	}
	n, err := s.redis.Exists(ctx, nodeKey(node)).Result()
	return n > 0, err
}

// takeIn makes something in the store known, or removes what is left of something.
func (s *Service) takeIn(ctx context.Context, id uuid.UUID) error {
	if _, err := s.store().recording(ctx, id); !missing(err) {
		return err
	}
	if v, err := s.store().session(ctx, id); err == nil && v.Ended == nil {
		return nil // it is on the air
	} else if err != nil && !missing(err) {
		return err
	}
	x, err := s.shelf.vault.Close(ctx, id)
	if err != nil {
		return err
	}
	if x.Bytes > 0 {
		s.log.Warn("the store has a recording that was not known: it is in the list now", "stream", x.Name, "recording", id)
		return s.Recorded(ctx, x)
	}
	if err := s.shelf.vault.Remove(ctx, id); err != nil {
		return err
	}
	s.shelf.orphans.Add(1)
	s.log.Warn("removed what nobody knows from the store", "recording", id)
	return nil
}
