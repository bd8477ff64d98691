// Package ingesttest has real sessions on a real hub for the tests of ways in, and what
// else those need: a log, a server that runs, the ffmpeg program.
package ingesttest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/hub"
)

// Rig are sessions that let every key in that does not begin with "bad", under the key
// as a name. They end with the test.
type Rig struct {
	Sessions *ingest.Sessions
	Hub      *hub.Hub
	Began    chan *Stream // each stream as it begins
}

// Stream keeps what a publisher sent.
type Stream struct {
	*hub.Stream
	mu      sync.Mutex
	packets []*media.Packet
	more    chan struct{} // a token when there are more
}

// New makes a Rig; change may be nil.
func New(t testing.TB, change func(*ingest.Config)) *Rig {
	t.Helper()
	r := &Rig{Began: make(chan *Stream, 64)}
	r.Hub = &hub.Hub{OnStart: func(s *hub.Stream) error {
		kept := &Stream{Stream: s, more: make(chan struct{}, 1)}
		s.Tap(kept.take)
		r.Began <- kept
		return nil
	}}
	cfg := ingest.Config{Gate: gate{}, Hub: r.Hub, Plan: func(string, []*media.Track) ingest.Plan {
		return ingest.Plan{Segment: 2 * media.Second, Longest: 4 * media.Second}
	}}
	if change != nil {
		change(&cfg)
	}
	r.Sessions = ingest.NewSessions(cfg)
	t.Cleanup(r.Sessions.Close)
	return r
}

// Opener gives publishers their sessions.
func (r *Rig) Opener() ingest.Opener { return ingest.Local{Sessions: r.Sessions} }

// Next waits for the next stream.
func (r *Rig) Next(t testing.TB) *Stream {
	t.Helper()
	select {
	case s := <-r.Began:
		return s
	case <-time.After(30 * time.Second):
		t.Fatal("no stream began")
		return nil
	}
}

func (s *Stream) take(p *media.Packet) {
	s.mu.Lock()
	s.packets = append(s.packets, p)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Packets are those of a kind so far.
func (s *Stream) Packets(kind media.Kind) []*media.Packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*media.Packet
	for _, p := range s.packets {
		if p.Kind() == kind {
			list = append(list, p)
		}
	}
	return list
}

// Wait waits until there are n packets of a kind.
func (s *Stream) Wait(t testing.TB, kind media.Kind, n int) []*media.Packet {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		if list := s.Packets(kind); len(list) >= n {
			return list
		}
		select {
		case <-s.more:
		case <-s.Done():
			if list := s.Packets(kind); len(list) >= n {
				return list
			}
			t.Fatalf("the stream ended with %d packets of %v, not %d", len(s.Packets(kind)), kind, n)
		case <-late:
			t.Fatalf("%d packets of %v, not %d", len(s.Packets(kind)), kind, n)
		}
	}
}

// Carries fails the test unless the tracks of a stream are of these codecs, and there are
// least packets of each. Codec 0 is none.
func (s *Stream) Carries(t testing.TB, least int, codecs ...media.Codec) {
	t.Helper()
	var got, want []media.Codec
	for _, track := range s.Tracks() {
		got = append(got, track.Codec)
	}
	for _, c := range codecs {
		if c == 0 {
			continue
		}
		want = append(want, c)
		if n := len(s.Packets(c.Kind())); n < least {
			t.Errorf("%d packets of %v, not %d", n, c, least)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("tracks %v, want %v", got, want)
	}
}

// Locked is how keys begin whose channels have the passphrase Passphrase.
const (
	Locked     = "locked"
	Passphrase = "of the channel alone"
)

// gate lets keys in.
type gate struct{}

// Publish is ingest.Gate.
func (gate) Publish(_ context.Context, r ingest.Request) (ingest.Grant, error) {
	if r.Key == "" || strings.HasPrefix(r.Key, "bad") {
		return ingest.Grant{}, ingest.ErrDenied
	}
	passphrase := ""
	if strings.HasPrefix(r.Key, Locked) {
		passphrase = Passphrase
	}
	if r.Unlock != nil {
		if err := r.Unlock(passphrase); err != nil {
			return ingest.Grant{}, err
		}
	}
	return ingest.Grant{Name: r.Key}, nil
}
