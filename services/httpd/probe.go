package httpd

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v3"

	"weir/services/fault"
)

// probeTime is how long one check of Config.Ready may take.
const probeTime = 3 * time.Second

// errSlow is the error of a check that has not ended in probeTime.
var errSlow = errors.New("no answer in time")

// probes runs the checks of /readyz. However often it is asked, each check runs
// once at a time, also one that does not end with its context.
type probes struct {
	log     *slog.Logger
	busy    *tally
	names   []string // sorted
	checks  map[string]func(context.Context) error
	mu      sync.Mutex
	running map[string]*run
}

// run is one run of one check.
type run struct {
	done chan struct{} // closed when err is set
	err  error
}

func newProbes(cfg Config, busy *tally) *probes {
	return &probes{log: cfg.Log, busy: busy, names: slices.Sorted(maps.Keys(cfg.Ready)), checks: cfg.Ready, running: map[string]*run{}}
}

// unready returns the names of what is not ready, sorted. It takes probeTime at
// most.
func (p *probes) unready(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	runs := make([]*run, len(p.names))
	for i, name := range p.names {
		runs[i] = p.start(ctx, name)
	}
	var names []string
	for i, name := range p.names {
		err := errSlow
		select {
		case <-runs[i].done:
			err = runs[i].err
		case <-ctx.Done():
		}
		if err != nil {
			names = append(names, name)
			p.log.Warn("not ready", "what", name, "err", err)
		}
	}
	return names
}

// start runs a check, or joins the run that is under way.
func (p *probes) start(ctx context.Context, name string) *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.running[name]; r != nil {
		return r
	}
	r := &run{done: make(chan struct{})}
	p.running[name] = r
	p.busy.add()
	// The run is shared: it does not end when the first who asked leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTime)
	go func() {
		defer p.busy.done()
		defer cancel()
		r.err = p.checks[name](ctx)
		p.mu.Lock()
		delete(p.running, name)
		p.mu.Unlock()
		close(r.done)
	}()
	return r
}

func (s *Server) healthz(c fiber.Ctx) error {
	exchangeOf(c).probe = true
	return c.SendString("ok\n")
}

func (s *Server) readyz(c fiber.Ctx) error {
	exchangeOf(c).probe = true
	if s.draining.Err() != nil {
		return fault.New(fault.Unavailable, "Not ready: shutting down.")
	}
	if names := s.probes.unready(c.Context()); len(names) > 0 {
		return fault.Newf(fault.Unavailable, "Not ready: %s.", strings.Join(names, ", "))
	}
	return c.SendString("ok\n")
}
