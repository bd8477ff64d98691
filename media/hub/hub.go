package hub

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/media"
)

// ErrExists is returned by Create for a stream that is live already.
var ErrExists = errors.New("stream is live already")

// Hub is the set of live streams. The zero value is an empty hub.
type Hub struct {
	// OnStart, when set, is called by Create before it returns, so that readers
	// can be attached before the first packet is written. Its error undoes Create.
	OnStart func(*Stream) error
	// OnEnd, when set, is called once for each stream after it was closed.
	OnEnd func(*Stream)

	mu      sync.RWMutex
	streams map[media.StreamID]*Stream
}

// Create makes a stream live. epoch is the wall-clock instant of media time 0.
// The error wraps ErrExists, or is OnStart's.
func (h *Hub) Create(id media.StreamID, epoch time.Time, tracks []*media.Track) (*Stream, error) {
	h.mu.Lock()
	if _, ok := h.streams[id]; ok {
		h.mu.Unlock()
		return nil, fmt.Errorf("%s: %w", id, ErrExists)
	}
	if h.streams == nil {
		h.streams = make(map[media.StreamID]*Stream)
	}
	s := &Stream{id: id, epoch: epoch, tracks: slices.Clone(tracks), hub: h, done: make(chan struct{})}
	h.streams[id] = s
	h.mu.Unlock()
	if h.OnStart != nil {
		if err := h.OnStart(s); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// Get returns a live stream, or nil.
func (h *Hub) Get(id media.StreamID) *Stream {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.streams[id]
}

// Sounds returns the streams with the further sounds of a publisher, in order.
func (h *Hub) Sounds(id media.StreamID) (out []*Stream) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for n := 1; n < media.MaxSounds; n++ {
		if s := h.streams[id.Sound(n)]; s != nil {
			out = append(out, s)
		}
	}
	return out
}

// Streams returns the live streams in order of their IDs.
func (h *Hub) Streams() []*Stream {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]*Stream, 0, len(h.streams))
	for _, s := range h.streams {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Stream) int { return strings.Compare(string(a.id), string(b.id)) })
	return out
}

func (h *Hub) remove(s *Stream) {
	h.mu.Lock()
	if h.streams[s.id] == s {
		delete(h.streams, s.id)
	}
	h.mu.Unlock()
	if h.OnEnd != nil {
		h.OnEnd(s)
	}
}
