package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"weir/ingest"
	"weir/ingest/whip"
	"weir/media"
	"weir/media/hub"
	"weir/media/rtc"
	"weir/media/transcode"
	"weir/packager/whep"
)

// webRTC is what goes through the one port of WebRTC. Nil when it is off.
type webRTC struct {
	port *rtc.Port
	whep *whep.Handler
	whip *whip.Server
}

func (m *mediaRole) openWebRTC(ctx context.Context, cfg Config) error {
	addr := cfg.Ingest.WebRTCAddr
	if addr == "" {
		return nil
	}
	port, err := rtc.Open(ctx, rtc.Config{Addr: string(addr), Public: cfg.Ingest.WebRTCPublic.List(), Log: m.log})
	if err != nil {
		return bindError("WEIR_WEBRTC_ADDR", addr, err)
	}
	in := whip.New(whip.Config{
		Port: port, Sessions: ingest.Local{Sessions: m.sessions}, Log: m.log, Prefix: livePrefix,
		Segment: cfg.Live.Segment, MaxConnsPerIP: cfg.Ingest.MaxConnsPerIP,
	})
	out := whep.New(whep.Config{
		Hub: &m.hub, Port: port, Log: m.log, Prefix: livePrefix, Admit: m.origin.Admit, Make: m.pipelines.forCalls,
		Sent: m.pipelines.metrics.sent,
		AskKey: func(id media.StreamID) {
			if string(id) == id.Name() {
				in.AskKey(id)
			} else {
				m.pipelines.askKey(id)
			}
		},
	})
	m.webRTC = &webRTC{port: port, whep: out, whip: in}
	return nil
}

// handler answers for WebRTC and leaves the rest to next.
func (w *webRTC) handler(next http.Handler) http.Handler {
	if w == nil {
		return next
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case w.whep.Match(r):
			w.whep.ServeHTTP(rw, r)
		case w.whip.Match(r):
			w.whip.ServeHTTP(rw, r)
		default:
			next.ServeHTTP(rw, r)
		}
	})
}

// close lets everybody go.
func (w *webRTC) close() {
	if w != nil {
		w.whep.Close()
		w.whip.Close()
		_ = w.port.Close() // nobody is there any more
	}
}

// forCalls makes what WebRTC needs and a stream does not have, until ctx ends.
func (p *pipelines) forCalls(ctx context.Context, source *hub.Stream, what string) error {
	open := transcode.OpenPicture
	if what == whep.SoundName {
		open = transcode.OpenOpus
	}
	job, err := open(transcode.Config{Hub: p.hub, Stream: source, Log: p.log})
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.calls[media.StreamID(source.ID().Name()+"/"+what)] = job
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.calls, media.StreamID(source.ID().Name()+"/"+what))
	}()
	if err := job.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// askKey asks the encoder of a rendition for a key frame.
func (p *pipelines) askKey(id media.StreamID) {
	p.mu.Lock()
	job := p.calls[id]
	if pl := p.all[id.Name()]; job == nil && pl != nil {
		job = pl.job
	}
	p.mu.Unlock()
	if job == nil {
		return
	}
	job.AskKey(string(id)[len(id.Name())+1:])
}
