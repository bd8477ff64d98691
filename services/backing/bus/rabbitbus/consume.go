package rabbitbus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"weir/services/backing/bus"
	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/event"
)

// maxShown is how many bytes of a message that is no event are kept.
const maxShown = 16 << 10

// runGroups consumes the queues of all groups over the connection of s.
func (b *Bus) runGroups(ctx context.Context, s *session) error {
	ch, err := s.conn.Channel()
	if err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	if err := b.declare(ch); err != nil {
		return err
	}
	if err := ch.Close(); err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, sub := range b.conf.Subscriptions {
		if err := b.consume(ctx, &wg, s, sub); err != nil {
			return err
		}
	}
	s.up()
	<-ctx.Done()
	return context.Cause(ctx)
}

// declare makes the exchanges, and the queues of all groups.
func (b *Bus) declare(ch *amqp.Channel) error {
	if err := b.names.declareExchanges(ch); err != nil {
		return err
	}
	for _, g := range b.conf.Groups {
		if err := b.names.declareGroup(ch, g, b.conf.DeliveryLimit); err != nil {
			return err
		}
	}
	return nil
}

// consume starts to consume the two queues of a group, in goroutines of wg.
func (b *Bus) consume(ctx context.Context, wg *sync.WaitGroup, s *session, sub bus.Subscription) error {
	messages, err := b.open(ctx, wg, s, b.names.queue(sub.Group), b.conf.Prefetch)
	if err != nil {
		return err
	}
	wg.Go(func() {
		consumer := bus.NewConsumer(sub, b.conf.Config, b.metrics)
		defer consumer.Wait()
		each(ctx, s, messages, func(m amqp.Delivery) { b.receive(ctx, consumer, sub, m) })
	})
	graves, err := b.open(ctx, wg, s, b.names.grave(sub.Group), 16)
	if err != nil {
		return err
	}
	wg.Go(func() {
		each(ctx, s, graves, func(m amqp.Delivery) { b.collect(ctx, sub.Group, m) })
	})
	return nil
}

// open consumes a queue on a channel of its own.
func (b *Bus) open(ctx context.Context, wg *sync.WaitGroup, s *session, queue string, prefetch int) (<-chan amqp.Delivery, error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("channel: %w", err)
	}
	if err := ch.Qos(prefetch, 0, false); err != nil {
		return nil, fmt.Errorf("prefetch: %w", err)
	}
	messages, err := ch.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		return nil, fmt.Errorf("consume %s: %w", queue, err)
	}
	stop := watch(ctx, ch, s.fail)
	cancelled := ch.NotifyCancel(make(chan string, 1)) // the queue was deleted
	wg.Go(func() {
		defer stop()
		select {
		case <-ctx.Done():
		case _, ok := <-cancelled:
			if ok {
				s.fail(fmt.Errorf("the broker ended the consumer of %s", queue))
			}
			<-ctx.Done() // the channel was closed, so watch ends the session
		}
	})
	return messages, nil
}

// each ends with ctx, or ends the session when there can be no more messages.
func each(ctx context.Context, s *session, messages <-chan amqp.Delivery, do func(amqp.Delivery)) {
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-messages:
			if !ok {
				s.fail(errLost)
				return
			}
			do(m)
		}
	}
}

// receive gives a message to the consumer; what is no event is dead at once.
func (b *Bus) receive(ctx context.Context, c *bus.Consumer, sub bus.Subscription, m amqp.Delivery) {
	e, err := event.Parse(m.Body)
	d := &delivery{event: e, message: m}
	switch {
	case err != nil:
		d.event = foreign(m.Body, b.conf.Now())
		c.Bury(ctx, d, err)
	case m.Exchange != "" && !sub.Wants(e.Type): // a binding of an older version
		d.Settle(false)
	default:
		c.Give(ctx, d)
	}
}

// foreign is an event that tells of a message that is none.
func foreign(body []byte, now time.Time) event.Event {
	sum := sha256.Sum256(body)
	shown := strings.ToValidUTF8(string(body[:min(len(body), maxShown)]), "\uFFFD")
	data, _ := json.Marshal(shown) // a string can always be written
	return event.Event{
		ID: "sha256-" + hex.EncodeToString(sum[:]), Source: "/weir/bus", Type: "bus.malformed.v1",
		Time: now.UTC().Truncate(time.Microsecond), Data: data,
	}
}

// collect keeps a message from the dead-letter exchange as dead; it goes on trying
// until ctx ends. What the consumer gave up is kept already; here comes also what the
// broker gave up, after having handed it out too often.
func (b *Bus) collect(ctx context.Context, group string, m amqp.Delivery) {
	now := b.conf.Now()
	e, err := event.Parse(m.Body)
	if err != nil {
		e = foreign(m.Body, now)
	}
	cause := fmt.Sprintf("the broker gave it up (%v): each process that got it ended, or lost its connection, before it was handled",
		m.Headers["x-first-death-reason"])
	for n := 1; ; n++ {
		buried, err := outbox.BuryUnknown(ctx, b.conf.DB, bus.Dead{Group: group, Event: e, Error: cause, Time: now})
		if err == nil {
			if buried {
				b.metrics.Died(group)
				b.conf.Log.Error("event is dead", "group", group, "event", e, "err", cause)
			}
			_ = m.Ack(false) // else it comes again, and is known
			return
		}
		b.conf.Log.Warn("dead letter not kept yet", "group", group, "event", e, "err", err)
		timer := time.NewTimer(min(b.conf.Backoff.Pause(n), closeTimeout))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// delivery is a message while the consumer has it.
type delivery struct {
	event   event.Event
	message amqp.Delivery
}

var _ bus.Delivery = (*delivery)(nil)

// Event is what the message holds.
func (d *delivery) Event() event.Event { return d.event }

// Past is nothing: the broker counts the deliveries, not the attempts.
func (d *delivery) Past() (int, time.Time) { return 0, time.Time{} }

// Take is true: the inbox alone decides.
func (d *delivery) Take(context.Context, db.Q) (bool, error) { return true, nil }

// Failed keeps nothing: attempts count while this process has the message.
func (d *delivery) Failed(context.Context, int, time.Time, string) error { return nil }

// Settle answers the broker. An error means that the channel is gone; then the
// message comes again, and the inbox knows it.
func (d *delivery) Settle(dead bool) {
	if dead {
		_ = d.message.Nack(false, false) // to weir.dead
		return
	}
	_ = d.message.Ack(false)
}
