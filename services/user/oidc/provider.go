package oidc

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Names of the providers that need no issuer.
const (
	Google = "google"
	GitHub = "github" // the only one that is not asked by OpenID Connect
)

// Config says how weir is known to a provider.
type Config struct {
	Name  string // in addresses: a-z and 0-9; Google and GitHub have an issuer and a title
	Title string // for people; empty: the preset's, or Name
	// Issuer is the issuer identifier exactly as the provider gives it, https://, or
	// http:// on this machine; for GitHub the address of its pages.
	Issuer       string
	API          string // of GitHub's REST API; empty: the one that belongs to Issuer
	ClientID     string
	ClientSecret string   // empty: a public client, which PKCE alone protects
	Scopes       []string // empty: openid, email and profile; for GitHub user:email
	Now          func() time.Time
}

// Provider is one place where people can show who they are. Its methods may be called
// from any goroutine and block until ctx ends, or for the time limits of this package.
type Provider struct {
	cfg    Config
	client *http.Client
	kind   kind
}

// kind is the protocol of a provider.
type kind interface {
	// metadata is where people and codes go; it may ask the provider.
	metadata(ctx context.Context) (*metadata, error)
	// person is whose token that is.
	person(ctx context.Context, m *metadata, token *oauth2.Token, nonce string) (Person, error)
	check(ctx context.Context) error
}

// Attempt is one sign-in, from the address to the code. All of it but Callback is
// random, made by NewAttempt, and secret until it is used.
type Attempt struct {
	Callback string // absolute address that the provider sends the browser back to
	State    string // comes back with the browser
	Nonce    string // comes back in the id_token
	Verifier string // of PKCE: shows that who brings the code has begun the attempt
}

// NewAttempt begins a sign-in.
func NewAttempt(callback string) Attempt {
	return Attempt{Callback: callback, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
}

// Answer is what the browser brought back.
type Answer struct {
	Code   string
	Issuer string // the parameter iss (RFC 9207); empty: there was none
}

// Person is who has signed in at the provider. Issuer and Subject together are the
// identity, for ever; all else is what the provider says at present.
type Person struct {
	Issuer, Subject string
	Email           string // may be empty
	EmailVerified   bool   // the provider says that the person has that address
	Username        string // there; a wish at most
	Language        string // BCP 47; may be empty
}

// New returns a Provider. It asks nobody.
func New(c Config) (*Provider, error) {
	preset(&c)
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("sign-in with %s: %w", c.Name, err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &Provider{cfg: c, client: newClient()}
	if c.Name == GitHub {
		p.kind = &github{cfg: c, client: p.client}
	} else {
		p.kind = newIssuer(c, p.client)
	}
	return p, nil
}

// preset fills in what is known of a provider by its name.
func preset(c *Config) {
	switch c.Name {
	case Google:
		c.Title, c.Issuer = cmp.Or(c.Title, "Google"), cmp.Or(c.Issuer, "https://accounts.google.com")
	case GitHub:
		c.Title, c.Issuer = cmp.Or(c.Title, "GitHub"), strings.TrimRight(cmp.Or(c.Issuer, gitHubPages), "/")
		c.API = strings.TrimRight(cmp.Or(c.API, apiOf(c.Issuer)), "/")
		if len(c.Scopes) == 0 {
			c.Scopes = []string{"user:email"}
		}
	}
	c.Title = cmp.Or(c.Title, c.Name)
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "email", "profile"}
	}
}

// ValidName says whether a provider can have that name.
func ValidName(name string) bool {
	return name != "" && len(name) <= 32 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func (c *Config) check() error {
	switch {
	case !ValidName(c.Name):
		return errors.New("a name of 1 to 32 of a-z and 0-9 is needed")
	case c.Issuer == "":
		return errors.New("the issuer is missing, such as https://login.example.org")
	case c.ClientID == "":
		return errors.New("the client id is missing: the provider gives one when weir is registered there")
	case c.Name != GitHub && !slices.Contains(c.Scopes, "openid"):
		return errors.New("the scope openid is needed")
	}
	if err := CheckAddress(c.Issuer); err != nil {
		return fmt.Errorf("the issuer %w", err)
	}
	if c.API != "" {
		if err := CheckAddress(c.API); err != nil {
			return fmt.Errorf("the API %w", err)
		}
	}
	return nil
}

// CheckAddress says what is wrong with an issuer, which is also the beginning of
// addresses that secrets are sent to.
func CheckAddress(address string) error {
	const like = "must be an address such as https://login.example.org"
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || len(address) > 255:
		return errors.New(like)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return errors.New(like + ", without a user, query or fragment")
	case !secure(u):
		return errors.New("must begin with https://; http:// is for providers on this machine")
	}
	return nil
}

// secure says whether what goes to u can be read by nobody on the way.
func secure(u *url.URL) bool {
	if u.Scheme == "http" {
		ip := net.ParseIP(u.Hostname())
		return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	return u.Scheme == "https"
}

// Name is the provider's in addresses.
func (p *Provider) Name() string { return p.cfg.Name }

// Title is the provider's for people.
func (p *Provider) Title() string { return p.cfg.Title }

// Issuer is what every Person's Issuer is.
func (p *Provider) Issuer() string { return p.cfg.Issuer }

// Check asks the provider, without a person. Its error says what to do.
func (p *Provider) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return p.kind.check(ctx)
}

// Address is where the browser goes to sign in (RFC 6749, 4.1.1). ErrUnavailable: the
// provider cannot be asked where that is.
func (p *Provider) Address(ctx context.Context, a Attempt) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	m, err := p.kind.metadata(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.Verifier)}
	if m.verifier != nil {
		options = append(options, oauth2.SetAuthURLParam("nonce", a.Nonce))
	}
	return p.oauth(m, a).AuthCodeURL(a.State, options...), nil
}

// Person exchanges the code, once, and checks what comes for it. ErrUnavailable: the
// provider does not answer; ErrRefused: it does not take the code, or what it answers
// must not be trusted.
func (p *Provider) Person(ctx context.Context, a Attempt, r Answer) (Person, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	m, err := p.kind.metadata(ctx)
	if err != nil {
		return Person{}, err
	}
	// Before the code is sent anywhere (RFC 9207, 2.4).
	if r.Issuer == "" && m.namesItself || r.Issuer != "" && !slices.Contains(m.issuers, r.Issuer) {
		return Person{}, refused("the answer was made by another issuer, or does not say by which")
	}
	token, err := p.oauth(m, a).Exchange(context.WithValue(ctx, oauth2.HTTPClient, p.client), r.Code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return Person{}, exchangeError(err)
	}
	who, err := p.kind.person(ctx, m, token, a.Nonce)
	if err != nil {
		return Person{}, err
	}
	if who.Subject == "" || len(who.Subject) > 255 { // OpenID Connect Core, 2
		return Person{}, refused("the subject is missing or too long")
	}
	return who, nil
}

func (p *Provider) oauth(m *metadata, a Attempt) *oauth2.Config {
	return &oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: m.endpoint, RedirectURL: a.Callback, Scopes: p.cfg.Scopes}
}
