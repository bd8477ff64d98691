package rtsp

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

// fence lets nothing go but to the address that the connection to a camera has: over UDP
// a camera could name any other as the one to send to.
type fence struct {
	mu sync.Mutex
	ip net.IP // of the camera; nil: not connected yet
}

var errFence = errors.New("the camera names another address as its own")

// dial is Camera.Dial, and notes where that led.
func (f *fence) dial(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
			f.mu.Lock()
			f.ip = a.IP
			f.mu.Unlock()
		}
		return c, nil
	}
}

// listen is net.ListenPacket with the fence around it.
func (f *fence) listen(network, address string) (net.PacketConn, error) {
	at, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	c, err := net.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	enlarge(c)
	return &fencedConn{c, f}, nil
}

// resolve is for names that a camera answers, which nobody is asked for.
func (f *fence) resolve(string, string) (*net.IPAddr, error) { return nil, errFence }

// fencedConn is a socket that sends to the camera alone. The library looks by itself that
// what comes is from where it sends to.
type fencedConn struct {
	*net.UDPConn
	fence *fence
}

// WriteTo fails for other addresses than the camera's.
func (c *fencedConn) WriteTo(b []byte, to net.Addr) (int, error) {
	c.fence.mu.Lock()
	ip := c.fence.ip
	c.fence.mu.Unlock()
	if a, ok := to.(*net.UDPAddr); !ok || !a.IP.Equal(ip) {
		return 0, errFence
	}
	return c.UDPConn.WriteTo(b, to)
}

// onlyUDP tells whether a camera refused to send its media over the connection.
func onlyUDP(err error) bool {
	var status liberrors.ErrClientBadStatusCode
	return errors.As(err, &status) && status.Code == base.StatusUnsupportedTransport || errors.As(err, new(liberrors.ErrClientServerRequestedUDP))
}

// pieces is how much of a camera's media may wait.
func pieces(p gortsplib.Protocol) int {
	if p == gortsplib.ProtocolUDP {
		return piecesUDP
	}
	return piecesTCP
}
