package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// admin is the port for operators: metrics, profiles, health. It is for loopback
// or a closed network; it asks nobody who they are.
type admin struct {
	server   *http.Server
	listener net.Listener
}

func openAdmin(ctx context.Context, n *node) (*admin, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", string(n.cfg.HTTP.AdminAddr))
	if err != nil {
		return nil, bindError("WEIR_ADMIN_ADDR", n.cfg.HTTP.AdminAddr, fmt.Errorf("admin port: %w", err))
	}
	return &admin{listener: l, server: &http.Server{
		Handler:           adminHandler(n),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(n.log.Handler(), slog.LevelDebug),
	}}, nil
}

// adminIndex is what there is on the admin port.
const adminIndex = "weir, admin port\n\n/metrics\n/debug/pprof/\n/healthz\n/readyz\n"

func adminHandler(n *node) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, adminIndex) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.registry, promhttp.HandlerOpts{Registry: n.registry}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := n.state.err(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ok\n")
	})
	return mux
}

func (a *admin) Name() string { return "admin" }

// Run serves until ctx is done; profiles under way are cut off.
func (a *admin) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- a.server.Serve(a.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("admin port: %w", err)
	case <-ctx.Done():
	}
	a.server.Close()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin port: %w", err)
	}
	a.listener.Close() // when Close came before Serve had the listener
	return nil
}
