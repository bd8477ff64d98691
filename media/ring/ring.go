package ring

import (
	"context"
	"io"
	"sync"
)

// Limits bound a Ring. The zero value means the defaults.
type Limits struct {
	Items int // default 512
	Bytes int // default 16 MiB
}

// Ring is a bounded first-in-first-out queue. Push may be called from one
// goroutine, Pull from another, Close from any.
type Ring[T any] struct {
	mu      sync.Mutex
	items   []T
	sizes   []int
	head, n int
	bytes   int
	limits  Limits
	skip    bool // refuse items until a restart point
	dropped uint64
	closed  bool
	wake    chan struct{} // capacity 1: something changed
}

// New makes an empty ring.
func New[T any](limits Limits) *Ring[T] {
	if limits.Items <= 0 {
		limits.Items = 512
	}
	if limits.Bytes <= 0 {
		limits.Bytes = 16 << 20
	}
	return &Ring[T]{items: make([]T, 16), sizes: make([]int, 16), limits: limits, wake: make(chan struct{}, 1)}
}

// Push appends v, which weighs size bytes. It never blocks. When v does not fit,
// everything queued is dropped and so is all that follows until a v comes with
// restart set. It reports whether v was queued.
func (r *Ring[T]) Push(v T, size int, restart bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	if r.n >= r.limits.Items || r.bytes+size > r.limits.Bytes && r.n > 0 {
		r.clear()
		r.skip = true
	}
	if r.skip {
		if !restart {
			r.dropped++
			return false
		}
		r.skip = false
	}
	if r.n == len(r.items) {
		r.grow()
	}
	at := (r.head + r.n) % len(r.items)
	r.items[at], r.sizes[at] = v, size
	r.n++
	r.bytes += size
	r.signal()
	return true
}

// Pull takes the oldest item. It blocks until there is one, and returns io.EOF
// once the ring is closed and empty, or the context's error.
func (r *Ring[T]) Pull(ctx context.Context) (T, error) {
	for {
		r.mu.Lock()
		if r.n > 0 {
			v := r.items[r.head]
			var zero T
			r.items[r.head] = zero
			r.bytes -= r.sizes[r.head]
			r.head = (r.head + 1) % len(r.items)
			r.n--
			r.mu.Unlock()
			return v, nil
		}
		closed := r.closed
		r.mu.Unlock()
		var zero T
		if closed {
			return zero, io.EOF
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return zero, ctx.Err()
		}
	}
}

// Close ends the ring: what is queued can still be pulled. It may be called
// more than once.
func (r *Ring[T]) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.signal()
}

// Len and Dropped tell how many items wait and how many were lost so far.
func (r *Ring[T]) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

// Dropped is the number of items that the reader never saw.
func (r *Ring[T]) Dropped() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

func (r *Ring[T]) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *Ring[T]) clear() {
	r.dropped += uint64(r.n)
	clear(r.items)
	r.head, r.n, r.bytes = 0, 0, 0
}

func (r *Ring[T]) grow() {
	items, sizes := make([]T, 2*len(r.items)), make([]int, 2*len(r.items))
	for i := range r.n {
		at := (r.head + i) % len(r.items)
		items[i], sizes[i] = r.items[at], r.sizes[at]
	}
	r.items, r.sizes, r.head = items, sizes, 0
}
