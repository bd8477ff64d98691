package vod

import (
	"container/list"
	"context"
	"errors"
	"hash/fnv"
	"strconv"
	"sync"
	"time"

	"weir/packager/archive"
)

// How long what was read of a recording is believed.
const (
	completeFor = time.Minute // it may be deleted
	growingFor  = time.Second
)

// loads is how many recordings are read from the store at once.
const loads = 4

// loadWithin bounds the reading of one.
const loadWithin = 30 * time.Second

// shelf keeps what was read of recordings lately, within a bounded memory.
type shelf struct {
	load   func(ctx context.Context, id string) (*archive.Index, error)
	now    func() time.Time
	memory int64
	slots  chan struct{}

	mu      sync.Mutex
	entries map[string]*entry
	order   *list.List // of *entry, the last used in front
	size    int64
}

// entry is one recording. All but texts and cost never change once ready is closed.
type entry struct {
	id    string
	ready chan struct{}
	until time.Time
	index *archive.Index
	runs  []archive.Run
	err   error

	place *list.Element
	texts map[string]*text
	cost  int64
}

// text is a rendered manifest.
type text struct {
	once sync.Once
	text []byte
	tag  string
	err  error
}

func newShelf(load func(context.Context, string) (*archive.Index, error), now func() time.Time, memory int64) *shelf {
	return &shelf{load: load, now: now, memory: memory, slots: make(chan struct{}, loads), entries: make(map[string]*entry), order: list.New()}
}

// get finds a recording; those who ask for the same one at once wait for one reading.
func (s *shelf) get(ctx context.Context, id string) (*entry, error) {
	for {
		e, mine := s.find(id)
		if mine {
			s.read(ctx, e)
		}
		select {
		case <-e.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if e.err == nil {
			return e, nil
		}
		// who read for us may have left
		if mine || !errors.Is(e.err, context.Canceled) {
			return nil, e.err
		}
	}
}

// find returns the entry of a recording; mine tells that the caller has to read it.
func (s *shelf) find(id string) (e *entry, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e = s.entries[id]
	if e != nil && (e.until.IsZero() || s.now().Before(e.until)) {
		s.order.MoveToFront(e.place)
		return e, false
	}
	if e != nil {
		s.drop(e)
	}
	e = &entry{id: id, ready: make(chan struct{}), texts: make(map[string]*text), cost: 1024}
	s.entries[id] = e
	e.place = s.order.PushFront(e)
	s.size += e.cost
	return e, true
}

func (s *shelf) read(ctx context.Context, e *entry) {
	defer close(e.ready)
	ctx, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		e.index, e.err = s.load(ctx, e.id)
		<-s.slots
	case <-ctx.Done():
		e.err = ctx.Err()
	}
	if e.err == nil {
		e.runs = e.index.Runs()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.err != nil {
		s.drop(e)
		return
	}
	e.until = s.now().Add(growingFor)
	if e.index.Complete {
		e.until = s.now().Add(completeFor)
	}
	cost := int64(len(e.runs)) * 48
	for _, r := range e.index.Renditions {
		cost += int64(len(r.Segments))*56 + int64(len(r.Inits))*128
	}
	s.charge(e, cost)
}

// charge accounts for memory that an entry takes, and lets go of others.
func (s *shelf) charge(e *entry, cost int64) {
	if s.entries[e.id] != e {
		return // it was dropped meanwhile
	}
	e.cost += cost
	s.size += cost
	for last := s.order.Back(); s.size > s.memory && last != nil && last.Value != e; last = s.order.Back() {
		if old, ok := last.Value.(*entry); ok {
			s.drop(old)
		}
	}
}

func (s *shelf) drop(e *entry) {
	if s.entries[e.id] != e {
		return
	}
	delete(s.entries, e.id)
	s.order.Remove(e.place)
	s.size -= e.cost
}

// text renders a manifest of an entry, once.
func (s *shelf) text(e *entry, name string, render func() ([]byte, error)) (*text, error) {
	s.mu.Lock()
	t := e.texts[name]
	if t == nil {
		t = &text{}
		e.texts[name] = t
	}
	s.mu.Unlock()
	t.once.Do(func() {
		if t.text, t.err = render(); t.err != nil {
			return
		}
		h := fnv.New64a()
		_, _ = h.Write(t.text) // never fails
		t.tag = strconv.Quote(strconv.FormatUint(h.Sum64(), 36))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.charge(e, int64(len(t.text)))
	})
	return t, t.err
}
