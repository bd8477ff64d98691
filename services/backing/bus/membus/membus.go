package membus

import (
	"context"
	"errors"
	"sync"

	"weir/services/backing/bus"
	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/event"
)

// Config is that of every bus.
type Config = bus.Config

// Bus carries events inside of one process.
type Bus struct {
	bus.Graveyard
	conf   Config
	relay  *bus.Relay
	groups []*group

	mu      sync.Mutex
	running bool
}

var _ bus.Bus = (*Bus)(nil)

// New checks c and makes a Bus; it touches nothing yet.
func New(c Config) (*Bus, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c = c.Defaults()
	metrics, err := bus.NewMetrics(c.Metrics)
	if err != nil {
		return nil, err
	}
	b := &Bus{Graveyard: bus.NewGraveyard(c), conf: c}
	for _, s := range c.Subscriptions {
		b.groups = append(b.groups, newGroup(s, c, metrics))
	}
	b.relay = bus.NewRelay(c, metrics, func(ctx context.Context, list []outbox.Entry) error {
		n, err := b.spread(ctx, list)
		metrics.Relayed(n)
		return err
	})
	return b, nil
}

// Run carries and handles events until ctx ends. See bus.Bus.
func (b *Bus) Run(ctx context.Context) error {
	b.setRunning(true)
	defer b.setRunning(false)
	var wg sync.WaitGroup
	for _, g := range b.groups {
		wg.Go(func() { g.run(ctx) })
	}
	wg.Go(func() { b.relay.Run(ctx) })
	wg.Wait()
	return nil
}

func (b *Bus) setRunning(yes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running = yes
}

// Ready is nil when Run runs and the database answers.
func (b *Bus) Ready(ctx context.Context) error {
	b.mu.Lock()
	running := b.running
	b.mu.Unlock()
	if !running {
		return errors.New("events: the dispatcher is not running")
	}
	return b.conf.DB.Ping(ctx)
}

// Wake makes the bus look at the outbox at once.
func (b *Bus) Wake() { b.relay.Wake() }

// spread copies entries to the groups that want them, also to those that only other
// processes on the database handle.
func (b *Bus) spread(ctx context.Context, list []outbox.Entry) (int, error) {
	moved := 0
	woken := make(map[string]bool)
	err := b.conf.DB.Tx(ctx, func(ctx context.Context, q db.Q) error {
		moved = 0
		for _, entry := range list {
			n, err := outbox.Remove(ctx, q, entry.Seq)
			if err != nil {
				return err
			}
			if n == 0 { // another relay was here
				continue
			}
			moved++
			for _, g := range b.conf.Groups {
				if !wants(g, entry) {
					continue
				}
				if err := outbox.Deliver(ctx, q, g.Name, entry.Event, b.conf.Now()); err != nil {
					return err
				}
				woken[g.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, g := range b.groups {
		if woken[g.sub.Group] {
			g.knock()
		}
	}
	return moved, nil
}

// wants: an entry that is emitted again for one group is for that group only.
func wants(g event.Group, e outbox.Entry) bool {
	if e.Group != "" {
		return e.Group == g.Name
	}
	return g.Wants(e.Event.Type)
}
