package user

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/httpd"
	"weir/services/servicetest"
)

// web is a Service behind its real HTTP app.
type web struct {
	*rig
	*servicetest.Client
	verify *auth.Verifier
}

func eachWeb(t *testing.T, run func(t *testing.T, w *web)) {
	t.Helper()
	each(t, func(t *testing.T, r *rig) { run(t, newWeb(t, r)) })
}

func newWeb(t *testing.T, r *rig) *web {
	t.Helper()
	w := &web{rig: r, verify: r.verifier(t, r.Keys())}
	h := httpd.New(httpd.Config{Service: "user", Verifier: w.verify, BodyLimit: PictureMax})
	r.Routes(h, "")
	w.Client = servicetest.Serve(t, h)
	return w
}

// reply is an answer, read.
type reply struct {
	*http.Response
	body []byte
}

func (r reply) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
}

// call is Call with the answer as one.
func (w *web) call(t testing.TB, method, path, token, body string, header ...string) reply {
	t.Helper()
	res, got := w.Call(t, method, path, token, body, header...)
	return reply{res, got}
}

// expect is call for which the status is known.
func (w *web) expect(t testing.TB, status int, method, path, token, body string, header ...string) reply {
	t.Helper()
	got := w.call(t, method, path, token, body, header...)
	if got.StatusCode != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, got.StatusCode, got.body, status)
	}
	return got
}

// The API in two minutes: register, verify, sign in, profile, follow, sign out.
func TestHTTPWalk(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		star := w.person(t, "star")
		got := w.expect(t, 201, "POST", "/api/v1/auth/register", "", `{"username":"anna","email":"anna@example.org","password":"`+goodPassword+`","language":"de"}`)
		var own Own
		got.into(t, &own)
		if own.Username != "anna" || strings.Contains(string(got.body), "password") || strings.Contains(string(got.body), "argon2") {
			t.Errorf("%s", got.body)
		}
		got = w.expect(t, 200, "POST", "/api/v1/auth/sign-in", "", `{"login":"anna","password":"`+goodPassword+`"}`)
		var tok TokensView
		got.into(t, &tok)
		if tok.TokenType != "Bearer" || tok.ExpiresIn != 600 || tok.RefreshToken == "" || got.Header.Get("Set-Cookie") != "" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s", got.body)
		}
		me := w.expect(t, 200, "GET", "/api/v1/users/me", tok.AccessToken, "")
		tag := me.Header.Get("ETag")
		w.expect(t, 304, "GET", "/api/v1/users/me", tok.AccessToken, "", "If-None-Match: "+tag)
		w.expect(t, 412, "PATCH", "/api/v1/users/me", tok.AccessToken, `{"bio":"x"}`)
		me = w.expect(t, 200, "PATCH", "/api/v1/users/me", tok.AccessToken, `{"bio":"x","links":[{"title":"","url":"https://example.org"}]}`, "If-Match: "+tag)
		if me.Header.Get("ETag") == tag {
			t.Error("the ETag is the same")
		}
		w.expect(t, 412, "PATCH", "/api/v1/users/me", tok.AccessToken, `{"bio":"y"}`, "If-Match: "+tag)
		w.expect(t, 200, "PATCH", "/api/v1/users/me", tok.AccessToken, `{"bio":"y"}`, "If-Match: *")

		w.expect(t, 404, "GET", "/api/v1/users/me/following/"+star.ID.String(), tok.AccessToken, "")
		w.expect(t, 204, "PUT", "/api/v1/users/me/following/"+star.ID.String(), tok.AccessToken, "")
		w.expect(t, 200, "GET", "/api/v1/users/me/following/"+star.ID.String(), tok.AccessToken, "")
		var list httpd.Page[Followed]
		w.expect(t, 200, "GET", "/api/v1/users/"+star.ID.String()+"/followers?limit=1", "", "").into(t, &list)
		if len(list.Items) != 1 || list.Items[0].Username != "anna" {
			t.Errorf("%+v", list)
		}
		w.expect(t, 200, "GET", "/api/v1/users/me/following", tok.AccessToken, "").into(t, &list)
		public := w.expect(t, 200, "GET", "/api/v1/users/by-name/star", "", "")
		var p Public
		public.into(t, &p)
		if p.ID != star.ID || p.Followers != 1 || strings.Contains(string(public.body), "@") {
			t.Errorf("%s", public.body)
		}
		w.expect(t, 304, "GET", "/api/v1/users/"+star.ID.String(), "", "", "If-None-Match: \"other\", W/"+public.Header.Get("ETag"))
		w.expect(t, 204, "DELETE", "/api/v1/users/me/following/"+star.ID.String(), tok.AccessToken, "")
		w.expect(t, 200, "GET", "/api/v1/users/"+star.ID.String(), "", "", "If-None-Match: "+public.Header.Get("ETag"))

		w.expect(t, 202, "POST", "/api/v1/auth/email/send", tok.AccessToken, "")
		w.expect(t, 202, "POST", "/api/v1/auth/password/forgot", "", `{"email":"anna@example.org"}`)
		w.expect(t, 200, "GET", "/api/v1/auth/sessions", tok.AccessToken, "")
		w.expect(t, 200, "GET", "/api/v1/users/me/security-events?limit=2", tok.AccessToken, "")
		w.expect(t, 200, "GET", "/api/v1/auth/identity", tok.AccessToken, "")
		got = w.expect(t, 200, "POST", "/api/v1/auth/refresh", "", `{"refresh_token":"`+tok.RefreshToken+`"}`)
		got.into(t, &tok)
		w.expect(t, 204, "POST", "/api/v1/auth/sign-out", "", `{"refresh_token":"`+tok.RefreshToken+`"}`)
		ok(t, w.verify.Sync(t.Context()))
		w.expect(t, 401, "GET", "/api/v1/users/me", tok.AccessToken, "")
		w.expect(t, 401, "POST", "/api/v1/auth/refresh", "", `{"refresh_token":"`+tok.RefreshToken+`"}`)
	})
}

