package bus

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/outbox"
)

const (
	// batch is how many entries of the outbox are moved at once.
	batch = 256
	// housekeeping is how often the outbox is counted and the inbox forgets.
	housekeeping = 15 * time.Second
	// forgetAtOnce bounds the rows that one statement deletes.
	forgetAtOnce = 1000
	// countTo is where counting the outbox ends.
	countTo = 100_000
)

// Relay empties the outbox. Of all processes on a database one does it at a time,
// as long as the lease is kept; two at once do double work, but no harm.
type Relay struct {
	conf    Config
	metrics *Metrics
	move    func(ctx context.Context, list []outbox.Entry) error
	holder  string
	wake    chan struct{}

	held    time.Time // when the lease was renewed
	cleaned time.Time
}

// NewRelay makes a relay. move carries entries to where they are safe and removes
// those (outbox.Remove), keeping the order of each subject: when one entry cannot be
// moved, the later ones of its subject are not either. It is called from Run only;
// after an error the rest is given again. conf has its defaults.
func NewRelay(conf Config, m *Metrics, move func(ctx context.Context, list []outbox.Entry) error) *Relay {
	return &Relay{conf: conf, metrics: m, move: move, holder: uuid.NewString(), wake: make(chan struct{}, 1)}
}

// Wake makes Run look at once. It does not block.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run empties the outbox until ctx ends; it can be called again after that.
func (r *Relay) Run(ctx context.Context) {
	defer r.release(ctx)
	for failures := 0; ctx.Err() == nil; {
		n, err := r.step(ctx)
		pause := r.conf.Poll
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			pause = min(r.conf.Poll<<min(failures, 6), 5*time.Second)
			r.conf.Log.Warn("outbox waits", "err", err, "pause", pause)
		case n == batch:
			continue
		default:
			failures = 0
		}
		r.wait(ctx, pause, err == nil)
	}
}

func (r *Relay) wait(ctx context.Context, pause time.Duration, wakes bool) {
	wake := r.wake
	if !wakes {
		wake = nil // a failure is not tried sooner because more came
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	}
}

// step moves one batch and returns how many entries there were.
func (r *Relay) step(ctx context.Context) (int, error) {
	if now := r.conf.Now(); now.Sub(r.held) >= r.conf.Lease/3 {
		ok, err := outbox.Hold(ctx, r.conf.DB, "relay", r.holder, now, r.conf.Lease)
		if err != nil || !ok {
			r.held = time.Time{}
			return 0, err
		}
		r.held = now
	}
	r.clean(ctx)
	list, err := outbox.Pending(ctx, r.conf.DB, batch)
	if err != nil && len(list) == 0 {
		return 0, err
	}
	if err != nil {
		r.conf.Log.Error("outbox has rows that are no events", "err", err)
	}
	if len(list) == 0 {
		return 0, nil
	}
	return len(list), r.move(ctx, list)
}

// clean counts the outbox and lets the inbox forget. Events go on when it fails.
func (r *Relay) clean(ctx context.Context) {
	now := r.conf.Now()
	if now.Sub(r.cleaned) < housekeeping {
		return
	}
	r.cleaned = now
	n, err := outbox.Count(ctx, r.conf.DB, countTo)
	if err == nil {
		r.metrics.waiting.Set(float64(n))
		var gone int64
		gone, err = outbox.Forget(ctx, r.conf.DB, now.Add(-r.conf.Keep), forgetAtOnce)
		if gone == forgetAtOnce { // there is more: at the next step
			r.cleaned = time.Time{}
		}
	}
	if err != nil && ctx.Err() == nil {
		r.conf.Log.Warn("housekeeping of events failed", "err", err)
	}
}

// release lets the next process begin at once.
func (r *Relay) release(ctx context.Context) {
	if r.held.IsZero() {
		return
	}
	r.held = time.Time{}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := outbox.Release(ctx, r.conf.DB, "relay", r.holder); err != nil {
		r.conf.Log.Warn("lease not given back; it runs out by itself", "err", err)
	}
}
