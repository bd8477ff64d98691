package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/bench/rig"
)

// segments measures ready segments against a bare handler.
func (st *stage) segments(ctx context.Context, length time.Duration) error {
	msn, _ := rig.Part(st.diary.Parts())
	path := strings.TrimSuffix(st.playlist, "index.m3u8") + strconv.Itoa(msn-2) + ".m4s"
	ours, size, err := st.fetch(ctx, st.addr, path, st.cost, length)
	if err != nil {
		return err
	}
	theirs, err := bare(ctx, size, func(addr string, p rig.Process) (float64, error) {
		alone := &stage{server: &rig.Server{Process: p}}
		micros, got, err := alone.fetch(ctx, addr, "/", alone.cost, length)
		if err == nil && got != size {
			err = fmt.Errorf("%d bytes and not %d", got, size)
		}
		return micros, err
	})
	if err != nil {
		return err
	}
	return rig.Result{What: "ready segment against a bare handler", Value: ours / theirs, Unit: "x CPU", Most: 1.15, More: map[string]any{
		"bytes": size, "weir_us": ours, "bare_us": theirs,
	}}.Print()
}

func (st *stage) fetch(ctx context.Context, addr, path string, cost func(func() (int, error)) (float64, int, error), length time.Duration) (micros float64, size int, err error) {
	list, err := rig.DialAll(ctx, addr, 8, 64<<10)
	if err != nil {
		return 0, 0, err
	}
	defer rig.HangUp(list)
	micros, _, err = cost(func() (n int, err error) {
		n, size, err = rig.Hammer(list, path, length)
		return n, err
	})
	return micros, size, err
}

// bare runs this program as the handler to compare with.
func bare(ctx context.Context, size int, measure func(addr string, p rig.Process) (float64, error)) (micros float64, err error) {
	err = rig.Child(ctx, []string{"-bare", strconv.Itoa(size)}, func(addr string, p rig.Process) (err error) {
		micros, err = measure(addr, p)
		return err
	})
	return micros, err
}

// serveBytes is that handler.
func serveBytes(ctx context.Context, size int) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	body, length := make([]byte, size), []string{strconv.Itoa(size)}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"video/mp4"}
		w.Header()["Content-Length"] = length
		_, _ = w.Write(body) // the client's loss
	})}
	fmt.Println(l.Addr())
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}
