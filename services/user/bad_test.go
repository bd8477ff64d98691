package user

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/fault"
)

// bad is a request that must be refused and change nothing.
type bad struct {
	name   string
	status int
	method string
	path   string
	as     string // whose token: "", anna, chief, or the token itself
	body   string
	header []string
}

func TestHTTPBadInput(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		anna, bert, chief := w.person(t, "anna"), w.person(t, "bert"), w.admin(t, "chief")
		used := w.person(t, "caesar").tokens.Refresh
		var list []bad
		list = append(list, badBodies()...)
		list = append(list, badPaths(anna, bert)...)
		list = append(list, badTokens(t, w, anna)...)
		list = append(list, badRoles(anna, bert)...)
		two, err := w.Refresh(t.Context(), here(), used)
		ok(t, err)
		three, err := w.Refresh(t.Context(), here(), two.Refresh)
		ok(t, err)
		before := snapshot(t, w.db)
		for _, b := range list {
			token := map[string]string{"anna": anna.tokens.Access, "chief": chief.tokens.Access}[b.as]
			if token == "" {
				token = b.as
			}
			checkProblem(t, b, w.call(t, b.method, b.path, token, b.body, b.header...))
		}
		if after := snapshot(t, w.db); after != before {
			t.Errorf("something changed:\n%s\n%s", before, after)
		}
		// A replay does change something: the session ends.
		checkProblem(t, bad{name: "replayed refresh", status: 401}, w.call(t, "POST", "/api/v1/auth/refresh", "", `{"refresh_token":"`+used+`"}`))
		if _, err := w.Refresh(t.Context(), here(), three.Refresh); !fault.Is(err, fault.Unauthenticated) {
			t.Error(err)
		}
	})
}

// checkProblem wants the status, RFC 9457, and nothing of what was sent.
func checkProblem(t *testing.T, b bad, got reply) {
	t.Helper()
	var p fault.Problem
	if got.StatusCode != b.status || got.Header.Get("Content-Type") != fault.ProblemType || json.Unmarshal(got.body, &p) != nil {
		t.Errorf("%s: %d %s %.300s, want %d", b.name, got.StatusCode, got.Header.Get("Content-Type"), got.body, b.status)
		return
	}
	if p.Status != b.status || p.Code == "" || p.Detail == "" || p.Instance == "" || len(got.body) > 8192 {
		t.Errorf("%s: %s", b.name, got.body)
	}
	for _, secret := range []string{goodPassword, "hunter2", "argon2", "SELECT", "sqlite", "pgx", "weir_rt_"} {
		if strings.Contains(string(got.body), secret) {
			t.Errorf("%s: %s shows %q", b.name, got.body, secret)
		}
	}
	if got.Header.Get("X-Evil") != "" || len(got.Cookies()) > 0 {
		t.Errorf("%s: header %v", b.name, got.Header)
	}
}

