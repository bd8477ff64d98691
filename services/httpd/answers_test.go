package httpd

import (
	"strings"
	"testing"
	"time"

	"weir/services/fault"
)

func TestAnswers(t *testing.T) {
	r := serve(t, fixture(Config{}))
	res, body := r.do(t, "PUT", "/api/v1/notes/x1?limit=7", `{"title":"abc"}`)
	if want := `{"id":"x1","title":"abc","limit":7}` + "\n"; res.StatusCode != 200 || body != want {
		t.Errorf("%d %q, want %q", res.StatusCode, body, want)
	}
	if c := res.Header.Values("Set-Cookie"); len(c) != 2 || res.Header.Get("ETag") != `"1"` {
		t.Errorf("cookies %q, ETag %q", c, res.Header.Get("ETag"))
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Content-Type": "application/json"} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for path, want := range map[string]string{"/api/v1/notes/a%20b%2Fc": `"a b/c"`, "/.well-known/keys": `"keys"`, "/api/v1/plain/x": "x", "/healthz": "ok", "/readyz": "ok"} {
		if res, body := r.do(t, "GET", path, ""); res.StatusCode != 200 || strings.TrimSpace(body) != want {
			t.Errorf("%s: %d %q, want %q", path, res.StatusCode, body, want)
		}
	}
	if res, body := r.do(t, "HEAD", "/api/v1/notes/x", ""); res.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: %d %q", res.StatusCode, body)
	}
	if res, body := r.do(t, "GET", "/api/v1/fail/unchanged", ""); res.StatusCode != 304 || body != "" {
		t.Errorf("304: %d %q", res.StatusCode, body)
	}
}

