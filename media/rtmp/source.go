package rtmp

import (
	"fmt"
	"io"
)

// source is a buffered reader that counts, keeps a budget, and lets long reads
// pass by its buffer, so that most of a media body is copied once only: by the
// kernel.
type source struct {
	r          io.Reader
	buf        []byte
	start, end int // buf[start:end] is read but not taken

	total  uint64 // bytes read from r
	budget int64  // bytes that may still be read; negative: any number
}

func newSource(r io.Reader, size int, budget int64) *source {
	return &source{r: r, buf: make([]byte, size), budget: budget}
}

// resize gives the source a buffer of another size; what is buffered is kept.
func (s *source) resize(size int) {
	buf := make([]byte, max(size, s.end-s.start))
	s.end = copy(buf, s.buf[s.start:s.end])
	s.start, s.buf = 0, buf
}

// peek returns the next n bytes without taking them; n is at most the size of
// the buffer. The slice is valid until the next call.
func (s *source) peek(n int) ([]byte, error) {
	for s.end-s.start < n {
		if s.start > 0 {
			s.end = copy(s.buf, s.buf[s.start:s.end])
			s.start = 0
		}
		m, err := s.read(s.buf[s.end:])
		s.end += m
		if err != nil && s.end < n {
			return nil, err
		}
	}
	return s.buf[s.start : s.start+n], nil
}

// take returns the next n bytes, like peek, and passes over them.
func (s *source) take(n int) ([]byte, error) {
	b, err := s.peek(n)
	if err == nil {
		s.start += n
	}
	return b, err
}

// full reads len(p) bytes into p.
func (s *source) full(p []byte) error {
	for {
		n := copy(p, s.buf[s.start:s.end])
		s.start += n
		p = p[n:]
		if len(p) == 0 {
			return nil
		}
		for len(p) >= len(s.buf) { // nothing is buffered here
			n, err := s.read(p)
			p = p[n:]
			if err != nil && len(p) > 0 {
				return err
			}
		}
		if len(p) == 0 {
			return nil
		}
		n, err := s.read(s.buf)
		s.start, s.end = 0, n
		if err != nil && n < len(p) {
			return err
		}
	}
}

func (s *source) read(p []byte) (int, error) {
	if s.budget == 0 {
		return 0, fmt.Errorf("%w: too many bytes before publishing", ErrLimit)
	}
	if s.budget > 0 && int64(len(p)) > s.budget {
		p = p[:s.budget]
	}
	n, err := s.r.Read(p)
	if s.budget > 0 {
		s.budget -= int64(n)
	}
	s.total += uint64(n)
	if n == 0 && err == nil {
		err = io.ErrNoProgress
	}
	return n, err
}
