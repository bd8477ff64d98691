package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// Run serves until ctx is done. Then no new connection is taken, requests that
// are held see their context end at once, as do WebSockets and streams of events,
// and answers under way have Config.Drain to finish. It returns the error that ended serving earlier, else nil.
func (g *Gateway) Run(ctx context.Context) error {
	defer g.proxy.end()
	defer g.held()
	failed := make(chan error, 2)
	var serving sync.WaitGroup
	g.serve(&serving, failed)
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	g.held()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.cfg.Drain)
	defer cancel()
	g.listener.Close()
	serving.Go(func() {
		if g.media != nil {
			g.media.Shutdown(drain)
		}
	})
	if err := g.server.Shutdown(drain); err != nil {
		g.server.Close()
	}
	serving.Wait()
	return err
}

// serve starts what accepts connections: net/http alone, or behind what answers for
// media. Each tells failed when it ended of itself.
func (g *Gateway) serve(serving *sync.WaitGroup, failed chan<- error) {
	run := func(f func() error) {
		serving.Go(func() {
			if err := f(); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				failed <- fmt.Errorf("public port: %w", err)
			}
		})
	}
	if g.media == nil {
		run(func() error { return g.server.ServeTLS(g.listener, "", "") })
		return
	}
	rest := g.media.Open(g.listener)
	run(func() error { return g.server.Serve(rest) })
	run(func() error { return g.media.Serve(g.listener) })
}
