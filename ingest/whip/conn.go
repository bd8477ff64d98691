package whip

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"weir/ingest"
	"weir/media"
	"weir/media/frames"
	"weir/media/rtc"
	"weir/media/timing"
)

const (
	pieces    = 512                    // packets that wait for the connection's goroutine
	keyEvery  = 500 * time.Millisecond // least time between two key frames that are asked for
	lookEvery = 50 * time.Millisecond
	layerGone = time.Second // without a frame of the layer that is taken, another one is
	maxTracks = 8
)

// piece is something that came for one layer: a packet or a report.
type piece struct {
	layer  *layer
	packet *rtp.Packet
	report *rtcp.SenderReport
	at     time.Time
}

// layer is one track, or one size of a picture that comes in several. All but the first
// two fields belong to the connection's goroutine.
type layer struct {
	ssrc  uint32
	sound bool

	lane   lane
	frames frames.Assembler
	seen   time.Time // when the newest frame came
	keyed  time.Time // when the newest key frame came
	asked  time.Time
}

// conn is one publisher.
type conn struct {
	rtc.Session
	server  *Server
	peer    string
	log     *slog.Logger
	pc      *webrtc.PeerConnection
	session ingest.Hold
	stood   func() // to be called once when connected
	mapper  *mapper

	pieces  chan piece
	up      chan struct{} // closed when connected
	over    chan struct{} // closed when it has to go
	once    [2]sync.Once
	clean   atomic.Bool // it said goodbye
	broken  atomic.Bool // nothing came from it when it was last looked at
	wanted  atomic.Bool // somebody needs a key frame
	tracks  atomic.Int32
	readers sync.WaitGroup

	// of run alone
	layers map[*layer]struct{} // of pictures
	taken  *layer              // whose pictures are taken
	heard  time.Time
}

// open admits a publisher and answers its offer. Nothing is made for one without a key.
func (s *Server) open(r *http.Request, key, text string, stood func()) (_ *conn, answer string, err error) {
	offer, err := rtc.ParseOffer(text)
	if err != nil {
		return nil, "", err
	}
	c := &conn{
		server: s, peer: r.RemoteAddr, stood: stood, pieces: make(chan piece, pieces), up: make(chan struct{}), over: make(chan struct{}),
		layers: map[*layer]struct{}{},
	}
	gate, cancel := context.WithTimeout(r.Context(), s.cfg.GateTime)
	defer cancel()
	if c.session, err = s.cfg.Sessions.Open(gate, ingest.Request{
		Protocol: "whip", Key: key, Peer: c.peer, Encoder: r.UserAgent(),
		Scheme: scheme(r), Follows: true, Sent: ingest.WasSent(r.URL.RawQuery, s.cfg.Now()),
	}); err != nil {
		return nil, "", err
	}
	done := false
	defer func() { // after a panic too
		if !done {
			c.abandon()
		}
	}()
	if c.pc, err = s.cfg.Port.Publisher(c.leave); err != nil {
		return nil, "", err
	}
	c.log = s.cfg.Log.With("stream", c.session.Name(), "peer", c.peer)
	c.pc.OnConnectionStateChange(c.state)
	c.pc.OnTrack(c.track)
	session, local, err := rtc.Answer(r.Context(), c.pc, offer)
	if err != nil {
		return nil, "", err
	}
	kinds := rtc.Accepted(local)
	video, audio := kinds[media.Video.String()], kinds[media.Audio.String()]
	if !video && !audio {
		return nil, "", rtc.ErrNoMatch
	}
	c.Session = session
	c.log.Info("publisher admitted", "protocol", "whip")
	c.mapper = &mapper{out: ingest.NewCollector(c.session), began: s.cfg.Now()}
	sounds := 0
	if audio {
		sounds = 1
	}
	c.mapper.out.Expect(video, sounds)
	done = true
	return c, local.SDP, nil
}

// scheme is that of the address which the publisher called.
func scheme(r *http.Request) string {
	if rtc.Secure(r) {
		return "https"
	}
	return "http"
}

// abandon is for a connection that never ran, or failed: it gives the session back.
func (c *conn) abandon() {
	c.leave()
	if c.pc != nil {
		_ = c.pc.GracefulClose() // nobody is there yet, or any more
	}
	c.session.Close(false)
}

