package webhook

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
	h := httpd.New(httpd.Config{Service: "live", Verifier: servicetest.Tokens{"anna": r.anna, "admin": r.admin}})
	r.Routes(h)
	client := servicetest.Serve(t, h)
	return func(status int, method, path, token, body string, header ...string) (http.Header, map[string]any) {
		t.Helper()
		res, text := client.Call(t, method, "/api/v1"+path, token, body, header...)
		if res.StatusCode != status {
			t.Errorf("%s %s: %d %s, want %d", method, path, res.StatusCode, text, status)
		}
		if strings.Contains(string(text), "s1.") || strings.Contains(string(text), "live_") {
			t.Errorf("%s %s shows %s", method, path, text)
		}
		var out map[string]any
		_ = json.Unmarshal(text, &out)
		return res.Header, out
	}
}

// Both families of operations, from the first to the last.
func TestHTTP(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ask := serve(t, r)
		for path, token := range map[string]string{"/channels/" + r.channel.String() + "/webhooks": "anna", "/webhooks": "admin"} {
			ask(401, "GET", path, "", "")
			ask(422, "POST", path, token, `{"url":"ftp://x"}`)
			_, made := ask(201, "POST", path, token, `{"url":"`+r.to.URL+`","types":["stream.*"]}`)
			one := path + "/" + made["id"].(string)
			if secret := made["secret"].(string); !strings.HasPrefix(secret, "whsec_") {
				t.Error(secret)
			}
			header, got := ask(200, "GET", one, token, "")
			if _, shown := got["secret"]; shown || header.Get("ETag") == "" || got["url"] != r.to.URL {
				t.Errorf("%v %v", header, got)
			}
			if _, list := ask(200, "GET", path, token, ""); len(list["items"].([]any)) != 1 {
				t.Errorf("%v", list)
			}
			ask(412, "PATCH", one, token, `{"types":[]}`, `If-Match: "7"`)
			ask(200, "PATCH", one, token, `{"types":[]}`, "If-Match: "+header.Get("ETag"))
			if _, next := ask(201, "POST", one+"/rotate", token, ""); next["secret"] == made["secret"] || next["old_secret_until"] == nil {
				t.Errorf("%v", next)
			}
			_, ping := ask(202, "POST", one+"/ping", token, "")
			r.send(t)
			if _, log := ask(200, "GET", one+"/deliveries", token, ""); len(log["items"].([]any)) != 1 || log["items"].([]any)[0].(map[string]any)["state"] != "delivered" {
				t.Errorf("%v", log)
			}
			ask(202, "POST", one+"/deliveries/"+ping["id"].(string)+"/redeliver", token, "")
			ask(422, "POST", one+"/deliveries/"+strings.Repeat("z", 36)+"/redeliver", token, "")
			ask(204, "DELETE", one, token, "")
			ask(404, "GET", one, token, "")
		}
		ask(403, "GET", "/webhooks", "anna", "")
		ask(403, "GET", "/channels/"+r.other.String()+"/webhooks", "anna", "")
		for _, id := range []string{"00000000-0000-0000-0000-000000000000", newID().String()} {
			ask(404, "GET", "/channels/"+id+"/webhooks", "admin", "")
		}
		ask(422, "GET", "/channels/"+strings.ToUpper(strings.Repeat("z", 36))+"/webhooks", "anna", "")
	})
}
