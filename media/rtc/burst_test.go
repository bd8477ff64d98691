package rtc

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"golang.org/x/sys/unix"
)

// bursting is a burst to a peer at an address, over a socket bound to another.
func bursting(t *testing.T, from, to string) (b *Burst, peer *net.UDPConn) {
	t.Helper()
	var list [2]*net.UDPConn
	for i, ip := range []string{from, to} {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 0)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		list[i] = c
	}
	w, err := newWire(list[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := list[1].SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b = &Burst{wire: w}
	b.follow(way(list[1], webrtc.ICEProtocolUDP))
	t.Cleanup(func() {
		b.follow(nil)
		if len(w.bursts) != 0 {
			t.Error("the wire still knows who has gone")
		}
	})
	return b, list[1]
}

func address(c *net.UDPConn) netip.AddrPort { return netip.MustParseAddrPort(c.LocalAddr().String()) }

func way(to *net.UDPConn, p webrtc.ICEProtocol) *webrtc.ICECandidatePair {
	at := address(to)
	return &webrtc.ICECandidatePair{Remote: &webrtc.ICECandidate{Protocol: p, Address: at.Addr().String(), Port: at.Port()}}
}

// packets are of some sizes, each with its number in it.
func packets(sizes ...int) (list [][]byte) {
	for i, n := range sizes {
		list = append(list, bytes.Repeat([]byte{byte(i + 1)}, n))
	}
	return list
}

func equal(size, n int) (sizes []int) {
	for range n {
		sizes = append(sizes, size)
	}
	return sizes
}

// write sends packets the way pion does.
func write(t *testing.T, b *Burst, to netip.AddrPort, list [][]byte) {
	t.Helper()
	for _, p := range list {
		buf := append([]byte(nil), p...)
		if n, err := b.wire.WriteToAddrPort(buf, to); err != nil || n != len(p) {
			t.Fatal(n, err)
		}
		clear(buf) // it is pion's again
	}
}

func expect(t *testing.T, peer *net.UDPConn, list [][]byte) {
	t.Helper()
	buf := make([]byte, 1<<16)
	for i, want := range list {
		n, err := peer.Read(buf)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if !bytes.Equal(buf[:n], want) {
			t.Fatalf("packet %d has %d bytes of %d, want %d of %d", i, n, buf[0], len(want), want[0])
		}
	}
}

func TestBurst(t *testing.T) {
	sizes := map[string][]int{
		"one":                   {700},
		"equal":                 equal(1200, 10),
		"more than one call":    equal(1200, 70),
		"more than 64 segments": equal(100, 65),
		"the last is smaller":   append(equal(1200, 3), 20),
		"a small one between":   {1200, 1200, 20, 1200, 1200},
		"grows":                 {20, 1200, 1200, 1201},
		"small ones":            {30, 20, 20, 30},
	}
	type place struct{ name, from, to string }
	places := []place{{"IPv4", "127.0.0.1", "127.0.0.1"}}
	if six(t) {
		places = append(places, place{"IPv4 at a socket for both", "::", "127.0.0.1"}, place{"IPv6", "::1", "::1"})
	}
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			b, peer := bursting(t, at.from, at.to)
			for name, list := range sizes {
				t.Run(name, func(t *testing.T) {
					b.Hold()
					write(t, b, address(peer), packets(list...))
					b.Send()
					expect(t, peer, packets(list...))
					if b.single || b.held != nil {
						t.Errorf("the kernel took no segments (%v), or something is held", b.single)
					}
				})
			}
		})
	}
}

// six says whether this machine has IPv6.
func six(t *testing.T) bool {
	t.Helper()
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(list, func(a net.Addr) bool { return strings.HasPrefix(a.String(), "::1/") })
}

// TestBurstWaits has packets stay until Send, but no others.
func TestBurstWaits(t *testing.T) {
	b, peer := bursting(t, "127.0.0.1", "127.0.0.1")
	list := packets(500, 500, 300, 40)
	b.Hold()
	write(t, b, address(peer), list[:3])
	if _, err := b.wire.WriteToUDPAddrPort(list[3], address(peer)); err != nil {
		t.Fatal(err)
	}
	expect(t, peer, list[3:])
	b.Send()
	expect(t, peer, list[:3])
	write(t, b, address(peer), list)
	expect(t, peer, list)
}

// TestBurstRefused has a kernel that does not cut datagrams, as without checksums it does
// not: nothing is lost, and it is asked once.
func TestBurstRefused(t *testing.T) {
	b, peer := bursting(t, "127.0.0.1", "127.0.0.1")
	err := b.wire.raw.Control(func(fd uintptr) {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NO_CHECK, 1); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	list := packets(900, 900, 900, 7)
	for range 2 {
		b.Hold()
		write(t, b, address(peer), list)
		b.Send()
		expect(t, peer, list)
	}
	if !b.single {
		t.Error("nothing was learnt")
	}
}

// TestBurstOtherWays has viewers change their address, and go over to TCP.
func TestBurstOtherWays(t *testing.T) {
	b, peer := bursting(t, "127.0.0.1", "127.0.0.1")
	_, other := bursting(t, "127.0.0.1", "127.0.0.1")
	list := packets(600, 600)
	b.Hold()
	write(t, b, address(peer), list)
	b.follow(way(other, webrtc.ICEProtocolUDP))
	expect(t, peer, list)
	b.Hold()
	write(t, b, address(peer), list) // to where it was before: not held
	expect(t, peer, list)
	write(t, b, address(other), list)
	b.Send()
	expect(t, other, list)
	b.follow(way(other, webrtc.ICEProtocolTCP))
	b.Hold()
	write(t, b, address(other), list)
	expect(t, other, list)
	b.Send()
}

// TestBurstOfManyWriters has media, its reports and DTLS write at once, as pion does.
func TestBurstOfManyWriters(t *testing.T) {
	const writers, each = 4, 1000
	b, peer := bursting(t, "127.0.0.1", "127.0.0.1")
	to := address(peer)
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for range each {
				if n, err := b.wire.WriteToAddrPort(make([]byte, 50), to); err != nil || n != 50 {
					t.Error(n, err)
				}
			}
		})
	}
	wait.Wait()
	expect(t, peer, [][]byte{make([]byte, 50)}) // and more, as far as there was room
}