// leave makes the connection end. It may be called from anywhere, more than once.
func (c *conn) leave() { c.once[1].Do(func() { close(c.over) }) }

// state is called by pion.
func (c *conn) state(s webrtc.PeerConnectionState) {
	switch s {
	case webrtc.PeerConnectionStateConnected:
		c.broken.Store(false)
		c.once[0].Do(func() { close(c.up) })
	case webrtc.PeerConnectionStateDisconnected:
		c.broken.Store(true)
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		c.leave()
	}
}

// track is called by pion for each track, and each layer of one, in a goroutine of its
// own: it reads the packets until the connection ends.
func (c *conn) track(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	l := newLayer(t)
	if l == nil || c.tracks.Add(1) > maxTracks {
		return
	}
	c.readers.Add(1)
	defer c.readers.Done()
	c.readers.Go(func() { c.reports(t, r, l) })
	for {
		p, _, err := t.ReadRTP()
		if err != nil || !c.give(piece{layer: l, packet: p, at: c.server.cfg.Now()}) {
			return
		}
	}
}

func newLayer(t *webrtc.TrackRemote) *layer {
	l := &layer{ssrc: uint32(t.SSRC()), lane: lane{clock: timing.RTP{Rate: int64(t.Codec().ClockRate)}}}
	switch mime := t.Codec().MimeType; {
	case strings.EqualFold(mime, webrtc.MimeTypeH264):
		l.lane.codec, l.frames.Fresh = media.H264, func() rtp.Depacketizer { return &codecs.H264Packet{IsAVC: true} }
	case strings.EqualFold(mime, webrtc.MimeTypeH265):
		l.lane.codec, l.frames.Fresh = media.H265, func() rtp.Depacketizer { return &codecs.H265Depacketizer{} }
	case strings.EqualFold(mime, webrtc.MimeTypeAV1):
		l.lane.codec, l.frames.Fresh = media.AV1, func() rtp.Depacketizer { return &av1Unit{} }
	case strings.EqualFold(mime, webrtc.MimeTypeVP8):
		l.lane.codec, l.frames.Fresh = media.VP8, func() rtp.Depacketizer { return &codecs.VP8Packet{} }
	case strings.EqualFold(mime, webrtc.MimeTypeVP9):
		l.lane.codec, l.frames.Fresh = media.VP9, func() rtp.Depacketizer { return &codecs.VP9Packet{} }
	case strings.EqualFold(mime, webrtc.MimeTypeOpus):
		l.lane.codec, l.frames.Fresh, l.frames.Whole, l.sound = media.Opus, func() rtp.Depacketizer { return &codecs.OpusPacket{} }, true, true
	default:
		return nil
	}
	return l
}

// av1Unit says of pion's depacketizer whether it keeps the beginning of an OBU, beside
// those that it gave.
type av1Unit struct{ codecs.AV1Depacketizer }

var _ frames.Keeper = (*av1Unit)(nil)

// Keeps is frames.Keeper.
func (a *av1Unit) Keeps() bool { return a.Y }

// reports reads the sender reports of a layer.
func (c *conn) reports(t *webrtc.TrackRemote, r *webrtc.RTPReceiver, l *layer) {
	for {
		var packets []rtcp.Packet
		var err error
		if t.RID() == "" {
			packets, _, err = r.ReadRTCP()
		} else {
			packets, _, err = r.ReadSimulcastRTCP(t.RID())
		}
		if err != nil {
			return
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok && sr.SSRC == l.ssrc && !c.give(piece{layer: l, report: sr}) {
				return
			}
		}
	}
}

// give hands a piece to the connection's goroutine; it waits while that is busy.
func (c *conn) give(p piece) bool {
	select {
	case c.pieces <- p:
		return true
	case <-c.over:
		return false
	}
}

