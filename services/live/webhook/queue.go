package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

// job is a delivery that is due, with where it goes.
type job struct {
	delivery Delivery
	endpoint Endpoint
}

// due are deliveries that may be sent, a few of each endpoint, those that wait longest
// first. They are not claimed.
func (s store) due(ctx context.Context, now time.Time) ([]job, error) {
	rows, err := s.q.Query(ctx, `SELECT `+deliveryColumns+` FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY webhook_id ORDER BY next_at, id) AS place FROM live_webhook_deliveries WHERE state='waiting' AND next_at <= $1
) AS d WHERE place <= $2 ORDER BY next_at, id LIMIT $3`, now, atOnceEach, 4*atOnce)
	list, err := db.Collect(rows, err, scanDelivery)
	if err != nil {
		return nil, err
	}
	var jobs []job
	known := map[uuid.UUID]Endpoint{}
	for _, d := range list {
		e, read := known[d.webhook]
		if !read {
			e, err = scanEndpoint(s.q.QueryRow(ctx, `SELECT `+endpointColumns+` FROM live_webhooks WHERE id=$1`, d.webhook))
			switch {
			case errors.Is(err, db.ErrNotFound): // deleted while the event came in
				err = s.remove(ctx, d.webhook)
			case err == nil && !e.Enabled: // turned off while the event came in
				err = s.cancel(ctx, d.webhook, "the webhook was turned off", now)
			}
			if err != nil {
				return nil, err
			}
			known[d.webhook] = e
		}
		if e.Enabled {
			jobs = append(jobs, job{d, e})
		}
	}
	return jobs, nil
}

// claim begins an attempt; false: another process was first.
func (s store) claim(ctx context.Context, d Delivery, now time.Time) (bool, error) {
	n, err := s.q.Exec(ctx, `UPDATE live_webhook_deliveries SET attempts=attempts+1, next_at=$1, tried_at=$2 WHERE id=$3 AND attempts=$4 AND state='waiting'`,
		now.Add(lease), now, d.ID, d.Attempts)
	return n == 1, err
}

// settle ends the attempt that d counts; false: it is not the newest any more.
func (s store) settle(ctx context.Context, d Delivery, state State, r result, now, next time.Time) (bool, error) {
	var ended *time.Time
	if state != Waiting {
		ended = &now
	}
	n, err := s.q.Exec(ctx, `UPDATE live_webhook_deliveries SET state=$1, status=$2, error=$3, answer=$4, took_ms=$5, ended_at=$6, next_at=$7
WHERE id=$8 AND attempts=$9 AND state='waiting'`, string(state), r.status, r.err, r.answer, r.took.Milliseconds(), ended, next, d.ID, d.Attempts)
	return n == 1, err
}

// tidy drops deliveries that are old or too many, endpoints of deleted channels once all
// that waits for them is decided, and old secrets that sign no more.
func (s *Service) tidy(ctx context.Context) error {
	now := s.stamp()
	if _, err := s.db.Exec(ctx, `DELETE FROM live_webhook_deliveries WHERE created_at < $1`, now.Add(-keepFor)); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `UPDATE live_webhooks SET old_secret='', old_until=NULL WHERE old_until < $1`, now); err != nil {
		return err
	}
	scan := func(r db.Row) (id uuid.UUID, err error) { err = r.Scan(&id); return id, err }
	rows, err := s.db.Query(ctx, `SELECT webhook_id FROM live_webhook_deliveries GROUP BY webhook_id HAVING COUNT(*) > $1 LIMIT 1000`, keepEach)
	long, err := db.Collect(rows, err, scan)
	if err != nil {
		return err
	}
	for _, id := range long {
		_, err := s.db.Exec(ctx, `DELETE FROM live_webhook_deliveries WHERE webhook_id=$1 AND id <= (
  SELECT id FROM live_webhook_deliveries WHERE webhook_id=$1 ORDER BY id DESC LIMIT 1 OFFSET $2)`, id, keepEach)
		if err != nil {
			return err
		}
	}
	rows, err = s.db.Query(ctx, `SELECT id FROM live_webhooks WHERE gone_at < $1 LIMIT 1000`, now.Add(-giveUp-time.Hour))
	gone, err := db.Collect(rows, err, scan)
	for _, id := range gone {
		err = errors.Join(err, s.within(ctx, func(ctx context.Context, st store) error { return st.remove(ctx, id) }))
	}
	return err
}

// reseal seals anew what was sealed with an old key. What cannot be opened stays.
func (s *Service) reseal(ctx context.Context) error {
	rows, err := s.db.Query(ctx, `SELECT `+endpointColumns+` FROM live_webhooks WHERE secret NOT LIKE $1 ORDER BY id`, s.box.Prefix()+"%")
	list, err := db.Collect(rows, err, scanEndpoint)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	for _, e := range list {
		secrets, err := s.secrets(e, s.now())
		if err != nil {
			s.log.Error("a webhook's secret cannot be read: it was sealed with another key; bring the key back, or rotate the secret", "webhook", e.ID, "err", err)
			continue
		}
		old := ""
		if len(secrets) > 1 {
			old = s.sealed(e.ID, secrets[1])
		}
		_, err = s.db.Exec(ctx, `UPDATE live_webhooks SET secret=$1, old_secret=$2 WHERE id=$3 AND secret=$4`, s.sealed(e.ID, secrets[0]), old, e.ID, e.secret)
		if err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
	}
	return nil
}
