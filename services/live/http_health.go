package live

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addHealth(api huma.API) {
	huma.Register(api, httpd.Op("getHealth", http.MethodGet, "/channels/{id}/health", "sessions", "How the stream of a channel arrives at this moment, and what is wrong with it", http.StatusOK, auth.ScopeChannelsRead), httpd.As(r.health))
	huma.Register(api, httpd.EventsOp(httpd.Op("listenHealth", http.MethodGet, "/channels/{id}/health/events", "sessions", "The same as it is measured, every two seconds, as server-sent events", http.StatusOK, auth.ScopeChannelsRead),
		"Server-sent events: `health`, whose data is that of getHealth, and `offline` when nothing is on the air. Comments come between them. The stream ends with the token, or with the right to see it."), httpd.As(r.listenHealth))
}

type healthAnswer struct {
	Cache string `header:"Cache-Control"`
	Body  Health
}

func (r routes) health(ctx context.Context, who auth.Identity, in *ByID) (*healthAnswer, error) {
	h, err := r.Health(ctx, who, in.ID.UUID)
	if err != nil {
		return nil, err
	}
	return &healthAnswer{Cache: "private, no-store", Body: h}, nil
}

func (r routes) listenHealth(ctx context.Context, who auth.Identity, in *ByID) (*huma.StreamResponse, error) {
	if _, err := r.access(ctx, r.store(), who, in.ID.UUID, Moderator); err != nil {
		return nil, err
	}
	l, err := r.board.join(who.User, in.ID.UUID)
	if err != nil {
		return nil, err
	}
	return r.server.EventsAnswer(func(ctx context.Context, e *httpd.EventStream) error {
		defer r.board.leave(l, who.User, in.ID.UUID)
		tick := time.NewTicker(everyListen)
		defer tick.Stop()
		return r.listen(ctx, who, in.ID.UUID, l, tick.C, e)
	}), nil
}
