package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/media/rtc"
	"weir/media/seats"
	"weir/packager/door"
	"weir/packager/origin"
	"weir/services/live/place"
)

// peerHeader is how a node tells another for whom it asks. It is signed: nobody else can
// say who a viewer is. A request that has it is answered by who gets it, or by nobody.
const peerHeader = "X-Weir-Peer"

// peers is the way to streams of other nodes.
type peers struct {
	table   *place.Table
	local   *origin.Handler
	key     []byte // signs peerHeader; all nodes have the same
	log     *slog.Logger
	proxy   *httputil.ReverseProxy
	client  *http.Transport
	closing <-chan struct{}
	seats   seats.Seats // of requests that are passed on
	gate    bool        // asks for a process without streams, see gatePath
	now     func() time.Time
}

var _ origin.Elsewhere = (*peers)(nil)

const (
	peerConns  = 4096 // to one other node; more requests wait for one
	peerIdle   = 256
	peerEach   = 1024 // of one network's at once: nobody may take all connections
	peerDial   = 2 * time.Second
	peerHold   = 10 * time.Second // for a stream that is about to go on
	peerClocks = 5 * time.Minute  // that the clocks of two nodes may differ
)

// newPeers makes the way; secret is the key that all nodes have.
func newPeers(table *place.Table, local *origin.Handler, secret []byte, closing <-chan struct{}, log *slog.Logger) *peers {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("weir peers"))
	p := &peers{table: table, local: local, key: mac.Sum(nil), log: log, closing: closing, now: time.Now,
		seats: seats.Seats{All: peerConns, Each: peerEach}}
	p.client = &http.Transport{
		DialContext:     (&net.Dialer{Timeout: peerDial}).DialContext,
		MaxConnsPerHost: peerConns, MaxIdleConnsPerHost: peerIdle, IdleConnTimeout: 30 * time.Second,
		DisableCompression: true, // what viewers asked for is passed on
		ForceAttemptHTTP2:  true, TLSHandshakeTimeout: peerDial, ResponseHeaderTimeout: time.Minute,
	}
	p.proxy = &httputil.ReverseProxy{
		Rewrite: p.rewrite, Transport: p.client, FlushInterval: -1,
		ModifyResponse: func(res *http.Response) error {
			switch plain := towardsOf(res.Request.Context()).plain; {
			case plain:
				res.Header.Del(peerHeader)
			case res.Header.Get(peerHeader) != "":
				return errGoesOn
			case res.StatusCode == http.StatusNotFound:
				return errNotThere
			}
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			towardsOf(r.Context()).failure = err
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return p
}

// towards is the context's word of where a request goes and what came of it.
type towards struct {
	base    *url.URL
	plain   bool // the answer is passed on as it is, whatever it says
	failure error
}

type towardsKey struct{}

func towardsOf(ctx context.Context) *towards {
	t, _ := ctx.Value(towardsKey{}).(*towards)
	if t == nil {
		t = &towards{base: &url.URL{}}
	}
	return t
}

// rewrite passes the path on as it is, and says for whom.
func (p *peers) rewrite(r *httputil.ProxyRequest) {
	base := towardsOf(r.In.Context()).base
	r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = base.Scheme, base.Host, r.In.Host
	if rtc.Secure(r.In) {
		r.Out.Header.Set("X-Forwarded-Proto", "https")
	}
	of := r.In.URL.Path
	if p.gate {
		of = gatePath + of
	}
	r.Out.Header.Set(peerHeader, p.sign(r.In.RemoteAddr, of))
}

// gatePath comes before the path that is signed where no node but a gateway asks: such a
// request may be passed on once more, by the node that gets it.
const gatePath = "gate "

// sign is peerHeader for a viewer's address and a path.
func (p *peers) sign(address, of string) string {
	text := strconv.FormatInt(p.now().Unix(), 10) + " " + address
	return text + " " + p.mac(text, of)
}

func (p *peers) mac(text, of string) string {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(text + "\x00" + of))
	return hex.EncodeToString(mac.Sum(nil))
}

// believe makes the address that a peer tells the request's own, and takes a header away
// that no peer has signed.
func (p *peers) believe(r *http.Request) {
	header := r.Header.Get(peerHeader)
	if header == "" {
		return
	}
	words := strings.Split(header, " ")
	node := len(words) == 3 && p.signed(words, r.URL.Path)
	if node || len(words) == 3 && p.signed(words, gatePath+r.URL.Path) {
		at, err := strconv.ParseInt(words[0], 10, 64)
		_, bad := netip.ParseAddrPort(words[1])
		if err == nil && bad == nil && p.now().Sub(time.Unix(at, 0)).Abs() < peerClocks {
			r.RemoteAddr = words[1]
			if node {
				return
			}
		}
	}
	r.Header.Del(peerHeader)
}

func (p *peers) signed(words []string, of string) bool {
	return hmac.Equal([]byte(words[2]), []byte(p.mac(words[0]+" "+words[1], of)))
}

// Moved is origin.Elsewhere.
func (p *peers) Moved() <-chan struct{} { return p.table.Moved() }

// Has is origin.Elsewhere.
func (p *peers) Has(r *http.Request, name string) bool {
	if r.Header.Get(peerHeader) != "" {
		return false
	}
	x, ok := p.table.Find(name)
	return ok && x.URL != ""
}

