package live

import (
	"bufio"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/httpd"
	"weir/services/servicetest"
)

// web is a Service behind its real HTTP app, and a channel with all that can be had of it.
type web struct {
	*rig
	*servicetest.Client
	who  servicetest.Tokens // by name, which is also the token
	anna owned              // hers is the channel
}

func eachWeb(t *testing.T, run func(t *testing.T, w *web)) {
	t.Helper()
	each(t, func(t *testing.T, r *rig) { run(t, newWeb(t, r)) })
}

func newWeb(t *testing.T, r *rig) *web {
	t.Helper()
	w := &web{rig: r, anna: r.owned(t, "anna")}
	w.who = servicetest.Tokens{
		"owner": w.anna.owner, "manager": servicetest.Person(auth.User), "moderator": servicetest.Person(auth.User), "stranger": servicetest.Person(auth.User), "judge": servicetest.Person(auth.Moderator), "admin": servicetest.Person(auth.Admin),
		"reader": w.anna.owner,
	}
	reader := w.who["reader"]
	reader.Scopes = []string{auth.ScopeChannelsRead}
	w.who["reader"] = reader
	ok(t, r.SetMember(t.Context(), w.anna.owner, w.anna.ID, w.who["manager"].User, Manager))
	ok(t, r.SetMember(t.Context(), w.anna.owner, w.anna.ID, w.who["moderator"].User, Moderator))
	h := httpd.New(httpd.Config{Service: "live", Verifier: w.who})
	r.Routes(h)
	w.Client = servicetest.Serve(t, h)
	return w
}

// call is Call with the answer as text.
func (w *web) call(t testing.TB, method, path, token, body string, header ...string) (*http.Response, string) {
	t.Helper()
	res, got := w.Call(t, method, path, token, body, header...)
	return res, string(got)
}

// expect is call for which the status is known; refusals must be problems.
func (w *web) expect(t testing.TB, status int, method, path, token, body string, header ...string) (*http.Response, string) {
	t.Helper()
	res, got := w.call(t, method, path, token, body, header...)
	if res.StatusCode != status {
		t.Errorf("%s %.100s as %q: %d %s, want %d", method, path, token, res.StatusCode, got, status)
		return res, got
	}
	var p fault.Problem
	if status >= 400 && (res.Header.Get("Content-Type") != fault.ProblemType || json.Unmarshal([]byte(got), &p) != nil || p.Detail == "" || p.Code == "") {
		t.Errorf("%s %.100s as %q: %s", method, path, token, got)
	}
	if strings.Contains(got, "SELECT") || strings.Contains(got, "live_") || strings.Contains(got, w.anna.key.Secret) {
		t.Errorf("%s %.100s shows %s", method, path, got)
	}
	return res, got
}

// operation is what the API's own description says of one.
type operation struct {
	method, path string
	ID           string                `json:"operationId"`
	Security     []map[string][]string `json:"security"`
}

// operations reads them out of the description that is served, so that none can be forgotten.
func (w *web) operations(t *testing.T) (list []operation) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	_, text := w.expect(t, 200, "GET", "/api/v1/openapi.json", "", "")
	ok(t, json.Unmarshal([]byte(text), &doc))
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			o := operation{method: strings.ToUpper(method), path: path}
			ok(t, json.Unmarshal(raw, &o))
			list = append(list, o)
		}
	}
	return list
}

// right says who may do an operation: the least that succeeds.
type right struct {
	least Role
	body  string
	works int // the status when it is allowed
}

