package httpd

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const gatewayDoc = `
openapi: 3.1.0
info: {title: weir, version: v1}
paths:
  /api/v1/streams:
    get: {operationId: listStreams, responses: {200: {description: OK}}}
components:
  schemas:
    Page: {type: object, properties: {streams: {type: integer}}}
    Problem: {type: object}
    List: {type: array, items: {$ref: "#/components/schemas/Page"}}
`

func userDoc(t *testing.T, change func(object)) Description {
	t.Helper()
	doc := object{
		"info": object{"title": "weir user"},
		"tags": []any{object{"name": "users"}},
		"paths": object{"/api/v1/users": object{"get": object{"operationId": "listUsers", "responses": object{"200": object{
			"content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/List"}}}}}}}},
		"components": object{"schemas": object{
			"Page":    object{"type": "object", "properties": object{"users": object{"type": "integer"}}},
			"Problem": object{"type": "object"},
			// The same text as the gateway's, and yet another: its Page is another.
			"List": object{"type": "array", "items": object{"$ref": "#/components/schemas/Page"}},
		}},
	}
	change(doc)
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return Description{Service: "user", Text: text}
}

func TestMerge(t *testing.T) {
	asYAML, asJSON, err := Merge(Description{"gateway", []byte(gatewayDoc)}, userDoc(t, func(object) {}))
	if err != nil {
		t.Fatal(err)
	}
	var a, b object
	if err := yaml.Unmarshal(asYAML, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON, &b); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("YAML and JSON differ:\n%v\n%v", a, b)
	}
	schemas := child(child(b, "components"), "schemas")
	if len(schemas) != 5 || !reflect.DeepEqual(schemas["UserList"], any(object{"type": "array", "items": object{"$ref": "#/components/schemas/UserPage"}})) ||
		!reflect.DeepEqual(schemas["List"], any(object{"type": "array", "items": object{"$ref": "#/components/schemas/Page"}})) {
		t.Errorf("schemas %v", schemas)
	}
	if !strings.Contains(string(asJSON), `"schema":{"$ref":"#/components/schemas/UserList"}`) || len(child(b, "paths")) != 2 ||
		child(b, "info")["title"] != "weir" || b["tags"] == nil {
		t.Errorf("merged: %s", asJSON)
	}
}

func TestMergeRefuses(t *testing.T) {
	path := func(path, method, id string) func(object) {
		return func(o object) { o["paths"] = object{path: object{method: object{"operationId": id}}} }
	}
	for name, change := range map[string]func(object){
		"method twice":    path("/api/v1/streams", "get", "other"),
		"operation twice": path("/api/v1/other", "get", "listStreams"),
		"new name taken": func(o object) {
			child(child(o, "components"), "schemas")["UserPage"] = object{"type": "string"}
		},
	} {
		if _, _, err := Merge(Description{"gateway", []byte(gatewayDoc)}, userDoc(t, change)); !errors.Is(err, ErrClash) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{"no YAML": "\t", "no object": "[]", "path": `{"paths":{"/x":1}}`, "section": `{"components":{"schemas":1}}`} {
		if _, _, err := Merge(Description{"gateway", []byte(gatewayDoc)}, Description{"user", []byte(text)}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDescriptionIsServed(t *testing.T) {
	r := serve(t, fixture(Config{Version: "v7"}))
	for path, kind := range map[string]string{"/api/v1/openapi.yaml": "application/yaml", "/api/v1/openapi.json": "application/json"} {
		res, body := r.do(t, "GET", path, "")
		var doc object
		if err := yaml.Unmarshal([]byte(body), &doc); err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != kind {
			t.Fatalf("%s: %d %v %v", path, res.StatusCode, res.Header, err)
		}
		paths := child(doc, "paths")
		put := child(child(paths, "/api/v1/notes/{id}"), "put")
		if doc["openapi"] != "3.1.0" || put["operationId"] != "putNote" || child(paths, "/.well-known/keys")["get"] == nil {
			t.Errorf("%s: %v", path, doc)
		}
		if !strings.Contains(fmt.Sprint(put), "#/components/schemas/Problem") {
			t.Errorf("%s: an operation does not say what its errors are: %v", path, put)
		}
		if _, there := child(child(doc, "components"), "schemas")["ErrorModel"]; there {
			t.Error("huma's own errors are described")
		}
	}
}
