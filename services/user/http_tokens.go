package user

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addTokens(api huma.API) {
	huma.Register(api, httpd.Op("listTokens", http.MethodGet, "/auth/tokens", "tokens", "Your API tokens", http.StatusOK, auth.ScopeAccount), httpd.As(r.listTokens))
	huma.Register(api, httpd.Op("createToken", http.MethodPost, "/auth/tokens", "tokens", "Make an API token, shown once", http.StatusCreated, auth.ScopeAccount), httpd.As(r.createToken))
	huma.Register(api, httpd.Op("endToken", http.MethodDelete, "/auth/tokens/{id}", "tokens", "End an API token", http.StatusNoContent, auth.ScopeAccount), httpd.As(r.endToken))
}

type tokenListAnswer struct {
	Body struct {
		Items []TokenView `json:"items"`
	}
}

func (r routes) listTokens(ctx context.Context, who auth.Identity, _ *httpd.Empty) (*tokenListAnswer, error) {
	list, err := r.APITokens(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &tokenListAnswer{}
	out.Body.Items = list
	return out, nil
}

type createTokenInput struct {
	Body struct {
		Password string     `json:"password,omitempty" maxLength:"512" doc:"Your password; absent: the account has none, and you signed in within the last ten minutes"`
		Name     string     `json:"name" minLength:"1" maxLength:"50" example:"backup script" doc:"What it is for"`
		Scopes   []string   `json:"scopes" minItems:"1" maxItems:"16" enum:"profile:read,profile:write,follows:write,channels:read,channels:write,keys:write,users:admin" doc:"What it may be used for"`
		Expires  *time.Time `json:"expires_at,omitempty" doc:"At most 365 days from now; absent: in 90 days"`
	}
}

type createTokenAnswer struct {
	Body struct {
		TokenView
		Token string `json:"token" doc:"Goes into Authorization: Bearer; it cannot be had again"`
	}
}

func (r routes) createToken(ctx context.Context, who auth.Identity, in *createTokenInput) (*createTokenAnswer, error) {
	want := TokenRequest{Name: in.Body.Name, Scopes: in.Body.Scopes, Password: in.Body.Password}
	if in.Body.Expires != nil {
		want.Expires = *in.Body.Expires
		if want.Expires.IsZero() { // the year 1 is not "absent"
			want.Expires = time.Unix(0, 0)
		}
	}
	out := &createTokenAnswer{}
	var err error
	if out.Body.TokenView, out.Body.Token, err = r.CreateToken(ctx, who, peer(ctx), want); err != nil {
		return nil, err
	}
	return out, nil
}

type apiTokenInput struct {
	ID httpd.ID `path:"id" doc:"Id of an API token"`
}

func (r routes) endToken(ctx context.Context, who auth.Identity, in *apiTokenInput) (*httpd.Empty, error) {
	return nil, r.EndToken(ctx, who, peer(ctx), in.ID.UUID)
}
