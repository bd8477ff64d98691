package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"os"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/gateway"
	"weir/services/httpd"
	"weir/services/live"
	"weir/services/live/camera"
	"weir/services/live/target"
	"weir/services/live/webhook"
	"weir/services/run"
	"weir/services/user"
)

// liveRole is the API of the live-service in this process.
type liveRole struct {
	node     *node
	service  *live.Service
	hooks    *webhook.Service
	verifier *auth.Verifier
	server   *httpd.Server
	port     servicePort
}

// liveRoutes are the addresses that the gateway hands to the live-service.
func liveRoutes() []string { return []string{"channels", "recordings", "webhooks"} }

// openLiveService opens the live-service, once for the roles live and media.
func (n *node) openLiveService(ctx context.Context) error {
	if n.live != nil {
		return nil
	}
	if err := n.openBackings(ctx); err != nil {
		return err
	}
	box, err := openSeal(n.cfg)
	if err != nil {
		return err
	}
	store, err := storeName(n.cfg.Config)
	if err != nil {
		return err
	}
	if n.library, err = openLibrary(n.cfg.Config, blobStore{n.backings.blobs}, store, n.log); err != nil {
		return err
	}
	s, err := live.Open(live.Config{
		DB: n.backings.db, Redis: n.backings.redis, Node: nodeName(), Alone: n.backings.redis.Embedded(), Await: awaits(n.cfg.Ingest.Reconnect),
		HookURL: n.cfg.Ingest.Hook, Box: box, Vault: n.library, Store: store, Keep: keepOf(n.cfg.Live), Log: n.log,
	})
	if err != nil {
		return err
	}
	if err := s.OpenPasses(ctx); err != nil {
		return sealError(err)
	}
	n.live, n.library.channels = s, s
	if n.targets, err = target.Open(target.Config{DB: n.backings.db, Redis: n.backings.redis, Box: box, Channels: s, Check: wrongTarget, Log: n.log}); err != nil {
		return err
	}
	if n.cameras, err = camera.Open(camera.Config{DB: n.backings.db, Redis: n.backings.redis, Box: box, Channels: s, Check: wrongCamera, Log: n.log}); err != nil {
		return err
	}
	n.registry.MustRegister(removalsOf(s)...)
	return s.Import(ctx, n.cfg.Store.DataDir)
}

// awaits is how long a session of a process that is gone may go on in another.
func awaits(reconnect time.Duration) time.Duration {
	if reconnect == 0 {
		return 0
	}
	return reconnect + 2*checkpointSlack
}

// nodeName names this run of this process: after a restart it is another one.
func nodeName() string {
	var id [4]byte
	rand.Read(id[:]) // never fails, says crypto/rand
	host, err := os.Hostname()
	if err != nil {
		host = "weir"
	}
	return host + "-" + hex.EncodeToString(id[:])
}

func openLive(ctx context.Context, n *node) (run.Service, error) {
	if err := n.openLiveService(ctx); err != nil {
		return nil, err
	}
	r := &liveRole{node: n, service: n.live}
	keys, opaque, err := n.identities()
	if err != nil {
		return nil, err
	}
	if r.verifier, err = auth.New(auth.Config{Keys: keys, Redis: n.backings.redis, Issuer: tokenIssuer, Audience: tokenIssuer, Opaque: opaque, Log: n.log}); err != nil {
		return nil, err
	}
	r.server = httpd.New(httpd.Config{
		Service: "live", Version: buildInfo().version, Log: n.log, Verifier: r.verifier, Metrics: n.registry, Traces: n.traces, TrustedPeers: n.cfg.HTTP.TrustedProxies.Prefixes(),
		Ready: map[string]func(context.Context) error{"database": n.backings.db.Ping},
	})
	n.live.Routes(r.server)
	if r.hooks, err = n.openWebhooks(ctx); err != nil {
		return nil, err
	}
	r.hooks.Routes(r.server)
	n.targets.Routes(r.server)
	n.cameras.Routes(r.server)
	if r.port, err = openServicePort(ctx, "WEIR_LIVE_ADDR", n.cfg.Users.LiveAddr); err != nil {
		return nil, err
	}
	n.liveAPI = r
	return r, nil
}

