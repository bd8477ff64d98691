package s3blob

import (
	"bytes"
	"errors"
	"io"
	"math/bits"
	"sync"
)

// parts is memory for parts that nobody uses, by its size: smallPart and each double of it
// to PartSize.
type parts [classes]sync.Pool

const (
	classes   = 8
	smallPart = PartSize >> (classes - 1) // 64 KiB
)

// class is that of the memory of so many bytes.
func class(room int64) int { return bits.Len64(uint64(max(room, 1)-1) / smallPart) }

// take is an empty part with room for so many bytes, PartSize of them at most.
func (p *parts) take(room int64) []byte {
	n := class(room)
	if part, ok := p[n].Get().(*[]byte); ok {
		return *part
	}
	return make([]byte, 0, smallPart<<n)
}

// give takes a part back.
func (p *parts) give(part []byte) {
	part = part[:0]
	p[class(int64(cap(part)))].Put(&part)
}

// read fills a part to PartSize, or with all there is, in memory that grows with it; it has
// to be given back also after an error. size is what is to come, if that is known, or 0.
func (p *parts) read(body io.Reader, size int64) ([]byte, error) {
	part := p.take(min(size+1, PartSize)) // the end shows only in a read that has room
	for len(part) < PartSize {
		if len(part) == cap(part) {
			more := append(p.take(2*int64(cap(part))), part...)
			p.give(part)
			part = more
		}
		n, err := body.Read(part[len(part):cap(part)])
		part = part[:len(part)+n]
		if err == io.EOF { // an error that wraps it is no end
			break
		}
		if err != nil {
			return part, err
		}
	}
	return part, nil
}

// loan is a part that is sent. The transport may read for a moment after a request is over:
// not what is in the part by then.
type loan struct {
	mu   sync.Mutex
	r    *bytes.Reader
	over bool
}

func lend(part []byte) *loan { return &loan{r: bytes.NewReader(part)} }

// Size is that of the part.
func (l *loan) Size() int64 { return l.r.Size() }

// Read gives what comes next.
func (l *loan) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return 0, errOver
	}
	return l.r.Read(p)
}

// Seek begins again, for another attempt.
func (l *loan) Seek(offset int64, whence int) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Seek(offset, whence)
}

var errOver = errors.New("the request is over")

// end makes the part free for other use.
func (l *loan) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}

var _ io.ReadSeeker = (*loan)(nil)
