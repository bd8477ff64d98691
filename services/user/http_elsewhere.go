package user

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/httpd"
)

func (r routes) addElsewhere(api huma.API) {
	list := httpd.Op("listProviders", http.MethodGet, "/auth/oidc", "auth", "Where else people can sign in", http.StatusOK)
	huma.Register(api, list, r.listProviders)
	start := httpd.Op("startSignInElsewhere", http.MethodGet, "/auth/oidc/{provider}/start", "auth", "Go to a provider to sign in; for the address bar", http.StatusSeeOther)
	start.Description = "Comes back to return_to, to /sign-in?step=code when a code is needed (POST /auth/totp/sign-in without a challenge), to " +
		"/sign-in?link=PROVIDER when the e-mail address has an account (a sign-in to it within ten minutes links the provider), or, with Accept: text/html, to " +
		"/sign-in?oidc_error=WORD: cancelled, expired, failed, unavailable, unverified, taken, verify_first, or the code of a problem."
	huma.Register(api, start, r.startElsewhere)
	huma.Register(api, httpd.Op("finishSignInElsewhere", http.MethodGet, "/auth/oidc/{provider}/callback", "auth", "Where a provider sends the browser back to", http.StatusSeeOther), r.arrive)
	huma.Register(api, httpd.Op("listIdentities", http.MethodGet, "/auth/oidc/identities", "auth", "The accounts elsewhere that sign in to yours", http.StatusOK, auth.ScopeAccount), httpd.As(r.listIdentities))
	huma.Register(api, httpd.Op("startLink", http.MethodPost, "/auth/oidc/{provider}/link", "auth", "Get the address to go to so that a provider signs in to your account", http.StatusOK, auth.ScopeAccount), httpd.As(r.startLink))
	huma.Register(api, httpd.Op("unlinkIdentity", http.MethodDelete, "/auth/oidc/identities/{id}", "auth", "Have an account elsewhere not sign in to yours any more", http.StatusNoContent, auth.ScopeAccount), httpd.As(r.unlink))
}

// Names of the cookies that last for one sign-in elsewhere; see handed.
const (
	attemptCookie   = "weir_oidc"      // the browser that an attempt belongs to
	pendingCookie   = "weir_link"      // a link that waits for a proof
	challengeCookie = "weir_challenge" // a sign-in that waits for its code
	hostPrefix      = "__Host-"
)

// Handed is what a sign-in elsewhere has left in the browser.
type Handed struct {
	Attempt         string `cookie:"weir_oidc" maxLength:"64" hidden:"true"`
	Link            string `cookie:"weir_link" maxLength:"64" hidden:"true"`
	Challenge       string `cookie:"weir_challenge" maxLength:"64" hidden:"true"`
	SecureAttempt   string `cookie:"__Host-weir_oidc" maxLength:"64" hidden:"true"`
	SecureLink      string `cookie:"__Host-weir_link" maxLength:"64" hidden:"true"`
	SecureChallenge string `cookie:"__Host-weir_challenge" maxLength:"64" hidden:"true"`
}

func overTLSOr(ctx context.Context, secure, plain string) string {
	if overTLS(ctx) {
		return secure
	}
	return plain
}

func (h Handed) attempt(ctx context.Context) string {
	return overTLSOr(ctx, h.SecureAttempt, h.Attempt)
}
func (h Handed) link(ctx context.Context) string { return overTLSOr(ctx, h.SecureLink, h.Link) }
func (h Handed) challenge(ctx context.Context) string {
	return overTLSOr(ctx, h.SecureChallenge, h.Challenge)
}