// Serve is origin.Elsewhere: it asks the node that has the stream. Where that is gone, who
// asks waits for the stream to go on somewhere. That goes for media too, which will then
// not be there: players that were refused in the midst of a segment begin to count their
// tries, and hls.js may lose its way.
func (p *peers) Serve(w http.ResponseWriter, r *http.Request, name string) bool {
	if r.Header.Get(peerHeader) != "" {
		return p.goesOn(w, name)
	}
	x, ok := p.table.Find(name)
	if ok && x.URL != "" {
		err := p.forward(w, r, x)
		switch {
		case err == nil || r.Context().Err() != nil:
			return true
		case errors.Is(err, errNotThere):
			origin.NotFound(w) // as this node says it: the other one must not be seen
			return true
		}
		p.log.Debug("another node does not answer", "stream", name, "err", err)
	} else if !p.table.Missed(name) {
		return false
	}
	if !p.table.Listed(name) {
		return false // that it was on the air is not for everybody
	}
	leave, ok := p.awaits(r)
	if !ok {
		away(w)
		return true
	}
	here, there := p.await(r.Context(), name, x.Node)
	leave()
	switch {
	case here:
		return false
	case there.URL != "" && p.forward(w, r, there) == nil:
	case r.Context().Err() == nil:
		away(w)
	}
	return true
}

// goesOn tells a peer that a stream was handed over, of which it has not heard yet; false:
// it was not.
func (p *peers) goesOn(w http.ResponseWriter, name string) bool {
	if !p.table.Missed(name) || !p.table.Listed(name) {
		return false
	}
	w.Header().Set(peerHeader, "goes on")
	away(w)
	return true
}

// awaits says whether a request is one that is held, and there is a place for it; then leave
// is to be called.
func (p *peers) awaits(r *http.Request) (leave func(), ok bool) {
	switch path.Ext(r.URL.Path) {
	case ".m3u8", ".mpd", ".m4s", ".mp4":
	default:
		return nil, false
	}
	leave, err := p.local.Wait(r.RemoteAddr)
	return leave, err == nil
}

// away says that a stream is expected back: players try again after a 503, and give up
// after a 404.
func away(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "the server that has this stream does not answer", http.StatusServiceUnavailable)
}

// await waits for a stream to be here or at another node than that which failed.
func (p *peers) await(ctx context.Context, name, failed string) (here bool, there place.Peer) {
	ctx, cancel := context.WithTimeout(ctx, peerHold)
	defer cancel()
	for {
		moved, began := p.table.Moved(), p.local.Began()
		if p.local.Live(name) != nil {
			return true, place.Peer{}
		}
		if x, ok := p.table.Find(name); ok && x.Node != failed {
			return false, x
		}
		select {
		case <-moved:
		case <-began:
		case <-p.closing:
			return false, place.Peer{}
		case <-ctx.Done():
			return false, place.Peer{}
		}
	}
}

const corsHeader = "Access-Control-Allow-Origin"

var (
	errPeer     = errors.New("no address of a node")
	errGoesOn   = errors.New("another node had it, and it goes on elsewhere")
	errNotThere = errors.New("another node does not have it, or not for whoever asks")
)

// call is Serve for who watches over WebRTC: the node that has the stream answers, with its
// own addresses, and sends the media itself.
func (p *peers) call(w http.ResponseWriter, r *http.Request) bool {
	_, rest := door.Read(r, livePrefix)
	name, rest, _ := strings.Cut(rest, "/")
	if rest != "whep" && !strings.HasPrefix(rest, "whep/") || r.Method == http.MethodOptions || r.Header.Get(peerHeader) != "" || p.local.Live(name) != nil {
		return false
	}
	x, ok := p.table.Find(name)
	if !ok || x.URL == "" {
		return false
	}
	if err := p.pass(w, r, x, true); err != nil && r.Context().Err() == nil {
		rtc.Share(w)
		away(w)
	}
	return true
}

// forward asks another node. The error is nil when something was answered.
func (p *peers) forward(w http.ResponseWriter, r *http.Request, to place.Peer) error {
	return p.pass(w, r, to, false)
}

func (p *peers) pass(w http.ResponseWriter, r *http.Request, to place.Peer, plain bool) error {
	base, err := url.Parse(to.URL)
	if err != nil || base.Host == "" {
		return errPeer
	}
	seat, err := p.seats.Take(r.RemoteAddr)
	if err != nil {
		away(w)
		return nil
	}
	defer p.seats.Leave(seat)
	t := &towards{base: base, plain: plain}
	cors := w.Header()[corsHeader]
	w.Header().Del(corsHeader) // the other node says it
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), towardsKey{}, t))
	var watch sync.WaitGroup
	watch.Go(func() { p.untilGone(ctx, to.Node, cancel) })
	defer watch.Wait()
	defer cancel()
	p.proxy.ServeHTTP(w, r.WithContext(ctx))
	if t.failure != nil {
		w.Header()[corsHeader] = cors
	}
	return t.failure
}

// untilGone cancels when a node is missed: a machine that lost its power, or only stands
// still, answers nothing and refuses nothing.
func (p *peers) untilGone(ctx context.Context, node string, cancel func()) {
	for {
		moved := p.table.Moved()
		if !slices.ContainsFunc(p.table.Peers(), func(x place.Peer) bool { return x.Node == node }) {
			cancel()
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
	}
}

// close lets go of connections that are idle.
func (p *peers) close() { p.client.CloseIdleConnections() }
