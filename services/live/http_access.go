package live

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addAccess(api huma.API) {
	playback := httpd.Op("startPlayback", http.MethodPost, "/channels/by-name/{name}/playback", "playback", "The addresses at which you can watch a channel, with a pass where it is not public", http.StatusOK)
	playback.Description = "A name that nobody has, and a channel that you may not know of, are answered like a public channel: there is nothing to watch at those addresses."
	playback.Errors = append(playback.Errors, http.StatusForbidden)
	huma.Register(api, playback, r.playback)
	huma.Register(api, httpd.Op("endPasses", http.MethodDelete, "/channels/{id}/viewers", "playback", "End all passes of a channel", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.endPasses))
	huma.Register(api, httpd.Op("endPass", http.MethodDelete, "/channels/{id}/viewers/{viewer}", "playback", "End the pass of one viewer", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.endPass))
	huma.Register(api, httpd.Op("listShareLinks", http.MethodGet, "/channels/{id}/links", "playback", "The share links of a channel, without their secrets", http.StatusOK, auth.ScopeChannelsWrite), httpd.As(r.links))
	huma.Register(api, httpd.Op("createShareLink", http.MethodPost, "/channels/{id}/links", "playback", "Make a share link; its secret is shown this once", http.StatusCreated, auth.ScopeChannelsWrite), httpd.As(r.createLink))
	huma.Register(api, httpd.Op("revokeShareLink", http.MethodDelete, "/channels/{id}/links/{link}", "playback", "End a share link, and what is watched by it", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.revokeLink))
	huma.Register(api, httpd.Op("listGuests", http.MethodGet, "/channels/{id}/guests", "playback", "The users who may watch a private channel", http.StatusOK, auth.ScopeChannelsRead), httpd.As(r.guests))
	huma.Register(api, httpd.Op("addGuest", http.MethodPut, "/channels/{id}/guests/{user}", "playback", "Let a user watch a private channel", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.addGuest))
	huma.Register(api, httpd.Op("removeGuest", http.MethodDelete, "/channels/{id}/guests/{user}", "playback", "Take that back; what the user watches ends", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.removeGuest))
}

type playbackInput struct {
	Name string `path:"name" minLength:"1" maxLength:"63" example:"anna"`
	Body struct {
		Link string `json:"link,omitempty" maxLength:"64" doc:"The secret of a share link, where you have one"`
		Bind bool   `json:"bind,omitempty" doc:"The pass is to hold at your address only: safer, and it ends when you change networks"`
	}
}

type playbackAnswer struct {
	Cache string `header:"Cache-Control"`
	Body  Playback
}

func (r routes) playback(ctx context.Context, in *playbackInput) (*playbackAnswer, error) {
	p, err := r.Playback(ctx, caller(ctx), in.Name, Asking{Link: in.Body.Link, Bound: in.Body.Bind, From: httpd.From(ctx).Client})
	if err != nil {
		return nil, err
	}
	return &playbackAnswer{Cache: "no-store", Body: p}, nil
}

func (r routes) endPasses(ctx context.Context, who auth.Identity, in *ByID) (*httpd.Empty, error) {
	return nil, r.EndPasses(ctx, who, in.ID.UUID)
}

type viewerInput struct {
	ByID
	Viewer string `path:"viewer" minLength:"16" maxLength:"16" doc:"The viewer of a playback"`
}

func (r routes) endPass(ctx context.Context, who auth.Identity, in *viewerInput) (*httpd.Empty, error) {
	return nil, r.EndPass(ctx, who, in.ID.UUID, in.Viewer)
}

func (r routes) links(ctx context.Context, who auth.Identity, in *ByID) (*listOf[ShareLink], error) {
	return listAnswer(r.ShareLinks(ctx, who, in.ID.UUID))
}

type linkInput struct {
	ByID
	Body struct {
		Label   string `json:"label,omitempty" maxLength:"240" doc:"What you call it, at most 60 characters" example:"press"`
		Expires string `json:"expires_at,omitempty" maxLength:"40" doc:"When it ends by itself, RFC 3339; absent: never"`
		Network string `json:"network,omitempty" maxLength:"50" doc:"An address or a network where it holds; absent: everywhere" example:"192.0.2.0/24"`
	}
}

type linkAnswer struct {
	Cache string `header:"Cache-Control"`
	Body  NewShareLink
}

func (r routes) createLink(ctx context.Context, who auth.Identity, in *linkInput) (*linkAnswer, error) {
	expires, err := until(in.Body.Expires)
	if err != nil {
		return nil, err
	}
	l, err := r.CreateShareLink(ctx, who, in.ID.UUID, in.Body.Label, in.Body.Network, expires)
	if err != nil {
		return nil, err
	}
	return &linkAnswer{Cache: "no-store", Body: l}, nil
}

type linkID struct {
	ByID
	Link httpd.ID `path:"link" doc:"Id of a share link"`
}

func (r routes) revokeLink(ctx context.Context, who auth.Identity, in *linkID) (*httpd.Empty, error) {
	return nil, r.RevokeShareLink(ctx, who, in.ID.UUID, in.Link.UUID)
}

func (r routes) guests(ctx context.Context, who auth.Identity, in *ByID) (*listOf[Guest], error) {
	return listAnswer(r.Guests(ctx, who, in.ID.UUID))
}

func (r routes) addGuest(ctx context.Context, who auth.Identity, in *MemberID) (*httpd.Empty, error) {
	return nil, r.AddGuest(ctx, who, in.ID.UUID, in.User.UUID)
}

func (r routes) removeGuest(ctx context.Context, who auth.Identity, in *MemberID) (*httpd.Empty, error) {
	return nil, r.RemoveGuest(ctx, who, in.ID.UUID, in.User.UUID)
}
