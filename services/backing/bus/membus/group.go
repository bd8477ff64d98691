package membus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"weir/services/backing/bus"
	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/event"
)

// group works off the deliveries of one consumer group.
type group struct {
	sub      bus.Subscription
	conf     Config
	consumer *bus.Consumer
	more     chan struct{} // deliveries were added, or one was settled

	mu   sync.Mutex
	held map[int64]bool // deliveries that the consumer has
}

func newGroup(s bus.Subscription, c Config, m *bus.Metrics) *group {
	return &group{
		sub: s, conf: c, consumer: bus.NewConsumer(s, c, m),
		more: make(chan struct{}, 1), held: make(map[int64]bool),
	}
}

func (g *group) knock() {
	select {
	case g.more <- struct{}{}:
	default:
	}
}

func (g *group) run(ctx context.Context) {
	defer g.forget()
	defer g.consumer.Wait()
	for ctx.Err() == nil {
		n, err := g.load(ctx)
		if err != nil && ctx.Err() == nil {
			g.conf.Log.Warn("deliveries wait", "group", g.sub.Group, "err", err)
		}
		if n > 0 && err == nil {
			continue
		}
		g.wait(ctx, err == nil)
	}
}

func (g *group) wait(ctx context.Context, ok bool) {
	more, pause := g.more, time.Second
	if !ok {
		more = nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-more:
	}
}

// load gives the consumer the next deliveries, and returns how many. It waits until
// half of the window is free, so that rows are not read over and over.
func (g *group) load(ctx context.Context) (int, error) {
	if g.count() > g.conf.Prefetch/2 {
		return 0, nil
	}
	list, err := outbox.Deliveries(ctx, g.conf.DB, g.sub.Group, g.conf.Prefetch, g.holds)
	if err != nil {
		return 0, err
	}
	for _, d := range list {
		g.hold(d.Seq)
		one := &delivery{group: g, row: d}
		if d.Claims > g.conf.DeliveryLimit {
			g.consumer.Bury(ctx, one, fmt.Errorf("taken up %d times, and each time the process ended before it was handled", d.Claims-1))
			continue
		}
		g.consumer.Give(ctx, one)
	}
	return len(list), nil
}

func (g *group) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.held)
}

func (g *group) holds(seq int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held[seq]
}

func (g *group) hold(seq int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held[seq] = true
}

// forget lets the next Run begin with what is in the database.
func (g *group) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.held)
}

// delivery is a row of the table deliveries while the consumer has it.
type delivery struct {
	group *group
	row   outbox.Delivery
}

var _ bus.Delivery = (*delivery)(nil)

// Event is the event of the row.
func (d *delivery) Event() event.Event { return d.row.Event }

// Past is what the row says.
func (d *delivery) Past() (int, time.Time) { return d.row.Attempts, d.row.NextAt }

// Take deletes the row: who does so has the delivery.
func (d *delivery) Take(ctx context.Context, q db.Q) (bool, error) {
	return outbox.Delivered(ctx, q, d.row.Seq)
}

// Failed updates the row.
func (d *delivery) Failed(ctx context.Context, attempts int, next time.Time, cause string) error {
	return outbox.Failed(ctx, d.group.conf.DB, d.row.Seq, attempts, next, cause)
}

// Settle makes room for another.
func (d *delivery) Settle(bool) {
	g := d.group
	g.mu.Lock()
	delete(g.held, d.row.Seq)
	low := len(g.held) == g.conf.Prefetch/2
	g.mu.Unlock()
	if low {
		g.knock()
	}
}
