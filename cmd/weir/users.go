package main

import (
	"context"
	"errors"
	"time"

	"weir/services/auth"
	"weir/services/gateway"
	"weir/services/httpd"
	"weir/services/run"
	"weir/services/user"
)

// userRole is the user-service in this process.
type userRole struct {
	service  *user.Service
	ask      func(ctx context.Context) error // providers of sign-ins
	verifier *auth.Verifier
	server   *httpd.Server
	port     servicePort
}

// userRoutes are the addresses that the gateway hands to the user-service.
func userRoutes() []string {
	return []string{"auth", "users", "/.well-known/jwks.json"}
}

// userBody is the most bytes of a request: a picture.
const userBody = user.PictureMax + 64<<10

func openUsers(ctx context.Context, n *node) (run.Service, error) {
	if err := n.openBackings(ctx); err != nil {
		return nil, err
	}
	box, err := openSeal(n.cfg)
	if err != nil {
		return nil, err
	}
	providers, err := openProviders(n.cfg)
	if err != nil {
		return nil, err
	}
	s, err := user.Open(ctx, user.Config{
		DB: n.backings.db, Box: box, Redis: n.backings.redis, Blobs: n.backings.blobs, Providers: providers, Issuer: tokenIssuer, Audience: tokenIssuer, PublicURL: n.cfg.HTTP.PublicURL, LogLinks: n.cfg.Users.LogLinks, Log: n.log,
	})
	if err != nil {
		return nil, sealError(err)
	}
	r := &userRole{service: s, ask: func(ctx context.Context) error { return tellOfProviders(ctx, providers, n.log) }}
	if r.verifier, err = auth.New(auth.Config{Keys: s.Keys(), Redis: n.backings.redis, Issuer: tokenIssuer, Audience: tokenIssuer, Opaque: s.Opaque, Log: n.log}); err != nil {
		return nil, err
	}
	r.server = httpd.New(httpd.Config{
		Service: "user", Version: buildInfo().version, Log: n.log, Verifier: r.verifier, Metrics: n.registry, Traces: n.traces, BodyLimit: userBody, TrustedPeers: n.cfg.HTTP.TrustedProxies.Prefixes(),
		Ready: map[string]func(context.Context) error{"database": n.backings.db.Ping, "revocations": r.verifier.Ready},
	})
	s.Routes(r.server, "")
	n.state.need("revocations", r.verifier.Ready)
	if r.port, err = openServicePort(ctx, "WEIR_USER_ADDR", n.cfg.Users.UserAddr); err != nil {
		return nil, err
	}
	n.users = r
	return r, nil
}

func (r *userRole) Name() string { return "user" }

// Run serves the API and does the housekeeping until ctx is done.
func (r *userRole) Run(ctx context.Context) error {
	parts := []run.Service{
		part{"revocations", r.verifier.Run},
		part{"housekeeping", r.service.Run},
		part{"providers", r.ask},
	}
	servers := []run.Service{part{"user API", func(ctx context.Context) error { return r.server.Serve(ctx, r.port.listener) }}}
	return run.Stages(ctx, parts, servers)
}

// part is a function as a service.
type part struct {
	name string
	run  func(context.Context) error
}

func (p part) Name() string                  { return p.name }
func (p part) Run(ctx context.Context) error { return p.run(ctx) }

// services is the gateway's table: what runs here, else what the settings say.
func (n *node) services() []gateway.Service {
	var out []gateway.Service
	switch {
	case n.users != nil:
		out = append(out, gateway.Service{Name: "user", Routes: userRoutes(), Dial: n.users.port.dial, BodyLimit: userBody})
	case n.cfg.Users.UserURL != "":
		out = append(out, gateway.Service{Name: "user", Routes: userRoutes(), URL: n.cfg.Users.UserURL, BodyLimit: userBody})
	}
	if s, ok := n.liveService(); ok {
		out = append(out, s)
	}
	return out
}

// firstUser makes the admin of a fresh installation; the password is shown once.
func (n *node) firstUser(ctx context.Context) (password string, err error) {
	if n.users == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	password, err = n.users.service.First(ctx, adminName, adminMail)
	if err != nil {
		return "", errors.Join(errors.New("the first account cannot be made"), err)
	}
	return password, nil
}

// The first account.
const (
	adminName = "admin"
	adminMail = "admin@weir.invalid" // RFC 2606: nobody has it; its holder sets another
)

// tokenIssuer is written into access tokens; every process of an installation
// expects it.
const tokenIssuer = "weir"
