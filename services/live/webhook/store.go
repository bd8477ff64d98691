package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// store is the SQL of this package. Its errors are those of package db.
type store struct{ q db.Q }

const endpointColumns = `id, channel_id, url, types, enabled, off_reason, failing_since, old_until, created_at, version, secret, old_secret`

func scanEndpoint(r db.Row) (e Endpoint, err error) {
	var types json.RawMessage
	if err := r.Scan(&e.ID, &e.Channel, &e.URL, &types, &e.Enabled, &e.Off, &e.Failing, &e.OldUntil, &e.Created, &e.Version, &e.secret, &e.old); err != nil {
		return e, err
	}
	if err := json.Unmarshal(types, &e.Types); err != nil {
		return e, fmt.Errorf("types of webhook %s: %w", e.ID, err)
	}
	return e, nil
}

// endpoints are those of a channel, or of the installation for the nil UUID.
func (s store) endpoints(ctx context.Context, channel uuid.UUID) ([]Endpoint, error) {
	rows, err := s.q.Query(ctx, `SELECT `+endpointColumns+` FROM live_webhooks
WHERE (channel_id=$1 OR channel_id IS NULL AND $1=$2) AND gone_at IS NULL ORDER BY id LIMIT 100`, channel, uuid.Nil)
	return db.Collect(rows, err, scanEndpoint)
}

// endpoint is one of endpoints, held when the caller will change it.
func (s store) endpoint(ctx context.Context, channel, id uuid.UUID, hold bool) (Endpoint, error) {
	end := ""
	if hold {
		end = db.Hold(s.q)
	}
	return scanEndpoint(s.q.QueryRow(ctx, `SELECT `+endpointColumns+` FROM live_webhooks
WHERE id=$1 AND (channel_id=$2 OR channel_id IS NULL AND $2=$3) AND gone_at IS NULL `+end, id, channel, uuid.Nil))
}

// told are the enabled endpoints that an event of that channel may be for; the nil UUID
// is for events of none.
func (s store) told(ctx context.Context, channel uuid.UUID) ([]Endpoint, error) {
	rows, err := s.q.Query(ctx, `SELECT `+endpointColumns+` FROM live_webhooks
WHERE (channel_id=$1 OR channel_id IS NULL) AND enabled AND gone_at IS NULL ORDER BY id LIMIT 100`, channel)
	return db.Collect(rows, err, scanEndpoint)
}

func (s store) insert(ctx context.Context, e Endpoint) error {
	types, err := json.Marshal(e.Types)
	if err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `INSERT INTO live_webhooks (id, channel_id, url, types, secret, old_secret, enabled, off_reason, version, created_at, updated_at)
VALUES ($1,$2,$3,$4,$5,'',$6,'',$7,$8,$8)`, e.ID, e.Channel, e.URL, json.RawMessage(types), e.secret, e.Enabled, e.Version, e.Created)
	return err
}

func (s store) update(ctx context.Context, e Endpoint, now time.Time) error {
	types, err := json.Marshal(e.Types)
	if err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `UPDATE live_webhooks SET url=$1, types=$2, enabled=$3, off_reason=$4, failing_since=$5, secret=$6, old_secret=$7, old_until=$8,
  version=$9, updated_at=$10 WHERE id=$11`,
		e.URL, json.RawMessage(types), e.Enabled, e.Off, e.Failing, e.secret, e.old, e.OldUntil, e.Version, now, e.ID)
	return err
}

func (s store) remove(ctx context.Context, id uuid.UUID) error {
	if _, err := s.q.Exec(ctx, `DELETE FROM live_webhook_deliveries WHERE webhook_id=$1`, id); err != nil {
		return err
	}
	_, err := s.q.Exec(ctx, `DELETE FROM live_webhooks WHERE id=$1`, id)
	return err
}

// cancel ends what waits for an endpoint.
func (s store) cancel(ctx context.Context, id uuid.UUID, why string, now time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE live_webhook_deliveries SET state='failed', error=$1, ended_at=$2 WHERE webhook_id=$3 AND state='waiting'`, why, now, id)
	return err
}

// channelGone hides the endpoints of a channel that was deleted; what waits is still sent.
func (s store) channelGone(ctx context.Context, channel uuid.UUID, now time.Time) error {
	_, err := s.q.Exec(ctx, `UPDATE live_webhooks SET gone_at=$1 WHERE channel_id=$2 AND gone_at IS NULL`, now, channel)
	return err
}

// well notes that something was delivered.
func (s store) well(ctx context.Context, id uuid.UUID) error {
	_, err := s.q.Exec(ctx, `UPDATE live_webhooks SET failing_since=NULL WHERE id=$1 AND failing_since IS NOT NULL`, id)
	return err
}

// ill notes that something could not be delivered, and returns since when.
func (s store) ill(ctx context.Context, id uuid.UUID, now time.Time) (since time.Time, err error) {
	err = s.q.QueryRow(ctx, `UPDATE live_webhooks SET failing_since=COALESCE(failing_since, $1) WHERE id=$2 RETURNING failing_since`, now, id).Scan(&since)
	return since, err
}

// turnOff ends an endpoint until somebody turns it on again.
func (s store) turnOff(ctx context.Context, id uuid.UUID, why string, now time.Time) error {
	n, err := s.q.Exec(ctx, `UPDATE live_webhooks SET enabled=$1, off_reason=$2, version=version+1, updated_at=$3 WHERE id=$4 AND enabled`, false, why, now, id)
	if err != nil || n == 0 {
		return err
	}
	return s.cancel(ctx, id, "the webhook was turned off: "+why, now)
}
