package user

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addAuth(api huma.API) {
	huma.Register(api, httpd.Op("register", http.MethodPost, "/auth/register", "auth", "Make an account", http.StatusCreated), r.register)
	huma.Register(api, signInOp(api), r.signIn)
	huma.Register(api, httpd.Op("refresh", http.MethodPost, "/auth/refresh", "auth", "Get new tokens for a refresh token, which is used up", http.StatusOK), r.refresh)
	huma.Register(api, httpd.Op("signOut", http.MethodPost, "/auth/sign-out", "auth", "End the session of a refresh token", http.StatusNoContent), r.signOut)
	huma.Register(api, httpd.Op("getIdentity", http.MethodGet, "/auth/identity", "auth", "Who the token of this request belongs to", http.StatusOK, httpd.AnyScope), httpd.As(r.identity))
}

type registerInput struct {
	Body struct {
		Username string `json:"username" maxLength:"64" example:"anna" doc:"3 to 32 of a-z 0-9 _ -"`
		Email    string `json:"email" maxLength:"254" example:"anna@example.org"`
		Password string `json:"password" maxLength:"128" doc:"At least 8 characters, hard to guess"`
		Language string `json:"language,omitempty" maxLength:"35" doc:"BCP 47 tag, for mails"`
		TimeZone string `json:"time_zone,omitempty" maxLength:"64" doc:"IANA name"`
	}
}

type registerAnswer struct {
	Location string `header:"Location"`
	Body     Own
}

func (r routes) register(ctx context.Context, in *registerInput) (*registerAnswer, error) {
	b := &in.Body
	own, err := r.Register(ctx, peer(ctx), Registration{Username: b.Username, Email: b.Email, Password: b.Password, Language: b.Language, TimeZone: b.TimeZone})
	if err != nil {
		return nil, err
	}
	return &registerAnswer{Location: "users/" + own.ID.String(), Body: own}, nil
}

type signInInput struct {
	Browser
	Handed
	Body struct {
		Login    string `json:"login" minLength:"1" maxLength:"254" example:"anna" doc:"E-mail address or username"`
		Password string `json:"password" minLength:"1" maxLength:"512"`
		Cookie   bool   `json:"cookie,omitempty" doc:"For web pages: keep the refresh token in a cookie that scripts cannot read, instead of answering it"`
	}
}

// tokensAnswer is what a sign-in or a refresh gives.
type tokensAnswer struct {
	SetCookie []string `header:"Set-Cookie"`
	Body      TokensView
}

// TokensView is Tokens on the wire (RFC 6749, 5.1, and a bit more).
type TokensView struct {
	AccessToken    string    `json:"access_token" doc:"Goes into Authorization: Bearer"`
	TokenType      string    `json:"token_type" enum:"Bearer"`
	ExpiresIn      int64     `json:"expires_in" doc:"Seconds that the access token is valid for"`
	RefreshToken   string    `json:"refresh_token,omitempty" doc:"For one refresh; absent when it is in the cookie"`
	RefreshExpires time.Time `json:"refresh_expires_at" doc:"When the session ends unless it is refreshed"`
	Session        uuid.UUID `json:"session_id"`
	User           Own       `json:"user"`
	Linked         string    `json:"linked_provider,omitempty" doc:"The provider that waited for this sign-in and signs in to this account from now on"`
}

func (r routes) signIn(ctx context.Context, in *signInInput) (*signInAnswer, error) {
	if in.Body.Cookie {
		if err := r.checked(ctx, in.Browser); err != nil {
			return nil, err
		}
	}
	t, err := r.SignIn(ctx, peer(ctx), Credentials{Login: in.Body.Login, Password: in.Body.Password, Cookie: in.Body.Cookie})
	if err != nil {
		return nil, err
	}
	if t.Challenge != "" {
		return &signInAnswer{Status: http.StatusAccepted, Body: ChallengeView{Challenge: t.Challenge, Expires: t.ChallengeExpires}}, nil
	}
	a := r.proven(ctx, in.Handed, t, in.Body.Cookie)
	return &signInAnswer{Status: http.StatusOK, SetCookie: a.SetCookie, Body: a.Body}, nil
}

func (r routes) answer(ctx context.Context, t Tokens, cookie bool) *tokensAnswer {
	a := &tokensAnswer{Body: TokensView{
		AccessToken: t.Access, TokenType: "Bearer", ExpiresIn: int64(AccessLife / time.Second), RefreshToken: t.Refresh,
		RefreshExpires: t.RefreshExpires, Session: t.Session, User: t.User,
	}}
	if cookie {
		a.SetCookie = []string{r.cookie(ctx, t.Refresh, t.RefreshExpires)}
		a.Body.RefreshToken = ""
	}
	return a
}

type refreshInput struct {
	Browser
	Body *struct {
		RefreshToken string `json:"refresh_token,omitempty" maxLength:"256" doc:"Absent: the one in the cookie"`
	}
}

// token is the refresh token of a request, and whether it came in the cookie. Only then
// can another site have made the browser send it.
func (r routes) token(ctx context.Context, in *refreshInput) (token string, cookie bool, err error) {
	if in.Body != nil && in.Body.RefreshToken != "" {
		return in.Body.RefreshToken, false, nil
	}
	if err := r.checked(ctx, in.Browser); err != nil {
		return "", true, err
	}
	return in.Browser.refreshToken(ctx), true, nil
}

func (r routes) refresh(ctx context.Context, in *refreshInput) (*tokensAnswer, error) {
	token, cookie, err := r.token(ctx, in)
	if err != nil {
		return nil, err
	}
	t, err := r.Refresh(ctx, peer(ctx), token)
	if err != nil {
		return nil, err
	}
	return r.answer(ctx, t, cookie), nil
}

type signOutAnswer struct {
	SetCookie []string `header:"Set-Cookie"`
}

func (r routes) signOut(ctx context.Context, in *refreshInput) (*signOutAnswer, error) {
	token, cookie, err := r.token(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := r.SignOut(ctx, peer(ctx), token); err != nil {
		return nil, err
	}
	out := &signOutAnswer{}
	if cookie {
		out.SetCookie = []string{r.cookie(ctx, "", time.Time{})}
	}
	return out, nil
}

// IdentityView is auth.Identity on the wire, for services that meet an API token.
type IdentityView struct {
	User     uuid.UUID  `json:"user_id"`
	Session  uuid.UUID  `json:"session_id"`
	Username string     `json:"username"`
	Role     auth.Role  `json:"role" enum:"user,moderator,admin"`
	Scopes   []string   `json:"scopes,omitempty" doc:"Of an API token; absent: all"`
	All      bool       `json:"all_scopes" doc:"The token may be used for everything"`
	Verified bool       `json:"email_verified"`
	Expires  *time.Time `json:"expires_at,omitempty" doc:"Absent: does not end by itself"`
}

type identityAnswer struct {
	Body IdentityView
}

func (routes) identity(_ context.Context, who auth.Identity, _ *httpd.Empty) (*identityAnswer, error) {
	v := IdentityView{
		User: who.User, Session: who.Session, Username: who.Username, Role: who.Role, Scopes: who.Scopes,
		All: who.Scopes == nil, Verified: who.Verified,
	}
	if !who.Expires.IsZero() {
		v.Expires = &who.Expires
	}
	return &identityAnswer{Body: v}, nil
}
