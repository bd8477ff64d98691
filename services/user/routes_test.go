package user

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/httpd"
)

// operation is what the API's own description says of one.
type operation struct {
	method, path string
	ID           string                `json:"operationId"`
	Security     []map[string][]string `json:"security"`
	Body         *struct {
		Content map[string]struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

// operations reads them out of the description that is served, so that none can be
// forgotten.
func (w *web) operations(t *testing.T) (list []operation, schemas map[string]json.RawMessage) {
	t.Helper()
	var doc struct {
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	w.expect(t, 200, "GET", "/api/v1/openapi.json", "", "").into(t, &doc)
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			o := operation{method: strings.ToUpper(method), path: path}
			ok(t, json.Unmarshal(raw, &o))
			list = append(list, o)
		}
	}
	if len(list) < 40 {
		t.Fatalf("only %d operations are described", len(list))
	}
	return list, doc.Components.Schemas
}

// at fills the path's first parameter.
func (o operation) at(id string) string {
	before, rest, has := strings.Cut(o.path, "{")
	if !has {
		return o.path
	}
	_, after, _ := strings.Cut(rest, "}")
	return before + id + strings.ReplaceAll(after, "{file}", uuid.Max.String()+".jpg")
}

// owned says what the id in an operation's path is, and what somebody else gets for it.
type owned struct {
	id      string // of bert: what belongs to him
	another int    // for anna, who is a user like him
	unknown int    // for who has every right, and an id that nobody has
	body    string
}

// Every operation with an id in its path, by nobody, by another user, with an id that
// nobody has and with what is no id.
func TestForeignIDs(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		stored(t, w.rig)
		anna, bert, chief := w.person(t, "anna"), w.person(t, "bert"), w.admin(t, "chief")
		user, session := bert.ID.String(), bert.tokens.Session.String()
		var made struct {
			ID string `json:"id"`
		}
		w.expect(t, 201, "POST", "/api/v1/auth/tokens", bert.tokens.Access, `{"name":"x","scopes":["`+auth.ScopeProfileRead+`"],"password":"`+goodPassword+`"}`).into(t, &made)
		export := uuid.Must(uuid.NewV7())
		ok(t, second(w.db.Exec(t.Context(), `INSERT INTO user_exports (id, user_id, state, attempt, object_key, size_bytes, created_at, expires_at) VALUES ($1,$2,'ready',1,'x',0,$3,$4)`,
			export, bert.ID, w.clock.Now(), w.clock.Now().AddDate(0, 0, 1))))
		elsewhere := uuid.Must(uuid.NewV7())
		_, err := w.store().insertIdentity(t.Context(), identity{id: elsewhere, user: bert.ID, provider: "acme", issuer: "https://acme.example", subject: "1", created: w.clock.Now()})
		ok(t, err)
		admin := func(body string) owned { return owned{user, 403, 404, body} }
		table := map[string]owned{
			"getAccount": admin(""), "suspendUser": admin(`{"reason":"x"}`), "unsuspendUser": admin(""), "setRole": admin(`{"role":"admin"}`), "deleteUser": admin(""), "resetTOTP": admin(""),
			"getUser": {user, 200, 404, ""}, "getUserByName": {"bert", 200, 404, ""}, "listFollowers": {user, 200, 404, ""}, "getAvatar": {user, 404, 404, ""}, "getBanner": {user, 404, 404, ""},
			"listSecurityEvents": {user, 404, 200, ""}, "listFollowing": {user, 404, 404, ""}, "downloadExport": {export.String(), 404, 404, ""},
			"endSession": {session, 404, 404, ""}, "endToken": {made.ID, 404, 404, ""},
			"unlinkIdentity": {elsewhere.String(), 404, 404, ""},
			"getFollow":      {user, 404, 404, ""}, "follow": {user, 204, 404, ""}, "unfollow": {user, 204, 204, ""},
		}
		before := snapshot(t, w.db)
		list, _ := w.operations(t)
		for _, o := range list {
			if !strings.Contains(o.path, "{") || strings.Contains(o.path, "{provider}") {
				continue // a provider's name is nobody's
			}
			of, known := table[o.ID]
			if !known {
				t.Errorf("%s has an id in its path: say in this test whose it is", o.ID)
				continue
			}
			delete(table, o.ID)
			call := func(name, token, id string, status int) {
				t.Helper()
				got := w.call(t, o.method, o.at(id), token, of.body)
				if got.StatusCode != status {
					t.Errorf("%s, %s: %d %s, want %d", o.ID, name, got.StatusCode, got.body, status)
				} else if status >= 400 {
					checkProblem(t, bad{name: o.ID + ", " + name, status: status}, got)
				} else if strings.Contains(string(got.body), bert.Email) {
					t.Errorf("%s, %s: shows %s", o.ID, name, got.body)
				}
			}
			if len(o.Security) > 0 {
				call("nobody", "", of.id, 401)
			} else {
				call("nobody", "", of.id, of.another)
			}
			if o.ID != "follow" && o.ID != "unfollow" { // these are anna's own rows
				call("another", anna.tokens.Access, of.id, of.another)
			}
			call("unknown id", chief.tokens.Access, unknownOf(o), of.unknown)
			if o.ID != "getUserByName" {
				for _, id := range []string{"1", "%27%20OR%201%3D1--", "..%2f" + of.id, of.id + "%00", strings.ToUpper(of.id) + "0"} {
					call("no id "+id, chief.tokens.Access, id, 422)
				}
			}
		}
		for id := range table {
			t.Errorf("there is no %s any more", id)
		}
		if after := snapshot(t, w.db); after != before {
			t.Errorf("something changed:\n%s\n%s", before, after)
		}
	})
}

