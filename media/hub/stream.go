package hub

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/media"
	"weir/media/ring"
)

// Stream is one live sequence of packets. Write and Close belong to its one
// writer; everything else may be called from anywhere.
type Stream struct {
	id     media.StreamID
	epoch  time.Time
	tracks []*media.Track
	hub    *Hub

	mu      sync.RWMutex
	readers []*Reader
	taps    []*tap
	closed  bool
	done    chan struct{}

	key     atomic.Pointer[media.Packet]
	packets atomic.Uint64
	bytes   atomic.Uint64
	frames  atomic.Uint64
	first   atomic.Int64 // DTS of the first packet
	last    atomic.Int64 // DTS of the newest packet
}

// ID names the stream.
func (s *Stream) ID() media.StreamID { return s.id }

// Epoch is the wall-clock instant of media time 0.
func (s *Stream) Epoch() time.Time { return s.epoch }

// Tracks are the tracks that the stream began with, video first. Packets may
// point to newer ones.
func (s *Stream) Tracks() []*media.Track { return s.tracks }

// Track is the first track of a kind that the stream began with; nil: it has none.
func (s *Stream) Track(k media.Kind) *media.Track {
	for _, t := range s.tracks {
		if t.Kind == k {
			return t
		}
	}
	return nil
}

// Done is closed when the stream ends.
func (s *Stream) Done() <-chan struct{} { return s.done }

// LastKey is the newest video key frame, or nil.
func (s *Stream) LastKey() *media.Packet { return s.key.Load() }

// Write gives p to every reader, then to the taps. It never blocks. p must not be
// changed afterwards.
func (s *Stream) Write(p *media.Packet) {
	if s.packets.Add(1) == 1 {
		s.first.Store(int64(p.DTS))
	}
	s.bytes.Add(uint64(len(p.Data)))
	s.last.Store(int64(p.DTS))
	if p.Track.Kind == media.Video {
		s.frames.Add(1)
		if p.Key {
			s.key.Store(p)
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, r := range s.readers {
		if r.only == 0 || r.only == p.Track.Kind {
			r.ring.Push(p, len(p.Data), p.Key && (p.Track.Kind == media.Video || !r.video))
		}
	}
	for _, t := range s.taps {
		t.take(p)
	}
}

// tap is a consumer without a queue.
type tap struct{ take func(*media.Packet) }

// Tap has take called by the writer itself with every packet written from now on,
// which saves a queue and the waking of a goroutine for each. take must be quick and
// wait for nothing that can take long: meanwhile the writer stands still. After off,
// which must not be called from take, and after Done no call is under way.
func (s *Stream) Tap(take func(*media.Packet)) (off func()) {
	t := &tap{take}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.taps = append(s.taps, t)
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.taps = slices.DeleteFunc(s.taps, func(o *tap) bool { return o == t })
	}
}

// Subscribe attaches a reader that sees every packet written from now on. The
// caller must Close it.
func (s *Stream) Subscribe(limits ring.Limits) *Reader {
	return s.attach(&Reader{ring: ring.New[*media.Packet](limits), video: hasVideo(s.tracks)})
}

// SubscribeKind is Subscribe for a reader that wants one kind of track only.
func (s *Stream) SubscribeKind(kind media.Kind, limits ring.Limits) *Reader {
	return s.attach(&Reader{ring: ring.New[*media.Packet](limits), only: kind, video: kind == media.Video})
}

func (s *Stream) attach(r *Reader) *Reader {
	r.stream = s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		r.ring.Close()
		return r
	}
	s.readers = append(s.readers, r)
	return r
}

// Close ends the stream: readers get io.EOF after what is queued. It may be
// called more than once.
func (s *Stream) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.done)
	for _, r := range s.readers {
		r.ring.Close()
	}
	s.readers, s.taps = nil, nil
	s.mu.Unlock()
	s.hub.remove(s)
}

// Stats are running totals since the stream began.
type Stats struct {
	Packets, Bytes, Frames uint64
	First, Last            media.Time // DTS of the first and of the newest packet
	Readers                int
	Dropped                uint64 // packets lost by the readers attached now
}

// Stats reads the counters.
func (s *Stream) Stats() Stats {
	st := Stats{Packets: s.packets.Load(), Bytes: s.bytes.Load(), Frames: s.frames.Load(), First: media.Time(s.first.Load()), Last: media.Time(s.last.Load())}
	s.mu.RLock()
	defer s.mu.RUnlock()
	st.Readers = len(s.readers)
	for _, r := range s.readers {
		st.Dropped += r.ring.Dropped()
	}
	return st
}

// Reader is one consumer of a stream.
type Reader struct {
	stream *Stream
	ring   *ring.Ring[*media.Packet]
	only   media.Kind // 0: all
	video  bool       // go on at key frames of the picture after a loss
}

// Read blocks for the next packet. It returns io.EOF after the stream's end, or
// the context's error. One goroutine at a time.
func (r *Reader) Read(ctx context.Context) (*media.Packet, error) { return r.ring.Pull(ctx) }

// Dropped is the number of packets that this reader was too slow for.
func (r *Reader) Dropped() uint64 { return r.ring.Dropped() }

// Len is the number of packets waiting.
func (r *Reader) Len() int { return r.ring.Len() }

// Close detaches the reader. It may be called more than once.
func (r *Reader) Close() {
	r.stream.mu.Lock()
	r.stream.readers = slices.DeleteFunc(r.stream.readers, func(o *Reader) bool { return o == r })
	r.stream.mu.Unlock()
	r.ring.Close()
}

func hasVideo(tracks []*media.Track) bool {
	return slices.ContainsFunc(tracks, func(t *media.Track) bool { return t.Kind == media.Video })
}
