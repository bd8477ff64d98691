package main

import (
	"context"

	showrtmp "weir/packager/rtmp"
	showrtsp "weir/packager/rtsp"
	showsrt "weir/packager/srt"
)

// listenPlay binds the ports for players of other protocols than HTTP's, where they are on.
func (m *mediaRole) listenPlay(ctx context.Context, all Config) error {
	cfg := all.Ingest
	if addr := cfg.RTSPPlayAddr; addr != "" {
		s, err := showrtsp.Open(ctx, showrtsp.Config{Addr: string(addr), Front: all.front(), Hub: &m.hub, Admit: m.origin.Admit, Via: m.control.marks, Log: m.log})
		if err != nil {
			return bindError("WEIR_RTSP_PLAY_ADDR", addr, err)
		}
		m.ways = append(m.ways, s)
	}
	if addr := cfg.RTMPPlayAddr; addr != "" {
		s, err := showrtmp.Open(ctx, showrtmp.Config{Addr: string(addr), Front: all.front(), Hub: &m.hub, Admit: m.origin.Admit, Log: m.log})
		if err != nil {
			return bindError("WEIR_RTMP_PLAY_ADDR", addr, err)
		}
		m.ways = append(m.ways, s)
	}
	if addr := cfg.SRTPlayAddr; addr != "" {
		s, err := showsrt.Open(showsrt.Config{
			Addr: string(addr), Hub: &m.hub, Admit: m.origin.Admit, Passphrase: m.control.live.PlayPassphrase, Log: m.log, Latency: cfg.SRTLatency,
		})
		if err != nil {
			return bindError("WEIR_SRT_PLAY_ADDR", addr, err)
		}
		m.ways = append(m.ways, s)
	}
	return nil
}