// handed keeps something for one sign-in where scripts cannot read it. Over https no
// other host of the domain can plant it (RFC 6265bis, 4.1.3.2). Lax lets it come with
// the browser that a provider sends back. An empty value removes it.
func handed(ctx context.Context, name, value string, life time.Duration) string {
	c := http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(life / time.Second)}
	if overTLS(ctx) {
		c.Name, c.Secure = hostPrefix+name, true
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// proven is the answer to a sign-in that is complete. In a browser it is also the proof
// that a link may have waited for.
func (r routes) proven(ctx context.Context, in Handed, t Tokens, cookie bool) *tokensAnswer {
	a := r.answer(ctx, t, cookie)
	if !cookie {
		return a
	}
	if in.challenge(ctx) != "" {
		a.SetCookie = append(a.SetCookie, handed(ctx, challengeCookie, "", 0))
	}
	if token := in.link(ctx); token != "" {
		a.SetCookie = append(a.SetCookie, handed(ctx, pendingCookie, "", 0))
		a.Body.Linked = r.FinishLink(ctx, peer(ctx), token, t.User.ID)
	}
	return a
}

// ProviderView is a provider for the sign-in page.
type ProviderView struct {
	Name  string `json:"name" example:"github"`
	Title string `json:"title" example:"GitHub"`
	Start string `json:"start" doc:"Path to send the browser to; add ?return_to=/path"`
}

type providersAnswer struct {
	Body struct {
		Items []ProviderView `json:"items"`
	}
}

func (r routes) listProviders(context.Context, *httpd.Empty) (*providersAnswer, error) {
	out := &providersAnswer{}
	out.Body.Items = make([]ProviderView, len(r.providers))
	for i, p := range r.providers {
		out.Body.Items[i] = ProviderView{Name: p.Name(), Title: p.Title(), Start: httpd.DefaultPublic + "/auth/oidc/" + p.Name() + "/start"}
	}
	return out, nil
}

// AtProvider is a path with a provider in it.
type AtProvider struct {
	Provider string `path:"provider" minLength:"1" maxLength:"32" example:"github" doc:"Its name in the settings"`
}

type startInput struct {
	AtProvider
	Handed
	ReturnTo string `query:"return_to" maxLength:"512" example:"/settings" doc:"Path of this site to come back to; absent: /"`
	Accept   string `header:"Accept" hidden:"true"`
}

// redirect sends a browser on.
type redirect struct {
	Location  string   `header:"Location"`
	SetCookie []string `header:"Set-Cookie"`
}

func (r routes) startElsewhere(ctx context.Context, in *startInput) (*redirect, error) {
	d, err := r.StartSignIn(ctx, peer(ctx), in.Provider, in.attempt(ctx), in.ReturnTo)
	if err != nil {
		return r.turnAway(ctx, in.Accept, in.Provider, Arrived{}, err)
	}
	return &redirect{Location: d.Address, SetCookie: []string{handed(ctx, attemptCookie, d.Browser, AttemptLife)}}, nil
}

type arriveInput struct {
	AtProvider
	Handed
	State  string `query:"state" maxLength:"256"`
	Code   string `query:"code" maxLength:"2048"`
	Issuer string `query:"iss" maxLength:"512"`
	Error  string `query:"error" maxLength:"256"`
	Accept string `header:"Accept" hidden:"true"`
}

// arrive answers the browser that a provider sent. No secret gets into an address: the
// session, a challenge and a link that waits go into cookies.
func (r routes) arrive(ctx context.Context, in *arriveInput) (*redirect, error) {
	out, err := r.Arrive(ctx, peer(ctx), Arrival{
		Provider: in.Provider, State: in.State, Code: in.Code, Issuer: in.Issuer, Error: in.Error,
		Browser: in.attempt(ctx), Pending: in.link(ctx),
	})
	if err != nil {
		return r.turnAway(ctx, in.Accept, in.Provider, out, err)
	}
	answer := &redirect{}
	switch {
	case out.Pending != "":
		answer.Location = r.page("/sign-in", "link", in.Provider, "return_to", out.ReturnTo)
		answer.SetCookie = append(answer.SetCookie, handed(ctx, pendingCookie, out.Pending, PendingLife))
	case out.Tokens.Challenge != "":
		answer.Location = r.page("/sign-in", "step", "code", "return_to", out.ReturnTo)
		answer.SetCookie = append(answer.SetCookie, handed(ctx, challengeCookie, out.Tokens.Challenge, ChallengeLife))
	default:
		answer.Location = r.page(out.ReturnTo, "linked", out.Linked)
		if out.Tokens.Refresh != "" {
			answer.SetCookie = append(answer.SetCookie, r.cookie(ctx, out.Tokens.Refresh, out.Tokens.RefreshExpires))
		}
		if out.Linked != "" && !out.Link {
			answer.SetCookie = append(answer.SetCookie, handed(ctx, pendingCookie, "", 0))
		}
	}
	return answer, nil
}

// turnAway shows a person a page and a program the problem.
func (r routes) turnAway(ctx context.Context, accept, provider string, out Arrived, err error) (*redirect, error) {
	if !strings.Contains(accept, "text/html") {
		return nil, err
	}
	if fault.Is(err, fault.Internal) { // who answers with a problem logs it
		r.log.Error("sign-in elsewhere", "request", httpd.From(ctx).ID, "err", err)
	}
	if out.Link {
		return &redirect{Location: r.page(out.ReturnTo, "oidc_error", wordOf(err))}, nil
	}
	if p, unknown := r.provider(provider); unknown == nil {
		provider = p.Name()
	} else {
		provider = ""
	}
	return &redirect{Location: r.page("/sign-in", "oidc_error", wordOf(err), "provider", provider, "return_to", out.ReturnTo)}, nil
}

// page is the address of a page of the web app. path has been checked; pairs are names
// and values of its query, empty values are left out.
func (r routes) page(path string, pairs ...string) string {
	u, err := url.Parse(path)
	if err != nil || path == "" {
		u = &url.URL{Path: "/"}
	}
	query := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(pairs) > 0 && len(query) > 0 {
		u.RawQuery = query.Encode()
	}
	return r.public + u.String()
}

type identitiesAnswer struct {
	Body struct {
		Items       []IdentityLink `json:"items"`
		HasPassword bool           `json:"has_password" doc:"Whether there is a password beside them"`
	}
}

func (r routes) listIdentities(ctx context.Context, who auth.Identity, _ *httpd.Empty) (*identitiesAnswer, error) {
	out := &identitiesAnswer{}
	var err error
	out.Body.Items, out.Body.HasPassword, err = r.IdentityLinks(ctx, who)
	if err != nil {
		return nil, err
	}
	return out, nil
}

type linkInput struct {
	AtProvider
	Handed
	Body struct {
		Password string `json:"password,omitempty" maxLength:"512" doc:"Your password; absent: the account has none, and you signed in within the last ten minutes"`
		ReturnTo string `json:"return_to,omitempty" maxLength:"512" example:"/settings" doc:"Path of this site to come back to; absent: /"`
	}
}

type linkAnswer struct {
	SetCookie []string `header:"Set-Cookie"`
	Body      struct {
		Address string `json:"address" doc:"Where the browser goes to now; it comes back to return_to, with ?linked=PROVIDER or ?oidc_error=WORD"`
	}
}

func (r routes) startLink(ctx context.Context, who auth.Identity, in *linkInput) (*linkAnswer, error) {
	d, err := r.StartLink(ctx, who, peer(ctx), in.Provider, in.Body.Password, in.attempt(ctx), in.Body.ReturnTo)
	if err != nil {
		return nil, err
	}
	out := &linkAnswer{SetCookie: []string{handed(ctx, attemptCookie, d.Browser, AttemptLife)}}
	out.Body.Address = d.Address
	return out, nil
}

type identityInput struct {
	ID httpd.ID `path:"id" doc:"Id of an account elsewhere"`
}

func (r routes) unlink(ctx context.Context, who auth.Identity, in *identityInput) (*httpd.Empty, error) {
	return nil, r.Unlink(ctx, who, peer(ctx), in.ID.UUID)
}
