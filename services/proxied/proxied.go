package proxied

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The PROXY protocol, versions 1 and 2, as the HAProxy project's proxy-protocol.txt
// has it.
const (
	v1Start = "PROXY "                 // section 2.1
	v2Start = "\r\n\r\n\x00\r\nQUIT\n" // section 2.2
	v1Max   = 107                      // bytes of a version 1 header
	v2Fixed = 16                       // bytes before the addresses
	v2Max   = v2Fixed + 2<<10          // what we take of addresses and TLVs
)

var (
	errMore = errors.New("PROXY header is not complete")
	errBad  = errors.New("PROXY header is malformed")
)

// parseHeader reads the PROXY header that b begins with: who the client is
// (invalid when the proxy speaks for itself or does not know) and how long the
// header is, 0 when there is none. errMore asks for more bytes; no more than
// v2Max are ever asked for.
func parseHeader(b []byte) (client netip.AddrPort, length int, err error) {
	switch {
	case startsLike(b, v1Start):
		return parseV1(b)
	case startsLike(b, v2Start):
		return parseV2(b)
	default:
		return netip.AddrPort{}, 0, nil
	}
}

// startsLike says whether b begins with start, as far as b goes.
func startsLike(b []byte, start string) bool {
	n := min(len(b), len(start))
	return string(b[:n]) == start[:n]
}

// parseV1 reads "PROXY TCP4 source destination port port\r\n".
func parseV1(b []byte) (netip.AddrPort, int, error) {
	end := bytes.IndexByte(b, '\n')
	switch {
	case end < 0 && len(b) < v1Max:
		return netip.AddrPort{}, 0, errMore
	case end < 0, end >= v1Max, end < 1, b[end-1] != '\r':
		return netip.AddrPort{}, 0, errBad
	}
	words := strings.Split(string(b[len(v1Start):end-1]), " ")
	if words[0] == "UNKNOWN" {
		return netip.AddrPort{}, end + 1, nil
	}
	if len(words) != 5 || words[0] != "TCP4" && words[0] != "TCP6" {
		return netip.AddrPort{}, 0, errBad
	}
	source, ok1 := parseAddr(words[0], words[1], words[3])
	_, ok2 := parseAddr(words[0], words[2], words[4])
	if !ok1 || !ok2 {
		return netip.AddrPort{}, 0, errBad
	}
	return source, end + 1, nil
}

func parseAddr(family, addr, port string) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Zone() != "" || a.Is4() != (family == "TCP4") {
		return netip.AddrPort{}, false
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(p, 10) != port {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), true
}

// parseV2 reads the binary header. TLVs are passed over.
func parseV2(b []byte) (netip.AddrPort, int, error) {
	if len(b) < v2Fixed {
		return netip.AddrPort{}, 0, errMore
	}
	version, command, family := b[12]>>4, b[12]&0xf, b[13]
	length := v2Fixed + int(binary.BigEndian.Uint16(b[14:]))
	if version != 2 || command > 1 || length > v2Max {
		return netip.AddrPort{}, 0, errBad
	}
	if len(b) < length {
		return netip.AddrPort{}, 0, errMore
	}
	if command == 0 { // LOCAL: the proxy speaks for itself
		return netip.AddrPort{}, length, nil
	}
	addresses := b[v2Fixed:length]
	switch size := 4; family {
	case 0x21: // TCP over IPv6
		size = 16
		fallthrough
	case 0x11: // TCP over IPv4
		if len(addresses) < 2*size+4 {
			return netip.AddrPort{}, 0, errBad
		}
		a, _ := netip.AddrFromSlice(addresses[:size])
		return netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(addresses[2*size:])), length, nil
	default: // of another kind: section 2.2 says to use the connection's own
		return netip.AddrPort{}, length, nil
	}
}

// Listener gives the connections of a listener as Accept does.
type Listener struct {
	net.Listener
	Trusted []netip.Prefix
	Timeout time.Duration
}

// Accept does not wait for the header.
func (l Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Believe(c, l.Trusted, l.Timeout), nil
}

// Believe is c, or, where it comes from one of the networks, a connection around it
// that may begin with a PROXY header. That header is read, for as long as timeout, when
// the address or bytes are first asked for: both then block, on the goroutine of who asks.
func Believe(c net.Conn, trusted []netip.Prefix, timeout time.Duration) net.Conn {
	if len(trusted) == 0 {
		return c
	}
	peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil || !Within(trusted, peer.Addr()) {
		return c
	}
	return &conn{Conn: c, timeout: timeout}
}

// Within says whether an address is in one of the networks.
func Within(networks []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap()
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// conn is a connection of a trusted proxy.
type conn struct {
	net.Conn
	timeout time.Duration

	once   sync.Once
	client netip.AddrPort // invalid: the connection's own address counts
	rest   []byte         // read and not part of the header
	err    error
}

func (c *conn) open() {
	c.once.Do(func() {
		// An error shows at the next read.
		_ = c.Conn.SetReadDeadline(time.Now().Add(c.timeout))
		c.err = c.readHeader()
		_ = c.Conn.SetReadDeadline(time.Time{})
	})
}

func (c *conn) readHeader() error {
	buf := make([]byte, 0, 512)
	for {
		if len(buf) > 0 {
			client, length, err := parseHeader(buf)
			if err == nil {
				c.client, c.rest = client, buf[length:]
				return nil
			}
			if !errors.Is(err, errMore) {
				return err
			}
		}
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, v2Max), buf...)
		}
		n, err := c.Conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil && n == 0 {
			return err
		}
	}
}

// NetConn is the proxy's connection, for who wants to know whether it lives.
func (c *conn) NetConn() net.Conn { return c.Conn }

// RemoteAddr is the client's address, as the proxy says.
func (c *conn) RemoteAddr() net.Addr {
	c.open()
	if !c.client.IsValid() {
		return c.Conn.RemoteAddr()
	}
	return net.TCPAddrFromAddrPort(c.client)
}

func (c *conn) Read(p []byte) (int, error) {
	c.open()
	if c.err != nil {
		return 0, c.err
	}
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// ReadFrom keeps sendfile for the server.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if rf, ok := c.Conn.(io.ReaderFrom); ok {
		return rf.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c.Conn}, r)
}

// CloseWrite lets the server close gently.
func (c *conn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return c.Conn.Close()
}
