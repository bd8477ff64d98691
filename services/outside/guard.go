package outside

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrAddress says that an address is not one that the Guard lets through. The address
// is not in its text: it would tell what names stand for inside.
var ErrAddress = errors.New("the address is not a public one; the operator of this server can allow it")

// dialWithin bounds the making of a connection.
const dialWithin = 5 * time.Second

// Guard lets connections to public addresses through, and to Private. The zero Guard is
// the strictest. It may be used from any goroutine.
type Guard struct {
	Private []netip.Prefix // networks that are allowed too, whatever they are
}

// Dialer makes connections to what g allows.
func (g Guard) Dialer() *net.Dialer { return &net.Dialer{Timeout: dialWithin, Control: g.control} }

// private makes connections to Private only.
func (g Guard) private() *net.Dialer {
	return &net.Dialer{Timeout: dialWithin, Control: func(network, address string, _ syscall.RawConn) error {
		a, err := target(network, address)
		if err == nil && !g.chosen(a) {
			err = ErrAddress
		}
		return err
	}}
}

// control is called with what is about to be connected to, an address and a port.
func (g Guard) control(network, address string, _ syscall.RawConn) error {
	a, err := target(network, address)
	if err != nil {
		return err
	}
	return g.Check(a)
}

func target(network, address string) (netip.Addr, error) {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return netip.Addr{}, fmt.Errorf("%w (%s)", ErrAddress, network)
	}
	return ap.Addr(), nil
}

// Check is nil when a may be connected to, else ErrAddress.
func (g Guard) Check(a netip.Addr) error {
	if g.chosen(a) || public(a) {
		return nil
	}
	return ErrAddress
}

func (g Guard) chosen(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(g.Private, func(p netip.Prefix) bool { return p.Contains(a) })
}

// public says whether an address is one of the open Internet (the registries of IANA
// for special purposes, RFC 6890).
func public(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap() // ::ffff:0:0/96
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	if a.Is6() && !netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20}), 3).Contains(a) { // 2000::/3 is what is given out
		return false
	}
	return !slices.ContainsFunc(reserved(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// reserved are networks that look public and are not, beside those that netip knows.
// NAT64 (64:ff9b::/96), unique local and site local addresses are outside of 2000::/3.
func reserved() []netip.Prefix {
	v4 := func(a, b, c, d byte, bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{a, b, c, d}), bits)
	}
	v6 := func(a, b, c, d byte, bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{a, b, c, d}), bits)
	}
	return []netip.Prefix{
		v4(0, 0, 0, 0, 8),             // this network
		v4(100, 64, 0, 0, 10),         // CGNAT, and the metadata of some clouds
		v4(168, 63, 129, 16, 32),      // the host of a machine in Azure
		v4(192, 0, 0, 0, 24),          // IETF protocols, and the metadata of some clouds
		v4(192, 0, 2, 0, 24),          // documentation
		v4(192, 88, 99, 0, 24),        // 6to4 relays
		v4(198, 18, 0, 0, 15),         // benchmarks
		v4(198, 51, 100, 0, 24),       // documentation
		v4(203, 0, 113, 0, 24),        // documentation
		v4(240, 0, 0, 0, 4),           // reserved, broadcast
		v6(0x20, 0x01, 0, 0, 23),      // IETF protocols, Teredo
		v6(0x20, 0x01, 0xd, 0xb8, 32), // documentation
		v6(0x20, 0x02, 0, 0, 16),      // 6to4: any IPv4 address
		v6(0x3f, 0xff, 0, 0, 20),      // documentation
	}
}