// rights is every operation that needs a part in a channel; they are done in that order by
// those who may, the more harmless ones first.
func rights() map[string]right {
	return map[string]right{
		"updateChannel": {Manager, `{"title":"x"}`, 200}, "deleteChannel": {Owner, "", 204},
		"listMembers": {Moderator, "", 200}, "setMember": {Owner, `{"role":"moderator"}`, 204}, "removeMember": {Owner, "", 204},
		"getPassphrase": {Manager, "", 200}, "setPassphrase": {Manager, `{"passphrase":"otters_and_weirs"}`, 204}, "removePassphrase": {Manager, "", 204},
		"listKeys": {Manager, "", 200}, "createKey": {Manager, `{}`, 201}, "rotateKey": {Manager, "", 201}, "revokeKey": {Manager, "", 204},
		"listRefusals": {Moderator, "", 200}, "listChannelSessions": {Moderator, "", 200}, "getChannelSession": {Moderator, "", 200}, "getHealth": {Moderator, "", 200}, "listenHealth": {Moderator, "", 200}, "endStream": {Moderator, `{}`, 204},
		"createClip":     {Moderator, `{"start":-5,"length":5}`, 202},
		"listShareLinks": {Manager, "", 200}, "createShareLink": {Manager, `{}`, 201}, "revokeShareLink": {Manager, "", 204},
		"listGuests": {Manager, "", 200}, "addGuest": {Manager, "", 204}, "removeGuest": {Manager, "", 204},
		"endPass": {Moderator, "", 204}, "endPasses": {Manager, "", 204},
	}
}

// paths fills the path of an operation.
func (o operation) at(channel, second string) string {
	p := strings.Replace(o.path, "{id}", channel, 1)
	for _, name := range []string{"{user}", "{key}", "{session}", "{link}", "{viewer}"} {
		p = strings.Replace(p, name, second, 1)
	}
	return p
}

// Every operation with an id in its path, by everybody who may not, with ids that nobody has,
// with those of another channel, and with what is no id; then by who may.
func TestForeignIDs(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		b := w.begin(t, w.admit(t, w.anna.key.Secret))
		other := w.owned(t, "other")
		foreign := w.begin(t, w.admit(t, other.key.Secret))
		extra := servicetest.Person(auth.User).User
		ok(t, w.SetMember(t.Context(), w.anna.owner, w.anna.ID, extra, Moderator))
		ok(t, w.AddGuest(t.Context(), w.anna.owner, w.anna.ID, extra))
		mine := map[string]string{"link": w.linkOf(t, w.anna).ID.String(), "viewer": "00000000000000aa", "user": extra.String(), "key": w.anna.key.ID.String(), "session": b.ID.String()}
		theirs := map[string]string{"link": w.linkOf(t, other).ID.String(), "viewer": "", "user": "", "key": other.key.ID.String(), "session": foreign.ID.String()}
		table := rights()
		var done []func()
		before := snapshot(t, w)
		for _, o := range w.operations(t) {
			if !strings.Contains(o.path, "{id}") || o.ID == "getChannel" || o.ID == "listRecordings" || strings.HasSuffix(o.path, "/ban") {
				continue
			}
			of, known := table[o.ID]
			if !known {
				t.Errorf("%s has an id in its path: say in this test who may do it", o.ID)
				continue
			}
			delete(table, o.ID)
			second := ""
			for name := range mine {
				if strings.Contains(o.path, "{"+name+"}") {
					second = name
				}
			}
			w.mayNot(t, o, of, mine[second])
			if theirs[second] != "" {
				w.expect(t, 404, o.method, o.at(w.anna.ID.String(), theirs[second]), "owner", of.body, "If-Match: *")
			}
			for _, id := range []string{"1", "%27%20OR%201%3D1--", strings.ToUpper(w.anna.ID.String()) + "0", "{" + w.anna.ID.String() + "}", strings.Repeat("z", 36)} {
				w.expect(t, 422, o.method, o.at(id, mine[second]), "admin", of.body, "If-Match: *")
				if second != "" {
					w.expect(t, 422, o.method, o.at(w.anna.ID.String(), id), "admin", of.body, "If-Match: *")
				}
			}
			done = append(done, func() { w.may(t, o, of, second) })
		}
		for id := range table {
			t.Errorf("there is no %s any more", id)
		}
		if after := snapshot(t, w); after != before {
			t.Errorf("something changed:\n%s\n%s", before, after)
		}
		for _, do := range done {
			do()
		}
	})
}

