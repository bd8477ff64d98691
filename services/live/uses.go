package live

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// usesMost is how many uses of keys wait to be written at most; more are not noted.
const usesMost = 1000

// uses are last uses of keys that are not written yet: publishers do not wait for that.
type uses struct {
	mu sync.Mutex
	at map[uuid.UUID]time.Time // by key
}

// note keeps the first use since the last writing.
func (u *uses) note(key uuid.UUID, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.at == nil {
		u.at = map[uuid.UUID]time.Time{}
	}
	if _, known := u.at[key]; !known && len(u.at) < usesMost {
		u.at[key] = at
	}
}

func (u *uses) take() map[uuid.UUID]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := u.at
	u.at = nil
	return list
}

// writeUses writes down which keys were used. What fails waits for the next time.
func (s *Service) writeUses(ctx context.Context) error {
	list := s.uses.take()
	if len(list) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, 0, len(list))
	for id := range list {
		ids = append(ids, id)
	}
	// in one order, or two processes could wait for each other
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		for _, id := range ids {
			if err := st.touch(ctx, id, list[id]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for id, at := range list {
			s.uses.note(id, at)
		}
	}
	return err
}
