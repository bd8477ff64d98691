package rtmp

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
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
	err := s.raw.Read(s.try)
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
