package restream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"weir/media"
	"weir/media/hub"
	"weir/media/ring"
	"weir/media/rtmp"
)

const (
	queueItems = 1024
	queueBytes = 8 << 20 // some 20 s of 3 Mbit/s

	greetWithin   = 15 * time.Second // connecting, TLS and the commands of RTMP
	goodbyeWithin = time.Second      // after the end of a Push's context
	pauseFirst    = time.Second      // after the first failure; twice as long after each
	pauseMax      = time.Minute
	steadyAfter   = 30 * time.Second // of sending: the next failure is a first one again
)

// State is how a Push does.
type State string

// The states of a Push.
const (
	Connecting State = "connecting"
	Sending    State = "sending"
	Waiting    State = "waiting" // to try again
	Refused    State = "refused" // the stream cannot be sent there; not tried again
	Ended      State = "ended"
)

// Status is what is known of a Push.
type Status struct {
	State   State
	Since   time.Time
	Bytes   uint64 // of media, since the Push began
	Bitrate int    // bit/s since it is Sending
	Dropped uint64 // packets that the target was too slow for
	Tries   int    // connections begun
	Error   string // why the last connection failed or ended; no key in it
	Note    string // what of the stream is left out; empty: nothing
}

// Target is where to. Its String has no key.
type Target struct {
	URL string   // rtmp://host[:port]/app or rtmps://...
	Key string   // the secret
	Via []string // marks of where the stream was, for a weir that is the target
}

// String leaves the key out.
func (t Target) String() string { return t.URL }

// Check says what is wrong with a target's URL, or nil.
func (t Target) Check() error {
	_, _, _, err := t.split()
	return err
}

// split takes the target apart.
func (t Target) split() (address, host string, secure bool, err error) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") == "" || u.Scheme != "rtmp" && u.Scheme != "rtmps" {
		return "", "", false, errors.New("not an address like rtmp://host/app or rtmps://host/app")
	}
	port := u.Port()
	if secure = u.Scheme == "rtmps"; port == "" && secure {
		port = "443"
	} else if port == "" {
		port = "1935"
	}
	return net.JoinHostPort(u.Hostname(), port), u.Hostname(), secure, nil
}

// Config says what a Push works with.
type Config struct {
	Stream *hub.Stream
	Target Target
	// Dial makes connections, such as that of a guard against private addresses.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	TLS  *tls.Config  // nil: the certificates of the system
	Log  *slog.Logger // nil: none
	Now  func() time.Time
}

// Push is one target of one stream.
type Push struct {
	conf Config

	mu   sync.Mutex
	now  Status
	sent uint64 // Bytes when Sending began
	lost uint64 // of readers that are closed
	from *hub.Reader
}

// New starts nothing; Run does.
func New(c Config) *Push {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Push{conf: c, now: Status{State: Connecting, Since: c.Now()}}
}

// Status may be called from anywhere.
func (p *Push) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.now
	s.Dropped = p.lost
	if p.from != nil {
		s.Dropped += p.from.Dropped()
	}
	if d := p.conf.Now().Sub(s.Since); s.State == Sending && d > 0 {
		s.Bitrate = int(float64(s.Bytes-p.sent) * 8 / d.Seconds())
	}
	return s
}

func (p *Push) set(state State, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.State, p.now.Since, p.sent = state, p.conf.Now(), p.now.Bytes
	if err != nil {
		p.now.Error = p.clean(err)
	}
	switch state {
	case Connecting:
		p.now.Tries++
	case Sending:
		p.now.Error = ""
	}
}

// clean is an error without the key and without addresses of networks, cut: whoever
// reads it may not know where a name leads.
func (p *Push) clean(err error) string {
	text := err.Error()
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		text = op.Op + ": " + op.Err.Error()
	}
	if p.conf.Target.Key != "" {
		text = strings.ReplaceAll(text, p.conf.Target.Key, "KEY")
	}
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

// errUnfit says that a stream cannot be sent over RTMP as it is.
var errUnfit = errors.New("the stream cannot be sent there")

