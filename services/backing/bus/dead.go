package bus

import (
	"context"

	"weir/services/backing/outbox"
)

// Graveyard is the part of Bus that concerns dead events. It is the same for every
// bus, and needs only the database: `weir events dead` uses it without a bus.
type Graveyard struct{ conf Config }

// NewGraveyard needs conf.DB only.
func NewGraveyard(conf Config) Graveyard { return Graveyard{conf.Defaults()} }

// Dead is outbox.ListDead.
func (g Graveyard) Dead(ctx context.Context, limit int) ([]Dead, error) {
	return outbox.ListDead(ctx, g.conf.DB, limit)
}

// Retry is outbox.Retry, now.
func (g Graveyard) Retry(ctx context.Context, id string) error {
	return outbox.Retry(ctx, g.conf.DB, id, g.conf.Now())
}

// Drop is outbox.Drop, now.
func (g Graveyard) Drop(ctx context.Context, id string) error {
	return outbox.Drop(ctx, g.conf.DB, id, g.conf.Now())
}