// openWebhooks needs the key that seals secrets, as the role user does.
func (n *node) openWebhooks(ctx context.Context) (*webhook.Service, error) {
	box, err := openSeal(n.cfg)
	if err == nil {
		err = user.CheckSealed(ctx, n.backings.db, box)
	}
	if err != nil {
		return nil, sealError(err)
	}
	return webhook.Open(webhook.Config{DB: n.backings.db, Box: box, Channels: n.live, Private: n.cfg.Told.WebhookPrivate.Prefixes(), Log: n.log})
}

// identities is where access tokens and API tokens are checked: in this process, in the
// one of WEIR_USER_URL, or, with neither, by the database that all share.
func (n *node) identities() (auth.KeySource, func(context.Context, string) (auth.Identity, error), error) {
	if n.users != nil {
		return n.users.service.Keys(), n.users.service.Opaque, nil
	}
	address := n.cfg.Users.UserURL
	if address == "" {
		address = "http://127.0.0.1:1" // nobody: tokens cannot be checked, and are refused
		n.log.Warn("WEIR_USER_URL is not set and the role user is not here: nobody can sign in to the channels' API")
	}
	c, err := user.NewClient(address, nil)
	if err != nil {
		return nil, nil, err
	}
	return c.Keys(), c.Opaque, nil
}

func (r *liveRole) Name() string { return "live" }

// Run serves the API and does the housekeeping until ctx is done.
func (r *liveRole) Run(ctx context.Context) error {
	parts := []run.Service{
		part{"tokens of channels", r.verifier.Run},
		part{"housekeeping of channels", r.service.Run},
		part{"passes", r.service.RunPasses},
		part{"webhooks", r.hooks.Run},
		part{"targets", r.node.targets.Run},
		part{"cameras", r.node.cameras.Run},
	}
	if r.node.media == nil { // else that does it
		parts = append(parts, part{"recordings", r.service.RunRecordings})
	}
	servers := []run.Service{part{"channels API", func(ctx context.Context) error { return r.server.Serve(ctx, r.port.listener) }}}
	return run.Stages(ctx, parts, servers)
}

// servicePort is where a service answers: a port for other processes, or memory.
type servicePort struct {
	listener net.Listener
	dial     func(context.Context) (net.Conn, error)
}

// openServicePort binds the port of a setting; without one only this process can reach
// the service.
func openServicePort(ctx context.Context, setting string, addr Address) (p servicePort, err error) {
	if addr == "" {
		p.listener, p.dial = httpd.Memory()
		return p, nil
	}
	var lc net.ListenConfig
	if p.listener, err = lc.Listen(ctx, "tcp", string(addr)); err != nil {
		return p, bindError(setting, addr, err)
	}
	p.dial = func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", p.listener.Addr().String())
	}
	return p, nil
}

// liveService is the gateway's line for the live-service; false: there is none.
func (n *node) liveService() (gateway.Service, bool) {
	s := gateway.Service{Name: "live", Routes: liveRoutes()}
	switch {
	case n.liveAPI != nil:
		s.Dial = n.liveAPI.port.dial
	case n.cfg.Users.LiveURL != "":
		s.URL = n.cfg.Users.LiveURL
	default:
		return s, false
	}
	return s, true
}

// firstOwner is whose channel "main" is: the administrator's, where that is known.
func (n *node) firstOwner(ctx context.Context) *uuid.UUID {
	if n.users == nil {
		return nil
	}
	p, err := n.users.service.ByUsername(ctx, adminName)
	if err != nil {
		return nil
	}
	return &p.ID
}

// withLive opens the live-service of the settings beside a weir that may run.
func withLive(ctx context.Context, p process, do func(cfg *Settings, s *live.Service) error) error {
	return withDatabase(ctx, p, func(cfg *Settings, d *db.DB) error {
		box, err := knownSeal(cfg)
		if err != nil {
			return err
		}
		s, err := live.Open(live.Config{DB: d, Box: box})
		if err != nil {
			return err
		}
		if err := s.Import(ctx, cfg.Store.DataDir); err != nil {
			return err
		}
		return do(cfg, s)
	})
}
