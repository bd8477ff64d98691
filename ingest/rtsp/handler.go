package rtsp

import (
	"errors"
	"net/url"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"weir/ingest"
	wire "weir/media/rtsp"
)

// handler is what the library asks. Its methods run in the library's goroutines: of a
// connection, or of a session.
type handler struct{ *Server }

var (
	_ gortsplib.ServerHandlerOnRequest      = handler{}
	_ gortsplib.ServerHandlerOnConnClose    = handler{}
	_ gortsplib.ServerHandlerOnSessionClose = handler{}
	_ gortsplib.ServerHandlerOnAnnounce     = handler{}
	_ gortsplib.ServerHandlerOnSetup        = handler{}
	_ gortsplib.ServerHandlerOnRecord       = handler{}
	_ gortsplib.ServerHandlerOnPacketsLost  = handler{}
	_ gortsplib.ServerHandlerOnDecodeError  = handler{}
)

// maxTries is how often one connection may ask to publish: without the key, with an old
// digest of it, and with it.
const maxTries = 3

// OnRequest keeps descriptions from the library that it panics at.
func (h handler) OnRequest(_ *gortsplib.ServerConn, req *base.Request) {
	if req.Method == base.Announce {
		req.Body = wire.Legible(req.Body)
	}
}

// OnAnnounce admits a publisher or says why not.
func (h handler) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (res *base.Response, err error) {
	peer := ctx.Conn.NetConn().RemoteAddr().String()
	defer func() {
		if v := recover(); v != nil {
			h.quiet.Panicked(peer, v)
			res, err = refuse(errors.New("a panic")), errRefused
		}
	}()
	from, _ := ctx.Conn.UserData().(*caller)
	if from == nil {
		from = &caller{}
	}
	if _, again := ctx.Session.UserData().(*conn); again || from.tries >= maxTries {
		return refuse(ingest.ErrDenied), errRefused
	}
	from.tries++
	ctx.Conn.SetUserData(from)
	c, err := h.announce(ctx, from)
	if err == nil {
		ctx.Session.SetUserData(c)
		ctx.Conn.SetUserData(c)
		return &base.Response{StatusCode: base.StatusOK}, nil
	}
	res = refuse(err)
	h.redirect(res, err, ctx.Request.URL)
	stale := errors.Is(err, errStale)
	if stale || res.StatusCode == base.StatusUnauthorized && len(ctx.Request.Header["Authorization"]) == 0 {
		// The path may be a name, and the key a password that is given only when it is asked for.
		if asks, err := from.challenge(stale); err == nil {
			res.Header = base.Header{"WWW-Authenticate": asks}
			return res, nil
		}
	}
	h.quiet.Warn(peer, "publisher not admitted", "peer", peer, "err", err)
	return res, errRefused
}

// errRefused makes the library close a connection after its answer.
var errRefused = errors.New("refused")

// refuse says why a publisher is not admitted.
func refuse(err error) *base.Response {
	res := &base.Response{StatusCode: base.StatusInternalServerError, StatusMessage: ingest.Words(err)}
	var own ingest.Refusal
	bad := (*ingest.StreamError)(nil)
	switch {
	case errors.Is(err, errProof), errors.Is(err, errStale):
		res.StatusCode = base.StatusUnauthorized
	case errors.As(err, &own), errors.Is(err, ingest.ErrBusy):
		res.StatusCode = base.StatusForbidden
	case errors.Is(err, ingest.ErrDenied):
		res.StatusCode = base.StatusUnauthorized
	case errors.Is(err, ingest.ErrTooMany), ingest.Orderly(err):
		res.StatusCode = base.StatusServiceUnavailable
	case errors.Is(err, errPath):
		res.StatusCode = base.StatusNotFound
	case errors.As(err, &bad):
		res.StatusCode = base.StatusUnsupportedMediaType
	}
	return res
}

// redirect names another server in an answer, if the error does: under the path that the
// publisher called.
func (h handler) redirect(res *base.Response, err error, called *base.URL) {
	to, parsed := url.Parse(ingest.Sends(err))
	if parsed != nil || to.Host == "" {
		return
	}
	there := url.URL(*called)
	there.Scheme, there.Host, there.User, there.RawQuery = to.Scheme, to.Host, nil, ingest.MarkSent(called.RawQuery, h.cfg.Now())
	res.StatusCode, res.Header = base.StatusFound, base.Header{"Location": base.HeaderValue{there.String()}}
}

// OnSetup lets publishers choose a transport; there is nothing to play.
func (h handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if _, ok := ctx.Session.UserData().(*conn); !ok {
		return &base.Response{StatusCode: base.StatusNotFound, StatusMessage: "there is nothing to play here"}, nil, errRefused
	}
	return &base.Response{StatusCode: base.StatusOK}, nil, nil
}

// OnRecord starts a publisher's goroutine.
func (h handler) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	c, ok := ctx.Session.UserData().(*conn)
	if !ok || c.ended != nil {
		return &base.Response{StatusCode: base.StatusMethodNotValidInThisState}, errRefused
	}
	c.record(ctx.Session.AnnouncedDescription().Medias)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnConnClose ends a publisher whose media comes over UDP with its connection.
func (h handler) OnConnClose(ctx *gortsplib.ServerHandlerOnConnCloseCtx) {
	if c, ok := ctx.Conn.UserData().(*conn); ok {
		c.wire.Close()
		return
	}
	if err := ctx.Error; wire.Stranger(err) {
		peer := ctx.Conn.NetConn().RemoteAddr().String()
		h.quiet.Warn(peer, "publisher not admitted", "peer", peer, "err", err)
	}
}

// OnSessionClose ends a publisher.
func (h handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	if c, ok := ctx.Session.UserData().(*conn); ok {
		c.closed(ctx.Error)
	}
}

// OnPacketsLost counts what did not come.
func (h handler) OnPacketsLost(ctx *gortsplib.ServerHandlerOnPacketsLostCtx) {
	if c, ok := ctx.Session.UserData().(*conn); ok && c.feed != nil {
		c.feed.lost.Add(ctx.Lost)
	}
}

// OnDecodeError is there so that the library does not write into a log of its own.
func (h handler) OnDecodeError(*gortsplib.ServerHandlerOnDecodeErrorCtx) {}
