package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"weir/ingest"
	"weir/ingest/rtmp"
	"weir/ingest/rtsp"
	"weir/ingest/srt"
	"weir/media"
	"weir/media/codec"
	"weir/media/hub"
	"weir/media/still"
	"weir/media/transcode"
	"weir/packager/origin"
	"weir/packager/vod"
	"weir/packager/window"
	"weir/services/certificate"
	"weir/services/gateway"
	"weir/services/live"
	"weir/services/live/place"
	"weir/services/proxied"
)

// livePrefix is what paths of live streams begin with.
const livePrefix = "/live"

// liveFolder holds the segments of live streams, below the data folder.
const liveFolder = "live"

// mediaRole is the video pillar in this process: publishers in, viewers out.
type mediaRole struct {
	log       *slog.Logger
	hub       hub.Hub
	sessions  *ingest.Sessions
	control   *control
	pipelines *pipelines
	origin    *origin.Handler
	vod       *vod.Handler
	boards    *boards
	peers     *peers             // nil: no other node can be asked
	doors     func() place.Doors // for publishers who are sent here; set where place is
	ownFiles  bool               // of report: recordings are in files that no other node has, and nobody was told
	stills    *still.Stills
	restreams *restreams         // nil until all is open
	cameras   *cameras           // nil until all is open
	ways      []way              // in: a server for each protocol that is on
	cert      *certificate.Files // nil without TLS
	rtmpAddr  string             // bound; empty when off
	rtmpsAddr string             // bound; empty when off
	srt       *srt.Server
	rtspAddr  string // bound; empty when off
	webRTC    *webRTC
	closing   chan struct{}
	stop      context.CancelFunc
}

// way is a way in: one protocol on its port.
type way interface {
	// Run takes publishers until ctx ends.
	Run(ctx context.Context) error
}

// openMedia binds the listeners and prepares the data folder; nothing is served
// until Run. cert is nil without TLS, channels says who may publish, shelves is where
// recordings are.
func openMedia(ctx context.Context, cfg Config, cert *certificate.Files, channels *live.Service, shelves *library, log *slog.Logger) (*mediaRole, error) {
	m := &mediaRole{log: log, cert: cert, closing: make(chan struct{})}
	folder := filepath.Join(cfg.Store.DataDir, liveFolder)
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o750)); err != nil {
		return nil, fmt.Errorf("clear %s: %w", folder, err)
	}
	recordings := shelves.recordings
	shelves.media = m
	m.boards = newBoards(recordings, log)
	m.vod = &vod.Handler{Recordings: recordings, Log: log, Door: doors{channels}.recording}
	m.stills = still.New(time.Now)
	m.origin = &origin.Handler{Prefix: livePrefix, Log: log, TimeURL: "/time", Closing: m.closing, Still: m.still, Passes: doors{channels}.waiting, Viewers: channels}
	m.control = &control{live: channels, open: cfg.Ingest.Publish == "open", takeover: cfg.Ingest.Takeover, log: log, names: map[string]*desk{}, end: m.end}
	lingering, stop := context.WithCancel(context.WithoutCancel(ctx))
	m.stop = stop
	m.pipelines = &pipelines{
		cfg: cfg, log: log, hub: &m.hub, origin: m.origin, metrics: newMediaMetrics(m), ctx: lingering,
		control: m.control, recordings: recordings, store: shelves.store,
		all: make(map[string]*pipeline), late: make(map[*pipeline]bool),
		gops:     gops{usual: longest(targetOf(media.FromDuration(cfg.Live.Segment))), by: make(map[string]media.Time)},
		capacity: ownCapacity(),
		calls:    make(map[media.StreamID]*transcode.Job),
	}
	if cfg.Live.Overload == overloadRefuse {
		m.control.capacity = m.pipelines.capacity
	}
	m.hub.OnStart = m.pipelines.start
	m.hub.OnEnd = func(s *hub.Stream) { m.stills.Forget(s.ID()) }
	reconnect := cfg.Ingest.Reconnect
	if reconnect == 0 {
		reconnect = -1
	}
	m.sessions = ingest.NewSessions(ingest.Config{
		Gate: m.control, Watch: m.control, Hub: &m.hub, Log: log, Reconnect: reconnect, Takeover: cfg.Ingest.Takeover,
		Plan: m.pipelines.plan, Resound: m.pipelines.resound, Seen: m.pipelines.gops.seen, Slate: m.slate(cfg.Live.Slate),
	})
	if err := m.listen(ctx, cfg); err != nil {
		return nil, errors.Join(err, m.Run(canceled()))
	}
	return m, nil
}

