package user

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/httpd"
)

// Scopes of API tokens. ScopeAccount is never given to one: what ends sessions, changes
// passwords or deletes accounts needs a person who signed in.
const (
	ScopeRead    = "profile:read"
	ScopeWrite   = "profile:write"
	ScopeFollow  = "follows:write"
	ScopeAdmin   = "users:admin"
	ScopeAccount = "account"

	anyScope = "" // for op: somebody must be signed in, with whatever token
)

// maxBody bounds the JSON of a request, in bytes: a profile with everything in it, each
// character as an escape.
const maxBody = 24 << 10

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

// op is an operation with what all of them have in common. Without scopes anybody may
// call it.
func op(id, method, path, tag, summary string, status int, scopes ...string) huma.Operation {
	o := huma.Operation{
		OperationID: id, Method: method, Path: path, Tags: []string{tag}, Summary: summary,
		DefaultStatus: status, MaxBodyBytes: maxBody, BodyReadTimeout: 10 * time.Second,
		Errors: []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}
	if len(scopes) > 0 {
		o.Security = httpd.Bearer(slices.DeleteFunc(scopes, func(s string) bool { return s == anyScope })...)
		o.Errors = append(o.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	if strings.Contains(path, "{") {
		o.Errors = append(o.Errors, http.StatusNotFound)
	}
	return o
}

// empty is the input or the answer without anything in it.
type empty struct{}

// as makes the handler of an operation that somebody has to be signed in for.
// Operations with Bearer always have an identity.
func as[I, O any](do func(ctx context.Context, who auth.Identity, in *I) (*O, error)) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		who, ok := auth.From(ctx)
		if !ok {
			return nil, fault.New(fault.Unauthenticated, "sign in first")
		}
		return do(ctx, who, in)
	}
}

func peer(ctx context.Context) Peer {
	r := httpd.From(ctx)
	return Peer{Address: r.Client, UserAgent: r.UserAgent}
}

// ByID is a path with a user's id in it. It and the others below are exported because
// huma passes over embedded fields that are not.
type ByID struct {
	ID string `path:"id" minLength:"36" maxLength:"36" example:"01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11" doc:"Id of a user"`
}

// parseID takes the usual form of a UUID only: others name the same thing twice.
func parseID(s, field string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return uuid.Nil, fault.Bad(field, "must be a UUID such as 01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11")
	}
	return id, nil
}

// Paged is what lists take.
type Paged struct {
	After string `query:"after" maxLength:"64" doc:"The next of the page before; absent: from the beginning"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"Items on a page"`
}

// pageOf is a page as an answer.
type pageOf[T any] struct {
	Body Page[T]
}

func pageAnswer[T any](p Page[T], err error) (*pageOf[T], error) {
	if err != nil {
		return nil, err
	}
	return &pageOf[T]{Body: p}, nil
}

// etag is the version of what is seen, and the numbers that change without it.
func etag(version int64, counts ...int64) string {
	tag := strconv.FormatInt(version, 10)
	for _, n := range counts {
		tag += "." + strconv.FormatInt(n, 10)
	}
	return `"` + tag + `"`
}

// matchVersion is the version that If-Match names; 0 for *, which takes any.
func matchVersion(ifMatch string) (int64, error) {
	tag := strings.TrimPrefix(strings.TrimSpace(ifMatch), "W/")
	switch {
	case tag == "":
		return 0, fault.New(fault.Precondition, "send If-Match with the ETag of what you have read, so that nobody's change is lost; * takes whatever there is")
	case tag == "*":
		return 0, nil
	case len(tag) < 3 || len(tag) > 64 || tag[0] != '"' || tag[len(tag)-1] != '"':
		return 0, fault.Bad("header.If-Match", "must be one ETag as it was answered, or *")
	}
	number, _, _ := strings.Cut(tag[1:len(tag)-1], ".")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil || version <= 0 {
		return 0, changed() // a tag that we never gave
	}
	return version, nil
}

// matches says whether If-None-Match names the tag (RFC 9110, 13.1.2: weakly).
func matches(ifNoneMatch, tag string) bool {
	for _, t := range strings.Split(ifNoneMatch, ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == tag || t == "*" {
			return true
		}
	}
	return false
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

func (r routes) keySet(context.Context, *empty) (*keySetAnswer, error) {
	body, err := r.JWKS()
	if err != nil {
		return nil, err
	}
	return &keySetAnswer{ContentType: "application/jwk-set+json", Cache: "public, max-age=300", Body: body}, nil
}
