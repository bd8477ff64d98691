package webhook

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/httpd"
)

// State is what became of a delivery.
type State string

// The states of a delivery.
const (
	Waiting   State = "waiting"   // to be sent, or sent again
	Delivered State = "delivered" // answered by 2xx
	Failed    State = "failed"    // given up
)

// Delivery is an event on its way to an endpoint.
type Delivery struct {
	ID       uuid.UUID  `json:"id"`
	Event    string     `json:"event_id" doc:"The header webhook-id"`
	Type     string     `json:"type"`
	State    State      `json:"state" enum:"waiting,delivered,failed"`
	Attempts int64      `json:"attempts"`
	Next     *time.Time `json:"next_at,omitempty" doc:"When it is sent next"`
	Created  time.Time  `json:"created_at"`
	Tried    *time.Time `json:"tried_at,omitempty" doc:"The last attempt"`
	Ended    *time.Time `json:"ended_at,omitempty"`
	Status   int64      `json:"status" doc:"Of HTTP, of the last attempt; 0: there was no answer"`
	Error    string     `json:"error,omitempty" doc:"What was wrong with the last attempt"`
	Answer   string     `json:"answer,omitempty" doc:"The beginning of the body of the last answer, at most 4 KiB"`
	Took     int64      `json:"took_ms" doc:"How long the last attempt took"`

	webhook uuid.UUID
	body    string
	until   time.Time
}

const deliveryColumns = `id, webhook_id, event_id, type, body, state, attempts, next_at, until, created_at, tried_at, ended_at, status, error, answer, took_ms`

func scanDelivery(r db.Row) (d Delivery, err error) {
	var next time.Time
	err = r.Scan(&d.ID, &d.webhook, &d.Event, &d.Type, &d.body, &d.State, &d.Attempts, &next, &d.until, &d.Created, &d.Tried, &d.Ended, &d.Status, &d.Error, &d.Answer, &d.Took)
	if d.State == Waiting {
		d.Next = &next
	}
	return d, err
}

// Deliveries are those of an endpoint, newest first.
func (s *Service) Deliveries(ctx context.Context, who auth.Identity, channel, id uuid.UUID, after string, limit int) (httpd.Page[Delivery], error) {
	var none httpd.Page[Delivery]
	if _, err := s.Endpoint(ctx, who, channel, id); err != nil {
		return none, err
	}
	before, err := httpd.After(after, uuid.Max)
	if err != nil {
		return none, err
	}
	limit = httpd.PageSize(limit)
	rows, err := s.db.Query(ctx, `SELECT `+deliveryColumns+` FROM live_webhook_deliveries WHERE webhook_id=$1 AND id < $2 ORDER BY id DESC LIMIT $3`, id, before, limit+1)
	list, err := db.Collect(rows, err, scanDelivery)
	if err != nil {
		return none, db.Fault("webhook", err)
	}
	return httpd.PageByID(list, limit, func(d Delivery) uuid.UUID { return d.ID }), nil
}

// Redeliver sends what a delivery was again, as a new one with the same webhook-id.
func (s *Service) Redeliver(ctx context.Context, who auth.Identity, channel, id, delivery uuid.UUID) (Delivery, error) {
	return s.again(ctx, who, channel, id, func(ctx context.Context, st store) (Delivery, error) {
		d, err := scanDelivery(st.q.QueryRow(ctx, `SELECT `+deliveryColumns+` FROM live_webhook_deliveries WHERE id=$1 AND webhook_id=$2`, delivery, id))
		if err == nil && d.State == Waiting {
			return d, fault.New(fault.Conflict, "it waits to be sent already")
		}
		return d, noSuch(err, "delivery")
	})
}

// ping is the event of a test.
type ping struct {
	Webhook uuid.UUID `json:"webhook_id"`
}

// EventType is "webhook.ping.v1".
func (ping) EventType() string { return "webhook.ping.v1" }

// EventSubject is the endpoint.
func (p ping) EventSubject() string { return p.Webhook.String() }

// Ping sends an event of the type webhook.ping.v1, whatever types the endpoint wants.
func (s *Service) Ping(ctx context.Context, who auth.Identity, channel, id uuid.UUID) (Delivery, error) {
	e, err := event.New(ctx, "/weir/live", ping{id})
	if err != nil {
		return Delivery{}, err
	}
	e.DataSchema = ""
	text, err := bodyOf(e)
	if err != nil {
		return Delivery{}, err
	}
	return s.again(ctx, who, channel, id, func(context.Context, store) (Delivery, error) {
		return Delivery{Event: e.ID, Type: e.Type, body: text}, nil
	})
}

// again adds a delivery that somebody asks for.
func (s *Service) again(ctx context.Context, who auth.Identity, channel, id uuid.UUID, what func(context.Context, store) (Delivery, error)) (Delivery, error) {
	var d Delivery
	err := s.within(ctx, func(ctx context.Context, st store) error {
		if err := s.mayManage(ctx, st.q, who, channel, false); err != nil {
			return err
		}
		e, err := st.endpoint(ctx, channel, id, true)
		if err != nil {
			return noSuch(err, "webhook")
		}
		if !e.Enabled {
			return fault.New(fault.Conflict, "the webhook is turned off: turn it on first")
		}
		waiting := 0
		if err := st.q.QueryRow(ctx, `SELECT COUNT(*) FROM live_webhook_deliveries WHERE webhook_id=$1 AND state='waiting'`, id).Scan(&waiting); err != nil {
			return err
		}
		if waiting >= keepEach/2 {
			return fault.New(fault.Conflict, "too much waits to be sent already")
		}
		was, err := what(ctx, st)
		if err != nil {
			return err
		}
		d, err = st.add(ctx, id, was.Event, was.Type, was.body, s.stamp())
		return err
	})
	return d, err
}

// bodyOf is what is sent of an event. Where it came about inside of weir is left out.
func bodyOf(e event.Event) (string, error) {
	e.TraceParent = ""
	text, err := json.Marshal(e)
	return string(text), err
}

// add puts a delivery into the queue.
func (s store) add(ctx context.Context, webhook uuid.UUID, eventID, typ, body string, now time.Time) (Delivery, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Delivery{}, err
	}
	d := Delivery{ID: id, webhook: webhook, Event: eventID, Type: typ, body: body, State: Waiting, Next: &now, Created: now, until: now.Add(giveUp)}
	_, err = s.q.Exec(ctx, `INSERT INTO live_webhook_deliveries (id, webhook_id, event_id, type, body, state, attempts, next_at, until, created_at, status, error, answer, took_ms)
VALUES ($1,$2,$3,$4,$5,'waiting',0,$6,$7,$6,0,'','',0)`, d.ID, webhook, eventID, typ, body, now, d.until)
	return d, err
}
