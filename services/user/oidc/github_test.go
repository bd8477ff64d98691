package oidc

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// fakeGitHub answers as GitHub does, for one person.
func fakeGitHub(t testing.TB, user, emails any) (*httptest.Server, *url.Values) {
	t.Helper()
	form := &url.Values{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login/oauth/access_token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		*form = r.PostForm
		if r.PostForm.Get("code") != code {
			answer(w, map[string]any{"error": "bad_verification_code"})
			return
		}
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		_, _ = w.Write([]byte("access_token=gho_x&scope=user%3Aemail&token_type=bearer"))
	})
	api := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer gho_x" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			if v == nil {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			answer(w, v)
		}
	}
	mux.HandleFunc("GET /api/v3/user", api(user))
	mux.HandleFunc("GET /api/v3/user/emails", api(emails))
	mux.HandleFunc("GET /api/v3/meta", func(http.ResponseWriter, *http.Request) {})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s, form
}

func TestGitHub(t *testing.T) {
	type m = map[string]any
	both := []m{{"email": "old@example.org", "primary": false, "verified": true}, {"email": "octo@example.org", "primary": true, "verified": true}}
	for name, c := range map[string]struct {
		user, emails any
		code, iss    string
		want         Person
		err          error
	}{
		"good":             {m{"id": 583231, "login": "Octocat"}, both, code, "", Person{Subject: "583231", Username: "Octocat", Email: "octo@example.org", EmailVerified: true}, nil},
		"not verified":     {m{"id": 1, "login": "x"}, []m{{"email": "a@example.org", "primary": true, "verified": false}, {"email": "b@example.org", "verified": true}}, code, "", Person{Subject: "1", Username: "x", Email: "a@example.org"}, nil},
		"no address":       {m{"id": 1, "login": "x"}, []m{}, code, "", Person{Subject: "1", Username: "x"}, nil},
		"wrong code":       {m{"id": 1}, both, "other", "", Person{}, ErrRefused},
		"scope is missing": {m{"id": 1}, nil, code, "", Person{}, ErrRefused},
		"nobody":           {m{"message": "x"}, both, code, "", Person{}, ErrRefused},
		"no JSON":          {"x", both, code, "", Person{}, ErrUnavailable},
		"other issuer":     {m{"id": 1}, both, code, "https://accounts.google.com", Person{}, ErrRefused},
	} {
		s, form := fakeGitHub(t, c.user, c.emails)
		p, err := New(Config{Name: GitHub, Issuer: s.URL, ClientID: clientID, ClientSecret: secret})
		ok(t, err)
		ok(t, p.Check(t.Context()))
		a := NewAttempt("https://tv.example.org/api/v1/auth/oidc/github/callback")
		address, err := p.Address(t.Context(), a)
		ok(t, err)
		u, err := url.Parse(address)
		ok(t, err)
		if q := u.Query(); u.Path != "/login/oauth/authorize" || q.Get("scope") != "user:email" || q.Get("code_challenge_method") != "S256" || q.Get("state") != a.State || q.Has("nonce") {
			t.Errorf("%s", address)
		}
		who, err := p.Person(t.Context(), a, Answer{Code: c.code, Issuer: c.iss})
		if c.want != (Person{}) {
			c.want.Issuer = s.URL
		}
		if !errors.Is(err, c.err) || who != c.want {
			t.Errorf("%s: %+v %v", name, who, err)
		}
		quiet(t, err, "gho_x")
		if c.err == nil && (form.Get("code_verifier") != a.Verifier || form.Get("client_secret") != secret) {
			t.Errorf("%s: %v", name, form)
		}
	}
	if apiOf(gitHubPages) != "https://api.github.com" {
		t.Error(apiOf(gitHubPages))
	}
}
