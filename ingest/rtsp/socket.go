package rtsp

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxBefore is how many bytes a stranger may send before RECORD: requests with the
// largest description that makes sense.
const maxBefore = 256 << 10

var (
	errTunnel = errors.New("RTSP over HTTP is not supported")
	errBefore = errors.New("too much was sent before RECORD")
)

// socket is a connection that has to be a publisher's soon. The library sets deadlines
// for each read, and none before the first request; here there is one for all of them.
type socket struct {
	net.Conn
	due   time.Time // for RECORD
	leave func()    // gives the seat back

	admitted atomic.Bool
	head     []byte // the first bytes; of the reading goroutine
	read     int
	closing  sync.Once
}

// admit lifts the bounds: the peer is known.
func (s *socket) admit() {
	s.admitted.Store(true)
	_ = s.Conn.SetReadDeadline(time.Time{})
}

// Read refuses HTTP, whose headers the library reads without a bound.
func (s *socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if s.admitted.Load() {
		return n, err
	}
	if s.read += n; s.read > maxBefore {
		return 0, errBefore
	}
	if len(s.head) < 4 {
		s.head = append(s.head, b[:min(n, 4-len(s.head))]...)
		if h := string(s.head); h == "GET " || h == "POST" {
			return 0, errTunnel
		}
	}
	return n, err
}

// SetReadDeadline is the library's wish, which cannot be for later than s.due.
func (s *socket) SetReadDeadline(t time.Time) error {
	if !s.admitted.Load() && (t.IsZero() || t.After(s.due)) {
		t = s.due
	}
	return s.Conn.SetReadDeadline(t)
}

// Close may be called more than once.
func (s *socket) Close() error {
	err := s.Conn.Close()
	s.closing.Do(s.leave)
	return err
}

// readBuffer is wished for each UDP socket that all publishers share, in bytes. With the
// kernel's default the key frames of a few publishers are lost.
const readBuffer = 4 << 20

// listenUDP binds the ports for RTP, an even one, and for RTCP, the one after it (RFC
// 3550 11). With port 0 they are looked for.
func listenUDP(addr string) (pair [2]*net.UDPConn, err error) {
	at, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return pair, err
	}
	if at.Port%2 != 0 {
		return pair, &net.AddrError{Err: "the port for RTP has to be an even number", Addr: addr}
	}
	tries := 1
	if at.Port == 0 {
		tries = 100
	}
	for range tries {
		if pair, err = listenPair(*at); err == nil {
			return pair, nil
		}
	}
	return pair, err
}

func listenPair(at net.UDPAddr) (pair [2]*net.UDPConn, err error) {
	if pair[0], err = net.ListenUDP("udp", &at); err != nil {
		return pair, err
	}
	at.Port = pair[0].LocalAddr().(*net.UDPAddr).Port + 1
	if at.Port%2 == 0 {
		err = errors.New("an odd port")
	} else if pair[1], err = net.ListenUDP("udp", &at); err == nil {
		return pair, nil
	}
	_ = pair[0].Close()
	return pair, err
}

// enlarge gives a UDP socket a larger buffer and tells its size.
func enlarge(c *net.UDPConn) (size int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	err = raw.Control(func(fd uintptr) {
		// The first passes over the system's limit, and needs rights for it.
		if syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, readBuffer) != nil { //nolint:gosec // a file descriptor
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, readBuffer) //nolint:gosec // a file descriptor
		}
		size, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF) //nolint:gosec // a file descriptor
	})
	if err != nil {
		return 0
	}
	return size / 2 // the kernel tells twice what it gives
}

// timedOut tells whether a read ended by its deadline.
func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
