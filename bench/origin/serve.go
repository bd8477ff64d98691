package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/archive"
	"weir/packager/origin"
	"weir/packager/window"
	"weir/services/gateway"
)

const (
	segments     = 30 // in the window
	parts        = 10 // of a segment
	segmentBytes = 500_000
	part         = media.Second / 5

	playlistPath = "/live/x/e1/source/index.m3u8"
	segmentPath  = "/live/x/e1/source/3.m4s"
)

// serve is the process that is measured: it prints the address of the bare server and
// that of the gateway, and serves both until ctx is done.
func serve(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	h := &origin.Handler{Prefix: "/live", Log: slog.New(slog.DiscardHandler)}
	stream, err := fill(dir)
	if err != nil {
		return err
	}
	h.Add(stream)
	g, err := gateway.Open(ctx, gateway.Config{Addr: "127.0.0.1:0", Media: h})
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	bare := &http.Server{Handler: h, ReadHeaderTimeout: gateway.DefaultHeaderTimeout, WriteTimeout: gateway.DefaultWriteTimeout}
	ended := make(chan error, 2)
	go func() { ended <- g.Run(ctx) }()
	go func() { ended <- bare.Serve(l) }()
	fmt.Println(l.Addr(), g.Addr())
	select {
	case err = <-ended:
		_ = bare.Close()
		return err
	case <-ctx.Done():
		_ = bare.Close()
		<-ended
		<-ended
		return nil
	}
}

// fill makes a stream that is a minute old and has its older segments in files.
func fill(dir string) (*origin.Stream, error) {
	w := window.New(time.Now().Add(-time.Minute))
	t := w.Add("source", media.Video)
	t.AddInit(window.Init{Track: (&mediatest.Source{}).Tracks()[0], Data: []byte("init")})
	files := &archive.Files{Dir: dir}
	data := bytes.Repeat([]byte("x"), segmentBytes/parts)
	for msn := range uint64(segments) {
		t.Open(window.Segment{MSN: msn, Start: media.Time(msn) * parts * part, Key: true})
		for i := range parts {
			t.AddPart(window.Part{Data: data, Size: len(data), Duration: part, Independent: i == 0})
		}
		s := t.Close(0)
		path, err := files.Put(t.Finished(s))
		if err != nil {
			return nil, err
		}
		t.Stored(s, path)
	}
	return &origin.Stream{Name: "x", Epoch: "e1", Window: w, Target: 2, Segment: 2 * media.Second, PartTarget: part, Rewind: 600 * media.Second}, nil
}