// mayNot is an operation by everybody with less than is needed.
func (w *web) mayNot(t *testing.T, o operation, of right, second string) {
	t.Helper()
	if len(o.Security) == 0 {
		t.Errorf("%s needs no token", o.ID)
	}
	path := o.at(w.anna.ID.String(), second)
	w.expect(t, 401, o.method, path, "", of.body, "If-Match: *")
	w.expect(t, 401, o.method, path, "forged", of.body, "If-Match: *")
	w.expect(t, 403, o.method, path, "stranger", of.body, "If-Match: *")
	if scopes := o.Security[0]["bearer"]; !slices.Contains(scopes, auth.ScopeChannelsRead) {
		w.expect(t, 403, o.method, path, "reader", of.body, "If-Match: *")
	}
	for name, role := range map[string]Role{"moderator": Moderator, "judge": Moderator, "manager": Manager} {
		if !role.atLeast(of.least) {
			w.expect(t, 403, o.method, path, name, of.body, "If-Match: *")
		}
	}
	w.expect(t, 404, o.method, o.at(uuid.Max.String(), second), "admin", of.body, "If-Match: *")
}

// may is an operation by everybody with what is needed, each on a channel of its own.
func (w *web) may(t *testing.T, o operation, of right, second string) {
	t.Helper()
	for i, name := range []string{"moderator", "judge", "manager", "owner", "admin"} {
		role := map[string]Role{"moderator": Moderator, "judge": Moderator, "manager": Manager}[name]
		if role != "" && !role.atLeast(of.least) {
			continue
		}
		c := w.owned(t, strings.ToLower(o.ID)+"-"+string(rune('a'+i)))
		extra := servicetest.Person(auth.User).User
		ok(t, w.SetMember(t.Context(), c.owner, c.ID, extra, Moderator))
		ok(t, w.AddGuest(t.Context(), c.owner, c.ID, extra))
		if name == "moderator" || name == "manager" {
			ok(t, w.SetMember(t.Context(), c.owner, c.ID, w.who[name].User, role))
		}
		if name == "owner" {
			name = c.owner.User.String()
		}
		b := w.begin(t, w.admit(t, c.key.Secret))
		w.measured(t, b, good(), Stats{})
		if o.ID == "listenHealth" {
			w.hears(t, o.at(c.ID.String(), ""), name)
			continue
		}
		id := map[string]string{"link": w.linkOf(t, c).ID.String(), "viewer": "00000000000000aa", "user": extra.String(), "key": c.key.ID.String(), "session": b.ID.String()}[second]
		w.expect(t, of.works, o.method, o.at(c.ID.String(), id), name, of.body, "If-Match: *")
	}
}

// hears opens a stream of events, which has no end, and reads its first event.
func (w *web) hears(t *testing.T, path, token string) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://tv.example.org"+path, nil)
	ok(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := w.Do(req)
	ok(t, err)
	defer res.Body.Close()
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s: %d %v", path, res.StatusCode, res.Header)
	}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if lines.Text() == "event: health" {
			return
		}
	}
	t.Errorf("%s: no event", path)
}

// snapshot is all that operations could change.
func snapshot(t testing.TB, w *web) string {
	t.Helper()
	var out strings.Builder
	for _, sql := range []string{
		`SELECT name || ' ' || title || ' ' || visibility || ' ' || ban_reason || CAST(version AS TEXT) || CASE WHEN deleted_at IS NULL THEN '' ELSE 'deleted' END FROM live_channels ORDER BY name`,
		`SELECT key_hash || CASE WHEN revoked_at IS NULL THEN '' ELSE 'revoked' END FROM live_keys ORDER BY key_hash`, `SELECT role FROM live_members ORDER BY user_id`,
		`SELECT link_hash || CASE WHEN revoked_at IS NULL THEN '' ELSE 'revoked' END FROM live_links ORDER BY link_hash`, `SELECT CAST(user_id AS TEXT) FROM live_guests ORDER BY user_id`,
		`SELECT CAST(kind AS TEXT) FROM live_revocations`,
		`SELECT state || ' ' || order_reason FROM live_sessions ORDER BY id`,
		`SELECT kind || ' ' || state || ' ' || title || ' ' || CAST(version AS TEXT) FROM live_recordings ORDER BY id`,
	} {
		out.WriteString(lines(t, w.db, sql) + "\n\n")
	}
	return out.String()
}

