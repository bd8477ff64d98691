package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"weir/ingest"
	"weir/media/rtmp"
	"weir/services/live"
)

const demoName = "demo"

// demoService keeps the demo picture live inside `weir all --demo`.
type demoService struct{ node *node }

func (d *demoService) Name() string { return "demo" }

// Run publishes, and again two seconds after a failure, until ctx is done. A demo
// that cannot publish does not end the process.
func (d *demoService) Run(ctx context.Context) error {
	n := d.node
	if n.media == nil || n.media.RTMPAddr() == "" {
		n.log.Warn("no demo picture: RTMP is off")
		<-ctx.Done()
		return nil
	}
	key, giveBack := demoName, func() {}
	if n.cfg.Ingest.Publish != "open" {
		key, giveBack = n.live.Lend(demoName)
	}
	defer giveBack()
	for ctx.Err() == nil {
		if err := runDemo(ctx, n.log, dialable(n.media.RTMPAddr()), key, func() {}); err != nil && ctx.Err() == nil {
			n.log.Warn("demo picture", "stream", demoName, "err", err)
		}
		pause := time.NewTimer(2 * time.Second)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
	return nil
}

// runDemoCommand is `weir demo`: it makes a stream key for as long as it runs.
func runDemoCommand(ctx context.Context, p process) (err error) {
	f := flags(p, "demo")
	name := f.String("name", demoName, "publish under this name")
	if _, err := parseFlags(f, p.args, 0, "no arguments but --name NAME"); err != nil {
		return err
	}
	if !live.ValidName(*name) {
		return usagef("--name %q: %v", *name, live.ErrName)
	}
	cfg, err := loadConfig(p.environ, envFileName)
	if err != nil {
		return err
	}
	if cfg.Ingest.RTMPAddr == "" {
		return errors.New("WEIR_RTMP_ADDR is empty: the demo needs RTMP")
	}
	key := *name
	if cfg.Ingest.Publish != "open" {
		var giveBack func() error
		key, giveBack, err = demoKey(ctx, p, cfg.Store.DataDir, *name)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, giveBack()) }()
	}
	onAir := func() { fmt.Fprintf(p.stdout, "publishing; watch %s (Ctrl-C ends it)\n", watchURL(cfg, *name)) }
	err = runDemo(ctx, newLogger(cfg.Log, p.stderr), dialable(string(cfg.Ingest.RTMPAddr)), key, onAir)
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, rtmp.ErrRefused) && strings.Contains(err.Error(), ingest.ErrBusy.Error()):
		return fmt.Errorf("%w; try --name OTHER", err)
	}
	return err
}

// watchURL is where a name is watched on the weir that has these settings.
func watchURL(cfg *Settings, name string) string {
	base := strings.TrimSuffix(cfg.HTTP.PublicURL, "/")
	switch {
	case base != "":
	case cfg.HTTP.TLSCert != "":
		base = "https://" + forPeople(string(cfg.HTTP.Addr), "443")
	default:
		base = "http://" + forPeople(string(cfg.HTTP.Addr), "80")
	}
	return base + "/watch/" + name
}

// demoKey makes a key that giveBack revokes, and a channel that is not recorded where
// there is none of that name.
func demoKey(ctx context.Context, p process, dir, name string) (key string, giveBack func() error, err error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("no weir has run on WEIR_DATA_DIR=%s yet: start `%s all` first", dir, p.called())
	}
	var made live.NewKey
	err = withLive(ctx, p, func(_ *Settings, s *live.Service) error {
		_, err := s.Ensure(ctx, name, nil, false)
		if err == nil {
			made, err = s.IssueKey(ctx, name, "of weir demo, while it runs")
		}
		return err
	})
	return made.Secret, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return withLive(ctx, p, func(_ *Settings, s *live.Service) error { return s.Revoke(ctx, made.ID) })
	}, err
}

// dialable is a listener's address as a client on the same machine dials it.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if everywhere(host) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
