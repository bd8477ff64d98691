package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"

	"weir/ingest"
	"weir/services/backing/redis"
	"weir/services/gateway"
	"weir/services/live"
	"weir/services/live/place"
	"weir/services/seal"
)

// joinOthers gives a media role its place among the nodes that share a Redis; alone it
// needs none.
func (n *node) joinOthers(m *mediaRole) error {
	m.control.checkpoints = newCheckpoints(newCheckpointStore(n.backings.redis, n.cfg.Store.DataDir), n.cfg.Ingest.Reconnect, n.live, n.log)
	if n.backings.redis.Embedded() {
		return m.joinPast(n)
	}
	table := place.New(place.Config{
		Redis: n.backings.redis, Node: n.live.Node(), URL: n.cfg.HTTP.NodeURL, Remember: n.cfg.Ingest.Reconnect, Owner: m, Log: n.log,
	})
	m.control.place = table
	m.doors = func() place.Doors { return n.doors(m) }
	m.ownFiles = ownRecordings(n.cfg.Config)
	m.awaitReturns(context.Background(), table)
	if n.cfg.HTTP.NodeURL == "" {
		return nil
	}
	secret, err := seal.ParseKey(n.cfg.Store.SecretKey)
	if err != nil {
		return err
	}
	m.peers = newPeers(table, m.origin, secret, m.closing, n.log)
	m.origin.Elsewhere = m.peers
	return nil
}

// ownRecordings says that what is recorded goes to files that no other node has.
func ownRecordings(cfg Config) bool { return cfg.Live.Record != "off" && cfg.Store.S3Endpoint == "" }

// keptApart says what comes of recordings that each node keeps for itself.
const keptApart = "each node keeps its recordings in files of its own: the others cannot play them, and a stream that goes on at another node becomes two recordings; give all nodes the same WEIR_S3_ENDPOINT, or WEIR_RECORD=off"

// warnApart says it once in the log, when there is another node.
func (m *mediaRole) warnApart() {
	if m.ownFiles && len(m.control.place.Peers()) > 0 {
		m.ownFiles = false
		m.log.Warn(keptApart)
	}
}

// checkApart looks whether there are other nodes, or are to be.
func checkApart(ctx context.Context, cfg *Settings) []finding {
	if !ownRecordings(cfg.Config) {
		return nil
	}
	several := cfg.HTTP.NodeURL != ""
	if !several && cfg.Store.RedisURL != "" {
		ctx, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		r, err := redis.Open(ctx, redis.Config{URL: cfg.Store.RedisURL, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			return nil // said elsewhere
		}
		nodes, err := place.Nodes(ctx, r)
		several = errors.Join(err, r.Close()) == nil && nodes > 1
	}
	if !several {
		return nil
	}
	return []finding{{what: "recordings", remark: keptApart}}
}

// joinPast makes viewers wait for what was on the air when the process before this one
// ended.
func (m *mediaRole) joinPast(n *node) error {
	var nobody [32]byte
	rand.Read(nobody[:]) // never fails, says crypto/rand
	table := place.New(place.Config{Remember: n.cfg.Ingest.Reconnect, Log: n.log})
	m.awaitReturns(context.Background(), table)
	m.peers = newPeers(table, m.origin, nobody[:], m.closing, n.log)
	m.origin.Elsewhere = m.peers
	return nil
}

// errElsewhere is shown to a publisher whose name another node has.
var errElsewhere = ingest.Refusal{Words: "somebody is publishing this name already, at another server"}

// claim makes a granted name this node's. While Redis is away publishers are let in
// without: a name that is live at two nodes then is one's again when Redis is back.
func (c *control) claim(ctx context.Context, g live.Grant) error {
	if c.place == nil {
		return nil
	}
	err := c.place.Claim(ctx, g.Name, g.Takeover || c.takeover)
	switch {
	case errors.Is(err, place.ErrElsewhere):
		return errElsewhere
	case err != nil && ctx.Err() != nil:
		return err // the publisher went, or waited for too long
	case err != nil:
		c.log.Warn("Redis does not answer: other nodes are not asked whether they have this name", "stream", g.Name, "err", err)
	}
	return nil
}

var _ place.Owner = (*mediaRole)(nil)

// Placed is place.Owner.
func (m *mediaRole) Placed() []place.Stream {
	var list []place.Stream
	for _, p := range m.pipelines.list() {
		list = append(list, m.pipelines.placed(p))
	}
	m.pipelines.mu.Lock()
	defer m.pipelines.mu.Unlock()
	for p := range m.pipelines.late {
		list = append(list, place.Stream{Name: p.stream.Name, Epoch: p.stream.Epoch, Over: true})
	}
	return list
}

// Yield is place.Owner: a name whose publisher is gone or silent, or may be replaced, is
// given up.
func (m *mediaRole) Yield(name string, takeover bool) bool {
	c := m.control
	if s := m.sessions.Get(name); s != nil && s.Silent() {
		takeover = true
	}
	c.mu.Lock()
	d := c.names[name]
	ok := d == nil || d.waits || takeover || c.leaving.Load()
	c.mu.Unlock()
	if ok {
		m.pipelines.wait.Go(func() { m.handOver(name, ingest.ErrReplaced) })
	}
	return ok
}

// Lost is place.Owner.
func (m *mediaRole) Lost(name string) {
	m.log.Warn("another node has a stream of this one", "stream", name)
	m.pipelines.wait.Go(func() { m.part(name, taken, ingest.ErrReplaced) })
}

// AllStreams are Streams and those of other nodes, by name.
func (m *mediaRole) AllStreams() []gateway.Stream {
	list := m.Streams()
	if m.control.place == nil {
		return list
	}
	list = append(list, listed(m.control.place, list)...)
	slices.SortFunc(list, func(a, b gateway.Stream) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// listed are the streams of other nodes that everybody may see, without those of a list.
func listed(table *place.Table, besides []gateway.Stream) []gateway.Stream {
	var list []gateway.Stream
	for _, s := range table.Streams() {
		var x gateway.Stream
		if len(s.Info) > 0 && json.Unmarshal(s.Info, &x) == nil && !slices.ContainsFunc(besides, func(o gateway.Stream) bool { return o.Name == x.Name }) {
			list = append(list, x)
		}
	}
	return list
}