// A channel that is not in lists, or is banned, is not there for who has no part in it.
func TestUnlistedIsNotFound(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		table := rights()
		for _, v := range []Visibility{Unlisted, Private} {
			_, err := w.UpdateChannel(t.Context(), w.anna.owner, w.anna.ID, 0, Changes{Visibility: ptr(v)})
			ok(t, err)
			for _, o := range w.operations(t) {
				second := uuid.Max.String()
				if o.ID == "endPass" {
					second = second[:8] + second[:8]
				}
				if of, known := table[o.ID]; known {
					w.expect(t, 404, o.method, o.at(w.anna.ID.String(), second), "stranger", of.body, "If-Match: *")
				}
			}
		}
		for _, path := range []string{w.anna.ID.String(), "by-name/anna"} {
			w.expect(t, 404, "GET", "/api/v1/channels/"+path, "stranger", "")
			w.expect(t, 404, "GET", "/api/v1/channels/"+path, "", "")
			w.expect(t, 200, "GET", "/api/v1/channels/"+path, "moderator", "")
		}
	})
}

func TestBanIsForModerators(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		path := "/api/v1/channels/" + w.anna.ID.String() + "/ban"
		for name := range maps.Keys(w.who) {
			status := 403
			if name == "judge" || name == "admin" {
				status = 200
			}
			w.expect(t, status, "PUT", path, name, `{"reason":"spam"}`)
			w.expect(t, status, "DELETE", path, name, "")
		}
		w.expect(t, 401, "PUT", path, "", `{"reason":"spam"}`)
		w.expect(t, 404, "PUT", "/api/v1/channels/"+uuid.Max.String()+"/ban", "judge", `{"reason":"spam"}`)
		w.expect(t, 200, "PUT", path, "judge", `{"reason":"spam"}`)
		for _, body := range []string{`{"reason":" \n "}`, `{"reason":""}`, `{}`} { // no way to lift it by accident
			w.expect(t, 422, "PUT", path, "judge", body)
		}
		w.expect(t, 404, "GET", "/api/v1/channels/"+w.anna.ID.String(), "stranger", "")
	})
}

// From nothing to a stream key, as a client does it.
func TestHTTPWalk(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		res, text := w.expect(t, 201, "POST", "/api/v1/channels", "stranger", `{"name":"bert","title":"Hi","tags":["Go"],"record":false}`)
		var v View
		ok(t, json.Unmarshal([]byte(text), &v))
		tag, path := res.Header.Get("ETag"), "/api/v1/channels/"+v.ID.String()
		if v.Inside == nil || v.Inside.Record || v.Watch != "/watch/bert" || tag != `"1"` {
			t.Errorf("%s %s", text, tag)
		}
		if res, text = w.expect(t, 200, "GET", path, "", ""); strings.Contains(text, "inside") || res.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s %v", text, res.Header)
		}
		if res, _ = w.expect(t, 200, "GET", "/api/v1/channels/by-name/bert", "stranger", ""); res.Header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%v", res.Header)
		}
		w.expect(t, 412, "PATCH", path, "stranger", `{"title":"x"}`)
		w.expect(t, 200, "PATCH", path, "stranger", `{"title":"x"}`, "If-Match: "+tag)
		w.expect(t, 412, "PATCH", path, "stranger", `{"title":"y"}`, "If-Match: "+tag)
		res, text = w.expect(t, 201, "POST", path+"/keys", "stranger", `{"label":"studio","expires_at":"2027-01-01T00:00:00Z"}`)
		var k NewKey
		ok(t, json.Unmarshal([]byte(text), &k))
		if res.Header.Get("Cache-Control") != "no-store" || w.admit(t, k.Secret).Name != "bert" {
			t.Errorf("%s %v", text, res.Header)
		}
		if _, text = w.expect(t, 200, "GET", path+"/keys", "stranger", ""); strings.Contains(text, k.Secret) || strings.Contains(text, hashOf(k.Secret)) || !strings.Contains(text, k.ID.String()) {
			t.Error(text)
		}
		w.expect(t, 422, "PUT", path+"/srt-passphrase", "stranger", `{"passphrase":"too short"}`)
		w.expect(t, 204, "PUT", path+"/srt-passphrase", "stranger", `{"passphrase":"otters_and_weirs"}`)
		if _, text = w.expect(t, 200, "GET", path+"/srt-passphrase", "stranger", ""); !strings.Contains(text, `"set":true`) || strings.Contains(text, "otters") {
			t.Error(text)
		}
		w.expect(t, 204, "DELETE", path+"/srt-passphrase", "stranger", "")
		w.expect(t, 404, "POST", path+"/end", "stranger", `{}`)
		w.expect(t, 204, "DELETE", path, "stranger", "")
		w.expect(t, 404, "GET", path, "stranger", "")
		w.expect(t, 409, "POST", "/api/v1/channels", "stranger", `{"name":"bert"}`)
	})
}

