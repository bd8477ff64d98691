package user

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addSessions(api huma.API) {
	huma.Register(api, httpd.Op("listSessions", http.MethodGet, "/auth/sessions", "sessions", "Where you are signed in", http.StatusOK, auth.ScopeAccount), httpd.As(r.sessions))
	huma.Register(api, httpd.Op("endSession", http.MethodDelete, "/auth/sessions/{id}", "sessions", "Sign one of your sessions out", http.StatusNoContent, auth.ScopeAccount), httpd.As(r.endSession))
	huma.Register(api, httpd.Op("endSessions", http.MethodDelete, "/auth/sessions", "sessions", "Sign all of your sessions out", http.StatusNoContent, auth.ScopeAccount), httpd.As(r.endSessions))
}

func (r routes) addSecrets(api huma.API) {
	huma.Register(api, httpd.Op("verifyEmail", http.MethodPost, "/auth/email/verify", "auth", "Prove an e-mail address by the token of a mail", http.StatusNoContent), r.verifyEmail)
	huma.Register(api, httpd.Op("sendVerification", http.MethodPost, "/auth/email/send", "auth", "Have the mail with the token sent again", http.StatusAccepted, auth.ScopeAccount), httpd.As(r.sendVerification))
	huma.Register(api, httpd.Op("changeEmail", http.MethodPut, "/auth/email", "auth", "Have a mail with a token sent to a new address", http.StatusAccepted, auth.ScopeAccount), httpd.As(r.changeEmail))
	huma.Register(api, httpd.Op("changePassword", http.MethodPut, "/auth/password", "auth", "Change the password; other sessions end", http.StatusNoContent, auth.ScopeAccount), httpd.As(r.changePassword))
	huma.Register(api, httpd.Op("forgotPassword", http.MethodPost, "/auth/password/forgot", "auth", "Have a mail sent to choose a new password, if the address has an account", http.StatusAccepted), r.forgot)
	huma.Register(api, httpd.Op("resetPassword", http.MethodPost, "/auth/password/reset", "auth", "Choose a new password by the token of a mail; all sessions end", http.StatusNoContent), r.reset)
}

type sessionsAnswer struct {
	Body struct {
		Items []SessionView `json:"items"`
	}
}

func (r routes) sessions(ctx context.Context, who auth.Identity, _ *httpd.Empty) (*sessionsAnswer, error) {
	list, err := r.Sessions(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &sessionsAnswer{}
	out.Body.Items = list
	return out, nil
}

type sessionInput struct {
	ID httpd.ID `path:"id" doc:"Id of a session"`
}

func (r routes) endSession(ctx context.Context, who auth.Identity, in *sessionInput) (*httpd.Empty, error) {
	return nil, r.EndSession(ctx, who, peer(ctx), in.ID.UUID)
}

type endSessionsInput struct {
	KeepCurrent bool `query:"keep_current" doc:"Stay signed in here"`
}

func (r routes) endSessions(ctx context.Context, who auth.Identity, in *endSessionsInput) (*httpd.Empty, error) {
	return nil, r.EndSessions(ctx, who, peer(ctx), in.KeepCurrent)
}

type tokenInput struct {
	Body struct {
		Token string `json:"token" minLength:"1" maxLength:"128" doc:"From the link of the mail"`
	}
}

func (r routes) verifyEmail(ctx context.Context, in *tokenInput) (*httpd.Empty, error) {
	return nil, r.VerifyEmail(ctx, peer(ctx), in.Body.Token)
}

func (r routes) sendVerification(ctx context.Context, who auth.Identity, _ *httpd.Empty) (*httpd.Empty, error) {
	return nil, r.RequestVerification(ctx, who, peer(ctx))
}

type emailInput struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"512" doc:"Your present password; absent: the account has none, and you signed in within the last ten minutes"`
		Email    string `json:"email" maxLength:"254" doc:"The new address"`
	}
}

func (r routes) changeEmail(ctx context.Context, who auth.Identity, in *emailInput) (*httpd.Empty, error) {
	return nil, r.ChangeEmail(ctx, who, peer(ctx), in.Body.Password, in.Body.Email)
}

type passwordInput struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"512" doc:"Your present password; absent: the account has none, and you signed in within the last ten minutes"`
		New      string `json:"new_password" maxLength:"128"`
	}
}

func (r routes) changePassword(ctx context.Context, who auth.Identity, in *passwordInput) (*httpd.Empty, error) {
	return nil, r.ChangePassword(ctx, who, peer(ctx), in.Body.Password, in.Body.New)
}

type forgotInput struct {
	Body struct {
		Email string `json:"email" maxLength:"254"`
	}
}

func (r routes) forgot(ctx context.Context, in *forgotInput) (*httpd.Empty, error) {
	return nil, r.RequestReset(ctx, peer(ctx), in.Body.Email)
}

type resetInput struct {
	Body struct {
		Token    string `json:"token" minLength:"1" maxLength:"128" doc:"From the link of the mail"`
		Password string `json:"password" maxLength:"128" doc:"The new password"`
	}
}

func (r routes) reset(ctx context.Context, in *resetInput) (*httpd.Empty, error) {
	return nil, r.Reset(ctx, peer(ctx), in.Body.Token, in.Body.Password)
}
