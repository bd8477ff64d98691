package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"weir/media/ladder"
)

// Address is a listener's host:port; the host may be empty for all interfaces.
// The empty Address turns the listener off.
type Address string

// UnmarshalText checks the form of the address; port 0 takes a free one.
func (a *Address) UnmarshalText(text []byte) error {
	s := string(text)
	if s != "" {
		_, port, err := net.SplitHostPort(s)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return errors.New("want host:port such as :8080 or 127.0.0.1:8080")
		}
	}
	*a = Address(s)
	return nil
}

// Networks is a list of networks and single addresses; empty is none.
type Networks struct{ prefixes []netip.Prefix }

// Prefixes are the networks.
func (n Networks) Prefixes() []netip.Prefix { return n.prefixes }

// UnmarshalText reads a comma-separated list.
func (n *Networks) UnmarshalText(text []byte) error {
	n.prefixes = nil
	if len(text) == 0 {
		return nil
	}
	for item := range strings.SplitSeq(string(text), ",") {
		item = strings.TrimSpace(item)
		p, err := netip.ParsePrefix(item)
		if err != nil {
			a, errAddr := netip.ParseAddr(item)
			if errAddr != nil {
				return fmt.Errorf("%q is not a network such as 10.0.0.0/8 or an address", item)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		n.prefixes = append(n.prefixes, p.Masked())
	}
	return nil
}

// Addresses is a list of IP addresses; empty is none.
type Addresses struct{ list []netip.Addr }

// List are the addresses.
func (a Addresses) List() []netip.Addr { return a.list }

// UnmarshalText reads a comma-separated list.
func (a *Addresses) UnmarshalText(text []byte) error {
	a.list = nil
	if len(text) == 0 {
		return nil
	}
	for item := range strings.SplitSeq(string(text), ",") {
		ip, err := netip.ParseAddr(strings.TrimSpace(item))
		if err != nil || ip.IsUnspecified() {
			return fmt.Errorf("%q is not an IP address such as 203.0.113.7", strings.TrimSpace(item))
		}
		a.list = append(a.list, ip)
	}
	return nil
}

// Ladder is a parsed WEIR_LADDER.
type Ladder struct{ setting ladder.Setting }

// Setting is the ladder's own form of it.
func (l Ladder) Setting() ladder.Setting { return l.setting }

// UnmarshalText reads auto, off or a list.
func (l *Ladder) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("want auto, off or a list such as 720p:2800k,480p:1400k")
	}
	var err error
	l.setting, err = ladder.ParseSetting(string(text))
	return err
}

// Ports are those of schemes; empty is none.
type Ports struct{ of map[string]int }

// schemes that publishers can be sent to another address of.
func schemes() []string { return []string{"rtmp", "rtmps", "rtsp", "http", "https"} }

// UnmarshalText reads a comma-separated list of SCHEME=PORT.
func (p *Ports) UnmarshalText(text []byte) error {
	p.of = map[string]int{}
	if len(text) == 0 {
		return nil
	}
	for item := range strings.SplitSeq(string(text), ",") {
		item = strings.TrimSpace(item)
		scheme, number, _ := strings.Cut(item, "=")
		port, err := strconv.ParseUint(number, 10, 16)
		if err != nil || port == 0 || !slices.Contains(schemes(), scheme) {
			return fmt.Errorf("%q is not one of %s with a port, such as https=443", item, strings.Join(schemes(), ", "))
		}
		p.of[scheme] = int(port)
	}
	return nil
}
