package upkeep

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
	"weir/services/backing/redis"
	"weir/services/seal"
)

const (
	// newsLife is how long it is known how a thing does that nobody tells again.
	newsLife = 10 * time.Second
	// tidyEvery is how often Run looks.
	tidyEvery = time.Hour
)

// Table is where things of a kind are. The names go into SQL as they are. The table has a
// channel_id.
type Table struct {
	Kind   string // one of them, such as "target"
	Name   string
	ID     string // the column of its UUID
	Sealed string // the column of the secret; "" in a row: there is none
}

// Seal makes a secret fit for the row of that thing alone.
func (t Table) Seal(box *seal.Box, id uuid.UUID, secret string) string {
	return box.Seal([]byte(secret), t.Name, id.String())
}

// Open is what Seal sealed; its errors are those of seal.Box.
func (t Table) Open(box *seal.Box, id uuid.UUID, sealed string) (string, error) {
	secret, err := box.Open(sealed, t.Name, id.String())
	return string(secret), err
}

// Reseal seals anew what was sealed with an old key of the server. What cannot be opened
// stays: that is said where it matters.
func (t Table) Reseal(ctx context.Context, d *db.DB, box *seal.Box) error {
	type row struct {
		id     uuid.UUID
		sealed string
	}
	rows, err := d.Query(ctx, `SELECT `+t.ID+`, `+t.Sealed+` FROM `+t.Name+` WHERE `+t.Sealed+`<>'' AND `+t.Sealed+` NOT LIKE $1 ORDER BY 1`, box.Prefix()+"%")
	list, err := db.Collect(rows, err, func(r db.Row) (x row, err error) {
		err = r.Scan(&x.id, &x.sealed)
		return x, err
	})
	if err != nil {
		return db.Fault(t.Kind, err)
	}
	for _, x := range list {
		secret, err := t.Open(box, x.id, x.sealed)
		if err != nil {
			continue
		}
		if _, err := d.Exec(ctx, `UPDATE `+t.Name+` SET `+t.Sealed+`=$1 WHERE `+t.ID+`=$2 AND `+t.Sealed+`=$3`, t.Seal(box, x.id, secret), x.id, x.sealed); err != nil {
			return db.Fault(t.Kind, err)
		}
	}
	return nil
}

// Things are those of a kind; News says how one of them does. The methods may be called
// from any goroutine and block on the database or Redis until ctx ends; their errors are
// faults.
type Things[News any] struct {
	Table
	DB    *db.DB
	Redis *redis.Client
	Box   *seal.Box
	Log   *slog.Logger
}

// Seal makes a secret fit for the row of that thing alone.
func (t *Things[News]) Seal(id uuid.UUID, secret string) string {
	return t.Table.Seal(t.Box, id, secret)
}

// Open is what Seal sealed; its errors are those of seal.Box.
func (t *Things[News]) Open(id uuid.UUID, sealed string) (string, error) {
	return t.Table.Open(t.Box, id, sealed)
}

func (t *Things[News]) key(id uuid.UUID) string { return "weir:live:" + t.Kind + ":" + id.String() }

// Report tells how things do; it has to be told again within 10 s.
func (t *Things[News]) Report(ctx context.Context, all map[uuid.UUID]News) error {
	if len(all) == 0 {
		return nil
	}
	p := t.Redis.Pipeline()
	for id, x := range all {
		text, err := json.Marshal(x)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Kind, err)
		}
		p.Set(ctx, t.key(id), text, newsLife)
	}
	_, err := p.Exec(ctx)
	return db.Fault(t.Kind, err)
}

// News is how things do, in their order; nil: nobody tells. Without Redis nothing is known.
func (t *Things[News]) News(ctx context.Context, ids ...uuid.UUID) []*News {
	list := make([]*News, len(ids))
	if len(ids) == 0 {
		return list
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = t.key(id)
	}
	texts, err := t.Redis.MGet(ctx, keys...).Result()
	if err != nil {
		t.Log.Debug("how things of channels do is not known", "kind", t.Kind, "err", err)
		return list
	}
	for i := range list {
		var x News
		text, _ := texts[i].(string) // nil: nobody tells
		if json.Unmarshal([]byte(text), &x) == nil {
			list[i] = &x
		}
	}
	return list
}

// Run seals anew what an old key of the server sealed, and drops what belongs to channels
// that are deleted, until ctx ends. Several processes may do it.
func (t *Things[News]) Run(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := t.Tidy(ctx); err != nil && ctx.Err() == nil {
			t.Log.Warn("things of channels are not tidied; trying again later", "kind", t.Kind, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

// Tidy is what Run does, once.
func (t *Things[News]) Tidy(ctx context.Context) error {
	if _, err := t.DB.Exec(ctx, `DELETE FROM `+t.Name+` WHERE channel_id IN (SELECT id FROM live_channels WHERE deleted_at IS NOT NULL)`); err != nil {
		return db.Fault(t.Kind, err)
	}
	return t.Reseal(ctx, t.DB, t.Box)
}
