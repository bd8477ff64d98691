package httpd

import (
	"bufio"
	"context"
	"net"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v3"
)

const eventStream = "text/event-stream"

// EventStream writes server-sent events (HTML section 9.2) to one client. It is
// used by one goroutine. Its methods block while the client is slow, for a minute
// at most, and return an error when it is gone.
type EventStream struct {
	w      *bufio.Writer
	conn   net.Conn
	server *Server
	bearer string // the Authorization header
}

// Events answers a request with a stream of events; it returns at once, and send
// runs until it returns, on a goroutine that Serve waits for; it is called in any case. Its ctx has the
// values of the request's context, has no deadline, and is done when the server
// drains. Whether the client left is seen only by writing: without events, call
// Beat every few seconds.
func (s *Server) Events(c fiber.Ctx, send func(ctx context.Context, e *EventStream) error) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.Context()))
	stop := context.AfterFunc(s.draining, cancel)
	e := &EventStream{conn: c.RequestCtx().Conn(), server: s, bearer: c.Get(fiber.HeaderAuthorization)}
	c.Set(fiber.HeaderContentType, eventStream)
	c.Set(fiber.HeaderCacheControl, "no-store")
	s.busy.add()
	return c.SendStreamWriter(func(w *bufio.Writer) {
		defer s.busy.done()
		defer cancel()
		defer stop()
		defer func() {
			if v := recover(); v != nil {
				s.cfg.Log.Error("panic in a stream of events", "service", s.cfg.Service, "request", From(ctx).ID, "err", v)
			}
		}()
		e.w = w
		_ = e.Beat() // the header leaves at once; e.w remembers an error for send
		if err := send(ctx, e); err != nil && ctx.Err() == nil {
			s.cfg.Log.Debug("stream of events ended", "service", s.cfg.Service, "request", From(ctx).ID, "err", err)
		}
	})
}

// EventsOp is op, answered by a stream of events that are described by about.
func EventsOp(op huma.Operation, about string) huma.Operation {
	op.Responses = map[string]*huma.Response{"200": {
		Description: about,
		Content:     map[string]*huma.MediaType{eventStream: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	return op
}

// EventsAnswer is Events for an operation: what its handler returns.
func (s *Server) EventsAnswer(send func(ctx context.Context, e *EventStream) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		for {
			switch c := ctx.(type) {
			case *request:
				c.failure = s.Events(c.Ctx, send)
				return
			case interface{ Unwrap() huma.Context }: // a middleware gave it values
				ctx = c.Unwrap()
			default:
				return // not one of ours
			}
		}
	}}
}

// Allowed says whether the token that the stream was asked for with still holds: a
// stream must not outlive it. It asks as a new request would.
func (e *EventStream) Allowed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.server.cfg.Timeout)
	defer cancel()
	_, _, err := e.server.bearer(ctx, e.bearer, &exchange{})
	return err
}

// Send writes one event. Empty id and event are left out; newlines in them are
// removed, and in data they are kept.
func (e *EventStream) Send(id, event, data string) error {
	oneLine := strings.NewReplacer("\r", "", "\n", "", "\x00", "")
	if id != "" {
		e.put("id: " + oneLine.Replace(id) + "\n")
	}
	if event != "" {
		e.put("event: " + oneLine.Replace(event) + "\n")
	}
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data), "\n") {
		e.put("data: " + line + "\n")
	}
	e.put("\n")
	return e.flush()
}

// Beat writes a comment that clients ignore.
func (e *EventStream) Beat() error {
	e.put(":\n\n")
	return e.flush()
}

// put keeps no error: bufio.Writer returns it again on flush.
func (e *EventStream) put(s string) { _, _ = e.w.WriteString(s) }

func (e *EventStream) flush() error {
	// fasthttp sets one deadline for the whole answer, which here has no end.
	if err := e.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return e.w.Flush()
}
