package place

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Doors are where publishers reach a node: host:port for each scheme.
type Doors map[string]string

// sent is a publisher that another node was named to, and who is not in what that says of
// itself yet.
type sent struct {
	node string
	need float64
	at   time.Time
}

const (
	// sentFor is how long that takes: to connect there, to begin, and to be told of here.
	sentFor  = 5 * time.Second
	mostSent = 1000 // remembered; who comes beyond that is sent nowhere

	mostFree = 1 << 12 // cores that a node is believed to have
	mostHost = 253     // bytes of a name
)

// Room is where a publisher can go whose stream needs so many cores: the other node that
// has the most free by its newest word, and a door for that scheme; with must set also one
// that has less. The address is a URL without a path; empty: there is no such node, or
// nothing is known of the others.
func (t *Table) Room(scheme string, need float64, must bool) (address string) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = slices.DeleteFunc(t.sent, func(s sent) bool { return now.Sub(s.at) > sentFor })
	if len(t.sent) >= mostSent || now.Sub(t.looked) > Life {
		return ""
	}
	best, most := "", 0.0
	for _, p := range t.nodes {
		door := p.Doors[scheme]
		if p.Leaving || !isDoor(door) {
			continue
		}
		if free := min(p.Free, mostFree) - t.due(p.Node); (must || free >= need) && (best == "" || free > most) {
			best, most, address = p.Node, free, scheme+"://"+door
		}
	}
	if best != "" && need > 0 {
		t.sent = append(t.sent, sent{best, need, now})
	}
	return address
}

// due is what those need who were sent to a node lately. The caller holds mu.
func (t *Table) due(node string) (sum float64) {
	for _, s := range t.sent {
		if s.node == node {
			sum += s.need
		}
	}
	return sum
}

// isDoor tells whether what a node says is the host:port of one that can be called, and
// nothing else.
func isDoor(door string) bool {
	host, port, err := net.SplitHostPort(door)
	if err != nil || !IsHost(host) {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// IsHost tells whether a text has the form of a name or an address of a machine.
func IsHost(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return !ip.IsUnspecified()
	}
	return host != "" && len(host) <= mostHost && strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == "" &&
		!strings.ContainsAny(host[:1]+host[len(host)-1:], "-.") && !strings.Contains(host, "..")
}