func badBodies() []bad {
	register := func(name, body string, status int) bad {
		return bad{"register " + name, status, "POST", "/api/v1/auth/register", "", body, nil}
	}
	fill := func(username, email, password string) string {
		b, err := json.Marshal(map[string]string{"username": username, "email": email, "password": password})
		if err != nil {
			return ""
		}
		return string(b)
	}
	good := "dora@example.org"
	profile := func(name, body string) bad {
		return bad{"profile " + name, 422, "PATCH", "/api/v1/users/me", "anna", body, []string{"If-Match: *"}}
	}
	huge := strings.Repeat("x", 100_000)
	return []bad{
		register("nothing", "", 400), register("no JSON", "{", 400), register("a list", "[]", 422), register("a number", "1", 422), register("null", "null", 422),
		register("wrong types", `{"username":1,"email":true,"password":["hunter2"]}`, 422), register("unknown field", `{"username":"dora","email":"dora@example.org","password":"`+goodPassword+`","role":"admin"}`, 422),
		register("missing fields", `{"username":"dora"}`, 422), register("too large", fill("dora", good, huge), 413), register("deep", strings.Repeat("[", 20_000), 400),
		register("long password", fill("dora", good, strings.Repeat("hunter2", 20)), 422), register("easy password", fill("dora", good, "hunter2hunter2"), 422),
		register("no UTF-8", "{\"username\":\"do\xffra\",\"email\":\"dora@example.org\",\"password\":\"hunter2\"}", 422),
		register("SQL", fill("x'; DROP TABLE users;--", good, goodPassword), 422), register("SQL in mail", fill("dora", `"' OR 1=1--"@example.org`, goodPassword), 422),
		register("header in mail", fill("dora", "dora@example.org\r\nBcc: x@example.org", goodPassword), 422), register("header in name", fill("dora\r\nX-Evil: 1", good, goodPassword), 422),
		register("NUL", fill("dora", good, "abc\x00"+goodPassword), 422), register("NUL in name", fill("do\x00ra", good, goodPassword), 422),
		register("Cyrillic", fill("dоra", good, goodPassword), 422), register("right to left", fill("do\u202era", good, goodPassword), 422), register("full width", fill("ｄora", good, goodPassword), 422),
		register("reserved", fill("adm1n", good, goodPassword), 422), register("taken", fill("anna", good, goodPassword), 409), register("mail taken", fill("dora", "ANNA@example.org", goodPassword), 409),
		{"form", 415, "POST", "/api/v1/auth/sign-in", "", "login=anna", []string{"Content-Type: application/x-www-form-urlencoded"}},
		{"text", 415, "POST", "/api/v1/auth/sign-in", "", `{"login":"anna","password":"x"}`, []string{"Content-Type: text/plain"}},
		{"sign in, no password", 422, "POST", "/api/v1/auth/sign-in", "", `{"login":"anna","password":""}`, nil},
		{"sign in, wrong", 401, "POST", "/api/v1/auth/sign-in", "", `{"login":"anna","password":"hunter2"}`, nil},
		{"sign in, nobody", 401, "POST", "/api/v1/auth/sign-in", "", `{"login":"' OR 1=1 --","password":"hunter2"}`, nil},
		{"sign in, huge", 422, "POST", "/api/v1/auth/sign-in", "", `{"login":"anna","password":"` + strings.Repeat("x", 600) + `"}`, nil},
		{"sign in, cookie is text", 422, "POST", "/api/v1/auth/sign-in", "", `{"login":"anna","password":"x","cookie":"yes"}`, nil},
		{"refresh, number", 422, "POST", "/api/v1/auth/refresh", "", `{"refresh_token":7}`, nil},
		{"refresh, huge", 422, "POST", "/api/v1/auth/refresh", "", `{"refresh_token":"` + strings.Repeat("x", 600) + `"}`, nil},
		{"refresh, access token", 422, "POST", "/api/v1/auth/refresh", "", `{"refresh_token":"` + strings.Repeat("eyJ", 100) + `"}`, nil},
		{"verify", 422, "POST", "/api/v1/auth/email/verify", "", `{"token":"' OR 1=1"}`, nil},
		{"reset", 422, "POST", "/api/v1/auth/password/reset", "", `{"token":"` + strings.Repeat("A", 43) + `","password":"` + goodPassword + `"}`, nil},
		{"password, wrong", 422, "PUT", "/api/v1/auth/password", "anna", `{"password":"hunter2","new_password":"` + goodPassword + `"}`, nil},
		{"delete me, wrong", 422, "POST", "/api/v1/users/me/delete", "anna", `{"password":"hunter2"}`, nil},
		profile("role", `{"role":"admin"}`), profile("id", `{"id":"01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11"}`), profile("number", `{"bio":7}`), profile("list", `[]`),
		profile("long", `{"bio":"`+strings.Repeat("x", 501)+`"}`), profile("script", `{"links":[{"title":"x","url":"javascript:alert(1)"}]}`),
		profile("six links", `{"links":[`+strings.Repeat(`{"title":"","url":"https://a.example"},`, 5)+`{"title":"","url":"https://a.example"}]}`),
		profile("direction", `{"display_name":"a\u202eb"}`), profile("NUL", `{"display_name":"a\u0000b"}`), profile("zone", `{"time_zone":"../../etc/passwd"}`), profile("surrogate", `{"time_zone":"\ud800"}`),
		{"profile, old version", 412, "PATCH", "/api/v1/users/me", "anna", `{"bio":"x"}`, []string{`If-Match: "77"`}},
		{"profile, no version", 412, "PATCH", "/api/v1/users/me", "anna", `{"bio":"x"}`, nil},
		{"profile, odd version", 422, "PATCH", "/api/v1/users/me", "anna", `{"bio":"x"}`, []string{"If-Match: ' OR 1=1"}},
	}
}