func unknownOf(o operation) string {
	if o.ID == "getUserByName" {
		return "nobody"
	}
	return uuid.Max.String()
}

// Every operation with a body, with bodies that are none, by who has every right.
func TestHostileBodies(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		stored(t, w.rig)
		bert, chief := w.person(t, "bert"), w.admin(t, "chief")
		before := snapshot(t, w.db)
		list, schemas := w.operations(t)
		n := 0
		for _, o := range list {
			if o.Body == nil {
				continue
			}
			n++
			token := ""
			if len(o.Security) > 0 {
				token = chief.tokens.Access
			}
			try := func(name, body string, status int, header ...string) {
				t.Helper()
				got := w.call(t, o.method, o.at(bert.ID.String()), token, body, append(header, "If-Match: *")...)
				if status == 0 && got.StatusCode >= 400 && got.StatusCode < 500 {
					status = got.StatusCode
				}
				checkProblem(t, bad{name: o.ID + ", " + name, status: status}, got)
			}
			media, is := o.Body.Content["application/json"]
			if !is {
				for kind := range o.Body.Content {
					try("no picture", "x", 0, "Content-Type: "+kind)
					try("too large", strings.Repeat("x", PictureMax+1), 413, "Content-Type: "+kind)
				}
				try("JSON", "{}", 0)
				continue
			}
			for _, body := range []string{"{", "\x00", "{}{", `{"a":`, strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 4_000)} {
				try("not JSON", body, 400)
			}
			for _, body := range []string{"7", `"x"`, "[]", "[{}]", "true", `{"\u0000":1}`, `{"no such field":null}`, `{"__proto__":{}}`} {
				try("wrong "+body, body, 422)
			}
			try("too large", `{"x":"`+strings.Repeat("x", httpd.JSONMax)+`"}`, 413)
			try("form", "a=b", 415, "Content-Type: application/x-www-form-urlencoded")
			for name, value := range map[string]any{"numbers": 7, "lists": []string{"x"}, "NUL": "a\x00b", "direction": "a\u202eb", "long": strings.Repeat("x", 20_000), "null": nil} {
				if name == "null" && o.ID == "updateMe" || o.ID == "signOut" && len(text(t, value)) < 20 {
					continue // null is no change; whoever signs out with what is no token is signed out
				}
				try(name, fill(t, media.Schema, schemas, value), 0)
			}
		}
		if n < 15 {
			t.Errorf("only %d operations have a body", n)
		}
		if after := snapshot(t, w.db); after != before {
			t.Errorf("something changed:\n%s\n%s", before, after)
		}
	})
}

// fill gives each property of a schema that value.
func fill(t *testing.T, schema json.RawMessage, schemas map[string]json.RawMessage, value any) string {
	t.Helper()
	var s struct {
		Ref        string                     `json:"$ref"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	ok(t, json.Unmarshal(schema, &s))
	if s.Ref != "" {
		ok(t, json.Unmarshal(schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]], &s))
	}
	if len(s.Properties) == 0 {
		t.Fatalf("a body without properties: %s", schema)
	}
	body := map[string]any{}
	for name := range s.Properties {
		if name != "$schema" {
			body[name] = value
		}
	}
	return text(t, body)
}
