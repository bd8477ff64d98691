package rtmp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"weir/ingest"
	"weir/ingest/ingesttest"
	"weir/media"
)

// fakeSessions lets every key but "wrong", "busy", "named", "full" and "broken" publish and keeps
// what comes.
type fakeSessions struct {
	mu   sync.Mutex
	all  []*fakeSession
	open chan *fakeSession // each session once, as it opens
	tune func(*fakeSession)
}

func newFakeSessions() *fakeSessions {
	return &fakeSessions{open: make(chan *fakeSession, 64)}
}

func (f *fakeSessions) Open(_ context.Context, r ingest.Request) (ingest.Hold, error) {
	switch r.Key {
	case "wrong", "":
		return nil, ingest.ErrDenied
	case "busy":
		return nil, ingest.ErrBusy
	case "named":
		return nil, fmt.Errorf("publish: %w", ingest.Refusal{Words: "a name is short"})
	case "full":
		return nil, &ingest.Elsewhere{Reason: ingest.Refusal{Words: "no room"}, To: r.Scheme + "://b.example.com:1935"}
	case "broken":
		return nil, errors.New("database at 10.0.0.1 is down")
	}
	s := &fakeSession{key: r.Key, peer: r.Peer, done: make(chan struct{}), closed: make(chan bool, 8)}
	if f.tune != nil {
		f.tune(s)
	}
	f.mu.Lock()
	f.all = append(f.all, s)
	f.mu.Unlock()
	select {
	case f.open <- s:
	default:
	}
	return s, nil
}

type fakeSession struct {
	key    string
	peer   string
	done   chan struct{}
	closed chan bool // what Close was told, each time
	err    error     // of Err
	refuse error     // of Start
	panics bool
	wrote  chan struct{} // when set: a token a packet
	named  []string      // what Introduce was told
	spare  [2]int        // what LeaveOut was told

	mu      sync.Mutex
	tracks  []*media.Track
	starts  int
	packets []*media.Packet
}

func (s *fakeSession) Name() string { return "name" }

func (s *fakeSession) Introduce(encoder string) { s.named = append(s.named, encoder) }

func (s *fakeSession) LeaveOut(video, audio int) { s.spare = [2]int{video, audio} }

func (s *fakeSession) Start(tracks []*media.Track) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tracks = tracks
	s.starts++
	return s.refuse
}

func (s *fakeSession) Write(p *media.Packet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panics {
		panic("in a session")
	}
	s.packets = append(s.packets, p)
	if s.wrote != nil {
		select {
		case s.wrote <- struct{}{}:
		default:
		}
	}
	return nil
}

func (s *fakeSession) Close(clean bool)      { s.closed <- clean }
func (s *fakeSession) Done() <-chan struct{} { return s.done }
func (s *fakeSession) Err() error            { return s.err }

func (s *fakeSession) got() ([]*media.Track, []*media.Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tracks, append([]*media.Packet(nil), s.packets...)
}

// startServer runs a server on a free port until the test ends, or stop.
func startServer(t *testing.T, f ingest.Opener, change func(*Config)) (addr string, log *ingesttest.Log, stop func()) {
	t.Helper()
	log = ingesttest.NewLog()
	cfg := Config{Addr: "127.0.0.1:0", Sessions: f, Log: log.Logger()}
	if change != nil {
		change(&cfg)
	}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s.Addr().String(), log, ingesttest.Run(t, s.Run)
}

// Small but real parameter sets: H.264 High 1280x720 and AAC-LC 48 kHz stereo.
var (
	avcConfig = []byte{
		0x01, 0x64, 0x00, 0x1f, 0xff, 0xe1, 0x00, 0x18, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xb4, 0x02, 0x80,
		0x2d, 0xd8, 0x08, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x07, 0x8c, 0x19, 0x50,
		0x01, 0x00, 0x04, 0x68, 0xce, 0x0f, 0xcb, 0xfd, 0xf8, 0xf8, 0x00,
	}
	aacConfig = []byte{0x11, 0x90}
	idr       = []byte{0, 0, 0, 5, 0x65, 1, 2, 3, 4}
	nonIDR    = []byte{0, 0, 0, 4, 0x41, 5, 6, 7}
	aacFrame  = []byte{0x21, 0x10, 4, 0x60, 0x8c, 0x1c}
)

func floatBits(f float64) uint64 { return math.Float64bits(f) }

func nan() float64 { return math.NaN() }
