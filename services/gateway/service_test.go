package gateway

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"weir/services/httpd"
)

func TestTableFinds(t *testing.T) {
	at := func(name string, routes ...string) Service {
		return Service{Name: name, Routes: routes, URL: "http://127.0.0.1:1"}
	}
	table, _, err := newTable([]Service{
		at("user", "users", "auth", "channels/*/followers", "/.well-known"),
		at("video", "channels", "videos"),
		at("chat", "channels/*/chat", "/.well-known/chat"),
		at("live", "channels/main/followers"),
	}, &proxy{log: withDefaults(Config{}).Log})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/api/v1/users": "user", "/api/v1/users/": "user", "/api/v1/users/1/x": "user", "/api/v1/usersx": "", "/api/v1/Users": "", "/api/v1/": "", "/api/v1": "",
		"/api/v2/users": "", "/users": "", "/api/v1/channels": "video", "/api/v1/channels/1": "video", "/api/v1/channels/1/followers": "user",
		"/api/v1/channels/1/followers/me": "user", "/api/v1/channels/main/followers": "live", "/api/v1/channels/1/chat": "chat", "/api/v1/channels/1/other": "video",
		"/.well-known/jwks.json": "user", "/.well-known": "user", "/.well-known/chat": "chat", "/": "",
	} {
		got := ""
		if up := table.find(path); up != nil {
			got = up.Name
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestTableRefuses(t *testing.T) {
	const url = "http://127.0.0.1:1"
	for name, services := range map[string][]Service{
		"twice":        {{Name: "a", Routes: []string{"users"}, URL: url}, {Name: "b", Routes: []string{"users"}, URL: url}},
		"elsewhere":    {{Name: "a", Routes: []string{"/live"}, URL: url}},
		"like known":   {{Name: "a", Routes: []string{"/.well-knownx"}, URL: url}},
		"empty":        {{Name: "a", Routes: []string{""}, URL: url}},
		"slash at end": {{Name: "a", Routes: []string{"users/"}, URL: url}},
		"dots":         {{Name: "a", Routes: []string{"../x"}, URL: url}},
		"no address":   {{Name: "a", Routes: []string{"users"}}},
		"no URL":       {{Name: "a", Routes: []string{"users"}, URL: "10.0.0.1:80"}},
		"with a path":  {{Name: "a", Routes: []string{"users"}, URL: url + "/x"}},
		"password":     {{Name: "a", Routes: []string{"users"}, URL: "http://a:hunter2@host"}},
	} {
		_, err := Open(context.Background(), Config{Addr: "127.0.0.1:0", Services: services})
		if !errors.Is(err, ErrServices) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The description is that of all services, and follows them as they come and go.
func TestDescriptionIsMerged(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	user, stopUser := inMemory(t, testService("user"))
	var dial func(context.Context) (net.Conn, error)
	video := Service{Dial: func(ctx context.Context) (net.Conn, error) {
		if dial == nil {
			return nil, httpd.ErrNotServing
		}
		return dial(ctx)
	}}
	h := newTestRouter(t, Config{Services: []Service{routed(user, "user"), routed(video, "video")}, Now: func() time.Time { return now }})
	t.Cleanup(h.(*router).proxy.end)
	read := func() openAPIDoc {
		t.Helper()
		var doc openAPIDoc
		w := do(h, "GET", "/api/v1/openapi.yaml")
		if err := yaml.Unmarshal(w.Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		return doc
	}
	has := func(path string) bool { return read().Paths[path] != nil }
	if !has("/api/v1/streams") || !has("/api/v1/user/seen") || has("/api/v1/video/seen") {
		t.Error("want the gateway and user")
	}
	var names []string
	for name := range read().Components.Schemas {
		if strings.Contains(name, "Problem") {
			names = append(names, name)
		}
	}
	if slices.Sort(names); !slices.Equal(names, []string{"Problem", "ProblemField"}) {
		t.Errorf("problems are described as %v: openapi.yaml and fault.Problem differ", names)
	}
	there, _ := inMemory(t, testService("video"))
	dial = there.Dial
	if has("/api/v1/video/seen") {
		t.Error("services are asked at each request")
	}
	now = now.Add(describeSoon)
	if !has("/api/v1/user/seen") || !has("/api/v1/video/seen") {
		t.Error("want all three")
	}
	stopUser()
	now = now.Add(describeLife)
	if !has("/api/v1/user/seen") {
		t.Error("a service that is away is forgotten")
	}
	page := do(h, "GET", "/api/docs").Body.String()
	if !strings.Contains(page, "GET /api/v1/video/seen") || !strings.Contains(page, "header <code>X-Real-Ip</code>") {
		t.Errorf("page lacks the services")
	}
	if w := do(h, "GET", "/api/v1/openapi.json"); !strings.Contains(w.Body.String(), `"videoSeen"`) {
		t.Errorf("openapi.json: %d", w.Code)
	}
}