// Run sends until ctx or the stream ends, and connects again when the target fails. It
// returns when nothing of it is left.
func (p *Push) Run(ctx context.Context) {
	log := p.conf.Log.With("stream", p.conf.Stream.ID(), "target", p.conf.Target.URL)
	for failures := 0; ; {
		p.set(Connecting, nil)
		steady, err := p.once(ctx)
		switch {
		case ctx.Err() != nil, isDone(p.conf.Stream.Done()):
			p.set(Ended, nil)
			return
		case errors.Is(err, errUnfit):
			log.Warn("a stream cannot be sent on", "err", p.clean(err))
			p.set(Refused, err)
			select {
			case <-ctx.Done():
			case <-p.conf.Stream.Done():
			}
			p.set(Ended, nil)
			return
		case steady:
			failures = 0
		}
		if failures++; failures == 1 {
			log.Warn("sending a stream on failed; trying again", "err", p.clean(err))
		}
		p.set(Waiting, err)
		pause := time.NewTimer(pauseOf(failures))
		select {
		case <-ctx.Done():
		case <-p.conf.Stream.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// pauseOf is how long after the n-th failure in a row the next try is.
func pauseOf(n int) time.Duration {
	d := min(pauseFirst<<min(n-1, 10), pauseMax)
	return d*4/5 + rand.N(d*2/5)
}

// once is one connection. steady says that it held for a while.
func (p *Push) once(ctx context.Context) (steady bool, err error) {
	if _, err := codecs(p.conf.Stream.Tracks()); err != nil {
		return false, err
	}
	client, end, err := p.connect(ctx)
	if err != nil {
		return false, err
	}
	defer end()
	r := p.conf.Stream.Subscribe(ring.Limits{Items: queueItems, Bytes: queueBytes})
	p.mu.Lock()
	p.from = r
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.lost += r.Dropped()
		p.from = nil
		p.mu.Unlock()
		r.Close()
	}()
	p.set(Sending, nil)
	began := p.conf.Now()
	err = p.copy(ctx, r, client)
	return p.conf.Now().Sub(began) >= steadyAfter, err
}

// connect publishes at the target. end says goodbye and closes the connection; a target
// that takes nothing more when ctx ends loses it a moment later.
func (p *Push) connect(ctx context.Context) (client *rtmp.Client, end func(), err error) {
	address, host, secure, err := p.conf.Target.split()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUnfit, err)
	}
	greet, cancel := context.WithTimeout(ctx, greetWithin)
	defer cancel()
	conn, err := p.conf.Dial(greet, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	if secure {
		c := p.conf.TLS.Clone()
		if c == nil {
			c = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		c.ServerName = host
		shaken := tls.Client(conn, c)
		if err := shaken.HandshakeContext(greet); err != nil {
			conn.Close()
			return nil, nil, fmt.Errorf("TLS: %w", err)
		}
		conn = shaken
	}
	late := context.AfterFunc(greet, func() { conn.Close() })
	u, _ := url.Parse(p.conf.Target.URL) // split has read it
	client, err = rtmp.NewClient(conn, rtmp.Target{App: strings.Trim(u.Path, "/"), Key: p.conf.Target.Key, URL: strings.TrimSuffix(p.conf.Target.URL, "/"), Via: p.conf.Target.Via}, rtmp.Limits{})
	if !late() && err == nil {
		err = errors.Join(greet.Err(), client.Close())
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	// Closing again what is closed does no harm, so nobody waits for the timer.
	over := context.AfterFunc(ctx, func() { time.AfterFunc(goodbyeWithin, func() { conn.Close() }) })
	return client, func() {
		over()
		if err := client.Close(); err != nil {
			p.conf.Log.Debug("a target did not hear the end", "stream", p.conf.Stream.ID(), "err", p.clean(err))
		}
	}, nil
}

// codecs says what of the tracks is left out, errUnfit when there would be no picture.
func codecs(tracks []*media.Track) (note string, err error) {
	for _, t := range tracks {
		switch {
		case t.Codec == media.H264, t.Codec == media.AAC:
		case t.Kind == media.Video:
			return "", fmt.Errorf("%w: its picture is %v, RTMP targets take H.264: publish that", errUnfit, t.Codec)
		default:
			note = fmt.Sprintf("the sound is %v and is left out: RTMP targets take AAC", t.Codec)
		}
	}
	return note, nil
}
