package auth

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	pingEvery = 2 * time.Second  // is the subscription alive?
	readEvery = 30 * time.Second // the whole set again, should a message have been lost
	silence   = 3                // pings without an answer: it is not alive
	minPause  = 50 * time.Millisecond
	maxPause  = 2 * time.Second
)

// Run keeps the revocations in step with Redis until ctx ends; it connects again for
// ever and then returns nil. Call it once.
func (v *Verifier) Run(ctx context.Context) error {
	pause, lost := minPause, false
	inStep := func() {
		pause = minPause
		if lost {
			v.config.Log.Info("revocations are in step again")
		}
		lost = false
	}
	for ctx.Err() == nil {
		err := v.follow(ctx, inStep)
		if !lost && ctx.Err() == nil {
			v.config.Log.Warn("revocations are not in step: those that are known count", "err", err)
		}
		lost = true
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, maxPause)
	}
	return nil
}

// follow is one subscription, from its connection to its end.
func (v *Verifier) follow(ctx context.Context, inStep func()) error {
	ctx, cancel := context.WithCancel(ctx)
	subscription := v.config.Redis.Subscribe(ctx, revokedKey)
	var done sync.WaitGroup
	done.Go(func() { v.ping(ctx, subscription) })
	done.Go(func() {
		<-ctx.Done()
		_ = subscription.Close() // wakes receive; nothing is lost with it
	})
	err := v.receive(ctx, subscription, inStep)
	cancel()
	done.Wait()
	return err
}

// ping asks for a sign of life with the time of asking in it.
func (v *Verifier) ping(ctx context.Context, subscription *goredis.PubSub) {
	tick := time.NewTicker(v.pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		sent := strconv.FormatInt(int64(v.mono().Sub(v.start)), 10)
		_ = subscription.Ping(ctx, sent) // no answer is what counts
	}
}

// receive takes messages until there is silence. The set is read whole each time
// Redis says that the subscription stands, which is also after each reconnect that
// the client makes by itself.
func (v *Verifier) receive(ctx context.Context, subscription *goredis.PubSub, inStep func()) error {
	var read time.Time
	for {
		message, err := subscription.ReceiveTimeout(ctx, silence*v.pingEvery)
		if err != nil {
			return fmt.Errorf("revocations: %w", err)
		}
		due := false
		switch m := message.(type) {
		case *goredis.Message:
			v.heard(m.Payload)
		case *goredis.Subscription:
			due = true
		case *goredis.Pong:
			due = v.mono().Sub(read) >= v.readEvery
			if sent, err := strconv.ParseInt(m.Payload, 10, 64); err == nil && !read.IsZero() {
				v.inStepAt(v.start.Add(time.Duration(sent)))
			}
		}
		if !due {
			continue
		}
		read = v.mono()
		if err := v.Sync(ctx); err != nil {
			return err
		}
		inStep()
	}
}
