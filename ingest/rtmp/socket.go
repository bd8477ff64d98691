package rtmp

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket reads from a TCP connection by a call of the system that Go's scheduler is not
// told of. Being told it wakes its watchman, who looks 50,000 times a second whether a
// call has got stuck; reading from a socket that does not block never does, and with a
// publisher's 80 packets a second the watchman would never come to rest.
type socket struct {
	*net.TCPConn
	raw syscall.RawConn
	try func(fd uintptr) bool // attempt, made once

	p   []byte // of the present Read
	n   int
	err error

	mu   sync.Mutex
	end  time.Time // the deadline of who reads
	look time.Time // when to read what there is, however little; zero: not patient
	set  time.Time // the nearer one, which the connection has
}

// How much has to be there for a patient socket to wake its reader, and how long it may lie
// there with less: between one and two lulls. A packet of sound is less, two are more, and
// so are mostly pictures.
const (
	enough = 600
	lull   = 200 * time.Millisecond
)

// patient has packets of sound wait for what comes next, mostly a picture: 20 ms or so. The
// waking for each was a tenth of what a stream costs that passes through. It is for
// connections on which something comes all the time.
func (s *socket) patient() error {
	var err error
	controlErr := s.raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, enough) })
	if err = errors.Join(controlErr, err); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look = time.Now().Add(2 * lull)
	return s.arm()
}

// SetReadDeadline is like that of net.TCPConn. Any goroutine may call it.
func (s *socket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = t
	return s.arm()
}

// arm gives the connection the deadline that it needs. The caller holds the lock.
func (s *socket) arm() error {
	t := s.end
	if !s.look.IsZero() && (t.IsZero() || s.look.Before(t)) {
		t = s.look
	}
	if t.Equal(s.set) {
		return nil
	}
	s.set = t
	return s.TCPConn.SetReadDeadline(t)
}

// wait moves the next look, unless it is far away yet. over tells that the reader's own
// deadline has passed.
func (s *socket) wait() (over bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.look.IsZero() {
		return true, nil
	}
	now := time.Now()
	if !s.end.IsZero() && !now.Before(s.end) {
		return true, nil
	}
	if s.look.Sub(now) >= lull {
		return false, nil
	}
	s.look = now.Add(2 * lull)
	return false, s.arm()
}

// quick is c, read with less to do for the scheduler where c is a bare TCP connection.
func quick(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	s := &socket{TCPConn: tcp, raw: raw}
	s.try = s.attempt
	return s
}

// Read is like that of net.TCPConn. One goroutine at a time.
func (s *socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.p, s.n, s.err = p, 0, nil
	_, err := s.wait()
	for err == nil {
		if err = s.raw.Read(s.try); !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		over, waitErr := s.wait()
		if over {
			break
		}
		err = waitErr
	}
	s.p = nil
	switch {
	case err != nil:
		return 0, err
	case s.err != nil:
		return 0, s.err
	case s.n == 0:
		return 0, io.EOF
	}
	return s.n, nil
}

// attempt reads what is there; false means that there is nothing yet.
func (s *socket) attempt(fd uintptr) bool {
	for {
		n, _, e := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(s.p))), uintptr(len(s.p)))
		switch {
		case e == 0:
			s.n = int(n)
			return true
		case errors.Is(e, unix.EAGAIN):
			return false
		case errors.Is(e, unix.EINTR):
		default:
			s.err = os.NewSyscallError("read", e)
			return true
		}
	}
}
