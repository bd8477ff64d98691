package srt

import (
	"net"
	"os"
	"strconv"
	"syscall"
)

// readBuffer is wished for the socket that all publishers share, in bytes: half a
// second of a hundred Mbit/s. With the kernel's default ten publishers lost every
// second packet.
const readBuffer = 8 << 20

// enlarge gives the UDP socket at addr a larger buffer, and tells its size; 0: it was
// not found. The library has no way to its socket, so that is looked for among the
// open ones of this process.
func enlarge(addr net.Addr) int {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	for _, f := range files {
		fd, err := strconv.Atoi(f.Name())
		if err != nil || !isSocket(fd, udp.Port) {
			continue
		}
		// The first passes over the system's limit, and needs rights for it.
		if syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, readBuffer) != nil {
			_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, readBuffer)
		}
		n, _ := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF)
		return n / 2 // the kernel tells twice what it gives
	}
	return 0
}

// isSocket tells whether fd is the UDP socket with that port.
func isSocket(fd, port int) bool {
	if kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE); err != nil || kind != syscall.SOCK_DGRAM {
		return false
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		return false
	}
	switch at := at.(type) {
	case *syscall.SockaddrInet4:
		return at.Port == port
	case *syscall.SockaddrInet6:
		return at.Port == port
	}
	return false
}
