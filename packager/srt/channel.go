package srt

import (
	"slices"
	"sync"

	"weir/media"
	"weir/media/hub"
	"weir/media/ring"
	"weir/packager/feed"
)

// The queue of a viewer: more waits only where a player takes nothing for a while.
const (
	queueItems = 1024
	queueBytes = 8 << 20 // some 20 s of 3 Mbit/s
)

// channel is one live stream while somebody watches it here.
type channel struct {
	source *hub.Stream
	off    []func() // ends the taps

	mu    sync.Mutex
	mux   *mux
	seats []*seat
}

// seat is a viewer's place in a channel.
type seat struct {
	queue *ring.Ring[chunk]
	begun bool // has got a start; under the channel's lock
}

// join gives a viewer of source a seat in its channel, which begins with the first.
func (s *Server) join(source *hub.Stream) (*channel, *seat, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[source]
	if c == nil {
		feeds, lacks := feed.Of(s.cfg.Hub, source, takes)
		if lacks {
			return nil, nil, errMux
		}
		m, err := newMux(feeds)
		if err != nil {
			return nil, nil, err
		}
		c = &channel{source: source, mux: m}
		s.channels[source] = c
		var taken []*hub.Stream
		for _, f := range feeds {
			if !slices.Contains(taken, f.Stream) {
				taken = append(taken, f.Stream)
				c.off = append(c.off, f.Stream.Tap(c.take))
			}
		}
	}
	x := &seat{queue: ring.New[chunk](ring.Limits{Items: queueItems, Bytes: queueBytes})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seats = append(c.seats, x)
	return c, x, nil
}

// leave gives a seat back; the channel ends with the last.
func (s *Server) leave(c *channel, x *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.queue.Close()
	if c.remove(x) > 0 {
		return
	}
	if s.channels[c.source] == c {
		delete(s.channels, c.source)
	}
	for _, off := range c.off {
		off()
	}
}

// remove takes a seat away, and says how many are left.
func (c *channel) remove(x *seat) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seats = slices.DeleteFunc(c.seats, func(o *seat) bool { return o == x })
	return len(c.seats)
}

// take gives a packet to all viewers. The writers of the stream and of its sound call it;
// it waits for nobody but the other of the two.
func (c *channel) take(p *media.Packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one, ok := c.mux.add(p)
	if !ok {
		return
	}
	for _, x := range c.seats {
		if x.begun = x.begun || one.start; x.begun {
			x.queue.Push(one, len(one.data), one.start)
		}
	}
}
