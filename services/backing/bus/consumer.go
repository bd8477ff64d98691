package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"weir/services/backing/bus/lane"
	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/event"
)

// Delivery is an event on its way to a group, as a bus has it. Its methods are called
// from one goroutine at a time.
type Delivery interface {
	// Event is the event; the same each time.
	Event() event.Event
	// Past is how often the handler failed in earlier processes, and until when to
	// wait because of that.
	Past() (attempts int, until time.Time)
	// Take is called in the transaction of the effects; false means that somebody
	// else has dealt with the delivery.
	Take(ctx context.Context, q db.Q) (bool, error)
	// Failed may keep that an attempt failed; it is called outside of transactions.
	Failed(ctx context.Context, attempts int, next time.Time, cause string) error
	// Settle is called once at the end, unless Run ended before: dead says that the
	// event was buried, else it was handled (now or earlier).
	Settle(dead bool)
}

// Consumer handles the deliveries of one group, those of a subject in the order in
// which they were given.
type Consumer struct {
	sub     Subscription
	conf    Config
	metrics *Metrics
	tracer  trace.Tracer
	workers chan struct{}
	lanes   lane.Lanes
}

// NewConsumer makes the consumer of sub. conf has its defaults.
func NewConsumer(sub Subscription, conf Config, m *Metrics) *Consumer {
	return &Consumer{
		sub: sub, conf: conf, metrics: m,
		tracer:  conf.Tracer.Tracer("weir/services/backing/bus"),
		workers: make(chan struct{}, conf.Workers),
	}
}

// Give hands a delivery over. It does not block; the caller bounds how many are not
// settled. After the end of ctx deliveries are left alone, unsettled.
func (c *Consumer) Give(ctx context.Context, d Delivery) {
	c.lanes.Go(d.Event().Subject, func() { c.handle(ctx, d) })
}

// Wait blocks until nothing is being handled; call it after the end of Give's ctx.
func (c *Consumer) Wait() { c.lanes.Wait() }

func (c *Consumer) handle(ctx context.Context, d Delivery) {
	attempts, until := d.Past()
	for outages := 0; ; {
		if !sleep(ctx, until.Sub(c.conf.Now())) {
			return
		}
		outcome, err := c.attempt(ctx, d)
		switch {
		case ctx.Err() != nil && outcome != took:
			return
		case outcome == took:
			d.Settle(false)
			return
		case outcome == away:
			// The database, not the event, is at fault: this counts for nothing.
			outages++
			until = c.conf.Now().Add(min(c.conf.Backoff.Pause(outages), 5*time.Second))
			c.conf.Log.Warn("event waits for the database", "group", c.sub.Group, "event", d.Event(), "err", err)
			continue
		}
		attempts++
		outages = 0
		c.metrics.failed.WithLabelValues(c.sub.Group).Inc()
		if attempts >= c.conf.MaxAttempts || hopeless(err) {
			c.bury(ctx, d, attempts, err)
			return
		}
		until = c.conf.Now().Add(c.conf.Backoff.Pause(attempts))
		c.failed(ctx, d, attempts, until, err)
	}
}

func hopeless(err error) bool {
	return errors.Is(err, event.ErrData) || errors.Is(err, event.ErrMalformed)
}

func (c *Consumer) failed(ctx context.Context, d Delivery, attempts int, next time.Time, cause error) {
	c.conf.Log.Warn("event failed, will be tried again", "group", c.sub.Group, "event", d.Event(),
		"attempt", attempts, "next", next, "err", cause)
	if err := d.Failed(ctx, attempts, next, cause.Error()); err != nil && ctx.Err() == nil {
		c.conf.Log.Warn("failed attempt not kept", "group", c.sub.Group, "event", d.Event(), "err", err)
	}
}

// outcome of an attempt.
type outcome int

const (
	took   outcome = iota // handled, now or before
	away                  // the handler was not reached
	failed                // the handler failed
)

func (c *Consumer) attempt(ctx context.Context, d Delivery) (outcome, error) {
	select {
	case c.workers <- struct{}{}:
	case <-ctx.Done():
		return away, ctx.Err()
	}
	defer func() { <-c.workers }()
	e := d.Event()
	ctx, span := c.tracer.Start(e.Context(ctx), "handle "+e.Type, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.String("messaging.consumer.group.name", c.sub.Group),
			attribute.String("messaging.message.id", e.ID)))
	defer span.End()
	ctx, cancel := context.WithTimeout(ctx, c.conf.HandleTimeout)
	defer cancel()

	began := c.conf.Now()
	reached, err := c.transact(ctx, d)
	c.metrics.took(c.sub.Group, c.conf.Now().Sub(began))
	switch {
	case err == nil && reached:
		c.metrics.handled.WithLabelValues(c.sub.Group).Inc()
		return took, nil
	case err == nil:
		c.metrics.repeated.WithLabelValues(c.sub.Group).Inc()
		return took, nil
	case reached:
		span.SetStatus(codes.Error, "handler failed")
		return failed, err
	}
	span.SetStatus(codes.Error, "database away")
	return away, err
}

// transact reports whether the handler was called in the last try of the transaction.
func (c *Consumer) transact(ctx context.Context, d Delivery) (reached bool, err error) {
	e := d.Event()
	err = c.conf.DB.Tx(ctx, func(ctx context.Context, q db.Q) error {
		reached = false
		mine, err := d.Take(ctx, q)
		if err != nil || !mine {
			return err
		}
		fresh, err := outbox.Mark(ctx, q, c.sub.Group, e.ID, c.conf.Now())
		if err != nil || !fresh {
			return err
		}
		reached = true
		return c.call(ctx, q, e)
	})
	return reached, err
}

// call is the handler; a panic in it is an error like others.
func (c *Consumer) call(ctx context.Context, q db.Q, e event.Event) (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.conf.Log.Error("handler panicked", "group", c.sub.Group, "event", e, "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("handler panicked: %v", r)
		}
	}()
	return c.sub.Handle(ctx, q, e)
}

// Bury makes d dead in its turn, without trying it, because of cause. It does not
// block, as Give.
func (c *Consumer) Bury(ctx context.Context, d Delivery, cause error) {
	attempts, _ := d.Past()
	c.lanes.Go(d.Event().Subject, func() { c.bury(ctx, d, attempts, cause) })
}

func (c *Consumer) bury(ctx context.Context, d Delivery, attempts int, cause error) {
	e := d.Event()
	for n := 1; ; n++ {
		now, buried := c.conf.Now(), false
		err := c.conf.DB.Tx(ctx, func(ctx context.Context, q db.Q) error {
			mine, err := d.Take(ctx, q)
			if err != nil || !mine {
				return err
			}
			buried, err = outbox.Bury(ctx, q, Dead{
				Group: c.sub.Group, Event: e, Attempts: attempts, Error: cause.Error(), Time: now,
			})
			return err
		})
		if err == nil {
			if buried {
				c.metrics.Died(c.sub.Group)
				c.conf.Log.Error("event is dead", "group", c.sub.Group, "event", e, "attempts", attempts, "err", cause)
			}
			d.Settle(buried)
			return
		}
		if ctx.Err() != nil {
			return
		}
		c.conf.Log.Warn("dead event not kept yet", "group", c.sub.Group, "event", e, "err", err)
		if !sleep(ctx, min(c.conf.Backoff.Pause(n), 5*time.Second)) {
			return
		}
	}
}

// sleep waits for d and reports whether ctx still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
