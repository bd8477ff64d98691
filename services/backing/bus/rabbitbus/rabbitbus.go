package rabbitbus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"weir/services/backing/bus"
	"weir/services/event"
)

// Config is that of every bus and how to reach the broker.
type Config struct {
	bus.Config
	URL            string        // amqp:// or amqps://, with user and password
	Prefix         string        // of all names at the broker; "weir"
	ConfirmTimeout time.Duration // for the broker to confirm one event; 5 s
	Reconnect      bus.Backoff   // pauses between attempts to connect; 100 ms to 3 s, doubled
}

// Bus carries events over RabbitMQ.
type Bus struct {
	bus.Graveyard
	conf    Config
	names   names
	metrics *bus.Metrics
	relay   *bus.Relay

	publishing, consuming *link

	mu  sync.Mutex
	out *publisher // of the connection of now; nil without one
}

var _ bus.Bus = (*Bus)(nil)

// New checks c and makes a Bus; it does not connect yet. The error never holds the URL.
func New(c Config) (*Bus, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if _, err := amqp.ParseURI(c.URL); err != nil {
		return nil, errors.New("bus: the AMQP address is not like amqp://user:password@host:5672/vhost")
	}
	c.Config = c.Config.Defaults()
	if c.Prefix == "" {
		c.Prefix = "weir"
	}
	if c.ConfirmTimeout <= 0 {
		c.ConfirmTimeout = 5 * time.Second
	}
	if c.Reconnect == (bus.Backoff{}) {
		c.Reconnect = bus.Backoff{First: 100 * time.Millisecond, Max: 3 * time.Second, Factor: 2}
	}
	metrics, err := bus.NewMetrics(c.Metrics)
	if err != nil {
		return nil, err
	}
	b := &Bus{Graveyard: bus.NewGraveyard(c.Config), conf: c, names: names{c.Prefix}, metrics: metrics}
	b.relay = bus.NewRelay(c.Config, metrics, b.publish)
	b.publishing = newLink("publishing", c, metrics, b.runRelay)
	b.consuming = newLink("consuming", c, metrics, b.runGroups)
	return b, nil
}

// Run carries and handles events until ctx ends. See bus.Bus.
func (b *Bus) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { b.publishing.run(ctx) })
	wg.Go(func() { b.consuming.run(ctx) })
	wg.Wait()
	return nil
}

// Ready is nil when both connections are up and all queues are consumed.
func (b *Bus) Ready(context.Context) error {
	return errors.Join(b.publishing.ready(), b.consuming.ready())
}

// Wake makes the bus look at the outbox at once.
func (b *Bus) Wake() { b.relay.Wake() }

// names at the broker.
type names struct{ prefix string }

func (n names) events() string            { return n.prefix + ".events" }
func (n names) dead() string              { return n.prefix + ".dead" }
func (n names) queue(group string) string { return n.prefix + "." + group }
func (n names) grave(group string) string { return n.prefix + "." + group + ".dead" }

// declareExchanges makes the two exchanges, or finds them.
func (n names) declareExchanges(ch *amqp.Channel) error {
	for _, name := range []string{n.events(), n.dead()} {
		if err := ch.ExchangeDeclare(name, amqp.ExchangeTopic, true, false, false, false, nil); err != nil {
			return fmt.Errorf("exchange %s: %w", name, err)
		}
	}
	return nil
}

// declareGroup makes the two queues of a group, or finds them.
func (n names) declareGroup(ch *amqp.Channel, g event.Group, deliveryLimit int) error {
	queue, grave := n.queue(g.Name), n.grave(g.Name)
	_, err := ch.QueueDeclare(queue, true, false, false, false, amqp.Table{
		"x-queue-type":              "quorum",
		"x-single-active-consumer":  true,
		"x-delivery-limit":          int32(deliveryLimit),
		"x-dead-letter-exchange":    n.dead(),
		"x-dead-letter-routing-key": queue,
		"x-dead-letter-strategy":    "at-least-once",
		"x-overflow":                "reject-publish", // what at-least-once asks for
	})
	if err != nil {
		return mismatch(queue, err)
	}
	if _, err = ch.QueueDeclare(grave, true, false, false, false, amqp.Table{"x-queue-type": "quorum"}); err != nil {
		return mismatch(grave, err)
	}
	if err := ch.QueueBind(grave, queue, n.dead(), false, nil); err != nil {
		return fmt.Errorf("queue %s: bind: %w", grave, err)
	}
	for _, t := range g.Types {
		key := strings.TrimSuffix(t, "*")
		if key != t {
			key += "#"
		}
		if err := ch.QueueBind(queue, key, n.events(), false, nil); err != nil {
			return fmt.Errorf("queue %s: bind: %w", queue, err)
		}
	}
	return nil
}

func mismatch(queue string, err error) error {
	var e *amqp.Error
	if errors.As(err, &e) && e.Code == amqp.PreconditionFailed {
		return fmt.Errorf("queue %s exists with other settings; delete it at the broker when it is empty: %w", queue, err)
	}
	return fmt.Errorf("queue %s: %w", queue, err)
}