// run is the connection's goroutine, from the answer to the end. A panic ends this one
// only.
func (c *conn) run(ctx context.Context) {
	defer c.recover()
	err := c.connected(ctx)
	if err == nil {
		err = c.publish(ctx)
	}
	c.leave()
	_ = c.pc.GracefulClose() // the peer may be gone already
	c.readers.Wait()
	clean := c.clean.Load() && err == nil
	if clean {
		clean = c.mapper.out.Finish() == nil
	}
	c.session.Close(clean)
	say := c.log.Info
	args := []any{"goodbye", clean, "dropped", c.mapper.tolerance.Dropped}
	if err != nil && !ingest.Orderly(err) {
		say, args = c.log.Warn, append(args, "err", err)
	}
	say("publisher left", args...)
}

// recover logs a panic and lets the session go, as if the connection was lost.
func (c *conn) recover() {
	v := recover()
	if v == nil {
		return
	}
	c.server.quiet.Panicked(c.peer, v)
	c.abandon()
	c.readers.Wait()
}

var errHalfOpen = errors.New("no connection came after the answer: is WEIR_WEBRTC_ADDR within reach?")

func (c *conn) connected(ctx context.Context) error {
	t := time.NewTimer(c.server.cfg.HalfOpen)
	defer t.Stop()
	select {
	case <-c.up:
		c.stood()
		return nil
	case <-c.over:
		return nil
	case <-c.session.Done():
		return c.session.Err()
	case <-ctx.Done():
		return ingest.ErrClosing
	case <-t.C:
		return errHalfOpen
	}
}

// publish carries frames to the session until one side ends it.
func (c *conn) publish(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	c.heard = c.server.cfg.Now()
	for {
		var err error
		select {
		case p := <-c.pieces:
			err = c.piece(p)
		case <-look.C:
			err = c.look(c.server.cfg.Now())
		case <-c.over:
			return nil
		case <-c.session.Done():
			return c.session.Err()
		case <-ctx.Done():
			return ingest.ErrClosing
		}
		if err != nil {
			return err
		}
	}
}

func (c *conn) piece(p piece) error {
	l := p.layer
	if p.report != nil {
		l.lane.clock.Hear(p.report.NTPTime, p.report.RTPTime)
		return nil
	}
	if _, known := c.layers[l]; !known && !l.sound {
		c.layers[l] = struct{}{}
		c.ask(l, p.at)
	}
	var err error
	l.frames.Push(p.packet, p.at, func(f frames.Frame) {
		if err == nil {
			err = c.frame(l, f)
		}
	})
	return err
}

// frame hands a frame on, if it is of the layer that is taken.
func (c *conn) frame(l *layer, f frames.Frame) error {
	l.seen, c.heard = f.Wall, f.Wall
	if !l.sound && !c.takes(l, f) {
		return nil
	}
	ask, key, err := c.mapper.frame(&l.lane, f)
	if key {
		l.keyed = f.Wall
	}
	if ask {
		c.ask(l, f.Wall)
	}
	return err
}

// takes decides which layer of the picture is taken: the largest whose frames come. It
// changes at a key frame.
func (c *conn) takes(l *layer, f frames.Frame) bool {
	if l == c.taken {
		return true
	}
	_, key, err := l.lane.picture(f.Data)
	if err != nil || !key || l.lane.track == nil {
		return c.taken == nil
	}
	if old := c.taken; old != nil && old.lane.track != nil && f.Wall.Sub(old.seen) < layerGone {
		a, b := l.lane.track, old.lane.track
		if a.Width*a.Height <= b.Width*b.Height {
			return false
		}
	}
	c.taken = l
	return true
}

// look sees to what time brings: key frames that are due, and the end of patience.
func (c *conn) look(now time.Time) error {
	if now.Sub(c.heard) > c.server.cfg.IdleTime {
		return ingest.ErrIdle
	}
	wanted := c.wanted.Swap(false)
	for l := range c.layers {
		due := now.Sub(l.keyed) >= c.server.cfg.Segment-lookEvery
		stale := c.taken != nil && now.Sub(c.taken.seen) >= layerGone && now.Sub(l.seen) < layerGone
		if l == c.taken && (due || wanted) || c.taken == nil || stale {
			c.ask(l, now)
		}
	}
	return nil
}

// ask asks the encoder for a key frame, not too often.
func (c *conn) ask(l *layer, now time.Time) {
	if now.Sub(l.asked) < keyEvery {
		return
	}
	l.asked = now
	_ = c.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: l.ssrc}}) // it fails when the connection does
}
