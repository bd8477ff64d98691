package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v3"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"weir/services/auth"
	"weir/services/fault"
)

func TestMain(m *testing.M) {
	// fasthttp's worker pool notices its end only after a sleep of 10 s, and its
	// clock never ends.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// verifier knows the tokens in it.
type verifier map[string]auth.Identity

func (v verifier) Verify(_ context.Context, bearer string) (auth.Identity, error) {
	if bearer == "later" {
		return auth.Identity{}, fault.New(fault.Unavailable, "Keys cannot be had.")
	}
	id, ok := v[bearer]
	if !ok {
		return auth.Identity{}, fault.New(fault.Unauthenticated, "This token does not hold.")
	}
	return id, nil
}

var anna = uuid.MustParse("0198f6a0-0000-7000-8000-00000000000a")

func tokens() verifier {
	return verifier{
		"session": {User: anna, Username: "anna"},
		"reader":  {User: anna, Username: "anna", Scopes: []string{"profile:read"}},
	}
}

// logs is a log that can be read while it is written.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type noteIn struct {
	ID    string `path:"id" maxLength:"8"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"5"`
	Body  struct {
		Title    string `json:"title" minLength:"3" maxLength:"20"`
		Password string `json:"password,omitempty" minLength:"8" maxLength:"20"`
	}
}

type noteOut struct {
	ETag      string   `header:"ETag"`
	SetCookie []string `header:"Set-Cookie"`
	Body      note
}

type note struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Limit int    `json:"limit"`
}

type idIn struct {
	ID string `path:"id"`
}

type textOut struct{ Body string }

// fixture is a service with an operation for each way that one can end.
func fixture(cfg Config) *Server {
	cfg.Service = "note"
	s := New(cfg)
	huma.Register(s.API, huma.Operation{OperationID: "putNote", Method: "PUT", Path: "/notes/{id}", MaxBodyBytes: 4 << 10}, func(_ context.Context, in *noteIn) (*noteOut, error) {
		return &noteOut{ETag: `"1"`, SetCookie: []string{"a=1; HttpOnly", "b=2; HttpOnly"}, Body: note{in.ID, in.Body.Title, in.Limit}}, nil
	})
	huma.Register(s.API, huma.Operation{OperationID: "getNote", Method: "GET", Path: "/notes/{id}"}, func(_ context.Context, in *idIn) (*textOut, error) {
		return &textOut{in.ID}, nil
	})
	huma.Register(s.API, huma.Operation{OperationID: "whoAmI", Method: "GET", Path: "/me", Security: Bearer()}, func(ctx context.Context, _ *struct{}) (*textOut, error) {
		id, _ := auth.From(ctx)
		return &textOut{id.Username}, nil
	})
	huma.Register(s.API, huma.Operation{OperationID: "changeMe", Method: "POST", Path: "/me", Security: Bearer("profile:write")}, func(context.Context, *struct{}) (*textOut, error) {
		return &textOut{"changed"}, nil
	})
	huma.Register(s.API, huma.Operation{OperationID: "aboutRequest", Method: "GET", Path: "/request"}, func(ctx context.Context, _ *struct{}) (*struct{ Body Request }, error) {
		return &struct{ Body Request }{From(ctx)}, nil
	})
	huma.Register(s.API, huma.Operation{OperationID: "fail", Method: "GET", Path: "/fail/{id}"}, func(ctx context.Context, in *idIn) (*textOut, error) {
		return nil, failure(ctx, in.ID)
	})
	huma.Register(s.Root, huma.Operation{OperationID: "keys", Method: "GET", Path: "/.well-known/keys"}, func(context.Context, *struct{}) (*textOut, error) {
		return &textOut{"keys"}, nil
	})
	s.App.Get("/api/v1/plain/:id", func(c fiber.Ctx) error { return c.SendString(c.Params("id")) }).Name("plainNote")
	s.App.Get("/api/v1/teapot", func(fiber.Ctx) error { return fiber.ErrTeapot })
	return s
}

func failure(ctx context.Context, how string) error {
	secret := errors.New("postgres://weir:hunter2@db: connection refused")
	switch how {
	case "limited":
		return &fault.Error{Code: fault.Limited, Detail: "Slow down.", RetryAfter: 1500e6}
	case "wrapped":
		return fmt.Errorf("loading: %w", fault.Wrap(fault.Conflict, "The name is taken.", secret))
	case "fields":
		return fault.Bad("body.username", "is taken")
	case "unknown":
		return secret
	case "huma":
		return huma.Error403Forbidden("Not yours.")
	case "huma500":
		return huma.Error500InternalServerError("oops", secret)
	case "unchanged":
		return huma.Status304NotModified()
	case "deadline":
		<-ctx.Done()
		return fmt.Errorf("query: %w", ctx.Err())
	case "silent deadline":
		<-ctx.Done()
		return secret
	case "panic":
		panic("hunter2")
	}
	return fault.New(fault.NotFound, "No such failure.")
}

// running is a Server that serves in memory until the test ends.
type running struct {
	*Server
	client *http.Client
	dial   func(context.Context) (net.Conn, error)
	stop   func() error
}

func serve(t *testing.T, s *Server) *running {
	t.Helper()
	return serveAs(t, s, memoryAddr{})
}

// serveAs is serve for connections whose peer is another.
func serveAs(t *testing.T, s *Server, peer net.Addr) *running {
	t.Helper()
	l, dial := Memory()
	l = disguised{l, peer}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }, DisableCompression: true}
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return &running{Server: s, client: &http.Client{Transport: tr}, dial: dial, stop: stop}
}

// do makes a request; headers come in pairs.
func (r *running) do(t *testing.T, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://note.test"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// problemOf checks that an answer is a whole problem and returns it.
func problemOf(t *testing.T, res *http.Response, body string) fault.Problem {
	t.Helper()
	var p fault.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%d %q is no problem: %v", res.StatusCode, body, err)
	}
	if ct := res.Header.Get("Content-Type"); ct != fault.ProblemType {
		t.Errorf("Content-Type %q", ct)
	}
	if p.Status != res.StatusCode || p.Type != "about:blank" || p.Title != http.StatusText(p.Status) || p.Detail == "" ||
		p.Code == "" || p.Instance == "" || p.Instance != res.Header.Get("X-Request-Id") {
		t.Errorf("status %d with problem %+v, request %q", res.StatusCode, p, res.Header.Get("X-Request-Id"))
	}
	if strings.Contains(body, "hunter2") {
		t.Errorf("the problem tells a secret: %s", body)
	}
	return p
}
