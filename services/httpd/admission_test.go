package httpd

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Who may not call is told so before the body is there: here it never is.
func TestTokenCountsBeforeTheBody(t *testing.T) {
	var l logs
	r := serve(t, fixture(Config{Verifier: tokens(), Log: l.logger()}))
	const change, put = "POST /api/v1/me HTTP/1.1\r\nHost: x\r\n", "PUT /api/v1/notes/x?limit=3 HTTP/1.1\r\nHost: x\r\n"
	const length, chunked = "Content-Length: 5000\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
	for name, tc := range map[string]struct {
		send string
		want int
	}{
		"no token":                   {change + length, 401},
		"no token, chunked":          {change + chunked, 401},
		"no token, asks first":       {change + "Expect: 100-continue\r\n" + length, 401},
		"wrong token":                {change + "Authorization: Bearer wrong\r\n" + length, 401},
		"no bearer":                  {change + "Authorization: Basic YTpi\r\n" + chunked, 401},
		"lacks the scope":            {change + "Authorization: Bearer reader\r\n" + length, 403},
		"cannot be checked":          {change + "Authorization: Bearer later\r\n" + length, 503},
		"wrong token for the public": {put + "Authorization: Bearer wrong\r\n" + length, 401},
		"wrong token for nothing":    {"POST /nothing HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n" + length, 401},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := r.dial(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, tc.send)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if p := problemOf(t, res, string(body)); p.Status != tc.want || !res.Close {
				t.Errorf("%+v, closes: %v", p, res.Close)
			}
		})
	}
	if text := l.String(); !strings.Contains(text, "method=POST route=/api/v1/me status=401") {
		t.Errorf("the log:\n%s", text)
	}
}

// Bodies of those who may call are read as ever.
func TestBodiesOfThoseWhoMayCall(t *testing.T) {
	r := serve(t, fixture(Config{Verifier: tokens()}))
	const note = `{"title":"abc"}`
	for name, headers := range map[string][]string{
		"nobody, public": nil,
		"a token":        {"Authorization", "Bearer session"},
		"asks first":     {"Authorization", "Bearer session", "Expect", "100-continue"},
	} {
		if res, body := r.do(t, "PUT", "/api/v1/notes/x", note, headers...); res.StatusCode != 200 {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
	if res, body := r.do(t, "POST", "/api/v1/me", note, "Authorization", "Bearer session"); res.StatusCode != 200 {
		t.Errorf("secured: %d %s", res.StatusCode, body)
	}
}

// The answer arrives also where a socket is closed on somebody who still sends.
func TestAnswerToWhoStillSends(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	s := fixture(Config{Verifier: tokens()})
	go func() { ended <- s.Serve(ctx, l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "POST /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"+strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); err != nil || problemOf(t, res, string(body)).Status != 401 {
		t.Errorf("%s %s, %v", res.Status, body, err)
	}
	conn.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestOperationsAreFound(t *testing.T) {
	s := fixture(Config{})
	for uri, want := range map[string]string{
		"/api/v1/notes/x": "putNote", "/api/v1/notes/x?a=/b": "putNote",
		"/api/v1/notes/": "", "/api/v1/notes": "", "/api/v1/notes/x/": "", "/api/v1/notes/x/y": "", "/": "", "": "", "*": "",
		"/API/v1/notes/x": "", "http://x/api/v1/notes/x": "",
	} {
		got := ""
		if op := s.operations.find("PUT", uri); op != nil {
			got = op.OperationID
		}
		if got != want {
			t.Errorf("%q: %q, want %q", uri, got, want)
		}
	}
	if s.operations.find("GET", "/api/v1/me").OperationID != "whoAmI" || s.operations.find("DELETE", "/api/v1/me") != nil {
		t.Error("methods are mixed up")
	}
}
