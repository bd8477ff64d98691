package user

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
)

// apiToken makes one with these scopes.
func (r *rig) apiToken(t testing.TB, p person, scopes ...string) (TokenView, string) {
	t.Helper()
	v, token, err := r.CreateToken(t.Context(), p.who, here(), TokenRequest{Name: "script", Scopes: scopes, Password: goodPassword})
	ok(t, err)
	return v, token
}

func TestAPIToken(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna, bert := r.person(t, "anna"), r.person(t, "bert")
		made, tok := r.apiToken(t, anna, auth.ScopeProfileWrite, auth.ScopeProfileRead, auth.ScopeProfileRead)
		if !strings.HasPrefix(tok, auth.OpaquePrefix) || !slices.Equal(made.Scopes, []string{auth.ScopeProfileRead, auth.ScopeProfileWrite}) || made.Used != nil || made.Expires.Sub(made.Created) != APITokenLife {
			t.Errorf("%+v", made)
		}
		if strings.Contains(snapshot(t, r.db)+r.log.String(), tok[len(auth.OpaquePrefix):]) {
			t.Error("the token is kept in clear")
		}
		used := func() *time.Time {
			list, err := r.APITokens(ctx, anna.who)
			ok(t, err)
			return list[0].Used
		}
		who, err := r.Opaque(ctx, tok)
		if err != nil || who.User != anna.ID || who.Session != made.ID || who.Username != "anna" || !slices.Equal(who.Scopes, made.Scopes) || !who.Expires.Equal(made.Expires) || who.Has(auth.ScopeAccount) {
			t.Errorf("%+v %v", who, err)
		}
		first := used()
		r.clock.Pass(apiTokenTouch - time.Second)
		ok(t, second(r.Opaque(ctx, tok)))
		if first == nil || !used().Equal(*first) {
			t.Error("written twice in a minute")
		}
		r.clock.Pass(time.Second)
		ok(t, second(r.Opaque(ctx, tok)))
		if used().Equal(*first) {
			t.Error("not written after a minute")
		}
		for _, bad := range []string{"", auth.OpaquePrefix, tok[:len(tok)-1], tok + "x", strings.ToUpper(tok), anna.tokens.Access, auth.OpaquePrefix + strings.Repeat("A", 43)} {
			want(t, second(r.Opaque(ctx, bad)), fault.Unauthenticated)
		}
		want(t, r.EndToken(ctx, bert.who, here(), made.ID), fault.NotFound)
		ok(t, second(r.Opaque(ctx, tok)))
		if list, err := r.APITokens(ctx, bert.who); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
		ok(t, r.EndToken(ctx, anna.who, here(), made.ID))
		want(t, r.EndToken(ctx, anna.who, here(), made.ID), fault.NotFound)
		want(t, second(r.Opaque(ctx, tok)), fault.Unauthenticated)
	})
}

func TestAPITokenInput(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna, chief := r.person(t, "anna"), r.admin(t, "chief")
		now := r.clock.Now()
		for name, change := range map[string]func(*TokenRequest){
			"no name": func(q *TokenRequest) { q.Name = " " }, "long name": func(q *TokenRequest) { q.Name = strings.Repeat("x", 51) }, "direction": func(q *TokenRequest) { q.Name = "a\u202eb" },
			"no scopes": func(q *TokenRequest) { q.Scopes = nil }, "unknown scope": func(q *TokenRequest) { q.Scopes = []string{"x"} }, "account": func(q *TokenRequest) { q.Scopes = []string{auth.ScopeProfileRead, auth.ScopeAccount} },
			"two in one": func(q *TokenRequest) { q.Scopes = []string{auth.ScopeProfileRead + " " + auth.ScopeAccount} }, "admin": func(q *TokenRequest) { q.Scopes = []string{auth.ScopeUsersAdmin} },
			"past": func(q *TokenRequest) { q.Expires = now }, "long": func(q *TokenRequest) { q.Expires = now.Add(APITokenLongest + time.Second) }, "password": func(q *TokenRequest) { q.Password = "x" },
		} {
			q := TokenRequest{Name: "script", Scopes: []string{auth.ScopeProfileRead}, Password: goodPassword}
			change(&q)
			if _, _, err := r.CreateToken(t.Context(), anna.who, here(), q); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, tok := r.apiToken(t, chief, auth.ScopeUsersAdmin)
		ok(t, second(r.Opaque(t.Context(), tok)))
	})
}

