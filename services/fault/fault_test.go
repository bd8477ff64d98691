package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func codes() map[Code]int {
	return map[Code]int{Invalid: 422, Unauthenticated: 401, Denied: 403, NotFound: 404, Conflict: 409, Precondition: 412,
		TooLarge: 413, Limited: 429, Unavailable: 503, Internal: 500}
}

func TestTableGoesBothWays(t *testing.T) {
	for c, status := range codes() {
		if c.Status() != status || FromStatus(status) != c || !c.known() {
			t.Errorf("%s: %d and back %s", c, c.Status(), FromStatus(status))
		}
	}
	if c := Code("other"); c.Status() != 500 || c.known() {
		t.Error("an unknown code is known")
	}
	for status, want := range map[int]Code{400: Invalid, 405: Invalid, 418: Invalid, 410: NotFound, 428: Precondition, 502: Unavailable, 504: Unavailable, 501: Internal, 599: Internal} {
		if got := FromStatus(status); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

func TestFrom(t *testing.T) {
	cause := errors.New("disk is full")
	inner := Wrap(Conflict, "The name is taken.", cause)
	for name, tc := range map[string]struct {
		err  error
		want Code
	}{
		"fault":           {inner, Conflict},
		"wrapped":         {fmt.Errorf("saving: %w", inner), Conflict},
		"outermost":       {Wrap(Denied, "No.", inner), Denied},
		"joined":          {errors.Join(cause, inner), Conflict},
		"deadline":        {fmt.Errorf("query: %w", context.DeadlineExceeded), Unavailable},
		"left":            {context.Canceled, Unavailable},
		"anything":        {cause, Internal},
		"deadline inside": {Wrap(NotFound, "No.", context.Canceled), NotFound},
	} {
		if e := From(tc.err); e.Code != tc.want || !Is(tc.err, tc.want) || Is(tc.err, Limited) {
			t.Errorf("%s: %s, want %s", name, e.Code, tc.want)
		}
		if e := From(tc.err); errors.Is(tc.err, cause) && !errors.Is(e, cause) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
	if From(nil) != nil || Is(nil, Internal) {
		t.Error("nil is an error")
	}
	if s := From(cause).Detail; strings.Contains(s, "disk") {
		t.Errorf("the caller is told %q", s)
	}
}

func TestText(t *testing.T) {
	e := &Error{Code: Invalid, Detail: "Bad.", Fields: []Field{{"body.a", "too long"}}, Err: errors.New("why")}
	if got := e.Error(); got != "invalid: Bad.; body.a: too long: why" {
		t.Error(got)
	}
	if b := Bad("body.a", "too long"); b.Code != Invalid || b.Fields[0] != (Field{"body.a", "too long"}) || b.GetStatus() != 422 {
		t.Errorf("%+v", b)
	}
	if Newf(NotFound, "No %s.", "user").Detail != "No user." {
		t.Error("Newf")
	}
}

// An error that went over HTTP is the same error, but for its cause.
func TestOverHTTP(t *testing.T) {
	for c := range codes() {
		e := &Error{Code: c, Detail: "What.", Fields: []Field{{"body.a", "too long"}}, RetryAfter: 1500 * time.Millisecond, Err: errors.New("secret")}
		body, err := json.Marshal(e.Problem("id-1"))
		if err != nil || strings.Contains(string(body), "secret") {
			t.Fatalf("%s %v", body, err)
		}
		res := &http.Response{StatusCode: e.GetStatus(), Header: http.Header{"Retry-After": {e.RetrySeconds()}}, Body: io.NopCloser(strings.NewReader(string(body)))}
		got := FromResponse(res)
		if got.Code != e.Code || got.Detail != e.Detail || len(got.Fields) != 1 || got.Fields[0] != e.Fields[0] || got.RetryAfter != 2*time.Second || got.Err != nil {
			t.Errorf("%s: %+v", c, got)
		}
	}
}

func TestFromResponseOfOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   Code
	}{
		"a page":       {502, "<html>", Unavailable},
		"nothing":      {404, "", NotFound},
		"unknown code": {403, `{"code":"teapot"}`, Denied},
		"other status": {400, `{"code":"invalid"}`, Invalid},
		"huge":         {429, strings.Repeat(" ", maxProblem) + `{"code":"denied"}`, Limited},
	} {
		res := &http.Response{StatusCode: tc.status, Header: http.Header{"Retry-After": {"Mon, 23 Nov 2026 00:00:00 GMT"}}, Body: io.NopCloser(strings.NewReader(tc.body))}
		if e := FromResponse(res); e.Code != tc.want || e.Detail == "" || e.RetryAfter != 0 {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if s := New(Limited, "").RetrySeconds(); s != "" {
		t.Errorf("RetrySeconds %q", s)
	}
}

func FuzzFromResponse(f *testing.F) {
	f.Add(404, "3", `{"code":"not_found","detail":"No.","errors":[{"name":"a","problem":"b"}]}`)
	f.Add(500, "-1", `{"code":1}`)
	f.Add(429, "99999999999999999999", `[]`)
	f.Fuzz(func(t *testing.T, status int, retry, body string) {
		e := FromResponse(&http.Response{StatusCode: status, Header: http.Header{"Retry-After": {retry}}, Body: io.NopCloser(strings.NewReader(body))})
		if !e.Code.known() || e.RetryAfter < 0 {
			t.Fatalf("%+v", e)
		}
	})
}
