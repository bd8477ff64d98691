package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"weir/services/footprint"
	"weir/services/httpd/trace"
	"weir/services/run"
	"weir/web"
)

// runAll is `weir all`.
func runAll(ctx context.Context, p process) error {
	f := flags(p, "all")
	demo := f.Bool("demo", false, "publish a moving test picture as \"demo\"")
	if _, err := parseFlags(f, p.args, 0, "no arguments but --demo"); err != nil {
		return err
	}
	return serve(ctx, p, roles(), *demo)
}

// runSome is `weir run`.
func runSome(ctx context.Context, p process) error {
	f := flags(p, "run")
	args, err := parseFlags(f, p.args, 1, "one list of roles, such as media,gateway")
	if err != nil {
		return err
	}
	picked, err := pickRoles(args[0])
	if err != nil {
		return err
	}
	return serve(ctx, p, picked, false)
}

// serve opens the roles and runs them until ctx is done or one of them fails.
func serve(ctx context.Context, p process, picked []role, demo bool) error {
	start := time.Now()
	cfg, err := loadConfig(p.environ, envFileName)
	if err != nil {
		return err
	}
	log := newLogger(cfg.Log, p.stderr)
	data, err := openDataDir(cfg.Store.DataDir)
	if err != nil {
		return err
	}
	defer data.close()
	warnApart(cfg, picked, log)

	traces, err := trace.Open(ctx, trace.Config{Endpoint: p.getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), Service: "weir", Version: buildInfo().version, Log: log})
	if err != nil {
		return err
	}
	defer closeTraces(ctx, traces, log)
	n := &node{cfg: cfg, log: log, registry: prometheus.NewRegistry(), state: &readiness{}, traces: traces}
	n.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	stages, err := n.open(ctx, picked)
	if err != nil {
		return errors.Join(err, closeAll(ctx, stages))
	}
	last := []run.Service{&front{node: n, program: p.called(), out: p.stdout, start: start, demo: demo}}
	if demo {
		last = append(last, &demoService{node: n})
	}
	err = run.Stages(ctx, append(stages, last)...)
	if err == nil {
		log.Info("stopped")
	}
	return err
}

// closeTraces sends what is held.
func closeTraces(ctx context.Context, t *trace.Provider, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := t.Close(ctx); err != nil {
		log.Warn("the last traces are lost", "err", err)
	}
}

// open opens the admin port and the roles. On failure it returns what it had
// opened until then too.
func (n *node) open(ctx context.Context, picked []role) (stages [][]run.Service, err error) {
	if n.cfg.HTTP.AdminAddr != "" {
		a, err := openAdmin(ctx, n)
		if err != nil {
			return nil, err
		}
		n.admin = a
		stages = append(stages, []run.Service{a})
	}
	before := len(stages)
	defer func() {
		if n.backings != nil { // below all roles, whoever opened them
			stages = slices.Insert(stages, before, []run.Service{n.backings})
		}
	}()
	for _, r := range picked {
		s, err := r.open(ctx, n)
		if err != nil {
			return stages, err
		}
		if s != nil {
			stages = append(stages, []run.Service{s})
		}
	}
	return stages, nil
}

// closeAll ends services that were opened and will not run.
func closeAll(ctx context.Context, stages [][]run.Service) error {
	done, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cancel()
	return run.Stages(done, stages...)
}

// warnApart says what roles in several processes lack: what ends in one of them, such as
// an account, has to end in all.
func warnApart(cfg *Settings, picked []role, log *slog.Logger) {
	has := func(name string) bool {
		return slices.ContainsFunc(picked, func(r role) bool { return r.name == name })
	}
	if has("user") && (has("live") || has("media")) {
		return
	}
	var missing []string
	for _, x := range []setting{{name: "WEIR_DATABASE_URL", text: cfg.Store.DatabaseURL}, {name: "WEIR_REDIS_URL", text: cfg.Store.RedisURL}, {name: "WEIR_AMQP_URL", text: cfg.Store.AMQPURL}} {
		if x.text == "" {
			missing = append(missing, x.name)
		}
	}
	if len(missing) > 0 {
		log.Warn("roles in several processes share a database, Redis and RabbitMQ; without them this process does not hear of accounts, sessions and channels that end elsewhere", "missing", strings.Join(missing, ", "))
	}
	if has("user") && cfg.Users.UserAddr == "" {
		log.Warn("WEIR_USER_ADDR is not set: no other process can reach the role user here")
	}
}

// bindError says what to do about a port that cannot be had.
func bindError(setting string, addr Address, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s=%s is in use: stop the program that has it, or set %s to another address", setting, addr, setting)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s=%s is not permitted to this user: set %s to a port above 1023", setting, addr, setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s=%s is not an address of this machine: set %s to one that is, or leave the host out", setting, addr, setting)
	}
	return err
}

// webApp is the built web app, or nil where the binary was built without it.
func webApp(log *slog.Logger) fs.FS {
	if !web.Built() {
		log.Warn("this binary was built without the web app: build it with `make build`")
		return nil
	}
	return web.FS()
}

// front is the last stage: when it runs, everything is up.
type front struct {
	node    *node
	program string    // as it was typed
	out     io.Writer // the banner
	start   time.Time // of the process
	demo    bool
}

func (f *front) Name() string { return "front" }

// Run makes the first stream key if there never was one, prints the banner and
// reports readiness until ctx is done.
func (f *front) Run(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	password, err := f.node.firstUser(ctx)
	if err != nil {
		return err
	}
	key, err := f.firstKey(ctx)
	if err != nil {
		return err
	}
	if err := footprint.Shrink(); err != nil {
		f.node.log.Debug("memory that only the start needed is not given back", "err", err)
	}
	f.node.state.set(up)
	defer f.node.state.set(stopping)
	printBanner(f.out, f.node.banner(f.program, key, password, f.demo, time.Since(f.start)))
	if f.node.cfg.Ingest.Publish == "open" {
		f.node.log.Warn("WEIR_PUBLISH=open: ANYONE who reaches this server can publish under any name")
	}
	f.node.log.Info("ready", "after", time.Since(f.start).Round(time.Millisecond))
	<-ctx.Done()
	f.node.log.Info("stopping")
	if m := f.node.media; m != nil && f.node.cfg.Ingest.Drain > 0 && m.leave() {
		f.node.state.set(stopping) // balancers stop sending
		m.drain(context.WithoutCancel(ctx), f.node.cfg.Ingest.Drain)
	}
	return nil
}

// firstKey is made this late so that it is never made without being printed.
func (f *front) firstKey(ctx context.Context) (string, error) {
	if f.node.media == nil || f.node.cfg.Ingest.Publish == "open" {
		return "", nil
	}
	return f.node.live.First(ctx, "main", f.node.firstOwner(ctx))
}