func badPaths(anna, bert person) []bad {
	var list []bad
	for _, id := range []string{
		"1", "me2", "00000000-0000-0000-0000-00000000000g", "{" + bert.ID.String() + "}", "urn:uuid:" + bert.ID.String(), strings.ReplaceAll(bert.ID.String(), "-", ""),
		"%27%20OR%201%3D1", "..%2f..%2fetc", "%00", bert.ID.String() + "%0d%0aX-Evil:1", strings.Repeat("a", 4000), "%ff%fe",
	} {
		list = append(list,
			bad{"user " + id[:min(20, len(id))], 422, "GET", "/api/v1/users/" + id, "", "", nil},
			bad{"followers " + id[:min(20, len(id))], 422, "GET", "/api/v1/users/" + id + "/followers", "", "", nil},
			bad{"follow " + id[:min(20, len(id))], 422, "PUT", "/api/v1/users/me/following/" + id, "anna", "", nil},
			bad{"session " + id[:min(20, len(id))], 422, "DELETE", "/api/v1/auth/sessions/" + id, "anna", "", nil},
			bad{"role " + id[:min(20, len(id))], 422, "PUT", "/api/v1/users/" + id + "/role", "chief", `{"role":"admin"}`, nil},
		)
	}
	of := "/api/v1/users/" + bert.ID.String()
	nobody := "/api/v1/users/" + uuid.Max.String()
	return append(list, []bad{
		{"nobody", 404, "GET", nobody, "", "", nil}, {"nobody's followers", 404, "GET", nobody + "/followers", "", "", nil},
		{"follow nobody", 404, "PUT", "/api/v1/users/me/following/" + uuid.Max.String(), "anna", "", nil},
		{"follow myself", 422, "PUT", "/api/v1/users/me/following/" + anna.ID.String(), "anna", "", nil},
		{"limit 0", 422, "GET", of + "/followers?limit=0", "", "", nil}, {"limit 101", 422, "GET", of + "/followers?limit=101", "", "", nil},
		{"limit text", 422, "GET", of + "/followers?limit=ten", "", "", nil}, {"limit huge", 422, "GET", of + "/followers?limit=99999999999999999999", "", "", nil},
		{"after", 422, "GET", of + "/followers?after=%27%20OR%201=1", "", "", nil}, {"after long", 422, "GET", of + "/followers?after=" + strings.Repeat("A", 65), "", "", nil},
		{"after far", 422, "GET", of + "/followers?after=" + base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{255}, 24)), "", "", nil},
		{"role filter", 422, "GET", "/api/v1/users?role=root", "chief", "", nil}, {"long filter", 422, "GET", "/api/v1/users?q=" + strings.Repeat("x", 300), "chief", "", nil},
		{"name", 404, "GET", "/api/v1/users/by-name/%27%20OR%201%3D1", "", "", nil}, {"name with zero", 404, "GET", "/api/v1/users/by-name/a%00b", "", "", nil},
		{"no such method", 405, "PUT", "/api/v1/users/me", "anna", "{}", nil}, {"no such path", 404, "GET", "/api/v1/users/me/nothing/at/all", "anna", "", nil},
	}...)
}

func badTokens(t *testing.T, w *web, anna person) []bad {
	_, other, err := ed25519.GenerateKey(nil)
	ok(t, err)
	claims := jwt.MapClaims{
		"iss": "weir", "aud": "weir", "sub": anna.ID.String(), "sid": anna.tokens.Session.String(), "role": "admin",
		"iat": w.clock.Now().Unix(), "exp": w.clock.Now().Add(time.Minute).Unix(),
	}
	sign := func(m jwt.SigningMethod, key any) string {
		tok := jwt.NewWithClaims(m, claims)
		head, _, _ := strings.Cut(anna.tokens.Access, ".")
		raw, err := base64.RawURLEncoding.DecodeString(head)
		ok(t, err)
		var h map[string]any
		ok(t, json.Unmarshal(raw, &h))
		tok.Header["kid"], tok.Header["typ"] = h["kid"], h["typ"]
		s, err := tok.SignedString(key)
		ok(t, err)
		return s
	}
	public := w.keys.ring.Public()[0].Key
	parts := strings.Split(anna.tokens.Access, ".")
	old, err := auth.NewSigner(auth.SignerConfig{Ring: w.keys.ring, Issuer: "weir", Audience: "weir", Now: func() time.Time { return w.clock.Now().Add(-time.Hour) }})
	ok(t, err)
	expired, err := old.Sign(anna.who, AccessLife)
	ok(t, err)
	var list []bad
	for name, tok := range map[string]string{
		"forged": sign(jwt.SigningMethodEdDSA, other), "none": sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), "HMAC with the public key": sign(jwt.SigningMethodHS256, []byte(public)),
		"expired": expired, "changed": parts[0] + "." + parts[1] + "x." + parts[2], "no signature": parts[0] + "." + parts[1] + ".", "refresh token": anna.tokens.Refresh,
		"garbage": "x", "API token": auth.OpaquePrefix + strings.Repeat("a", 32), "long": strings.Repeat("a", 10_000),
	} {
		for _, to := range [][2]string{{"GET", "/api/v1/users/me"}, {"DELETE", "/api/v1/auth/sessions"}, {"GET", "/api/v1/users"}} {
			list = append(list, bad{name + " " + to[1], 401, to[0], to[1], tok, "", nil})
		}
	}
	return append(list, bad{"basic", 401, "GET", "/api/v1/users/me", "", "", []string{"Authorization: Basic YTpi"}})
}

