package target

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// statusLife is how long a TargetStatus is known that nobody tells again.
const statusLife = 10 * time.Second

// TargetStatus is how a target does that a stream is sent to now.
type TargetStatus struct {
	State   string    `json:"state" enum:"connecting,sending,waiting,refused,ended" doc:"waiting: to try again; refused: the stream cannot be sent there"`
	Since   time.Time `json:"since"`
	Bytes   uint64    `json:"bytes" doc:"What was sent, of this stream"`
	Bitrate int       `json:"bitrate" doc:"Mean bit/s since it is sending"`
	Dropped uint64    `json:"dropped" doc:"Packets that the target was too slow for"`
	Tries   int       `json:"tries" doc:"Connections begun"`
	Error   string    `json:"error,omitempty" doc:"Why the last connection failed or ended"`
	Note    string    `json:"note,omitempty" doc:"What of the stream is left out"`
}

// Order is a target that a stream is to be sent to, with its key.
type Order struct {
	ID, Channel uuid.UUID
	Version     int64
	URL, Key    string
}

// Wanted is where the streams of a node are to be sent now. Targets whose key cannot be
// read are left out and logged.
func (s *Service) Wanted(ctx context.Context, node string) ([]Order, error) {
	list, err := store{s.c.DB}.enabled(ctx, node)
	if err != nil {
		return nil, db.Fault("target", err)
	}
	var out []Order
	for _, t := range list {
		key, err := s.c.Box.Open(t.key, "live_targets", t.ID.String())
		if err != nil {
			s.c.Log.Error("the stream key of a target cannot be read: give all processes that share the database the same WEIR_SECRET_KEY, or set the key again", "target", t.ID, "err", err)
			continue
		}
		out = append(out, Order{ID: t.ID, Channel: t.Channel, Version: t.Version, URL: t.URL, Key: string(key)})
	}
	return out, nil
}

func statusKey(id uuid.UUID) string { return "weir:live:target:" + id.String() }

// Report tells how targets do; it is called every few seconds.
func (s *Service) Report(ctx context.Context, all map[uuid.UUID]TargetStatus) error {
	if len(all) == 0 {
		return nil
	}
	p := s.c.Redis.Pipeline()
	for id, x := range all {
		text, err := json.Marshal(x)
		if err != nil {
			return fmt.Errorf("target: %w", err)
		}
		p.Set(ctx, statusKey(id), text, statusLife)
	}
	_, err := p.Exec(ctx)
	return db.Fault("target", err)
}

// statuses fills in how targets do. Without Redis nothing is known.
func (s *Service) statuses(ctx context.Context, list []Target) {
	if len(list) == 0 {
		return
	}
	keys := make([]string, len(list))
	for i, t := range list {
		keys[i] = statusKey(t.ID)
	}
	texts, err := s.c.Redis.MGet(ctx, keys...).Result()
	if err != nil {
		s.c.Log.Debug("how targets do is not known", "err", err)
		return
	}
	for i := range list {
		var x TargetStatus
		text, _ := texts[i].(string) // nil: nothing is sent there
		if list[i].Enabled && json.Unmarshal([]byte(text), &x) == nil {
			list[i].Status = &x
		}
	}
}

// tidyEvery is how often Run looks.
const tidyEvery = time.Hour

// Run seals keys anew that an old key of the server sealed, and drops the targets of
// channels that are deleted, until ctx ends. Several processes may do it.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := s.tidy(ctx); err != nil && ctx.Err() == nil {
			s.c.Log.Warn("targets are not tidied; trying again later", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

func (s *Service) tidy(ctx context.Context) error {
	if _, err := s.c.DB.Exec(ctx, `DELETE FROM live_targets WHERE channel_id IN (SELECT id FROM live_channels WHERE deleted_at IS NOT NULL)`); err != nil {
		return db.Fault("target", err)
	}
	return s.reseal(ctx)
}

// reseal seals anew what was sealed with an old key. What cannot be opened stays.
func (s *Service) reseal(ctx context.Context) error {
	rows, err := s.c.DB.Query(ctx, `SELECT `+columns+` FROM live_targets WHERE stream_key NOT LIKE $1 ORDER BY id`, s.c.Box.Prefix()+"%")
	list, err := db.Collect(rows, err, scan)
	if err != nil {
		return db.Fault("target", err)
	}
	for _, t := range list {
		key, err := s.c.Box.Open(t.key, "live_targets", t.ID.String())
		if err != nil {
			continue // said by Wanted, when it matters
		}
		if _, err := s.c.DB.Exec(ctx, `UPDATE live_targets SET stream_key=$1 WHERE id=$2 AND stream_key=$3`, s.c.Box.Seal(key, "live_targets", t.ID.String()), t.ID, t.key); err != nil {
			return db.Fault("target", err)
		}
	}
	return nil
}
