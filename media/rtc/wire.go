package rtc

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// wire is the UDP socket of a Port, as pion's mux uses it. What goes to viewers is sent by
// calls of the system that do not wait for one another: a net.UDPConn has one writer at a
// time.
type wire struct {
	*net.UDPConn
	raw     syscall.RawConn
	six     bool      // the socket is one of IPv6, that of IPv4 mapped into it
	buffers sync.Pool // of *[]byte, for bursts

	mu     sync.RWMutex
	bursts map[netip.AddrPort]*Burst
}

func newWire(c *net.UDPConn) (*wire, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	w := &wire{UDPConn: c, raw: raw, bursts: map[netip.AddrPort]*Burst{}}
	w.buffers.New = func() any { b := make([]byte, 0, mostHeld); return &b }
	var domain int
	var domainErr error
	err = raw.Control(func(fd uintptr) { domain, domainErr = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN) })
	if err == nil {
		err = domainErr
	}
	if err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	w.six = domain == unix.AF_INET6
	return w, nil
}

// canonical is an address as it is looked up.
func canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// ReadFromAddrPort and WriteToAddrPort are what pion uses in place of ReadFrom and WriteTo.
func (w *wire) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return w.ReadFromUDPAddrPort(b)
}

// WriteToAddrPort sends b, or has a burst keep a copy of it.
func (w *wire) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	w.mu.RLock()
	burst := w.bursts[canonical(to)]
	w.mu.RUnlock()
	if burst == nil {
		return w.WriteToUDPAddrPort(b, to)
	}
	return burst.write(b, to)
}

// place puts a burst under an address, and takes it away from where it was. An address
// that is not valid is none.
func (w *wire) place(b *Burst, from, to netip.AddrPort) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bursts[from] == b {
		delete(w.bursts, from)
	}
	if to.IsValid() {
		w.bursts[to] = b
	}
}

// name is an address as the system takes it, nil if it cannot be one of this socket.
func (w *wire) name(to netip.AddrPort) unix.Sockaddr {
	switch a := to.Addr(); {
	case w.six && a.Zone() == "":
		return &unix.SockaddrInet6{Port: int(to.Port()), Addr: a.As16()}
	case !w.six && a.Is4():
		return &unix.SockaddrInet4{Port: int(to.Port()), Addr: a.As4()}
	}
	return nil
}
