package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"golang.org/x/sys/unix"

	"weir/bench/rig"
)

const (
	receiveBuffer = 8 << 20              // bytes that wait in the kernel
	lookEvery     = 5 * time.Millisecond // at what waits there
	soundType     = 111                  // payload type of Opus in offers of pion
)

// socket is a viewer's UDP socket. Media stays with it, counted by headers that nobody
// encrypts; the rest, such as ICE and DTLS, is for pion, as from a net.PacketConn. It is
// in no epoll, so that what comes wakes nobody: crowds look at all of theirs in turn.
type socket struct {
	fd    int
	local *net.UDPAddr
	in    chan datagram // full: lost
	over  chan struct{}
	close func()
	ext   atomic.Int32  // ID of the numbers of packets in RTP headers; 0: not known yet
	seen  chan struct{} // closed when a picture comes
	first func()

	mu       sync.Mutex
	arrivals *twcc.Recorder
}

type datagram struct {
	data []byte
	from *net.UDPAddr
}

var _ net.PacketConn = (*socket)(nil)

// listen opens a socket at any port of an address of IPv4.
func listen(ip net.IP) (*socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte(ip.To4())}),
	)
	name, nameErr := unix.Getsockname(fd)
	at, ok := name.(*unix.SockaddrInet4)
	if err = errors.Join(err, nameErr); err != nil || !ok {
		return nil, errors.Join(err, unix.Close(fd))
	}
	s := &socket{fd: fd, local: &net.UDPAddr{IP: ip, Port: at.Port}, in: make(chan datagram, 64), over: make(chan struct{}), seen: make(chan struct{}), arrivals: twcc.NewRecorder(1)}
	s.close = sync.OnceFunc(func() { close(s.over) })
	s.first = sync.OnceFunc(func() { close(s.seen) })
	return s, nil
}

// look takes what has come. buf and oob are for it alone.
func (s *socket) look(buf, oob []byte) {
	for {
		n, oobn, _, from, err := unix.Recvmsg(s.fd, buf, oob, unix.MSG_DONTWAIT)
		if err != nil || n == 0 {
			return
		}
		const firstRTP, lastRTP = 128, 191 // RFC 7983
		if b := buf[0]; b >= firstRTP && b <= lastRTP {
			s.media(buf[:n], oob[:oobn])
			continue
		}
		at, ok := from.(*unix.SockaddrInet4)
		if !ok {
			continue
		}
		select {
		case s.in <- datagram{append([]byte(nil), buf[:n]...), &net.UDPAddr{IP: at.Addr[:], Port: at.Port}}:
		default:
		}
	}
}

// media notes a packet of RTP, and when the kernel had it.
func (s *socket) media(data, oob []byte) {
	const firstRTCP, lastRTCP = 192, 223 // RFC 5761 4
	if len(data) < 2 || data[1] >= firstRTCP && data[1] <= lastRTCP {
		return
	}
	var h rtp.Header
	if _, err := h.Unmarshal(data); err != nil {
		return
	}
	if h.PayloadType != soundType {
		s.first()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if number := h.GetExtension(uint8(s.ext.Load())); len(number) == 2 {
		s.arrivals.Record(h.SSRC, binary.BigEndian.Uint16(number), stamp(oob).UnixMicro())
	}
}

// stamp is when the kernel had a packet.
func stamp(oob []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 || len(messages[0].Data) < int(unsafe.Sizeof(unix.Timespec{})) {
		return time.Now()
	}
	at := messages[0].Data
	return time.Unix(int64(binary.NativeEndian.Uint64(at)), int64(binary.NativeEndian.Uint64(at[8:])))
}

// feedback is what the viewer has to say of the packets since the last time.
func (s *socket) feedback() []rtcp.Packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrivals.BuildFeedbackPacket()
}

// lookAt looks at the sockets that come until ctx ends, and closes them then.
func lookAt(ctx context.Context, sockets <-chan *socket) {
	var all []*socket
	buf, oob := make([]byte, 2048), make([]byte, unix.CmsgSpace(64))
	for rig.Sleep(ctx, lookEvery) == nil {
		for len(sockets) > 0 {
			all = append(all, <-sockets)
		}
		for _, s := range all {
			s.look(buf, oob)
		}
	}
	for _, s := range all {
		s.close()
	}
}

// ReadFrom gives what is no media.
func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-s.in:
		return copy(b, d.data), d.from, nil
	case <-s.over:
		return 0, nil, io.EOF
	}
}

// WriteTo sends.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	at, ok := to.(*net.UDPAddr)
	if !ok || at.IP.To4() == nil {
		return 0, net.InvalidAddrError("not of IPv4")
	}
	select {
	case <-s.over:
		return 0, net.ErrClosed
	default:
	}
	return len(b), os.NewSyscallError("sendto", unix.Sendto(s.fd, b, 0, &unix.SockaddrInet4{Port: at.Port, Addr: [4]byte(at.IP.To4())}))
}

// LocalAddr is what it is bound to.
func (s *socket) LocalAddr() net.Addr { return s.local }

// Close ends reading; the socket itself goes with the process.
func (s *socket) Close() error {
	s.close()
	return nil
}

// SetDeadline does nothing, nor do the next two: nobody waits for the network here.
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
