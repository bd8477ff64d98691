package rtsp

import (
	"errors"
	"net"
	"syscall"
)

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
