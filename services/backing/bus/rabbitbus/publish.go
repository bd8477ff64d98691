package rabbitbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"weir/services/backing/bus/lane"
	"weir/services/backing/outbox"
	"weir/services/event"
)

var (
	errNoConfirm = errors.New("the broker did not confirm in time")
	errRefused   = errors.New("the broker refused the event")
	errNoChannel = errors.New("no connection to the broker")
)

// publisher publishes on one channel in confirm mode.
type publisher struct {
	ch      *amqp.Channel
	names   names
	timeout time.Duration
	fail    context.CancelCauseFunc
}

// runRelay empties the outbox over the connection of s.
func (b *Bus) runRelay(ctx context.Context, s *session) error {
	ch, err := s.conn.Channel()
	if err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	// The groups too, also those of other processes: what is published before their
	// queues are there would be lost to them.
	if err := b.declare(ch); err != nil {
		return err
	}
	if err := ch.Confirm(false); err != nil {
		return fmt.Errorf("confirm mode: %w", err)
	}
	stop := watch(ctx, ch, s.fail)
	defer stop()
	b.setOut(&publisher{ch: ch, names: b.names, timeout: b.conf.ConfirmTimeout, fail: s.fail})
	defer b.setOut(nil)
	s.up()
	b.relay.Run(ctx)
	return context.Cause(ctx)
}

func (b *Bus) setOut(p *publisher) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out = p
}

// watch ends the session when the broker closes a channel; stop waits for its end.
func watch(ctx context.Context, ch *amqp.Channel, fail context.CancelCauseFunc) (stop func()) {
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case e := <-closed:
			if e == nil {
				fail(errLost)
				return
			}
			fail(fmt.Errorf("the broker closed a channel: %w", e))
		case <-ctx.Done():
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// publish moves entries of the outbox to the broker: those of a subject one after
// the other, each after the confirm of the one before, the subjects side by side.
func (b *Bus) publish(ctx context.Context, list []outbox.Entry) error {
	b.mu.Lock()
	out := b.out
	b.mu.Unlock()
	if out == nil {
		return errNoChannel
	}
	var lanes lane.Lanes
	var mu sync.Mutex
	var sent []int64
	held := make(map[string]bool) // subjects of which one failed
	var first error
	for _, entry := range list {
		subject := entry.Event.Subject
		lanes.Go(subject, func() {
			mu.Lock()
			skip := subject != "" && held[subject]
			mu.Unlock()
			if skip {
				return
			}
			err := out.publish(ctx, entry)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				sent = append(sent, entry.Seq)
				return
			}
			held[subject] = true
			if first == nil {
				first = err
			}
		})
	}
	lanes.Wait()
	// What was confirmed is removed even when ctx has ended: it need not go again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	n, err := outbox.Remove(ctx, b.conf.DB, sent...)
	b.metrics.Relayed(int(n))
	return errors.Join(first, err)
}

// publish blocks until the broker has the event for sure.
func (p *publisher) publish(ctx context.Context, entry outbox.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e := entry.Event
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	exchange, key := p.names.events(), e.Type
	if entry.Group != "" { // again, for one group: straight to its queue
		exchange, key = "", p.names.queue(entry.Group)
	}
	confirm, err := p.ch.PublishWithDeferredConfirm(exchange, key, false, false, amqp.Publishing{
		ContentType: event.ContentType, DeliveryMode: amqp.Persistent,
		MessageId: e.ID, Type: e.Type, Timestamp: e.Time, Body: body,
	})
	if err != nil {
		return fmt.Errorf("publish %s: %w", e, err)
	}
	timer := time.NewTimer(p.timeout)
	defer timer.Stop()
	select {
	case <-confirm.Done():
		if !confirm.Acked() {
			return fmt.Errorf("publish %s: %w", e, errRefused)
		}
		return nil
	case <-ctx.Done(): // also when the connection is lost: a dead channel confirms nothing
		return context.Cause(ctx)
	case <-timer.C:
		p.fail(errNoConfirm)
		return fmt.Errorf("publish %s: %w", e, errNoConfirm)
	}
}