// end sends the publisher of a name away.
func (m *mediaRole) end(name string, reason error) {
	if s := m.sessions.Get(name); s != nil {
		s.End(reason)
	}
}

// canceled is a context that is over: what is run with it only cleans up.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func (m *mediaRole) listen(ctx context.Context, cfg Config) error {
	if err := m.listenRTMP(ctx, cfg, "WEIR_RTMP_ADDR", cfg.Ingest.RTMPAddr, nil); err != nil {
		return err
	}
	if err := m.listenSRT(cfg.Ingest); err != nil {
		return err
	}
	if err := m.listenRTSP(ctx, cfg); err != nil {
		return err
	}
	if err := m.listenPlay(ctx, cfg); err != nil {
		return err
	}
	if err := m.openWebRTC(ctx, cfg); err != nil {
		return err
	}
	if cfg.Ingest.RTMPSAddr == "" {
		return nil
	}
	return m.listenRTMP(ctx, cfg, "WEIR_RTMPS_ADDR", cfg.Ingest.RTMPSAddr, m.cert.Server())
}

func (m *mediaRole) listenRTMP(ctx context.Context, cfg Config, setting string, addr Address, secure *tls.Config) error {
	if addr == "" {
		return nil
	}
	s, err := rtmp.Open(ctx, rtmp.Config{
		Addr: string(addr), TLS: secure, Front: cfg.front(), Sessions: ingest.Local{Sessions: m.sessions}, Log: m.log, MaxConnsPerIP: cfg.Ingest.MaxConnsPerIP,
	})
	if err != nil {
		return bindError(setting, addr, err)
	}
	m.ways = append(m.ways, s)
	if secure == nil {
		m.rtmpAddr = s.Addr().String()
	} else {
		m.rtmpsAddr = s.Addr().String()
	}
	return nil
}

func (m *mediaRole) listenSRT(cfg IngestConfig) error {
	if cfg.SRTAddr == "" {
		return nil
	}
	s, err := srt.Open(srt.Config{
		Addr: string(cfg.SRTAddr), Sessions: ingest.Local{Sessions: m.sessions}, Log: m.log, MaxConnsPerIP: cfg.MaxConnsPerIP,
		Latency: cfg.SRTLatency, Passphrase: cfg.SRTPassphrase,
	})
	if err != nil {
		return bindError("WEIR_SRT_ADDR", cfg.SRTAddr, err)
	}
	m.ways, m.srt = append(m.ways, s), s
	return nil
}

// front believes trusted proxies who connects; nil: there are none.
func (c *Config) front() func(net.Listener) net.Listener {
	trusted := c.HTTP.TrustedProxies.Prefixes()
	if len(trusted) == 0 {
		return nil
	}
	return func(l net.Listener) net.Listener {
		return proxied.Listener{Listener: l, Trusted: trusted, Timeout: gateway.DefaultHeaderTimeout}
	}
}

func (m *mediaRole) listenRTSP(ctx context.Context, all Config) error {
	cfg := all.Ingest
	if cfg.RTSPAddr == "" {
		return nil
	}
	s, err := rtsp.Open(ctx, rtsp.Config{
		Addr: string(cfg.RTSPAddr), UDPAddr: string(cfg.RTSPUDPAddr), Front: all.front(), Sessions: ingest.Local{Sessions: m.sessions}, Log: m.log, MaxConnsPerIP: cfg.MaxConnsPerIP,
	})
	if udp := (*rtsp.UDPError)(nil); errors.As(err, &udp) {
		return bindError("WEIR_RTSP_UDP_ADDR", cfg.RTSPUDPAddr, err)
	}
	if err != nil {
		return bindError("WEIR_RTSP_ADDR", cfg.RTSPAddr, err)
	}
	m.ways, m.rtspAddr = append(m.ways, s), s.Addr().String()
	return nil
}

// Name is the name of the service.
func (m *mediaRole) Name() string { return "media" }

