package user

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/httpd"
)

// routes is the HTTP side of a Service: it decodes, calls and encodes.
type routes struct {
	*Service
	cookiePath string
}

// Routes adds the operations of this service to a server. public is what the paths of
// its API begin with; empty: that of httpd.
func (s *Service) Routes(h *httpd.Server, public string) {
	if public == "" {
		public = httpd.DefaultPublic
	}
	r := routes{Service: s, cookiePath: public + "/auth"}
	r.addAuth(h.API)
	r.addSecrets(h.API)
	r.addSessions(h.API)
	r.addTOTP(h.API)
	r.addElsewhere(h.API)
	r.addTokens(h.API)
	r.addMe(h.API) // before addUsers: /users/me is not the user with the id "me"
	r.addPictures(h.API)
	r.addExports(h.API)
	r.addFollows(h.API)
	r.addUsers(h.API)
	r.addAdmin(h.API)
	huma.Register(h.Root, huma.Operation{
		OperationID: "getKeySet", Method: http.MethodGet, Path: "/.well-known/jwks.json", Tags: []string{"auth"},
		Summary: "The public keys of access tokens (RFC 7517)",
	}, r.keySet)
}

func peer(ctx context.Context) Peer {
	r := httpd.From(ctx)
	return Peer{Address: r.Client, UserAgent: r.UserAgent}
}

// ByID is a path with a user's id in it. It and the others below are exported because
// huma passes over embedded fields that are not.
type ByID struct {
	ID httpd.ID `path:"id" example:"01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11" doc:"Id of a user"`
}

// Cookies. The name says whether it was set over https: a cookie of that name cannot be
// planted over http (RFC 6265bis, 4.1.3.1).
const (
	cookieName       = "weir_refresh"
	secureCookieName = "__Secure-weir_refresh"
)

// Browser is what a request with a cookie brings.
type Browser struct {
	Cookie       string `cookie:"weir_refresh" maxLength:"256" hidden:"true"`
	SecureCookie string `cookie:"__Secure-weir_refresh" maxLength:"256" hidden:"true"`
	Origin       string `header:"Origin" maxLength:"512" hidden:"true"`
	FetchSite    string `header:"Sec-Fetch-Site" maxLength:"64" hidden:"true"`
}

// checked refuses requests that another site's page made the browser send.
func (r routes) checked(ctx context.Context, b Browser) error {
	host := ""
	if u, err := url.Parse(httpd.From(ctx).Origin); err == nil {
		host = u.Host
	}
	return r.check.Check(host, func(name string) string {
		switch name {
		case "Origin":
			return b.Origin
		case "Sec-Fetch-Site":
			return b.FetchSite
		}
		return ""
	})
}

func overTLS(ctx context.Context) bool {
	return strings.HasPrefix(httpd.From(ctx).Origin, "https://")
}

// refreshToken is what the browser keeps, under the name that fits the connection.
func (b Browser) refreshToken(ctx context.Context) string {
	if overTLS(ctx) {
		return b.SecureCookie
	}
	return b.Cookie
}

// cookie keeps the refresh token where scripts cannot read it, and where no other site
// can have it sent. An empty token removes it.
func (r routes) cookie(ctx context.Context, token string, expires time.Time) string {
	c := http.Cookie{
		Name: cookieName, Value: token, Path: r.cookiePath, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		MaxAge: int(expires.Sub(r.now()) / time.Second),
	}
	if overTLS(ctx) {
		c.Name, c.Secure = secureCookieName, true
	}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// keySetAnswer is the JWKS document.
type keySetAnswer struct {
	ContentType string `header:"Content-Type"`
	Cache       string `header:"Cache-Control"`
	Body        []byte
}

func (r routes) keySet(context.Context, *httpd.Empty) (*keySetAnswer, error) {
	body, err := r.JWKS()
	if err != nil {
		return nil, err
	}
	return &keySetAnswer{ContentType: "application/jwk-set+json", Cache: "public, max-age=300", Body: body}, nil
}
