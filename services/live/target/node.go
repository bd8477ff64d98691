package target

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

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
		key, err := s.things.Open(t.ID, t.key)
		if err != nil {
			s.c.Log.Error("the stream key of a target cannot be read: give all processes that share the database the same WEIR_SECRET_KEY, or set the key again", "target", t.ID, "err", err)
			continue
		}
		out = append(out, Order{ID: t.ID, Channel: t.Channel, Version: t.Version, URL: t.URL, Key: key})
	}
	return out, nil
}

// Report tells how targets do; it is called every few seconds.
func (s *Service) Report(ctx context.Context, all map[uuid.UUID]TargetStatus) error {
	return s.things.Report(ctx, all)
}

// statuses fills in how targets do.
func (s *Service) statuses(ctx context.Context, list []Target) {
	ids := make([]uuid.UUID, len(list))
	for i, t := range list {
		ids[i] = t.ID
	}
	for i, x := range s.things.News(ctx, ids...) {
		if list[i].Enabled {
			list[i].Status = x
		}
	}
}

// Run seals keys anew that an old key of the server sealed, and drops the targets of
// channels that are deleted, until ctx ends. Several processes may do it.
func (s *Service) Run(ctx context.Context) error { return s.things.Run(ctx) }
