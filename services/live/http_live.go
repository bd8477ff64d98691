package live

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addKeys(api huma.API) {
	huma.Register(api, httpd.Op("listKeys", http.MethodGet, "/channels/{id}/keys", "keys", "The stream keys of a channel, without the keys themselves", http.StatusOK, auth.ScopeKeysWrite), httpd.As(r.keys))
	huma.Register(api, httpd.Op("createKey", http.MethodPost, "/channels/{id}/keys", "keys", "Make a stream key; it is shown this once", http.StatusCreated, auth.ScopeKeysWrite), httpd.As(r.createKey))
	huma.Register(api, httpd.Op("rotateKey", http.MethodPost, "/channels/{id}/keys/{key}/rotate", "keys", "Replace a stream key by a new one; who publishes with the old one is sent away", http.StatusCreated, auth.ScopeKeysWrite), httpd.As(r.rotateKey))
	huma.Register(api, httpd.Op("revokeKey", http.MethodDelete, "/channels/{id}/keys/{key}", "keys", "End a stream key; who publishes with it is sent away", http.StatusNoContent, auth.ScopeKeysWrite), httpd.As(r.revokeKey))
	huma.Register(api, httpd.Op("listRefusals", http.MethodGet, "/channels/{id}/refusals", "keys", "Why publishers with a key of the channel were turned away", http.StatusOK, auth.ScopeChannelsRead), httpd.As(r.refusals))
}

func (r routes) keys(ctx context.Context, who auth.Identity, in *ByID) (*listOf[Key], error) {
	return listAnswer(r.Keys(ctx, who, in.ID.UUID))
}

type keyInput struct {
	ByID
	Body struct {
		Label   string `json:"label,omitempty" maxLength:"240" doc:"What you call it, at most 60 characters" example:"studio"`
		Expires string `json:"expires_at,omitempty" maxLength:"40" doc:"When it ends by itself, RFC 3339; absent: never"`
	}
}

type keyAnswer struct {
	Cache string `header:"Cache-Control"`
	Body  NewKey
}

func keyOf(k NewKey, err error) (*keyAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &keyAnswer{Cache: "no-store", Body: k}, nil
}

func (r routes) createKey(ctx context.Context, who auth.Identity, in *keyInput) (*keyAnswer, error) {
	expires, err := until(in.Body.Expires)
	if err != nil {
		return nil, err
	}
	return keyOf(r.CreateKey(ctx, who, in.ID.UUID, in.Body.Label, expires))
}

// KeyID is the path of a stream key.
type KeyID struct {
	ByID
	Key httpd.ID `path:"key" doc:"Id of a stream key"`
}

func (r routes) rotateKey(ctx context.Context, who auth.Identity, in *KeyID) (*keyAnswer, error) {
	return keyOf(r.RotateKey(ctx, who, in.ID.UUID, in.Key.UUID))
}

func (r routes) revokeKey(ctx context.Context, who auth.Identity, in *KeyID) (*httpd.Empty, error) {
	return nil, r.RevokeKey(ctx, who, in.ID.UUID, in.Key.UUID)
}

func (r routes) refusals(ctx context.Context, who auth.Identity, in *ByID) (*listOf[RefusedView], error) {
	return listAnswer(r.Refusals(ctx, who, in.ID.UUID))
}

func (r routes) addSessions(api huma.API) {
	huma.Register(api, httpd.Op("listChannelSessions", http.MethodGet, "/channels/{id}/sessions", "sessions", "The streams of a channel, newest first", http.StatusOK, auth.ScopeChannelsRead), httpd.As(r.sessions))
	huma.Register(api, httpd.Op("getChannelSession", http.MethodGet, "/channels/{id}/sessions/{session}", "sessions", "One stream of a channel", http.StatusOK, auth.ScopeChannelsRead), httpd.As(r.session))
	huma.Register(api, httpd.Op("endStream", http.MethodPost, "/channels/{id}/end", "sessions", "End what the channel has on the air; its publisher is sent away", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.end))
}

type sessionsInput struct {
	ByID
	httpd.Paged
}

func (r routes) sessions(ctx context.Context, who auth.Identity, in *sessionsInput) (*httpd.PageOf[SessionView], error) {
	return httpd.Answer(r.Sessions(ctx, who, in.ID.UUID, in.After, in.Limit))
}

type sessionInput struct {
	ByID
	Session httpd.ID `path:"session" doc:"Id of a session"`
}

type sessionAnswer struct {
	Cache string `header:"Cache-Control"`
	Body  SessionView
}

func (r routes) session(ctx context.Context, who auth.Identity, in *sessionInput) (*sessionAnswer, error) {
	v, err := r.Session(ctx, who, in.ID.UUID, in.Session.UUID)
	if err != nil {
		return nil, err
	}
	return &sessionAnswer{Cache: "private, no-store", Body: v}, nil
}

type endInput struct {
	ByID
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"800" doc:"What the encoder is told"`
	}
}

func (r routes) end(ctx context.Context, who auth.Identity, in *endInput) (*httpd.Empty, error) {
	return nil, r.End(ctx, who, in.ID.UUID, in.Body.Reason)
}