// A browser keeps the refresh token where scripts cannot read it, and other sites cannot
// use it.
func TestHTTPCookie(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		w.register(t, "anna")
		signIn := `{"login":"anna","password":"` + goodPassword + `","cookie":true}`
		same := "Sec-Fetch-Site: same-origin"
		for _, bad := range [][]string{nil, {"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"}, {"Origin: https://evil.example"}, {"Origin: null"}} {
			w.expect(t, 403, "POST", "/api/v1/auth/sign-in", "", signIn, bad...)
		}
		for scheme, name := range map[string]string{"http": "weir_refresh", "https": "__Secure-weir_refresh"} {
			proto := "X-Forwarded-Proto: " + scheme
			got := w.expect(t, 200, "POST", "/api/v1/auth/sign-in", "", signIn, same, proto)
			cookie := onlyCookie(t, got, name, scheme == "https")
			if strings.Contains(string(got.body), RefreshPrefix) {
				t.Error("the refresh token is in the body")
			}
			send := "Cookie: " + name + "=" + cookie.Value
			w.expect(t, 403, "POST", "/api/v1/auth/refresh", "", "", send, proto)
			w.expect(t, 403, "POST", "/api/v1/auth/refresh", "", "", send, proto, "Sec-Fetch-Site: cross-site")
			w.expect(t, 403, "POST", "/api/v1/auth/sign-out", "", "", send, proto, "Origin: https://evil.example")
			w.expect(t, 401, "POST", "/api/v1/auth/refresh", "", "", same, proto)
			if scheme == "https" { // what was planted over http does not count
				w.expect(t, 401, "POST", "/api/v1/auth/refresh", "", "", "Cookie: weir_refresh="+cookie.Value, same, proto)
			}
			got = w.expect(t, 200, "POST", "/api/v1/auth/refresh", "", "", send, proto, "Origin: https://tv.example.org")
			next := onlyCookie(t, got, name, scheme == "https")
			if next.Value == cookie.Value {
				t.Error("not rotated")
			}
			got = w.expect(t, 204, "POST", "/api/v1/auth/sign-out", "", "", "Cookie: "+name+"="+next.Value, same, proto)
			if gone := got.Cookies(); len(gone) != 1 || gone[0].MaxAge >= 0 || gone[0].Value != "" {
				t.Errorf("%+v", gone)
			}
			w.expect(t, 401, "POST", "/api/v1/auth/refresh", "", "", "Cookie: "+name+"="+next.Value, same, proto)
		}
	})
}

func onlyCookie(t testing.TB, r reply, name string, secure bool) *http.Cookie {
	t.Helper()
	all := r.Cookies()
	if len(all) != 1 {
		t.Fatalf("%d cookies", len(all))
	}
	c := all[0]
	if c.Name != name || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/api/v1/auth" || c.MaxAge < 2_000_000 || c.Domain != "" {
		t.Errorf("%s", c)
	}
	return c
}