func TestAPITokenMany(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.person(t, "anna")
		var last TokenView
		for range APITokensMax {
			last, _ = r.apiToken(t, anna, auth.ScopeProfileRead)
		}
		ask := TokenRequest{Name: "one too many", Scopes: []string{auth.ScopeProfileRead}, Password: goodPassword}
		_, _, err := r.CreateToken(t.Context(), anna.who, here(), ask)
		want(t, err, fault.Conflict)
		ok(t, r.EndToken(t.Context(), anna.who, here(), last.ID))
		r.apiToken(t, anna, auth.ScopeProfileRead)
		r.clock.Pass(APITokenLife + time.Second) // those that have expired do not count
		if list, err := r.APITokens(t.Context(), anna.who); err != nil || len(list) != 0 {
			t.Errorf("%d %v", len(list), err)
		}
		r.apiToken(t, anna, auth.ScopeProfileRead)
		ok(t, r.drop(t.Context()))
		var n int64
		ok(t, r.db.QueryRow(t.Context(), `SELECT count(*) FROM user_api_tokens`).Scan(&n))
		if n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

// What ends an account's access ends its tokens, within the call, in every service.
func TestAPITokenEnds(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		chief := r.admin(t, "chief")
		v := r.verifier(t, r.Keys())
		for name, end := range map[string]func(p person) error{
			"ended": func(p person) error {
				list, err := r.APITokens(ctx, p.who)
				ok(t, err)
				return r.EndToken(ctx, p.who, here(), list[0].ID)
			},
			"suspended": func(p person) error { return second(r.Suspend(ctx, chief.who, here(), p.ID, nil, "spam")) },
			"deleted":   func(p person) error { return r.DeleteMe(ctx, p.who, here(), goodPassword) },
			"reset": func(p person) error {
				ok(t, r.RequestReset(ctx, here(), p.Email))
				mails := events[event.UserPasswordResetRequested](t, r)
				return r.Reset(ctx, here(), token(t, mails[len(mails)-1].Link), "another good passphrase")
			},
			"operator": func(p person) error { return second(r.ResetPassword(ctx, p.Username)) },
		} {
			p := r.person(t, "u-"+name)
			_, tok := r.apiToken(t, p, auth.ScopeProfileRead)
			ok(t, second(v.Verify(ctx, tok)))
			ok(t, end(p))
			want(t, second(r.Opaque(ctx, tok)), fault.Unauthenticated)
			ok(t, v.Sync(ctx))
			if _, err := v.Verify(ctx, tok); !errors.Is(err, auth.ErrRevoked) && !errors.Is(err, auth.ErrUnknown) {
				t.Errorf("%s: %v", name, err)
			}
		}
		anna := r.person(t, "anna")
		_, tok := r.apiToken(t, anna, auth.ScopeProfileRead)
		ok(t, r.ChangePassword(ctx, anna.who, here(), goodPassword, "another good passphrase"))
		ok(t, r.EndSessions(ctx, anna.who, here(), false))
		ok(t, second(r.Opaque(ctx, tok))) // these leave it
		r.clock.Pass(APITokenLife)
		want(t, second(r.Opaque(ctx, tok)), fault.Unauthenticated)
		want(t, second(v.Verify(ctx, tok)), fault.Unauthenticated)
	})
}

