package main

import (
	"context"
	"errors"
	"hash/fnv"
	"net/http"
	"strings"

	"weir/packager/door"
	"weir/services/backing/redis"
	"weir/services/gateway"
	"weir/services/live/place"
	"weir/services/run"
	"weir/services/seal"
)

// gate is the way to media for a gateway without the role: what is below /live/ and /vod/
// goes to a node that has it. A node that does not have a stream passes requests on itself,
// so that it suffices to reach one of them.
type gate struct {
	table *place.Table
	peers *peers
	redis *redis.Client // of this gate alone; nil: others close it
}

const (
	gateConns = 16_384 // to one node at once
	gateTries = 3      // nodes that are asked for one request
)

// openGate makes the way, where the settings say how the nodes find each other; else nil.
func (n *node) openGate(ctx context.Context) (*gate, error) {
	if n.cfg.Store.RedisURL == "" || n.cfg.Store.SecretKey == "" {
		return nil, nil
	}
	secret, err := seal.ParseKey(n.cfg.Store.SecretKey)
	if err != nil {
		return nil, err
	}
	g := &gate{}
	var client *redis.Client
	if n.backings != nil {
		client = n.backings.redis
	} else {
		if client, err = redis.Open(ctx, redis.Config{URL: n.cfg.Store.RedisURL, Log: n.log}); err != nil {
			return nil, backingError("WEIR_REDIS_URL", n.cfg.Store.RedisURL, err)
		}
		g.redis = client
	}
	g.table = place.New(place.Config{Redis: client, Remember: n.cfg.Ingest.Reconnect, Log: n.log})
	g.peers = newPeers(g.table, nil, secret, nil, n.log)
	g.peers.gate, g.peers.seats.All, g.peers.client.MaxConnsPerHost = true, gateConns, gateConns
	return g, nil
}

// Name is the name of the service.
func (g *gate) Name() string { return "nodes in sight" }

// Run looks at the nodes until ctx ends.
func (g *gate) Run(ctx context.Context) error {
	err := g.table.Watch(ctx)
	g.peers.close()
	if g.redis != nil {
		err = errors.Join(err, g.redis.Close())
	}
	return err
}

// ServeHTTP answers for what lies below /live/ and /vod/.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Del(peerHeader) // nobody is to say who a viewer is
	tries := gateTries
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		tries = 1 // the body is gone
	}
	for _, to := range g.nodes(r) {
		if tries--; tries < 0 {
			break
		}
		if g.peers.pass(w, r, to, true) == nil || r.Context().Err() != nil {
			return
		}
	}
	away(w)
}

// nodes are those who may answer a request, the best first: who has the stream, or who
// made the session, and then all, those of one name in one order.
func (g *gate) nodes(r *http.Request) []place.Peer {
	b, path := door.Read(r, "/"+strings.SplitN(r.URL.Path, "/", 3)[1])
	name, _, _ := strings.Cut(path, "/")
	var list []place.Peer
	if x, ok := g.table.Find(name); ok && x.URL != "" && strings.HasPrefix(r.URL.Path, livePrefix+"/") {
		list = append(list, x)
	}
	if name == "whip" {
		name = b.From.String() // publishers' names are in their keys
	}
	all := g.table.Peers()
	if len(all) == 0 {
		return list
	}
	sum := fnv.New32a()
	sum.Write([]byte(name))                                                   // never fails
	for i, first := 0, int(sum.Sum32()%uint32(len(all))); i < len(all); i++ { //nolint:gosec // there are few nodes
		if x := all[(first+i)%len(all)]; x.URL != "" && !x.Leaving && (len(list) == 0 || list[0].Node != x.Node) {
			list = append(list, x)
		}
	}
	return list
}

// streams lists who is live and may be found by everybody, by name.
func (g *gate) streams() []gateway.Stream { return listed(g.table, nil) }

var _ run.Service = (*gate)(nil)
