package target

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"weir/services/httpd"
	"weir/services/servicetest"
)

// call is a request to the real HTTP app, whose status is known.
type call func(status int, method, path, token, body string, header ...string) (http.Header, map[string]any)

func serve(t *testing.T, r *rig) call {
	t.Helper()
	h := httpd.New(httpd.Config{Service: "live", Verifier: servicetest.Tokens{"anna": r.anna, "bert": r.bert, "admin": r.admin}})
	r.Routes(h)
	client := servicetest.Serve(t, h)
	return func(status int, method, path, token, body string, header ...string) (http.Header, map[string]any) {
		t.Helper()
		res, text := client.Call(t, method, "/api/v1"+path, token, body, header...)
		if res.StatusCode != status {
			t.Errorf("%s %s: %d %s, want %d", method, path, res.StatusCode, text, status)
		}
		if strings.Contains(string(text), "s1.") || strings.Contains(string(text), secret) || strings.Contains(string(text), "live_") {
			t.Errorf("%s %s shows %s", method, path, text)
		}
		var out map[string]any
		_ = json.Unmarshal(text, &out)
		return res.Header, out
	}
}

// Every operation, from the first to the last.
func TestHTTP(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ask := serve(t, r)
		path := "/channels/" + r.channel.ID.String() + "/targets"
		ask(401, "GET", path, "", "")
		ask(422, "POST", path, "anna", `{"url":"rtmp://example.org/app"}`)
		_, made := ask(201, "POST", path, "anna", `{"label":"big","url":"rtmps://example.org/app","stream_key":"`+secret+`"}`)
		one := path + "/" + made["id"].(string)
		header, got := ask(200, "GET", one, "anna", "")
		if header.Get("ETag") == "" || got["url"] != "rtmps://example.org/app" || got["enabled"] != true {
			t.Errorf("%v %v", header, got)
		}
		if _, list := ask(200, "GET", path, "admin", ""); len(list["items"].([]any)) != 1 {
			t.Errorf("%v", list)
		}
		ask(412, "PATCH", one, "anna", `{"label":"x"}`, `If-Match: "7"`)
		ask(200, "PATCH", one, "anna", `{"label":"x"}`, "If-Match: "+header.Get("ETag"))
		if _, x := ask(200, "POST", one+"/stop", "anna", ""); x["enabled"] != false {
			t.Errorf("%v", x)
		}
		if _, x := ask(200, "POST", one+"/start", "anna", ""); x["enabled"] != true || x["label"] != "x" {
			t.Errorf("%v", x)
		}
		others := "/channels/" + r.other.ID.String() + "/targets/" + made["id"].(string)
		for where, status := range map[string]int{one: 403, others: 404} {
			ask(status, "GET", where, "bert", "")
			ask(status, "PATCH", where, "bert", `{"enabled":false}`, "If-Match: *")
			ask(status, "POST", where+"/stop", "bert", "")
			ask(status, "POST", where+"/start", "bert", "")
			ask(status, "DELETE", where, "bert", "")
		}
		ask(403, "GET", path, "bert", "")
		ask(403, "POST", path, "bert", `{"url":"rtmp://example.org/app","stream_key":"k"}`)
		ask(422, "GET", path+"/"+strings.Repeat("z", 36), "anna", "")
		ask(204, "DELETE", one, "anna", "")
		ask(404, "GET", one, "anna", "")
	})
}
