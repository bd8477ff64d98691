package live

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"weir/services/auth"
	"weir/services/fault"
)

// How many may listen at once in this process.
const (
	listenersEach = 30   // to a channel
	listenersUser = 10   // of a user
	listenersAll  = 1000 // altogether
)

// board hands what is published about the health of streams to those who listen.
type board struct {
	mu        sync.Mutex
	byChannel map[uuid.UUID]map[*listener]bool
	byUser    map[uuid.UUID]int
	all       int
}

// listener gets the newest health of a channel; what it does not take in time is
// replaced by what is newer.
type listener struct {
	news chan string // buffered by one; JSON, or healthEnd
}

// join adds somebody who listens; the caller leaves again.
func (b *board) join(user, channel uuid.UUID) (*listener, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.byChannel[channel]) >= listenersEach || b.byUser[user] >= listenersUser || b.all >= listenersAll {
		return nil, &fault.Error{Code: fault.Limited, Detail: "too many are listening now: close another page", RetryAfter: 10 * time.Second}
	}
	if b.byChannel == nil {
		b.byChannel, b.byUser = map[uuid.UUID]map[*listener]bool{}, map[uuid.UUID]int{}
	}
	if b.byChannel[channel] == nil {
		b.byChannel[channel] = map[*listener]bool{}
	}
	l := &listener{news: make(chan string, 1)}
	b.byChannel[channel][l] = true
	b.byUser[user]++
	b.all++
	return l, nil
}

func (b *board) leave(l *listener, user, channel uuid.UUID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.byChannel[channel], l)
	if len(b.byChannel[channel]) == 0 {
		delete(b.byChannel, channel)
	}
	if b.byUser[user]--; b.byUser[user] == 0 {
		delete(b.byUser, user)
	}
	b.all--
}

// post gives a message of healthNews to those who listen to its channel. It waits for
// nobody.
func (b *board) post(message string) {
	name, text, _ := strings.Cut(message, " ")
	channel, err := uuid.Parse(name)
	if err != nil {
		return // not ours
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.byChannel[channel] {
		select {
		case <-l.news:
		default:
		}
		l.news <- text // there is room: only post writes, and it holds the lock
	}
}

const (
	newsPing  = 5 * time.Second  // is the subscription alive?
	newsQuiet = 15 * time.Second // without a sign: it is not
	newsPause = time.Second      // before the next try
)

// hear subscribes to what nodes publish, for ever, until ctx ends.
func (s *Service) hear(ctx context.Context) {
	if s.redis == nil {
		return
	}
	var ill illness
	for ctx.Err() == nil {
		ill.log(s, "the health of streams is not heard", s.hearOnce(ctx, func() { ill.log(s, "the health of streams is not heard", nil) }))
		select {
		case <-ctx.Done():
		case <-time.After(newsPause):
		}
	}
}

// hearOnce is one subscription, from its connection to its end. stands is called when it
// works.
func (s *Service) hearOnce(ctx context.Context, stands func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sub := s.redis.Subscribe(ctx, healthNews)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	wait.Go(func() {
		tick := time.NewTicker(newsPing)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				_ = sub.Close() // wakes ReceiveTimeout; nothing is lost with it
				return
			case <-tick.C:
				_ = sub.Ping(ctx) // no answer is what counts
			}
		}
	})
	for {
		message, err := sub.ReceiveTimeout(ctx, newsQuiet)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("health: %w", err)
		}
		switch m := message.(type) {
		case *goredis.Subscription:
			stands()
		case *goredis.Message:
			s.board.post(m.Payload)
		}
	}
}

// The pace of a listener, in looks of everyListen.
const (
	everyListen = 2 * time.Second
	readLooks   = 3 // without news: Redis is read, should a message have been lost
	beatLooks   = 7 // without anything to say: a comment, so that a client that left is seen
	askLooks    = 5 // whether who listens still works for the channel
)

// stream is where a listener writes to: an httpd.EventStream.
type stream interface {
	Send(id, event, data string) error
	Beat() error
	Allowed(ctx context.Context) error
}

// errLeave ends a stream of events for a reason that is no failure.
var errLeave = errors.New("the listener may not listen any more")

// listen sends the health of a channel as it is measured, until ctx ends, the client is
// gone, or it may not listen any more. l is its place on the board, tick comes every
// everyListen.
func (s *Service) listen(ctx context.Context, who auth.Identity, channel uuid.UUID, l *listener, tick <-chan time.Time, to stream) error {
	said := "" // what was sent last
	say := func(text string) error {
		if text == said {
			return nil
		}
		said = text
		if text == healthEnd {
			return to.Send("", "offline", "{}")
		}
		return to.Send("", "health", text)
	}
	read := func() error {
		switch text, err := s.healthOf(ctx, channel); {
		case err == nil && text == "":
			return say(healthEnd)
		case err == nil:
			return say(text)
		}
		return nil // Redis is away: it is tried again
	}
	if err := read(); err != nil {
		return err
	}
	quiet, silent := 0, 0
	for look := 1; ; {
		select {
		case <-ctx.Done():
			return nil
		case text := <-l.news:
			quiet, silent = 0, 0
			if err := say(text); err != nil {
				return err
			}
			continue
		case <-tick:
		}
		if err := to.Allowed(ctx); fault.Is(err, fault.Unauthenticated) {
			return fmt.Errorf("%w: %w", errLeave, err)
		}
		if look%askLooks == 0 {
			if _, err := s.access(ctx, s.store(), who, channel, Moderator); gone(err) {
				return fmt.Errorf("%w: %w", errLeave, err)
			}
		}
		look, quiet, silent = look+1, quiet+1, silent+1
		var err error
		switch {
		case silent >= beatLooks:
			silent = 0
			err = to.Beat()
		case quiet >= readLooks:
			quiet = 0
			err = read()
		}
		if err != nil {
			return err
		}
	}
}

// gone says that somebody may not know of a channel any more; a database that is away
// says nothing.
func gone(err error) bool { return fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied) }