func TestHTTPBadInput(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		path := "/api/v1/channels/" + w.anna.ID.String()
		before := snapshot(t, w)
		for body, status := range map[string]int{
			"": 400, "{": 400, "[]": 422, "null": 422, `{"title":7}`: 422, `{"name":"x"}`: 422, `{"owner_id":"x"}`: 422, `{"banned_at":null}`: 422, `{"version":1}`: 422,
			`{"title":"` + strings.Repeat("x", 141) + `"}`: 422, `{"title":"a\u0000"}`: 422, `{"title":"a\u202eb"}`: 422, `{"tags":["` + strings.Repeat("x", 31) + `"]}`: 422,
			`{"visibility":"secret"}`: 422, `{"limits":{"bitrate":-1,"height":0,"fps":0,"duration":0}}`: 422, `{"limits":{"bitrate":1e30,"height":0,"fps":0,"duration":0}}`: 422,
			`{"scheduled_at":"tomorrow"}`: 422, `{"language":"../x"}`: 422, `{"description":"` + strings.Repeat("x", 100_000) + `"}`: 413,
		} {
			w.expect(t, status, "PATCH", path, "owner", body, "If-Match: *")
		}
		for _, name := range []string{"", "A", "-a", "a b", "a\\u0000", "é", "../x", strings.Repeat("a", 64), "'; DROP TABLE live_channels--"} {
			if _, text := w.call(t, "POST", "/api/v1/channels", "owner", `{"name":"`+name+`"}`); !strings.Contains(text, `"status":422`) {
				t.Errorf("%q: %s", name, text)
			}
		}
		for body, status := range map[string]int{`{"expires_at":"2020-01-01T00:00:00Z"}`: 422, `{"expires_at":"x"}`: 422, `{"label":"a\nb"}`: 422, `{"stream_key":"mine"}`: 422} {
			w.expect(t, status, "POST", path+"/keys", "owner", body)
		}
		for _, role := range []string{"owner", "admin", ""} {
			w.expect(t, 422, "PUT", path+"/members/"+uuid.Max.String(), "owner", `{"role":"`+role+`"}`)
		}
		for _, owner := range []string{"x", "%27%20OR%201%3D1--", strings.Repeat("z", 36), strings.Repeat("0", 37)} {
			w.expect(t, 422, "GET", "/api/v1/channels?owner="+owner, "", "")
		}
		for _, query := range []string{"limit=0", "limit=101", "limit=x", "after=x", "after=%27"} {
			w.expect(t, 422, "GET", "/api/v1/channels?"+query, "", "")
			w.expect(t, 422, "GET", path+"/sessions?"+query, "owner", "")
		}
		if after := snapshot(t, w); after != before {
			t.Errorf("something changed:\n%s\n%s", before, after)
		}
	})
}
