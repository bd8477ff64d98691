package http11

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sockets are read and written, where it is short, by calls of the system that Go's
// scheduler is not told of. Being told makes its watchman look 50,000 times a second
// whether a call has got stuck, and take the processor away from those that last 20 us, as
// a write does that the network of this machine carries to its end. A socket that does not
// block never gets stuck.

// lookRaw reads without waiting; false: nothing is there yet.
func (c *conn) lookRaw(fd uintptr) bool {
	c.provide()
	p := c.buf[c.have:]
	for {
		n, _, e := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch {
		case e == 0:
			c.got = int(n)
		case errors.Is(e, unix.EINTR):
			continue
		case errors.Is(e, unix.EAGAIN):
			if c.have == 0 {
				c.release()
			}
			return false
		default:
			c.err = os.NewSyscallError("read", e)
		}
		return true
	}
}

// writeRaw writes what is left of c.out without waiting; false: there is no room yet.
func (c *conn) writeRaw(fd uintptr) bool {
	for len(c.out) > 0 {
		n, _, e := unix.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(c.out))), uintptr(len(c.out)))
		switch {
		case e == 0:
			c.out = c.out[n:]
		case errors.Is(e, unix.EINTR):
		case errors.Is(e, unix.EAGAIN):
			return false
		default:
			c.err = os.NewSyscallError("write", e)
			return true
		}
	}
	return true
}

// put writes all of p, which is short.
func (c *conn) put(p []byte) error {
	if c.raw == nil {
		_, err := c.rwc.Write(p)
		return err
	}
	c.out, c.err = p, nil
	err := c.raw.Write(c.push)
	c.out = nil
	return errors.Join(err, c.err)
}
