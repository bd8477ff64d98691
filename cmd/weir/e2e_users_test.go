package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// person talks to the API as one user does.
type person struct {
	t     *testing.T
	web   string
	token string
	match string // If-Match of the next request that changes something
}

// ask sends body as JSON, nil for none, and reads the answer into out, nil for none.
func (p *person) ask(method, path string, body, out any) int {
	p.t.Helper()
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		payload = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.web+"/api/v1/"+path, payload)
	if err != nil {
		p.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if p.match != "" && method != http.MethodGet {
		req.Header.Set("If-Match", p.match)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	p.match = res.Header.Get("ETag")
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			p.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
		}
	}
	return res.StatusCode
}

type object = map[string]any

// signIn makes p the holder of an access token.
func (p *person) signIn(name, password string) {
	p.t.Helper()
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if status := p.ask(http.MethodPost, "auth/sign-in", object{"login": name, "password": password}, &got); status != http.StatusOK || got.AccessToken == "" {
		p.t.Fatalf("sign in as %s: %d", name, status)
	}
	p.token = got.AccessToken
}

// A newcomer registers, keeps a profile and follows; the operator's command ends it
// all while weir runs.
func TestAccounts(t *testing.T) {
	t.Chdir(t.TempDir())
	banner, stop := startAll(t, quiet())
	web := find(t, `Watch\s+(http://\S+)/\n`, banner)
	secret := find(t, `Account\s+admin, password: (\w+) `, banner)
	admin, ada := &person{t: t, web: web}, &person{t: t, web: web}
	admin.signIn("admin", secret)

	const password = "three green lorries at dawn"
	var made struct{ ID string }
	if status := ada.ask(http.MethodPost, "auth/register", object{"username": "ada", "email": "ada@example.org", "password": password}, &made); status != http.StatusCreated {
		t.Fatalf("register: %d", status)
	}
	ada.signIn("ada", password)
	ada.ask(http.MethodGet, "users/me", nil, nil) // gives the ETag
	if status := ada.ask(http.MethodPatch, "users/me", object{"display_name": "Ada L."}, nil); status != http.StatusOK {
		t.Errorf("profile: %d", status)
	}
	ada.match = ""
	var channel struct{ ID string }
	admin.ask(http.MethodGet, "users/by-name/admin", nil, &channel)
	if status := ada.ask(http.MethodPut, "users/me/following/"+channel.ID, nil, nil); status != http.StatusNoContent {
		t.Errorf("follow: %d", status)
	}
	var followed struct{ Followers int }
	if ada.ask(http.MethodGet, "users/by-name/admin", nil, &followed); followed.Followers != 1 {
		t.Errorf("%d followers", followed.Followers)
	}
	if status := ada.ask(http.MethodGet, "users", nil, nil); status != http.StatusForbidden {
		t.Errorf("the admin's list for everybody: %d", status)
	}

	if r := weir(context.Background(), quiet(), "user", "suspend", "ada", "spam"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	eventually(t, "the session ends", func() bool { return ada.ask(http.MethodGet, "users/me", nil, nil) == http.StatusUnauthorized })
	if r := stop(); r.code != 0 || strings.Contains(r.stderr, secret) || strings.Contains(r.stderr, password) || strings.Contains(r.stderr, ada.token) {
		t.Errorf("stopped with %d, log %s", r.code, r.stderr)
	}
}

// The role in a process of its own has the same addresses behind the gateway.
func TestAccountsInAnotherProcess(t *testing.T) {
	users, _ := startCommand(t, quiet("WEIR_DATA_DIR="+t.TempDir(), "WEIR_USER_ADDR=127.0.0.1:0"), "run", "user")
	addr := find(t, `Users\s+(http://\S+)`, users)
	door, _ := startCommand(t, quiet("WEIR_DATA_DIR="+t.TempDir(), "WEIR_USER_URL="+addr), "run", "gateway")
	p := &person{t: t, web: find(t, `Watch\s+(http://\S+)/\n`, door)}
	p.signIn("admin", find(t, `Account\s+admin, password: (\w+) `, users))
	var me struct{ Username string }
	if status := p.ask(http.MethodGet, "users/me", nil, &me); status != http.StatusOK || me.Username != "admin" {
		t.Errorf("%d %+v", status, me)
	}
	if status, text := get(t, p.web+"/api/v1/openapi.yaml"); status != http.StatusOK || !strings.Contains(text, "/auth/sign-in") {
		t.Errorf("description: %d", status)
	}
}

func TestUserCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	run := func(code int, want string, args ...string) {
		t.Helper()
		r := weir(context.Background(), nil, append([]string{"user"}, args...)...)
		if r.code != code || !strings.Contains(r.stdout+r.stderr, want) {
			t.Errorf("%v: %+v, want %d and %q", args, r, code, want)
		}
	}
	run(0, "cannot be shown again", "create", "--admin", "admin", "root@example.org")
	run(0, "cannot be shown again", "create", "bob", "bob@example.org")
	run(1, "username is taken", "create", "bob", "other@example.org")
	run(1, "must begin with a letter", "create", "_bob", "other@example.org")
	run(0, "bob is moderator now", "role", "bob", "moderator")
	run(1, "must be user, moderator or admin", "role", "bob", "king")
	run(1, "no such user", "role", "eve", "admin")
	run(0, "bob is suspended", "suspend", "bob", "spam")
	run(0, "suspended", "list", "bo")
	run(0, "bob can sign in again", "unsuspend", "bob")
	run(0, "Their sessions have ended", "reset-password", "bob")
	run(0, "bob signs in with the password alone now", "reset-totp", "bob")
	run(1, "no such user", "reset-totp", "eve")
	run(2, "takes NAME and REASON", "suspend", "bob")
	run(2, "weir user takes", "frobnicate")
	r := weir(context.Background(), nil, "events", "dead", "list")
	if r.code != 0 || !strings.HasPrefix(r.stdout, "ID") {
		t.Errorf("%+v", r)
	}
	if r := weir(context.Background(), nil, "events", "dead", "retry", "x/y"); r.code != 1 || !strings.Contains(r.stderr, "no such dead event") {
		t.Errorf("%+v", r)
	}
}
