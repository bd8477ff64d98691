package rtsp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/ingest"
	wire "weir/media/rtsp"
)

// Camera is a server that weir fetches a stream from. Its media comes over the TCP
// connection, or over UDP where it refuses that.
type Camera struct {
	URL            string // rtsp:// or rtsps://, without user and password
	User, Password string // for digest or basic authentication; empty: none
	// Dial connects to the camera, and to where it sends on to. Nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Open gives the stream its session, when the camera has said what it has. via are the
	// marks of where it was, if the camera is a weir.
	Open     func(ctx context.Context, via []string) (ingest.Hold, error)
	Live     func()        // called when it plays; may be nil
	Log      *slog.Logger  // default: none
	IdleTime time.Duration // without a frame, then it is given up; default 10 s
	Now      func() time.Time
}

var errURL = errors.New("not an address of RTSP: rtsp://HOST/PATH or rtsps://HOST/PATH, without user and password")

// CheckURL says what is wrong with the address of a camera.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "rtsp" && u.Scheme != "rtsps" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return errURL
	}
	if _, err := base.ParseURL(text); err != nil {
		return errURL
	}
	return nil
}

// Pull fetches a camera's stream until it ends or ctx does, which is no error and ends
// the session. Else the session waits for the next try. The error's Words are for the
// owner of the camera.
func Pull(ctx context.Context, cfg Camera) (err error) {
	cfg.IdleTime = cmp.Or(cfg.IdleTime, 10*time.Second)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := CheckURL(cfg.URL); err != nil {
		return &ingest.StreamError{Words: err.Error()}
	}
	u, err := base.ParseURL(cfg.URL)
	if err != nil {
		return &ingest.StreamError{Words: errURL.Error()}
	}
	if cfg.User != "" {
		u.User = url.UserPassword(cfg.User, cfg.Password)
	}
	if err = cfg.pull(ctx, u); ctx.Err() == nil {
		return wordsOf(err)
	}
	return nil
}

func (cfg *Camera) pull(ctx context.Context, u *base.URL) error {
	err := cfg.pullBy(ctx, u, gortsplib.ProtocolTCP)
	if onlyUDP(err) && ctx.Err() == nil {
		err = cfg.pullBy(ctx, u, gortsplib.ProtocolUDP)
	}
	return err
}

// pullBy fetches the stream with its media over one transport.
func (cfg *Camera) pullBy(ctx context.Context, u *base.URL, by gortsplib.Protocol) error {
	around, on := new(fence), &redirects{host: u.Hostname(), secret: u.User != nil}
	c := &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, Protocol: &by, UserAgent: "weir", ReadTimeout: cfg.IdleTime, WriteTimeout: cfg.IdleTime,
		DialContext: around.dial(cfg.Dial), ListenPacket: around.listen, ResolveIPAddr: around.resolve,
		OnPacketsLost: func(uint64) {}, OnDecodeError: func(error) {}, // else the library writes them into a log of its own
		OnResponse: func(res *base.Response) {
			res.Body = wire.Legible(res.Body)
			on.look(res)
		},
	}
	if err := c.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, c.Close)
	defer c.Close()
	defer stop()
	desc, res, err := c.Describe(u)
	if err != nil {
		return cmp.Or(on.err, err)
	}
	lanes, err := announced(desc.Medias, res.Body)
	if err != nil {
		return err
	}
	f := newFeed(cfg.Now, pieces(by))
	defer f.leave()
	if err := f.setUp(c, desc, lanes); err != nil {
		return err
	}
	hold, err := cfg.Open(ctx, wire.Via(res.Header))
	if err != nil {
		return err
	}
	hold.LeaveOut(spare(desc.Medias, lanes))
	return cfg.play(ctx, c, f, newMapper(hold, cfg.Now(), slices.Collect(maps.Values(lanes))), hold)
}

// setUp asks for the media of the lanes, and lets their packets wait in f.
func (f *feed) setUp(c *gortsplib.Client, desc *description.Session, lanes map[format.Format]*lane) error {
	for _, m := range desc.Medias {
		for _, x := range m.Formats {
			l := lanes[x]
			if l == nil {
				continue
			}
			if _, err := c.Setup(desc.BaseURL, m, 0, 0); err != nil {
				return err
			}
			c.OnPacketRTP(m, x, func(p *rtp.Packet) { f.wait(piece{lane: l, packet: p, at: f.now()}) })
			c.OnPacketRTCP(m, func(p rtcp.Packet) {
				if r, ok := p.(*rtcp.SenderReport); ok {
					f.wait(piece{lane: l, report: r})
				}
			})
		}
	}
	return nil
}

// play carries the stream to its session. A panic ends this camera only.
func (cfg *Camera) play(ctx context.Context, c *gortsplib.Client, f *feed, m *mapper, hold ingest.Hold) (err error) {
	log := cfg.Log.With("stream", hold.Name())
	defer func() {
		if v := recover(); v != nil {
			log.Error("pulling a camera failed", "err", fmt.Sprint(v))
			err = errors.New("a panic")
		}
		f.leave()
		c.Close()
		clean := ctx.Err() != nil && m.out.Finish() == nil
		hold.Close(clean)
		log.Info("camera left", "goodbye", clean, "dropped", m.tolerance.Dropped, "err", err)
	}()
	if _, err := c.Play(nil); err != nil {
		return err
	}
	log.Info("camera plays")
	if cfg.Live != nil {
		cfg.Live()
	}
	ended, over := make(chan struct{}), error(nil)
	go func() {
		defer close(ended)
		over = c.Wait()
		f.leave()
	}()
	err = f.carry(ctx, m, hold, cfg.IdleTime)
	f.leave()
	c.Close()
	<-ended
	return cmp.Or(err, over)
}

// wordsOf says what is wrong with a camera, for its owner. What it answered itself is not
// shown: the address may be anybody's.
func wordsOf(err error) error {
	var status liberrors.ErrClientBadStatusCode
	var bad *ingest.StreamError
	var network net.Error
	say := func(format string, args ...any) error {
		return &ingest.StreamError{Words: fmt.Sprintf(format, args...)}
	}
	switch {
	case err == nil:
		return say("the camera ended the stream")
	case errors.As(err, &bad):
		return bad
	case errors.Is(err, ingest.ErrBusy), errors.Is(err, ingest.ErrDenied), errors.Is(err, ingest.ErrClosing), errors.Is(err, ingest.ErrReplaced):
		return say("%s", ingest.Words(err))
	case errors.As(err, &status) && status.Code == base.StatusUnauthorized:
		return say("the camera does not accept the user and the password")
	case errors.As(err, &status) && status.Code == base.StatusNotFound:
		return say("the camera knows no such path")
	case errors.As(err, &status):
		return say("the camera answers with status %d", status.Code)
	case errors.As(err, new(DialError)):
		return say("%s", strings.TrimSpace(err.Error()))
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout(), errors.As(err, new(liberrors.ErrClientTCPTimeout)), errors.As(err, new(liberrors.ErrClientUDPTimeout)), errors.As(err, new(liberrors.ErrClientRequestTimedOut)):
		return say("the camera did not answer in time")
	case errors.Is(err, io.EOF):
		return say("the camera closed the connection")
	}
	return say("the camera's answers cannot be understood")
}

// DialError is what Camera.Dial returns when its words may be shown.
type DialError struct{ Words string }

func (e DialError) Error() string { return e.Words }
