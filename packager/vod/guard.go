package vod

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"weir/packager/door"
)

func (h *Handler) admit(ctx context.Context, id string, b door.Bearer) error {
	if h.Door == nil {
		return nil
	}
	return h.Door(ctx, id, b)
}

// turnAway answers who may not watch; what is hidden is not found.
func (h *Handler) turnAway(w http.ResponseWriter, r *http.Request, id string, err error) {
	switch {
	case errors.Is(err, door.ErrHidden):
		notFound(w)
	case errors.As(err, &door.Refusal{}):
		door.Refuse(w, err)
	default:
		h.fail(w, r, id, err)
	}
}

// askAgain is how long an answer may go on without a look at whether its viewer still may
// have it.
const askAgain = time.Second

// guarded is the writer of an answer that ends when its viewer may watch no longer, and
// that says in its header who may keep it.
type guarded struct {
	http.ResponseWriter
	h      *Handler
	ctx    context.Context
	id     string
	bearer door.Bearer
	asked  time.Time
	begun  bool
}

func (h *Handler) guard(w http.ResponseWriter, r *http.Request, id string, b door.Bearer) *guarded {
	return &guarded{ResponseWriter: w, h: h, ctx: r.Context(), id: id, bearer: b, asked: time.Now()}
}

// Unwrap is for http.ResponseController.
func (g *guarded) Unwrap() http.ResponseWriter { return g.ResponseWriter }

// WriteHeader sends the status.
func (g *guarded) WriteHeader(status int) {
	if !g.begun {
		g.begun = true
		if value := g.Header()["Cache-Control"]; len(value) > 0 {
			g.bearer.Cache(g.Header(), value)
		}
	}
	g.ResponseWriter.WriteHeader(status)
}

// look asks again when that is due.
func (g *guarded) look() error {
	if !g.begun {
		g.WriteHeader(http.StatusOK)
	}
	now := time.Now()
	if now.Sub(g.asked) < askAgain {
		return nil
	}
	g.asked = now
	return g.h.admit(g.ctx, g.id, g.bearer)
}

// Write implements io.Writer.
func (g *guarded) Write(b []byte) (int, error) {
	if err := g.look(); err != nil {
		return 0, err
	}
	return g.ResponseWriter.Write(b)
}

// ReadFrom lets the system send files, which are a segment at most.
func (g *guarded) ReadFrom(r io.Reader) (int64, error) {
	if err := g.look(); err != nil {
		return 0, err
	}
	return io.Copy(g.ResponseWriter, r)
}