func TestHTTPTokens(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		anna, bert, chief := w.person(t, "anna"), w.person(t, "bert"), w.admin(t, "chief")
		made := w.expect(t, 201, "POST", "/api/v1/auth/tokens", anna.tokens.Access, `{"name":"script","scopes":["profile:read"],"password":"`+goodPassword+`"}`)
		var tok struct {
			TokenView
			Token string `json:"token"`
		}
		made.into(t, &tok)
		if made.Header.Get("Cache-Control") != "no-store" {
			t.Error("may be stored")
		}
		if list := w.expect(t, 200, "GET", "/api/v1/auth/tokens", anna.tokens.Access, ""); strings.Contains(string(list.body), auth.OpaquePrefix) || !strings.Contains(string(list.body), tok.ID.String()) {
			t.Errorf("%s", list.body)
		}
		w.expect(t, 200, "GET", "/api/v1/users/me", tok.Token, "")
		_, admin := w.apiToken(t, chief, auth.ScopeUsersAdmin)
		w.expect(t, 200, "GET", "/api/v1/users", admin, "")

		of := "/api/v1/auth/tokens/" + tok.ID.String()
		good := `{"name":"x","scopes":["profile:read"],"password":"` + goodPassword + `"`
		list := []bad{
			{"another's", 404, "DELETE", of, chief.tokens.Access, "", nil}, {"another's", 404, "DELETE", of, bert.tokens.Access, "", nil}, {"nobody's", 401, "DELETE", of, "", "", nil},
			{"none", 404, "DELETE", "/api/v1/auth/tokens/" + uuid.Max.String(), "anna", "", nil}, {"no id", 422, "DELETE", "/api/v1/auth/tokens/%27%20OR%201%3D1", "anna", "", nil},
			{"nobody lists", 401, "GET", "/api/v1/auth/tokens", "", "", nil}, {"nobody makes", 401, "POST", "/api/v1/auth/tokens", "", good + `}`, nil},
			{"wrong password", 422, "POST", "/api/v1/auth/tokens", "anna", `{"name":"x","scopes":["profile:read"],"password":"hunter2"}`, nil},
			{"account scope", 422, "POST", "/api/v1/auth/tokens", "anna", `{"name":"x","scopes":["account"],"password":"` + goodPassword + `"}`, nil},
			{"admin scope", 422, "POST", "/api/v1/auth/tokens", "anna", `{"name":"x","scopes":["users:admin"],"password":"` + goodPassword + `"}`, nil},
			{"no scope", 422, "POST", "/api/v1/auth/tokens", "anna", `{"name":"x","scopes":[],"password":"` + goodPassword + `"}`, nil},
			{"many scopes", 422, "POST", "/api/v1/auth/tokens", "anna", `{"name":"x","scopes":["profile:read"` + strings.Repeat(`,"profile:read"`, 16) + `],"password":"` + goodPassword + `"}`, nil},
			{"past", 422, "POST", "/api/v1/auth/tokens", "anna", good + `,"expires_at":"0001-01-01T00:00:00Z"}`, nil}, {"far", 422, "POST", "/api/v1/auth/tokens", "anna", good + `,"expires_at":"2999-01-01T00:00:00Z"}`, nil},
			{"header in name", 422, "POST", "/api/v1/auth/tokens", "anna", `{"name":"x\r\nX-Evil: 1","scopes":["profile:read"],"password":"` + goodPassword + `"}`, nil},
			{"unknown field", 422, "POST", "/api/v1/auth/tokens", "anna", good + `,"user_id":"x"}`, nil},
			{"cut token", 401, "GET", "/api/v1/users/me", tok.Token[:len(tok.Token)-1], "", nil}, {"other case", 401, "GET", "/api/v1/users/me", auth.OpaquePrefix + strings.Repeat("a", 43), "", nil},
			// what a token must never do
			{"writes", 403, "PATCH", "/api/v1/users/me", tok.Token, `{"bio":"x"}`, []string{"If-Match: *"}}, {"follows", 403, "PUT", "/api/v1/users/me/following/" + bert.ID.String(), tok.Token, "", nil},
			{"administers", 403, "GET", "/api/v1/users", tok.Token, "", nil}, {"makes tokens", 403, "POST", "/api/v1/auth/tokens", tok.Token, good + `}`, nil}, {"lists tokens", 403, "GET", "/api/v1/auth/tokens", tok.Token, "", nil},
			{"ends tokens", 403, "DELETE", of, tok.Token, "", nil}, {"ends sessions", 403, "DELETE", "/api/v1/auth/sessions", tok.Token, "", nil}, {"enrols", 403, "POST", "/api/v1/auth/totp", tok.Token, `{"password":"` + goodPassword + `"}`, nil},
			{"deletes", 403, "POST", "/api/v1/users/me/delete", tok.Token, `{"password":"` + goodPassword + `"}`, nil}, {"admin's makes tokens", 403, "POST", "/api/v1/auth/tokens", admin, good + `}`, nil}, {"admin's reads", 403, "GET", "/api/v1/users/me", admin, "", nil},
		}
		w.refuse(t, list, anna, chief)

		c, err := NewClient("http://user/", w.Client.Client) // another service
		ok(t, err)
		who, err := c.Opaque(t.Context(), tok.Token)
		if err != nil || who.User != anna.ID || who.Session != tok.ID || !slices.Equal(who.Scopes, []string{auth.ScopeProfileRead}) || !who.Expires.Equal(tok.Expires) {
			t.Errorf("%+v %v", who, err)
		}
		w.expect(t, 204, "DELETE", of, anna.tokens.Access, "")
		ok(t, w.verify.Sync(t.Context()))
		w.expect(t, 401, "GET", "/api/v1/users/me", tok.Token, "")
		want(t, second(c.Opaque(t.Context(), tok.Token)), fault.Unauthenticated)
	})
}
