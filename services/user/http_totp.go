package user

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addTOTP(api huma.API) {
	huma.Register(api, httpd.Op("signInWithCode", http.MethodPost, "/auth/totp/sign-in", "auth", "The second step of a sign-in: the challenge and a code", http.StatusOK), r.signInCode)
	huma.Register(api, httpd.Op("getTOTP", http.MethodGet, "/auth/totp", "auth", "Whether your sign-in needs a code", http.StatusOK, auth.ScopeAccount), httpd.As(r.totp))
	huma.Register(api, httpd.Op("enrolTOTP", http.MethodPost, "/auth/totp", "auth", "Get a secret for an app; nothing changes until it is confirmed", http.StatusCreated, auth.ScopeAccount), httpd.As(r.enrol))
	huma.Register(api, httpd.Op("confirmTOTP", http.MethodPost, "/auth/totp/confirm", "auth", "Put the secret in force by a code; the answer is the recovery codes, shown once", http.StatusOK, auth.ScopeAccount), httpd.As(r.confirm))
	huma.Register(api, httpd.Op("disableTOTP", http.MethodPost, "/auth/totp/disable", "auth", "Turn the second factor off", http.StatusNoContent, auth.ScopeAccount), httpd.As(r.disable))
	huma.Register(api, httpd.Op("renewRecoveryCodes", http.MethodPost, "/auth/totp/recovery-codes", "auth", "Get new recovery codes, shown once; the old ones end", http.StatusOK, auth.ScopeAccount), httpd.As(r.renewRecovery))
	huma.Register(api, httpd.Op("resetTOTP", http.MethodDelete, "/users/{id}/totp", "admin", "Turn off the second factor of a user who has lost it", http.StatusNoContent, auth.ScopeUsersAdmin), httpd.As(r.resetTOTP))
}

// ChallengeView is the answer to a right password when a code is needed too.
type ChallengeView struct {
	Challenge string    `json:"challenge" doc:"Goes to /auth/totp/sign-in together with a code; opens one session"`
	Expires   time.Time `json:"challenge_expires_at"`
}

// signInAnswer is TokensView with 200, or ChallengeView with 202.
type signInAnswer struct {
	Status    int
	SetCookie []string `header:"Set-Cookie"`
	Body      any
}

// signInOp describes both answers of a sign-in.
func signInOp(api huma.API) huma.Operation {
	o := httpd.Op("signIn", http.MethodPost, "/auth/sign-in", "auth", "Sign in with a password; 202: a code is needed too", http.StatusOK)
	o.Responses = map[string]*huma.Response{}
	for status, of := range map[int]reflect.Type{http.StatusOK: reflect.TypeFor[TokensView](), http.StatusAccepted: reflect.TypeFor[ChallengeView]()} {
		o.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(of, true, of.Name())}},
		}
	}
	return o
}

type signInCodeInput struct {
	Browser
	Handed
	Body struct {
		Challenge string `json:"challenge,omitempty" maxLength:"64" doc:"Of the first step; absent: the one in the cookie that a sign-in at a provider has set"`
		Code      string `json:"code" minLength:"1" maxLength:"64" example:"123456" doc:"Of the app, or a recovery code"`
		Cookie    bool   `json:"cookie,omitempty" doc:"As in the first step: keep the refresh token in a cookie"`
	}
}

func (r routes) signInCode(ctx context.Context, in *signInCodeInput) (*tokensAnswer, error) {
	if in.Body.Cookie || in.Body.Challenge == "" {
		if err := r.checked(ctx, in.Browser); err != nil {
			return nil, err
		}
	}
	challenge := in.Body.Challenge
	if challenge == "" {
		challenge = in.challenge(ctx)
	}
	t, err := r.SignInCode(ctx, peer(ctx), Code{Challenge: challenge, Code: in.Body.Code, Cookie: in.Body.Cookie})
	if err != nil {
		return nil, err
	}
	return r.proven(ctx, in.Handed, t, in.Body.Cookie), nil
}

type totpAnswer struct {
	Body TOTPState
}

func (r routes) totp(ctx context.Context, who auth.Identity, _ *httpd.Empty) (*totpAnswer, error) {
	state, err := r.TOTP(ctx, who)
	if err != nil {
		return nil, err
	}
	return &totpAnswer{Body: state}, nil
}

type enrolAnswer struct {
	Body Enrolment
}

func (r routes) enrol(ctx context.Context, who auth.Identity, in *deleteInput) (*enrolAnswer, error) {
	e, err := r.EnrolTOTP(ctx, who, in.Body.Password)
	if err != nil {
		return nil, err
	}
	return &enrolAnswer{Body: e}, nil
}

type confirmInput struct {
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"64" example:"123456" doc:"Of the app"`
	}
}

type recoveryAnswer struct {
	Body struct {
		Codes []string `json:"recovery_codes" doc:"Each signs in once, in place of a code; they cannot be had again"`
	}
}

func recoveryOf(codes []string, err error) (*recoveryAnswer, error) {
	if err != nil {
		return nil, err
	}
	out := &recoveryAnswer{}
	out.Body.Codes = codes
	return out, nil
}

func (r routes) confirm(ctx context.Context, who auth.Identity, in *confirmInput) (*recoveryAnswer, error) {
	return recoveryOf(r.ConfirmTOTP(ctx, who, peer(ctx), in.Body.Code))
}

type codeInput struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"512" doc:"Your password; absent: the account has none, and you signed in within the last ten minutes"`
		Code     string `json:"code" minLength:"1" maxLength:"64" example:"123456" doc:"Of the app, or a recovery code"`
	}
}

func (r routes) disable(ctx context.Context, who auth.Identity, in *codeInput) (*httpd.Empty, error) {
	return nil, r.DisableTOTP(ctx, who, peer(ctx), in.Body.Password, in.Body.Code)
}

func (r routes) renewRecovery(ctx context.Context, who auth.Identity, in *codeInput) (*recoveryAnswer, error) {
	return recoveryOf(r.RenewRecovery(ctx, who, peer(ctx), in.Body.Password, in.Body.Code))
}

func (r routes) resetTOTP(ctx context.Context, who auth.Identity, in *ByID) (*httpd.Empty, error) {
	if err := needs(who, auth.Admin); err != nil {
		return nil, err
	}
	return nil, r.ResetTOTP(ctx, who, peer(ctx), in.ID.UUID)
}
