package main

import (
	"errors"
	"maps"
	"net"
	"strconv"

	"weir/ingest"
	"weir/services/live/place"
)

// This file sends publishers to other nodes: when this one is about to end, and when it has
// no room. Where none is known that takes them, or they cannot be told, all is as it is
// without: the reason alone is what they get.

// elsewhere names the publisher that is refused for a reason a node that has room for it,
// or, with must set, that takes publishers at all.
func (c *control) elsewhere(scheme string, cores float64, must bool, reason error) error {
	if c.place == nil || scheme == "" {
		return reason
	}
	to := c.place.Room(scheme, cores, must)
	if to == "" && scheme == "http" {
		to = c.place.Room("https", cores, must)
	}
	if to == "" {
		return reason
	}
	return &ingest.Elsewhere{Reason: reason, To: to}
}

// spread sends a publisher on before its stream begins, if there will be no room for it here
// and there is elsewhere. Who comes back finds the room that is kept for it, and who was
// sent here is sent nowhere: this node may have filled up meanwhile, but so may have the other.
func (c *control) spread(r ingest.Request, name string) error {
	if c.capacity == nil || r.Sent || r.Scheme == "" {
		return nil
	}
	c.mu.Lock()
	here := c.names[name] != nil
	c.mu.Unlock()
	if here {
		return nil
	}
	cores, fits := c.capacity.foresee(name, r.Follows)
	if fits {
		return nil
	}
	var to *ingest.Elsewhere
	if err := c.elsewhere(r.Scheme, cores, false, ingest.Refusal{Words: fullWords}); errors.As(err, &to) {
		c.log.Info("no room for this stream's ladder: its publisher is sent to another node", "stream", name, "to", to.To, "cores", cores)
		return to
	}
	return nil // it may be smaller than it was, or than others
}

// sendOn is elsewhere for the publisher of a name, which found no room when its stream was
// to begin.
func (c *control) sendOn(name string, reason error) error {
	c.mu.Lock()
	d := c.names[name]
	c.mu.Unlock()
	if d == nil || d.sent || c.capacity == nil {
		return reason
	}
	cores, _ := c.capacity.foresee(name, false)
	return c.elsewhere(d.scheme, cores, false, reason)
}

// moved is why a stream is handed over, with the node that has the most room for it.
func (m *mediaRole) moved(name string) error {
	m.control.mu.Lock()
	scheme := ""
	if d := m.control.names[name]; d != nil {
		scheme = d.scheme
	}
	m.control.mu.Unlock()
	return m.control.elsewhere(scheme, m.pipelines.capacity.need(name), true, ingest.ErrMoved)
}

// Takes is place.Owner.
func (m *mediaRole) Takes() (place.Doors, float64) {
	_, _, free := m.pipelines.capacity.figures()
	return m.doors(), free
}

// doors are where publishers reach this node alone: WEIR_NODE_HOST, at the ports of
// WEIR_NODE_PORTS, else at those that are open here. It is called when all is open.
func (n *node) doors(m *mediaRole) place.Doors {
	cfg := n.cfg.Ingest
	if cfg.NodeHost == "" {
		return nil
	}
	ports := map[string]int{"rtmp": portOf(m.rtmpAddr), "rtmps": portOf(m.rtmpsAddr), "rtsp": portOf(m.rtspAddr)}
	if given := cfg.NodePorts.of; m.webRTC != nil && n.gateway != nil && given["http"]+given["https"] == 0 {
		scheme := "http"
		if n.cert != nil {
			scheme = "https"
		}
		ports[scheme] = portOf(n.gateway.Addr().String())
	}
	maps.Copy(ports, cfg.NodePorts.of)
	doors := place.Doors{}
	for scheme, port := range ports {
		if port != 0 {
			doors[scheme] = net.JoinHostPort(cfg.NodeHost, strconv.Itoa(port))
		}
	}
	return doors
}
