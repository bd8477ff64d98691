package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"weir/services/certificate"
	"weir/services/gateway"
	"weir/services/httpd/trace"
	"weir/services/live"
	"weir/services/live/camera"
	"weir/services/live/target"
	"weir/services/run"
)

// role is a part of weir that a process can run.
type role struct {
	name string
	// open binds, reads and creates what the role needs and leaves it in the
	// node. The service it returns runs after those of the roles above; nil when
	// the role has nothing of its own to run.
	open func(ctx context.Context, n *node) (run.Service, error)
}

// roles are all that exist, in the order in which they start; they stop in
// reverse, so viewers are let go before the media they watch.
func roles() []role {
	return []role{
		{"user", openUsers},
		{"live", openLive},
		{"media", openMediaRole},
		{"gateway", openGateway},
	}
}

func roleNames() []string {
	var names []string
	for _, r := range roles() {
		names = append(names, r.name)
	}
	return names
}

// pickRoles returns the roles that a list names, in start order.
func pickRoles(list string) ([]role, error) {
	planned := []string{"video", "encoder", "chat", "notification", "analytics"}
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		switch {
		case slices.Contains(roleNames(), name):
		case slices.Contains(planned, name):
			return nil, usagef("the role %s does not exist in this version; there are %s", name, strings.Join(roleNames(), ", "))
		default:
			return nil, usagef("there is no role %q; there are %s", name, strings.Join(roleNames(), ", "))
		}
	}
	return slices.DeleteFunc(roles(), func(r role) bool { return !slices.Contains(wanted, r.name) }), nil
}

// node is one running process: what its roles have opened so far.
type node struct {
	cfg      *Settings
	log      *slog.Logger
	registry *prometheus.Registry
	state    *readiness
	traces   *trace.Provider
	cert     *certificate.Files // nil without TLS

	admin    *admin           // nil when the port is off
	live     *live.Service    // by live or media
	library  *library         // with it
	targets  *target.Service  // with it
	cameras  *camera.Service  // with it
	liveAPI  *liveRole        // nil without the role
	backings *backings        // nil when no role needs them
	media    *mediaRole       // nil without the role
	users    *userRole        // nil without the role
	gateway  *gateway.Gateway // nil without the role
}

func openMediaRole(ctx context.Context, n *node) (run.Service, error) {
	if err := n.openLiveService(ctx); err != nil {
		return nil, err
	}
	if err := n.openBackings(ctx); err != nil {
		return nil, err
	}
	if err := n.openCertificate(n.cfg.Ingest.RTMPSAddr != ""); err != nil {
		return nil, err
	}
	m, err := openMedia(ctx, n.cfg.Config, n.cert, n.live, n.library, n.log)
	if err != nil {
		return nil, err
	}
	if err := n.joinOthers(m); err != nil {
		return nil, errors.Join(err, m.Run(canceled()))
	}
	m.restreams, m.cameras = newRestreams(n, m), newCameras(n, m)
	n.media = m
	n.registry.MustRegister(m.Collectors()...)
	return &mediaStage{m}, nil
}

// mediaStage is the media role with what writes down its sessions around it: their ends
// are written after the streams have ended.
type mediaStage struct{ media *mediaRole }

// Name is the name of the service.
func (s *mediaStage) Name() string { return "media" }

// Run serves until ctx is done.
func (s *mediaStage) Run(ctx context.Context) error {
	channels := s.media.control.live
	stages := [][]run.Service{{part{"sessions", channels.RunNode}, part{"recordings", channels.RunRecordings}, part{"passes", channels.RunPasses}}, {s.media}}
	if t := s.media.control.place; t != nil {
		stages = slices.Insert(stages, 0, []run.Service{part{"places", t.Run}})
	}
	return run.Stages(ctx, stages...)
}

// tellOfItself is what the API says of this server.
func (n *node) tellOfItself() gateway.Server {
	s := gateway.Server{Version: buildInfo().version, Host: hostOf(n.cfg.HTTP.PublicURL), Publish: n.cfg.Ingest.Publish}
	if n.media != nil {
		s.RTMPPort, s.RTMPSPort = portOf(n.media.RTMPAddr()), portOf(n.media.RTMPSAddr())
		s.SRTPort, s.RTSPPort = portOf(n.media.SRTAddr()), portOf(n.media.RTSPAddr())
	}
	return s
}

// hostOf is the host of a URL as others have it, without the port; empty for none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if host := u.Hostname(); !strings.Contains(host, ":") {
		return host
	}
	return "[" + u.Hostname() + "]"
}

// portOf is the port of a bound address, 0 for none.
func portOf(addr string) int {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return 0
	}
	return int(ap.Port())
}

// openCertificate reads what the settings name, once for all ports with TLS.
func (n *node) openCertificate(wanted bool) (err error) {
	if !wanted || n.cert != nil || n.cfg.HTTP.TLSCert == "" {
		return nil
	}
	n.cert, err = certificate.Open(certificate.Config{CertFile: n.cfg.HTTP.TLSCert, KeyFile: n.cfg.HTTP.TLSKey, Log: n.log})
	if err != nil {
		return fmt.Errorf("WEIR_TLS_CERT and WEIR_TLS_KEY: %w", err)
	}
	return nil
}

func openGateway(ctx context.Context, n *node) (run.Service, error) {
	if err := n.openCertificate(true); err != nil {
		return nil, err
	}
	cfg := gateway.Config{
		Addr:           string(n.cfg.HTTP.Addr),
		TrustedProxies: n.cfg.HTTP.TrustedProxies.Prefixes(),
		Web:            webApp(n.log),
		Ready:          n.state.err,
		Server:         n.tellOfItself,
		Services:       n.services(),
		Traces:         n.traces,
		Log:            n.log,
	}
	if n.cert != nil {
		cfg.TLS = n.cert.Server()
	}
	var far *gate
	if n.media != nil {
		cfg.Media, cfg.Streams = n.media.Handler(), n.media.AllStreams
	} else {
		var err error
		if far, err = n.openGate(ctx); err != nil {
			return nil, err
		}
		if far != nil {
			cfg.Media, cfg.Streams = far, far.streams
		}
	}
	g, err := gateway.Open(ctx, cfg)
	if err != nil {
		err = bindError("WEIR_HTTP_ADDR", n.cfg.HTTP.Addr, err)
		if far != nil {
			err = errors.Join(err, far.Run(canceled()))
		}
		return nil, err
	}
	n.gateway = g
	n.registry.MustRegister(g.Collectors()...)
	if far != nil {
		return part{"gateway", func(ctx context.Context) error { return run.Stages(ctx, []run.Service{far}, []run.Service{g}) }}, nil
	}
	return g, nil
}
