package rtsp

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"weir/media/seats"
)

// maxBefore is how many bytes a stranger may send: requests with the largest description
// that makes sense.
const maxBefore = 256 << 10

// Why a stranger was sent away.
var (
	ErrTunnel = errors.New("RTSP over HTTP is not supported")
	ErrBefore = errors.New("too much was sent before the stream")
)

// acceptPause is between two tries when no connection can be had.
const acceptPause = 200 * time.Millisecond

// Listener lets in who finds a seat. The library gives up when Accept fails, so that only
// the end of the port is an error.
type Listener struct {
	net.Listener
	Seats    *seats.Seats
	OpenTime time.Duration                // from the connection to Admit
	Turned   func(peer string, err error) // called for who is not let in; peer is empty where accepting failed
}

// Accept waits for the next connection that may stay, a *Socket.
func (l Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil { // out of descriptors, or the peer went before we came
			l.Turned("", err)
			time.Sleep(acceptPause)
			continue
		}
		peer := c.RemoteAddr().String()
		seat, err := l.Seats.Take(peer)
		if err != nil {
			_ = c.Close()
			l.Turned(peer, err)
			continue
		}
		s := &Socket{Conn: c, due: time.Now().Add(l.OpenTime), leave: func() { l.Seats.Leave(seat) }}
		_ = s.Conn.SetReadDeadline(s.due)
		return s, nil
	}
}

// Socket is a connection that has to be somebody's soon. The library sets deadlines for
// each read, and none before the first request; here there is one for all of them.
type Socket struct {
	net.Conn
	due   time.Time
	leave func() // gives the seat back

	admitted atomic.Bool
	head     []byte // the first bytes; of the reading goroutine
	read     int
	closing  sync.Once
}

// Admit lifts the bounds: the peer is known.
func (s *Socket) Admit() {
	s.admitted.Store(true)
	_ = s.Conn.SetReadDeadline(time.Time{})
}

// Read refuses HTTP, whose headers the library reads without a bound.
func (s *Socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if s.admitted.Load() {
		return n, err
	}
	if s.read += n; s.read > maxBefore {
		return 0, ErrBefore
	}
	if len(s.head) < 4 {
		s.head = append(s.head, b[:min(n, 4-len(s.head))]...)
		if h := string(s.head); h == "GET " || h == "POST" {
			return 0, ErrTunnel
		}
	}
	return n, err
}

// SetReadDeadline is the library's wish, which cannot be for later than s.due.
func (s *Socket) SetReadDeadline(t time.Time) error {
	if !s.admitted.Load() && (t.IsZero() || t.After(s.due)) {
		t = s.due
	}
	return s.Conn.SetReadDeadline(t)
}

// Close may be called more than once.
func (s *Socket) Close() error {
	err := s.Conn.Close()
	s.closing.Do(s.leave)
	return err
}

// Stranger tells whether a connection ended since nobody knew it: by its bounds.
func Stranger(err error) bool {
	return errors.Is(err, ErrTunnel) || errors.Is(err, ErrBefore) || errors.Is(err, os.ErrDeadlineExceeded)
}
