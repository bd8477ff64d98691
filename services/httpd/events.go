package httpd

import (
	"bufio"
	"context"
	"net"
	"strings"
	"time"

	"github.com/gofiber/fiber/v3"
)

// EventStream writes server-sent events (HTML section 9.2) to one client. It is
// used by one goroutine. Its methods block while the client is slow, for a minute
// at most, and return an error when it is gone.
type EventStream struct {
	w    *bufio.Writer
	conn net.Conn
}

// Events answers a request with a stream of events; it returns at once, and send
// runs until it returns, on a goroutine that Serve waits for. Its ctx has the
// values of the request's context, has no deadline, and is done when the server
// drains. Whether the client left is seen only by writing: without events, call
// Beat every few seconds.
func (s *Server) Events(c fiber.Ctx, send func(ctx context.Context, e *EventStream) error) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.Context()))
	stop := context.AfterFunc(s.draining, cancel)
	e := &EventStream{conn: c.RequestCtx().Conn()}
	c.Set(fiber.HeaderContentType, "text/event-stream")
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
		if err := e.Beat(); err != nil { // the header leaves at once
			return
		}
		if err := send(ctx, e); err != nil && ctx.Err() == nil {
			s.cfg.Log.Debug("stream of events ended", "service", s.cfg.Service, "request", From(ctx).ID, "err", err)
		}
	})
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
