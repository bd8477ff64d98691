package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	metadataLife = time.Hour       // then it is asked for again, and kept when that fails
	failureLife  = 5 * time.Second // who comes meanwhile gets the same error
)

// metadata is what has to be known of a provider.
type metadata struct {
	endpoint    oauth2.Endpoint
	issuers     []string               // that the parameter iss may have
	namesItself bool                   // iss always comes (RFC 9207, 3)
	provider    *goidc.Provider        // nil: GitHub
	verifier    *goidc.IDTokenVerifier // nil: GitHub
}

// issuer is an OpenID provider.
type issuer struct {
	cfg    Config
	client *http.Client
	turn   chan struct{} // holds one while nobody looks at what follows
	known  *metadata     // nil: never read
	asked  time.Time     // when it was read, or that failed
	failed error         // why it could not be read; nil: it could
}

func newIssuer(c Config, client *http.Client) *issuer {
	i := &issuer{cfg: c, client: client, turn: make(chan struct{}, 1)}
	i.turn <- struct{}{}
	return i
}

// metadata reads the discovery document when it is not known, or old. One caller at a
// time asks; the others wait for its answer.
func (i *issuer) metadata(ctx context.Context) (*metadata, error) {
	select {
	case <-i.turn:
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	defer func() { i.turn <- struct{}{} }()
	age := i.cfg.Now().Sub(i.asked)
	switch {
	case i.failed == nil && i.known != nil && age < metadataLife:
		return i.known, nil
	case i.failed != nil && age < failureLife && i.known == nil:
		return nil, i.failed
	case i.failed != nil && age < failureLife:
		return i.known, nil
	}
	m, err := i.discover(ctx)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil, err // the caller left: that says nothing of the provider
	}
	i.asked, i.failed = i.cfg.Now(), err
	if err == nil {
		i.known = m
	}
	if i.known == nil {
		return nil, err
	}
	return i.known, nil
}

// discover is OpenID Connect Discovery 1.0, 4.
func (i *issuer) discover(ctx context.Context) (*metadata, error) {
	p, err := goidc.NewProvider(goidc.ClientContext(ctx, i.client), i.cfg.Issuer)
	if err != nil {
		return nil, unavailable(err)
	}
	var more struct {
		NamesItself bool     `json:"authorization_response_iss_parameter_supported"`
		Methods     []string `json:"token_endpoint_auth_methods_supported"`
		Keys        string   `json:"jwks_uri"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, unavailable(err)
	}
	m := &metadata{endpoint: p.Endpoint(), issuers: []string{i.cfg.Issuer}, namesItself: more.NamesItself, provider: p}
	for what, address := range map[string]string{"authorization_endpoint": m.endpoint.AuthURL, "token_endpoint": m.endpoint.TokenURL, "jwks_uri": more.Keys} {
		if u, err := url.Parse(address); err != nil || u.Host == "" || !secure(u) {
			return nil, fmt.Errorf("%w: %s in its description is no https:// address", ErrUnavailable, what)
		}
	}
	// Said, not tried: a code that was sent once may be used up.
	m.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if i.cfg.ClientSecret == "" || len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic") {
		m.endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	// Without a list of its own this takes what the description offers, but never none
	// or an HMAC, whose key would be public.
	m.verifier = p.Verifier(&goidc.Config{ClientID: i.cfg.ClientID, Now: i.cfg.Now})
	return m, nil
}

// claims is what is read of an id_token, and of the UserInfo answer.
type claims struct {
	Email    string `json:"email"`
	Verified flag   `json:"email_verified"`
	Username string `json:"preferred_username"`
	Language string `json:"locale"`
	Party    string `json:"azp"`
}

// flag is a boolean that some providers write as text.
type flag bool

// UnmarshalJSON takes true and "true"; all else is false.
func (f *flag) UnmarshalJSON(text []byte) error {
	*f = string(text) == "true" || string(text) == `"true"`
	return nil
}

// person is OpenID Connect Core 1.0, 3.1.3.7.
func (i *issuer) person(ctx context.Context, m *metadata, token *oauth2.Token, nonce string) (Person, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Person{}, refused("there is no id_token in the answer")
	}
	id, err := m.verifier.Verify(ctx, raw)
	if err != nil {
		return Person{}, failed(err)
	}
	var c claims
	if err := id.Claims(&c); err != nil {
		return Person{}, refused("the id_token cannot be read")
	}
	switch {
	case nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1:
		return Person{}, refused("the id_token was made for another sign-in")
	case c.Party != "" && c.Party != i.cfg.ClientID, c.Party == "" && len(id.Audience) > 1:
		return Person{}, refused("the id_token was made for another client")
	case id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil:
		return Person{}, refused("the access token does not belong to the id_token")
	}
	if c.Email == "" && m.provider.UserInfoEndpoint() != "" {
		if c, err = i.userInfo(ctx, m, token, id.Subject); err != nil {
			return Person{}, err
		}
	}
	return Person{Issuer: i.cfg.Issuer, Subject: id.Subject, Email: c.Email, EmailVerified: bool(c.Verified), Username: c.Username, Language: c.Language}, nil
}

// userInfo is for providers that keep the e-mail address out of the id_token (5.3).
func (i *issuer) userInfo(ctx context.Context, m *metadata, token *oauth2.Token, subject string) (claims, error) {
	var c claims
	if u, err := url.Parse(m.provider.UserInfoEndpoint()); err != nil || !secure(u) {
		return c, refused("userinfo_endpoint in its description is no https:// address")
	}
	info, err := m.provider.UserInfo(goidc.ClientContext(ctx, i.client), oauth2.StaticTokenSource(token))
	if err != nil {
		return c, unavailable(err)
	}
	if info.Subject != subject {
		return c, refused("the UserInfo answer is about somebody else")
	}
	if err := info.Claims(&c); err != nil {
		return c, refused("the UserInfo answer cannot be read")
	}
	return c, nil
}

func (i *issuer) check(ctx context.Context) error {
	_, err := i.discover(ctx)
	return err
}
