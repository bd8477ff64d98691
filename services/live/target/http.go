package target

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

// routes is the HTTP side of a Service.
type routes struct{ *Service }

// Routes adds the operations of this package to the server of the live-service.
func (s *Service) Routes(h *httpd.Server) {
	const of, tag = "/channels/{id}/targets", "targets"
	r, api := routes{s}, h.API
	huma.Register(api, httpd.Op("listTargets", http.MethodGet, of, tag, "Where the streams of a channel are sent on to, and how that does", http.StatusOK, auth.ScopeChannelsRead), httpd.As(r.list))
	huma.Register(api, httpd.Op("createTarget", http.MethodPost, of, tag, "Send the streams of a channel on to another server", http.StatusCreated, auth.ScopeChannelsWrite), httpd.As(r.create))
	huma.Register(api, httpd.Op("getTarget", http.MethodGet, of+"/{target}", tag, "A target of a channel", http.StatusOK, auth.ScopeChannelsRead), httpd.As(r.get))
	huma.Register(api, httpd.Op("updateTarget", http.MethodPatch, of+"/{target}", tag, "Change a target", http.StatusOK, auth.ScopeChannelsWrite), httpd.As(r.update))
	huma.Register(api, httpd.Op("deleteTarget", http.MethodDelete, of+"/{target}", tag, "Delete a target", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.remove))
	huma.Register(api, httpd.Op("startTarget", http.MethodPost, of+"/{target}/start", tag, "Send there, also what is on the air already", http.StatusOK, auth.ScopeChannelsWrite), httpd.As(r.start))
	huma.Register(api, httpd.Op("stopTarget", http.MethodPost, of+"/{target}/stop", tag, "Send there no more; the stream itself goes on", http.StatusOK, auth.ScopeChannelsWrite), httpd.As(r.stop))
}

// ChannelID is a path with a channel. It is exported because huma passes over embedded
// fields that are not.
type ChannelID struct {
	ID httpd.ID `path:"id" doc:"Id of a channel"`
}

// ByID is a path with a target of a channel.
type ByID struct {
	ChannelID
	Target httpd.ID `path:"target" doc:"Id of a target"`
}

type createInput struct {
	ChannelID
	Body TargetChanges
}

type updateInput struct {
	ByID
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag of what you have read; * for any"`
	Body    TargetChanges
}

// Targets is a list.
type Targets struct {
	Items []Target `json:"items"`
}

type listAnswer struct {
	Cache string `header:"Cache-Control"`
	Body  Targets
}

type targetAnswer struct {
	ETag  string `header:"ETag"`
	Cache string `header:"Cache-Control"`
	Body  Target
}

func answer(t Target, err error) (*targetAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &targetAnswer{ETag: httpd.ETag(t.Version), Cache: "private, no-store", Body: t}, nil
}

func (r routes) list(ctx context.Context, who auth.Identity, in *ChannelID) (*listAnswer, error) {
	items, err := r.Targets(ctx, who, in.ID.UUID)
	if err != nil {
		return nil, err
	}
	if items == nil {
		items = []Target{}
	}
	return &listAnswer{Cache: "private, no-store", Body: Targets{items}}, nil
}

func (r routes) create(ctx context.Context, who auth.Identity, in *createInput) (*targetAnswer, error) {
	return answer(r.Create(ctx, who, in.ID.UUID, in.Body))
}

func (r routes) get(ctx context.Context, who auth.Identity, in *ByID) (*targetAnswer, error) {
	return answer(r.Target(ctx, who, in.ID.UUID, in.Target.UUID))
}

func (r routes) update(ctx context.Context, who auth.Identity, in *updateInput) (*targetAnswer, error) {
	version, err := httpd.IfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return answer(r.Update(ctx, who, in.ID.UUID, in.Target.UUID, version, in.Body))
}

func (r routes) remove(ctx context.Context, who auth.Identity, in *ByID) (*httpd.Empty, error) {
	return nil, r.Delete(ctx, who, in.ID.UUID, in.Target.UUID)
}

func (r routes) start(ctx context.Context, who auth.Identity, in *ByID) (*targetAnswer, error) {
	return r.turn(ctx, who, in, true)
}

func (r routes) stop(ctx context.Context, who auth.Identity, in *ByID) (*targetAnswer, error) {
	return r.turn(ctx, who, in, false)
}

func (r routes) turn(ctx context.Context, who auth.Identity, in *ByID, on bool) (*targetAnswer, error) {
	return answer(r.Update(ctx, who, in.ID.UUID, in.Target.UUID, 0, TargetChanges{Enabled: &on}))
}
