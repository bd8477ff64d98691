package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"weir/services/auth"
)

// TestAPI is what the README promises of the API, by its own commands; then what nobody
// may do with what is somebody else's; and that all of it can be followed in traces.
func TestAPI(t *testing.T) { useAPI(t) }

// useAPI is TestAPI with settings of the server.
func useAPI(t *testing.T, settings ...string) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50") // ms
	traces := collect(t)
	s := startStation(t, append(settings, "WEIR_PUBLISH=key", "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.server.URL)...)
	admin, ada, bob := &person{t: t, web: s.web}, &person{t: t, web: s.web}, &person{t: t, web: s.web}
	admin.signIn("admin", s.password)

	script := readmeCommands(t, "## The API in two minutes") + readmeCommands(t, "## Go live")
	out := runShell(t, strings.ReplaceAll(script, "http://localhost:8080", s.web))
	for _, want := range []string{`"username":"ada"`, `"display_name":"Ada L."`, `"since":`, `"title":"Looms, live"`, `"stream_key":"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in what the README's commands print:\n%s", want, out)
		}
	}
	if strings.Contains(out, `"code":"`) {
		t.Errorf("a command of the README fails:\n%s", out)
	}

	const password = "three green lorries at dawn"
	ada.signIn("ada", password)
	if status := bob.ask(http.MethodPost, "auth/register", object{"username": "bob", "email": "bob@example.org", "password": password}, nil); status != http.StatusCreated {
		t.Fatalf("register: %d", status)
	}
	bob.signIn("bob", password)
	of := belongings(t, s, admin, ada, password)
	walkForeign(t, s, ada, bob, of)
	useTokens(t, s, ada, of["channel"], password)

	var me struct{ ID string }
	ada.ask(http.MethodGet, "users/me", nil, &me)
	admin.match = ""
	if status := admin.ask(http.MethodPut, "users/"+me.ID+"/suspension", object{"reason": "spam"}, nil); status != http.StatusOK {
		t.Errorf("suspend: %d", status)
	}
	eventually(t, "what was done about it is told", func() bool { return len(traces.of("handle user.suspended.v1")) > 0 })
	s.stop() // the rest is told too
	request, handling := traces.of("PUT /api/v1/users/{id}/suspension"), traces.of("handle user.suspended.v1")
	if !slices.Contains(request, handling[0]) {
		t.Errorf("suspensions are in the traces %q, what was done about one in %q", request, handling)
	}
}

// readmeCommands are the first commands below a heading of the README, up to the comment
// that says what a person does next.
func readmeCommands(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, below, _ := strings.Cut(string(text), "\n"+heading+"\n")
	_, block, _ := strings.Cut(below, "\n```\n")
	block, _, found := strings.Cut(block, "\n```\n")
	if !found {
		t.Fatalf("no commands below %q", heading)
	}
	block, _, _ = strings.Cut(block, "\n# ")
	return block + "\n"
}

func runShell(t *testing.T, script string) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is needed for this test: scripts/setup test installs it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "bash", "-eu", "-o", "pipefail", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// belongings makes one of everything with an id for ada, and says which parameter of a
// path it is. What admins have is under global.
func belongings(t *testing.T, s *station, admin, ada *person, password string) map[string]string {
	t.Helper()
	made := func(p *person, method, path string, body any) string {
		t.Helper()
		p.match = ""
		var got struct {
			ID    string
			Items []struct{ ID string }
		}
		if status := p.ask(method, path, body, &got); status >= http.StatusBadRequest {
			t.Fatalf("%s: %d", path, status)
		}
		if len(got.Items) > 0 {
			return got.Items[0].ID
		}
		return got.ID
	}
	of := map[string]string{"user": made(ada, "GET", "users/me", nil), "channel": made(ada, "GET", "channels/by-name/ada", nil), "viewer": "00000000000000aa"}
	in := "channels/" + of["channel"] + "/"
	of["key"], of["link"] = made(ada, "GET", in+"keys", nil), made(ada, "POST", in+"links", object{"label": "x"})
	of["target"] = made(ada, "POST", in+"targets", object{"label": "x", "url": "rtmps://example.org/app", "stream_key": "k"})
	made(ada, "PUT", in+"camera", object{"url": "rtsp://camera.example.org/1", "enabled": false})
	of["webhook"] = made(ada, "POST", in+"webhooks", object{"url": "https://example.org/hook", "types": []string{"key.rotated.v1"}})
	of["global"] = made(admin, "POST", "webhooks", object{"url": "https://example.org/hook", "types": []string{"key.rotated.v1"}})
	of["delivery"] = uuid.NewString()
	of["token"] = made(ada, "POST", "auth/tokens", object{"name": "x", "scopes": []string{"profile:read"}, "password": password})
	of["login"], of["export"] = made(ada, "GET", "auth/sessions", nil), made(ada, "POST", "users/me/export", object{"password": password})
	of["identity"] = uuid.NewString() // nobody signed in elsewhere

	var key struct {
		Secret string `json:"stream_key"`
	}
	ada.ask("POST", in+"keys", object{}, &key)
	sent := air(t, s, key.Secret)
	eventually(t, "a session", func() bool { of["session"] = made(ada, "GET", in+"sessions", nil); return of["session"] != "" })
	if err := sent.leave(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its recording", func() bool { of["recording"] = made(ada, "GET", in+"recordings", nil); return of["recording"] != "" })
	return of
}

// described is an operation of the API.
type described struct {
	ID       string                `json:"operationId"`
	Security []map[string][]string `json:"security"`
	Body     any                   `json:"requestBody"`
}

// walkForeign does every operation that the API describes with an id in its path: as
// nobody, and as bob with what is ada's. All is refused, and ada finds all as it was.
func walkForeign(t *testing.T, s *station, ada, bob *person, of map[string]string) {
	t.Helper()
	bodies := map[string]object{
		"updateChannel": {"title": "x"}, "banChannel": {"reason": "x"}, "setMember": {"role": "moderator"}, "createKey": {}, "endStream": {}, "createShareLink": {},
		"createClip": {"start": -5, "length": 5}, "createTarget": {"url": "rtmps://example.org/app", "stream_key": "k"}, "updateTarget": {"label": "y"},
		"setCamera": {"url": "rtsp://camera.example.org/2"}, "setPassphrase": {"passphrase": "ninety-nine"},
		"createWebhook": {"url": "https://example.org/hook"}, "updateWebhook": {"types": []string{}}, "updateGlobalWebhook": {"types": []string{}},
		"updateRecording": {"title": "x"}, "suspendUser": {"reason": "x"}, "setRole": {"role": "admin"},
	}
	// What everybody may do, and what bob does to himself alone.
	open := []string{"getUser", "getUserByName", "listFollowers", "getAvatar", "getBanner", "getChannel", "getChannelByName", "startPlayback", "listRecordings", "getRecording",
		"follow", "unfollow", "getFollow", "startSignInElsewhere", "finishSignInElsewhere", "startLink"}
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if status := ada.ask("GET", "openapi.json", nil, &doc); status != http.StatusOK {
		t.Fatalf("description: %d", status)
	}
	before, n := seenBy(ada, doc.Paths, of), 0
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			var o described
			if json.Unmarshal(raw, &o) != nil || o.ID == "" || !strings.Contains(path, "{") || slices.Contains(open, o.ID) {
				continue
			}
			n++
			where := strings.TrimPrefix(fillPath(path, of), "/api/v1/")
			body, has := bodies[o.ID]
			if (o.Body != nil) != has {
				t.Errorf("%s: say in this test what a good body of it is", o.ID)
				continue
			}
			var payload any
			if has {
				payload = body
			}
			for who, token := range map[string]string{"nobody": "", "bob": bob.token} {
				p := &person{t: t, web: s.web, token: token, match: "*"}
				status := p.ask(strings.ToUpper(method), where, payload, nil)
				if who == "nobody" && status != http.StatusUnauthorized || who == "bob" && status != http.StatusForbidden && status != http.StatusNotFound {
					t.Errorf("%s by %s: %d", o.ID, who, status)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d operations have an id", n)
	}
	for path, was := range before {
		if is := seenBy(ada, doc.Paths, of)[path]; is != was {
			t.Errorf("%s has changed from\n%s\nto\n%s", path, was, is)
		}
	}
}

// useTokens asks whether API tokens can be made for what operations ask of them, and do that
// and no more.
func useTokens(t *testing.T, s *station, ada *person, channel, password string) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	ada.ask("GET", "openapi.json", nil, &doc)
	for path, methods := range doc.Paths {
		for _, raw := range methods {
			var o described
			if json.Unmarshal(raw, &o) != nil {
				continue
			}
			for _, way := range o.Security {
				for _, scope := range slices.Concat(slices.Collect(maps.Values(way))...) {
					if scope != auth.ScopeAccount && !slices.Contains(auth.TokenScopes(), scope) {
						t.Errorf("%s %s asks for %s, which no API token can have", path, o.ID, scope)
					}
				}
			}
		}
	}
	var made struct{ Token string }
	scopes := []string{auth.ScopeChannelsRead, auth.ScopeKeysWrite}
	if status := ada.ask("POST", "auth/tokens", object{"name": "keys", "scopes": scopes, "password": password}, &made); status != http.StatusCreated {
		t.Fatalf("token: %d", status)
	}
	program := &person{t: t, web: s.web, token: made.Token, match: "*"}
	for _, x := range []struct {
		method, path string
		body         any
		want         int
	}{
		{"GET", "channels/" + channel + "/sessions", nil, http.StatusOK},
		{"POST", "channels/" + channel + "/keys", object{"label": "made by a program"}, http.StatusCreated},
		{"PATCH", "channels/" + channel, object{"title": "x"}, http.StatusForbidden},
		{"PATCH", "users/me", object{"display_name": "x"}, http.StatusForbidden},
		{"POST", "auth/tokens", object{"name": "x", "scopes": scopes, "password": password}, http.StatusForbidden},
	} {
		if status := program.ask(x.method, x.path, x.body, nil); status != x.want {
			t.Errorf("%s %s with a token for %v: %d", x.method, x.path, scopes, status)
		}
	}
}

// fillPath puts the ids into a path.
func fillPath(path string, of map[string]string) string {
	kind := "user"
	for prefix, is := range map[string]string{"/api/v1/channels/": "channel", "/api/v1/auth/sessions/": "login", "/api/v1/auth/tokens/": "token", "/api/v1/auth/oidc/": "identity", "/api/v1/users/me/export/": "export"} {
		if strings.HasPrefix(path, prefix) {
			kind = is
		}
	}
	if strings.HasPrefix(path, "/api/v1/webhooks/") {
		path = strings.Replace(path, "{webhook}", of["global"], 1)
	}
	path = strings.Replace(path, "{id}", of[kind], 1)
	for name, id := range of {
		path = strings.Replace(path, "{"+name+"}", id, 1)
	}
	return path
}

// seenBy is what somebody reads of all that is theirs, by path.
func seenBy(p *person, paths map[string]map[string]json.RawMessage, of map[string]string) map[string]string {
	p.t.Helper()
	all := map[string]string{}
	for path := range paths {
		if _, is := paths[path]["get"]; !is || strings.HasSuffix(path, "/events") || strings.HasSuffix(path, "/file") || strings.Contains(path, "/health") {
			continue // what has no end, or is about this moment
		}
		where := strings.TrimPrefix(fillPath(path, of), "/api/v1/")
		if !strings.Contains(path, "{") || strings.Contains(where, "{") {
			continue
		}
		var text json.RawMessage
		p.match = ""
		if p.ask("GET", where, nil, &text) == http.StatusOK {
			all[where] = string(text)
		}
	}
	if len(all) < 12 {
		p.t.Errorf("only %d of the paths can be read by their owner", len(all))
	}
	return all
}

// traceStore is a collector of traces.
type traceStore struct {
	server *httptest.Server
	mu     sync.Mutex
	spans  map[string][]string // ids of the traces with a span of that name
}

func collect(t *testing.T) *traceStore {
	t.Helper()
	c := &traceStore{spans: map[string][]string{}}
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got collector.ExportTraceServiceRequest
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(body, &got)
		}
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range got.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					c.spans[span.Name] = append(c.spans[span.Name], hex.EncodeToString(span.TraceId))
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.server.Close)
	return c
}

// of are the traces with a span of that name.
func (c *traceStore) of(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans[name]
}
