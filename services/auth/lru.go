package auth

import (
	"container/list"
	"sync"
)

// digest is the SHA-256 of a token: what caches know it by.
type digest [32]byte

// lru is a map of at most size entries; the one that was not asked for the longest
// makes room. It may be used from any goroutine.
type lru[V any] struct {
	size int

	mu    sync.Mutex
	items map[digest]*list.Element
	order *list.List // of lruItem[V], the latest used first
}

type lruItem[V any] struct {
	key   digest
	value V
}

func newLRU[V any](size int) *lru[V] {
	return &lru[V]{size: size, items: map[digest]*list.Element{}, order: list.New()}
}

func (l *lru[V]) get(key digest) (V, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.items[key]
	if !ok {
		var none V
		return none, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*lruItem[V]).value, true
}

func (l *lru[V]) put(key digest, value V) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.items[key]; ok {
		e.Value.(*lruItem[V]).value = value
		l.order.MoveToFront(e)
		return
	}
	if l.order.Len() >= l.size {
		oldest := l.order.Back()
		delete(l.items, oldest.Value.(*lruItem[V]).key)
		l.order.Remove(oldest)
	}
	l.items[key] = l.order.PushFront(&lruItem[V]{key: key, value: value})
}

func (l *lru[V]) drop(key digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.items[key]; ok {
		delete(l.items, key)
		l.order.Remove(e)
	}
}

func (l *lru[V]) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.order.Len()
}
