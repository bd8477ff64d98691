package http11

import "sync"

// buffers are lent for as long as something is in them.
type buffers struct {
	size int // of a new one, in bytes
	pool sync.Pool
}

func (b *buffers) lend() *[]byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return p
	}
	p := make([]byte, b.size)
	return &p
}

// take takes one back, but for those that have grown.
func (b *buffers) take(p *[]byte) {
	if cap(*p) <= b.size {
		b.pool.Put(p)
	}
}