// Run serves until ctx is done, then ends every stream cleanly.
func (m *mediaRole) Run(ctx context.Context) error {
	var servers sync.WaitGroup
	errs := make([]error, len(m.ways))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	servers.Go(func() { m.report(ctx) })
	servers.Go(func() { m.control.checkpoints.run(ctx, m.pipelines.list) })
	if m.pipelines.cfg.Live.Slate {
		servers.Go(func() { every(ctx, silenceEvery, m.sessions.CoverSilent) })
	}
	if m.restreams != nil {
		servers.Go(func() { m.restreams.run(ctx) })
	}
	if m.cameras != nil {
		servers.Go(func() { m.cameras.run(ctx) })
	}
	for i, s := range m.ways {
		servers.Go(func() {
			defer cancel()
			errs[i] = s.Run(ctx)
		})
	}
	servers.Go(func() { m.pipelines.recordings.Recover(ctx) })
	servers.Go(func() { m.boards.run(ctx) })
	<-ctx.Done()
	m.webRTC.close()
	m.sessions.Close()
	servers.Wait()
	m.stop()
	m.pipelines.wait.Wait()
	if err := m.control.checkpoints.flush(context.WithoutCancel(ctx), nil); err != nil {
		m.log.Info("streams that are over may be waited for", "err", err)
	}
	close(m.closing)
	if m.peers != nil {
		m.peers.close()
	}
	return errors.Join(errs...)
}

// Handler serves what lies below /live/ and /vod/.
func (m *mediaRole) Handler() http.Handler {
	live, recorded := m.webRTC.handler(m.origin), http.StripPrefix("/vod", m.vod)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/vod/") {
			recorded.ServeHTTP(w, r)
			return
		}
		if m.peers != nil {
			m.peers.believe(r)
			if m.peers.call(w, r) {
				return
			}
		}
		live.ServeHTTP(w, r)
	})
}

// still makes a picture of the newest key frame.
func (m *mediaRole) still(ctx context.Context, name string) ([]byte, error) {
	s := m.hub.Get(media.StreamID(name))
	if s == nil {
		return nil, still.ErrNoPicture
	}
	return m.stills.Shot(ctx, s.ID(), s.LastKey())
}

// Streams lists who is live and may be found by everybody, by name.
func (m *mediaRole) Streams() []gateway.Stream {
	var list []gateway.Stream
	for _, p := range m.pipelines.list() {
		if info := p.session.live.Info(); info.Listed {
			list = append(list, describe(p, info))
		}
	}
	return list
}

// describe says what the API tells of a stream.
func describe(p *pipeline, info live.Info) gateway.Stream {
	name := p.stream.Name
	s := gateway.Stream{
		Name: name, StartedAt: p.source.Epoch().UTC(), Bitrate: bitrate(p.source),
		HLS: "/live/" + name + "/index.m3u8", DASH: "/live/" + name + "/manifest.mpd",
		Watch: "/watch/" + name,
		Title: info.Title, Category: info.Category, Tags: info.Tags, Mature: info.Mature, Viewers: info.Viewers,
	}
	if info.Session != uuid.Nil {
		s.Session, s.Channel = info.Session.String(), info.Channel.String()
	}
	for _, t := range p.source.Tracks() {
		if t.Kind == media.Video {
			s.Thumbnail = "/live/" + name + "/thumb.jpg"
			s.Width, s.Height, s.FrameRate, s.VideoCodec = t.Width, t.Height, t.FrameRate.Float(), codec.Codecs(t)
		} else {
			s.AudioCodec = codec.Codecs(t)
		}
	}
	for _, t := range p.stream.Window.Tracks() {
		t.View(func(v *window.View) {
			k := v.Newest()
			if t.Kind != media.Video || v.Shed || k == nil {
				return
			}
			s.Renditions = append(s.Renditions, gateway.Rendition{Name: t.Name, Width: k.Width, Height: k.Height, FrameRate: k.FrameRate.Float(), Bitrate: v.Bitrate()})
		})
	}
	return s
}

// bitrate is the mean of what a publisher sent, in bit/s.
func bitrate(s *hub.Stream) int {
	st := s.Stats()
	d := st.Last - st.First
	if d < media.Second {
		return 0
	}
	return int(float64(st.Bytes) * 8 / d.Seconds())
}

// RTMPAddr is the address that RTMP is bound to; empty when it is off.
func (m *mediaRole) RTMPAddr() string { return m.rtmpAddr }

// RTMPSAddr is the address that RTMPS is bound to; empty when it is off.
func (m *mediaRole) RTMPSAddr() string { return m.rtmpsAddr }

// SRTAddr is the address that SRT is bound to; empty when it is off.
func (m *mediaRole) SRTAddr() string {
	if m.srt == nil {
		return ""
	}
	return m.srt.Addr().String()
}

// RTSPAddr is the address that RTSP is bound to; empty when it is off.
func (m *mediaRole) RTSPAddr() string { return m.rtspAddr }

// Collectors are the metrics of the pillar, registered once.
func (m *mediaRole) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.pipelines.metrics}
}
