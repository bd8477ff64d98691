package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"golang.org/x/oauth2"
)

// GitHub's own addresses; GitHub Enterprise Server has its API below its pages.
const (
	gitHubPages = "https://github.com"
	gitHubAPI   = "https://api.github.com"
)

func apiOf(pages string) string {
	if pages == gitHubPages {
		return gitHubAPI
	}
	return pages + "/api/v3"
}

// github is GitHub or a GitHub Enterprise Server. It gives no id_token: what the access
// token can read says who the person is. That is safe because the code comes with PKCE
// and the token goes from GitHub to us only.
type github struct {
	cfg    Config
	client *http.Client
}

func (g *github) metadata(context.Context) (*metadata, error) {
	pages := g.cfg.Issuer + "/login/oauth"
	return &metadata{
		endpoint: oauth2.Endpoint{AuthURL: pages + "/authorize", TokenURL: pages + "/access_token", AuthStyle: oauth2.AuthStyleInParams},
		issuers:  []string{g.cfg.Issuer, pages},
	}, nil
}

func (g *github) person(ctx context.Context, _ *metadata, token *oauth2.Token, _ string) (Person, error) {
	var user struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
	}
	if err := g.get(ctx, token, "/user", &user); err != nil {
		return Person{}, err
	}
	if user.ID <= 0 {
		return Person{}, refused("GitHub does not say who that is")
	}
	who := Person{Issuer: g.cfg.Issuer, Subject: strconv.FormatInt(user.ID, 10), Username: user.Login}
	var emails []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := g.get(ctx, token, "/user/emails?per_page=100", &emails); err != nil {
		return Person{}, err
	}
	for _, e := range emails {
		if e.Primary {
			who.Email, who.EmailVerified = e.Email, e.Verified
		}
	}
	return who, nil
}

func (g *github) get(ctx context.Context, token *oauth2.Token, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.cfg.API+path, nil)
	if err != nil {
		return unavailable(err)
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	res, err := g.client.Do(req)
	if err != nil {
		return unavailable(err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden, res.StatusCode == http.StatusNotFound:
		return refused(fmt.Sprintf("GitHub answers %d: is the scope user:email granted?", res.StatusCode))
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%w: status %d", ErrUnavailable, res.StatusCode)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return unavailable(err)
	}
	return nil
}

// check asks the API without a token, which may be refused but not fail.
func (g *github) check(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.cfg.API+"/meta", nil)
	if err != nil {
		return unavailable(err)
	}
	res, err := g.client.Do(req)
	if err != nil {
		return unavailable(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%w: status %d", ErrUnavailable, res.StatusCode)
	}
	return nil
}
