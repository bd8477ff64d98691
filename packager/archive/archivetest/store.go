package archivetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"weir/packager/archive"
)

// ErrDown is what a store says that does not work.
var ErrDown = errors.New("the store is down")

// Store holds objects in memory. The zero value is empty and works.
type Store struct {
	mu      sync.Mutex
	objects map[string][]byte
	down    bool
	puts    []string
}

var _ archive.Store = (*Store)(nil)

// SetDown makes every call fail, or work again.
func (s *Store) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Put implements archive.Store.
func (s *Store) Put(_ context.Context, key string, r io.Reader, size int64, _ string) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if int64(len(data)) != size {
		return fmt.Errorf("%s: %d bytes, %d were announced", key, len(data), size)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return ErrDown
	}
	if s.objects == nil {
		s.objects = make(map[string][]byte)
	}
	s.objects[key] = data
	s.puts = append(s.puts, key)
	return nil
}

// Get implements archive.Store.
func (s *Store) Get(_ context.Context, key string, from, length int64) (io.ReadCloser, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, 0, ErrDown
	}
	data, ok := s.objects[key]
	if !ok {
		return nil, 0, fmt.Errorf("%s: %w", key, archive.ErrNotFound)
	}
	size := int64(len(data))
	end := size
	if length > 0 {
		end = min(size, from+length)
	}
	return io.NopCloser(bytes.NewReader(data[min(from, size):end])), size, nil
}

// List implements archive.Store, in pages of at most 7.
func (s *Store) List(_ context.Context, prefix, after string, limit int) ([]archive.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, ErrDown
	}
	if limit <= 0 || limit > 7 {
		limit = 7
	}
	var page []archive.Object
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(key, prefix) && key > after && len(page) < limit {
			page = append(page, archive.Object{Key: key, Size: int64(len(s.objects[key]))})
		}
	}
	return page, nil
}

// Delete implements archive.Store.
func (s *Store) Delete(_ context.Context, keys ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return ErrDown
	}
	for _, key := range keys {
		delete(s.objects, key)
	}
	return nil
}

// Keys are those of all objects, in order.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Puts are the keys in the order in which they were stored.
func (s *Store) Puts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.puts)
}

// Object is the bytes under a key; nil for none.
func (s *Store) Object(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[key]
}