// badRoles is every route that needs somebody, or an admin, or oneself.
func badRoles(anna, bert person) []bad {
	of := "/api/v1/users/" + bert.ID.String()
	var list []bad
	for _, to := range [][3]string{
		{"GET", of + "/account", ""}, {"PUT", of + "/suspension", `{"reason":"x"}`}, {"DELETE", of + "/suspension", ""}, {"PUT", of + "/role", `{"role":"admin"}`}, {"DELETE", of, ""}, {"GET", "/api/v1/users", ""},
	} {
		list = append(list, bad{"not an admin " + to[1], 403, to[0], to[1], "anna", to[2], nil}, bad{"nobody " + to[1], 401, to[0], to[1], "", to[2], nil})
	}
	for _, to := range [][3]string{
		{"GET", of + "/security-events", ""}, {"GET", of + "/following", ""}, {"DELETE", "/api/v1/auth/sessions/" + bert.tokens.Session.String(), ""},
	} {
		list = append(list, bad{"of another " + to[1], 404, to[0], to[1], "anna", to[2], nil}, bad{"nobody " + to[1], 401, to[0], to[1], "", to[2], nil})
	}
	for _, to := range [][3]string{
		{"GET", "/api/v1/users/me", ""}, {"PATCH", "/api/v1/users/me", `{}`}, {"POST", "/api/v1/users/me/delete", `{"password":"x"}`}, {"GET", "/api/v1/users/me/security-events", ""},
		{"GET", "/api/v1/users/me/following", ""}, {"GET", "/api/v1/users/me/following/" + bert.ID.String(), ""}, {"PUT", "/api/v1/users/me/following/" + bert.ID.String(), ""},
		{"DELETE", "/api/v1/users/me/following/" + bert.ID.String(), ""}, {"GET", "/api/v1/auth/sessions", ""}, {"DELETE", "/api/v1/auth/sessions", ""}, {"GET", "/api/v1/auth/identity", ""},
		{"POST", "/api/v1/auth/email/send", ""}, {"PUT", "/api/v1/auth/email", `{"password":"x","email":"a@example.org"}`}, {"PUT", "/api/v1/auth/password", `{"password":"x","new_password":"y"}`},
	} {
		list = append(list, bad{"nobody " + to[1], 401, to[0], to[1], "", to[2], nil})
	}
	_ = anna
	return list
}

// snapshot is all of the accounts, sessions and follows.
func snapshot(t testing.TB, d *db.DB) string {
	t.Helper()
	var out strings.Builder
	for _, sql := range []string{
		`SELECT username || ' ' || coalesce(email,'') || ' ' || role || ' ' || display_name || bio || ' ' || password_hash || ' ' || language || time_zone FROM users ORDER BY username`,
		`SELECT token_hash FROM user_sessions WHERE ended_at IS NULL ORDER BY token_hash`, `SELECT token_hash FROM user_mail_tokens ORDER BY token_hash`, `SELECT name_hash FROM user_names ORDER BY name_hash`,
		`SELECT secret FROM user_totp ORDER BY secret`, `SELECT code_hash FROM user_recovery_codes ORDER BY code_hash`, `SELECT token_hash FROM user_challenges ORDER BY token_hash`, `SELECT token_hash FROM user_api_tokens ORDER BY token_hash`,
		`SELECT user_id FROM user_counts WHERE followers+following > 0`, `SELECT follower_id FROM user_follows`, `SELECT id FROM user_revocations WHERE NOT sent ORDER BY id`,
	} {
		rows, err := d.Query(t.Context(), sql)
		lines, err := db.Collect(rows, err, func(r db.Row) (s string, err error) {
			err = r.Scan(&s)
			return s, err
		})
		ok(t, err)
		out.WriteString(strings.Join(lines, "\n") + "\n\n")
	}
	return out.String()
}