func TestHTTPAdmin(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		anna, chief := w.person(t, "anna"), w.admin(t, "chief")
		of, as := "/api/v1/users/"+anna.ID.String(), chief.tokens.Access
		var list httpd.Page[Own]
		w.expect(t, 200, "GET", "/api/v1/users?q=an&role=user&state=active&limit=1", as, "").into(t, &list)
		if len(list.Items) != 1 || list.Items[0].Email != "anna@example.org" {
			t.Errorf("%+v", list)
		}
		w.expect(t, 200, "PUT", of+"/role", as, `{"role":"moderator"}`)
		w.expect(t, 200, "PUT", of+"/suspension", as, `{"reason":"spam","until":"2027-01-01T00:00:00Z"}`)
		ok(t, w.verify.Sync(t.Context()))
		w.expect(t, 401, "GET", "/api/v1/users/me", anna.tokens.Access, "")
		w.expect(t, 403, "POST", "/api/v1/auth/sign-in", "", `{"login":"anna","password":"`+goodPassword+`"}`)
		w.expect(t, 200, "GET", of+"/account", as, "")
		w.expect(t, 200, "GET", of+"/security-events", as, "")
		w.expect(t, 200, "DELETE", of+"/suspension", as, "")
		w.expect(t, 204, "DELETE", of, as, "")
		w.expect(t, 404, "GET", of, "", "")
		w.expect(t, 409, "DELETE", "/api/v1/users/"+chief.ID.String(), as, "")
	})
}

func TestHTTPLimits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		l := plenty()
		l.SignIn = Rate{2, time.Hour}
		r.Service = r.open(t, l)
		w := newWeb(t, r)
		body := `{"login":"nobody","password":"x"}`
		for range 2 {
			w.expect(t, 401, "POST", "/api/v1/auth/sign-in", "", body, "X-Forwarded-For: 203.0.113.77")
		}
		got := w.expect(t, 429, "POST", "/api/v1/auth/sign-in", "", body, "X-Forwarded-For: 203.0.113.77")
		if got.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		w.expect(t, 401, "POST", "/api/v1/auth/sign-in", "", body, "X-Forwarded-For: 203.0.113.78")
	})
}

// What other services use, over HTTP.
func TestClient(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		ctx := t.Context()
		anna := w.person(t, "anna")
		c, err := NewClient("http://user/", w.Client.Client)
		ok(t, err)
		v := w.verifier(t, c.Keys())
		who, err := v.Verify(ctx, anna.tokens.Access)
		if err != nil || who.User != anna.ID {
			t.Errorf("%+v %v", who, err)
		}
		for _, d := range []Directory{c, w.Service} {
			p, err := d.User(ctx, anna.ID)
			if err != nil || p.Username != "anna" {
				t.Errorf("%+v %v", p, err)
			}
			p, err = d.ByUsername(ctx, "anna")
			if err != nil || p.ID != anna.ID {
				t.Errorf("%+v %v", p, err)
			}
			want(t, second(d.User(ctx, uuid.Max)), fault.NotFound)
			for _, name := range []string{"nobody", "../me", "", "x?y"} {
				want(t, second(d.ByUsername(ctx, name)), fault.NotFound)
			}
		}
		who, err = c.Opaque(ctx, anna.tokens.Access)
		if err != nil || who.User != anna.ID || who.Scopes != nil || who.Role != auth.User {
			t.Errorf("%+v %v", who, err)
		}
		want(t, second(c.Opaque(ctx, "weir_pat_nonsense")), fault.Unauthenticated)
		for _, base := range []string{"", "user:8080", "ftp://user", "http://", "http://user?x=1"} {
			if _, err := NewClient(base, nil); err == nil {
				t.Errorf("%q is taken", base)
			}
		}
	})
}

// Every operation is described, and every one that takes an id, or somebody's own
// things, says what it needs.
func TestOpenAPI(t *testing.T) {
	r := newRig(t, openLite(t), servicetest.Redis(t, openLite(t)), plenty())
	w := newWeb(t, r)
	got := w.expect(t, 200, "GET", "/api/v1/openapi.json", "", "")
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string             `json:"operationId"`
			Security    []map[string][]any `json:"security"`
		} `json:"paths"`
	}
	got.into(t, &doc)
	open := []string{
		"register", "signIn", "signInWithCode", "refresh", "signOut", "verifyEmail", "forgotPassword", "resetPassword", "getUser", "getUserByName", "listFollowers", "getKeySet", "getAvatar", "getBanner",
		"listProviders", "startSignInElsewhere", "finishSignInElsewhere",
	}
	n := 0
	for path, methods := range doc.Paths {
		for method, o := range methods {
			n++
			if (len(o.Security) == 0) != slices.Contains(open, o.OperationID) {
				t.Errorf("%s %s (%s): security %v", method, path, o.OperationID, o.Security)
			}
		}
	}
	if n < 30 {
		t.Errorf("%d operations", n)
	}
	if s := string(got.body); strings.Contains(s, "hidden") || strings.Contains(s, "Sec-Fetch-Site") {
		t.Error("the browser's headers are described")
	}
	keys := w.expect(t, 200, "GET", "/.well-known/jwks.json", "", "")
	if keys.Header.Get("Content-Type") != "application/jwk-set+json" || keys.Header.Get("Cache-Control") == "no-store" {
		t.Errorf("%v", keys.Header)
	}
	if _, err := auth.ParseJWKS(keys.body); err != nil {
		t.Error(err)
	}
}
