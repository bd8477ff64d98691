//go:build cgo

package still

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"weir/media"
	"weir/media/av"
)

const (
	maxWidth = 640
	quality  = 6               // of the JPEG encoder, 2 to 31
	freshFor = 5 * time.Second // how long a picture stands for its stream
	decoders = 2               // at a time
	maxKept  = 256             // streams whose picture is remembered
)

// ErrNoPicture is returned for a stream without a key frame.
var ErrNoPicture = errors.New("no picture")

// Stills makes and keeps the pictures. Shot may be called from anywhere.
type Stills struct {
	now func() time.Time
	sem chan struct{}

	mu   sync.Mutex
	kept map[media.StreamID]*still
}

// still is the picture of one stream. Its lock is held while it is being made.
type still struct {
	lock chan struct{} // capacity 1
	made time.Time     // of the newest try
	of   *media.Packet
	jpeg []byte
	err  error
}

// New makes an empty set. now is the clock; nil means time.Now.
func New(now func() time.Time) *Stills {
	if now == nil {
		now = time.Now
	}
	return &Stills{now: now, sem: make(chan struct{}, decoders), kept: make(map[media.StreamID]*still)}
}

// Shot gives a JPEG of the key frame, at most 640 samples wide, or of an earlier
// one of the same stream where that was made less than five seconds ago. The
// bytes are shared and must not be changed. It blocks while others are being
// made, some tens of milliseconds each, or until ctx ends. The error wraps
// ErrNoPicture when key is nil, av.ErrCorrupt, av.ErrUnsupported or ctx's.
func (s *Stills) Shot(ctx context.Context, id media.StreamID, key *media.Packet) ([]byte, error) {
	if key == nil || !key.Key || key.Track.Kind != media.Video {
		return nil, fmt.Errorf("still %s: %w", id, ErrNoPicture)
	}
	p := s.of(id)
	select {
	case p.lock <- struct{}{}:
		defer func() { <-p.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if p.of == key || p.of != nil && s.now().Sub(p.made) < freshFor {
		return p.jpeg, p.err
	}
	select {
	case s.sem <- struct{}{}:
		defer func() { <-s.sem }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.jpeg, p.err = shoot(key)
	p.of, p.made = key, s.now()
	if p.err != nil {
		p.err = fmt.Errorf("still %s: %w", id, p.err)
	}
	return p.jpeg, p.err
}

// of finds the entry of a stream, or makes one, in place of another when there are many.
func (s *Stills) of(id media.StreamID) *still {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.kept[id]
	if p != nil {
		return p
	}
	if len(s.kept) >= maxKept {
		for id := range s.kept {
			delete(s.kept, id) // any one: its picture is made again when asked for
			break
		}
	}
	p = &still{lock: make(chan struct{}, 1)}
	s.kept[id] = p
	return p
}

// Forget drops the picture of a stream that has ended.
func (s *Stills) Forget(id media.StreamID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, id)
}

func shoot(key *media.Packet) ([]byte, error) {
	d, err := av.OpenDecoder(key.Track)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := d.Send(key.Data, key.PTS); err != nil {
		return nil, err
	}
	if err := d.Drain(); err != nil {
		return nil, err
	}
	f, err := d.Receive()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", av.ErrCorrupt, err)
	}
	defer f.Free()
	return av.JPEG(f, maxWidth, quality)
}