func TestProblems(t *testing.T) {
	r := serve(t, fixture(Config{Timeout: 300 * time.Millisecond, Verifier: tokens()}))
	const put, long = "/api/v1/notes/x", "123456789"
	tests := map[string]struct {
		method, path, body string
		headers            []string
		status             int
		code               fault.Code
		field              string // that errors must name
	}{
		"no such path":        {method: "GET", path: "/api/v1/nothing", status: 404, code: fault.NotFound},
		"outside of the API":  {method: "GET", path: "/", status: 404, code: fault.NotFound},
		"slash at the end":    {method: "GET", path: "/api/v1/notes/x/", status: 404, code: fault.NotFound},
		"other case":          {method: "GET", path: "/api/v1/NOTES/x", status: 404, code: fault.NotFound},
		"method not served":   {method: "DELETE", path: put, status: 405, code: fault.Invalid},
		"unknown method":      {method: "BREW", path: put, status: 501, code: fault.Invalid},
		"too short":           {method: "PUT", path: put, body: `{"title":"a"}`, status: 422, code: fault.Invalid, field: "body.title"},
		"missing":             {method: "PUT", path: put, body: `{}`, status: 422, code: fault.Invalid, field: "body"},
		"unknown property":    {method: "PUT", path: put, body: `{"title":"abc","` + strings.Repeat("x", 3000) + `":1}`, status: 422, code: fault.Invalid},
		"wrong type":          {method: "PUT", path: put, body: `{"title":5}`, status: 422, code: fault.Invalid, field: "body.title"},
		"secret is not shown": {method: "PUT", path: put, body: `{"title":"abc","password":"hunter2"}`, status: 422, code: fault.Invalid, field: "body.password"},
		"no JSON":             {method: "PUT", path: put, body: `{"hunter2`, status: 400, code: fault.Invalid, field: "body"},
		"no body":             {method: "PUT", path: put, status: 400, code: fault.Invalid},
		"other type":          {method: "PUT", path: put, body: `title=abc`, headers: []string{"Content-Type", "text/csv"}, status: 415, code: fault.Invalid},
		"path too long":       {method: "PUT", path: "/api/v1/notes/" + long, body: `{"title":"abc"}`, status: 422, code: fault.Invalid, field: "path.id"},
		"query out of range":  {method: "PUT", path: put + "?limit=101", body: `{"title":"abc"}`, status: 422, code: fault.Invalid, field: "query.limit"},
		"query no number":     {method: "PUT", path: put + "?limit=x", body: `{"title":"abc"}`, status: 422, code: fault.Invalid, field: "query.limit"},
		"over operation":      {method: "PUT", path: put, body: `{"title":"` + strings.Repeat("x", 5<<10) + `"}`, status: 413, code: fault.TooLarge},
		"over server":         {method: "PUT", path: put, body: strings.Repeat("x", DefaultBodyLimit+1), status: 413, code: fault.TooLarge},
		"limited":             {method: "GET", path: "/api/v1/fail/limited", status: 429, code: fault.Limited},
		"wrapped":             {method: "GET", path: "/api/v1/fail/wrapped", status: 409, code: fault.Conflict},
		"fields":              {method: "GET", path: "/api/v1/fail/fields", status: 422, code: fault.Invalid, field: "body.username"},
		"unknown error":       {method: "GET", path: "/api/v1/fail/unknown", status: 500, code: fault.Internal},
		"error of huma":       {method: "GET", path: "/api/v1/fail/huma", status: 403, code: fault.Denied},
		"500 of huma":         {method: "GET", path: "/api/v1/fail/huma500", status: 500, code: fault.Internal},
		"time is up":          {method: "GET", path: "/api/v1/fail/deadline", status: 503, code: fault.Unavailable},
		"time is up, unsaid":  {method: "GET", path: "/api/v1/fail/silent%20deadline", status: 503, code: fault.Unavailable},
		"panic":               {method: "GET", path: "/api/v1/fail/panic", status: 500, code: fault.Internal},
		"error of Fiber":      {method: "GET", path: "/api/v1/teapot", status: 418, code: fault.Invalid},
		"nobody":              {method: "GET", path: "/api/v1/me", status: 401, code: fault.Unauthenticated},
		"bad token":           {method: "GET", path: "/api/v1/me", headers: []string{"Authorization", "Bearer hunter2"}, status: 401, code: fault.Unauthenticated},
		"bad token, unneeded": {method: "GET", path: put, headers: []string{"Authorization", "Bearer hunter2"}, status: 401, code: fault.Unauthenticated},
		"bad token, no path":  {method: "GET", path: "/api/v1/nothing", headers: []string{"Authorization", "Bearer hunter2"}, status: 401, code: fault.Unauthenticated},
		"other scheme":        {method: "GET", path: put, headers: []string{"Authorization", "Basic aHVudGVyMg=="}, status: 401, code: fault.Unauthenticated},
		"no token":            {method: "GET", path: put, headers: []string{"Authorization", "Bearer "}, status: 401, code: fault.Unauthenticated},
		"nobody can say":      {method: "GET", path: "/api/v1/me", headers: []string{"Authorization", "Bearer later"}, status: 503, code: fault.Unavailable},
		"lacks the scope":     {method: "POST", path: "/api/v1/me", headers: []string{"Authorization", "Bearer reader"}, status: 403, code: fault.Denied},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			res, body := r.do(t, tc.method, tc.path, tc.body, tc.headers...)
			p := problemOf(t, res, body)
			if p.Status != tc.status || p.Code != tc.code {
				t.Errorf("%d %s, want %d %s: %s", p.Status, p.Code, tc.status, tc.code, body)
			}
			if tc.field != "" && (len(p.Errors) == 0 || p.Errors[0].Name != tc.field || p.Errors[0].Problem == "") {
				t.Errorf("errors %+v, want %s first", p.Errors, tc.field)
			}
			if len(body) > 2<<10 {
				t.Errorf("%d bytes of problem", len(body))
			}
			if challenge := res.Header.Get("WWW-Authenticate"); (challenge != "") != (tc.status == 401) || strings.Contains(challenge, "invalid_token") != (tc.status == 401 && tc.headers != nil) {
				t.Errorf("WWW-Authenticate %q", challenge)
			}
		})
	}
	if res, _ := r.do(t, "GET", "/api/v1/fail/limited", ""); res.Header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
	}
	if res, _ := r.do(t, "DELETE", put, ""); !strings.Contains(res.Header.Get("Allow"), "PUT") {
		t.Errorf("Allow %q", res.Header.Get("Allow"))
	}
}

func TestIdentity(t *testing.T) {
	r := serve(t, fixture(Config{Verifier: tokens()}))
	for token, want := range map[string]string{"Bearer session": `"anna"`, "bearer  reader": `"anna"`} {
		if res, body := r.do(t, "GET", "/api/v1/me", "", "Authorization", token); res.StatusCode != 200 || strings.TrimSpace(body) != want {
			t.Errorf("%s: %d %s", token, res.StatusCode, body)
		}
	}
	if res, body := r.do(t, "POST", "/api/v1/me", "", "Authorization", "Bearer session"); res.StatusCode != 200 {
		t.Errorf("all scopes: %d %s", res.StatusCode, body)
	}
	nobody := serve(t, fixture(Config{}))
	if res, _ := nobody.do(t, "GET", "/api/v1/notes/x", "", "Authorization", "Bearer session"); res.StatusCode != 200 {
		t.Errorf("without a verifier: %d", res.StatusCode)
	}
	if res, _ := nobody.do(t, "GET", "/api/v1/me", "", "Authorization", "Bearer session"); res.StatusCode != 401 {
		t.Errorf("without a verifier, secured: %d", res.StatusCode)
	}
}
