package camera

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/outbox"
	"weir/services/backing/redis"
	"weir/services/fault"
	"weir/services/httpd"
	"weir/services/live"
	"weir/services/seal"
	"weir/services/servicetest"
)

func TestMain(m *testing.M) { servicetest.Main(m) }

// rig is a Service on real backings, with channels of the real live-service.
type rig struct {
	*Service
	db       *db.DB
	redis    *redis.Client
	key      []byte // of the box
	now      time.Time
	channels *live.Service
	anna     auth.Identity // owns channel
	bert     auth.Identity // owns nothing
	channel  live.View
	log      *servicetest.Log
}

const secret = "hunter2-of-the-camera"

// each runs a test on every database, and on the real Redis together with PostgreSQL.
func each(t *testing.T, run func(t *testing.T, r *rig)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		set, err := outbox.Set()
		ok(t, err)
		ok(t, d.Migrate(t.Context(), set, live.Migrations()))
		r := &rig{db: d, redis: servicetest.Redis(t, d), log: &servicetest.Log{}, key: seal.NewKey(), now: time.Now(), anna: servicetest.Person(auth.User), bert: servicetest.Person(auth.User)}
		r.channels, err = live.Open(live.Config{DB: d, Redis: r.redis, Node: "node-1", Log: slog.New(slog.DiscardHandler)})
		ok(t, err)
		r.channel, err = r.channels.CreateChannel(t.Context(), r.anna, "anna", live.Changes{})
		ok(t, err)
		r.Service = r.open(t, r.key)
		run(t, r)
	})
}

// open is another process on the same backings, whose box has these keys.
func (r *rig) open(t testing.TB, keys ...[]byte) *Service {
	t.Helper()
	box, err := seal.New(keys[0], keys[1:]...)
	ok(t, err)
	s, err := Open(Config{DB: r.db, Redis: r.redis, Box: box, Channels: r.channels, Log: slog.New(slog.NewTextHandler(r.log, nil)), Now: func() time.Time { return r.now }, Check: func(url string) string {
		if !strings.HasPrefix(url, "rtsp") {
			return "is not an address of RTSP"
		}
		return ""
	}})
	ok(t, err)
	return s
}

func (r *rig) set(t testing.TB, mode string) Camera {
	t.Helper()
	c, err := r.Set(t.Context(), r.anna, r.channel.ID, 0, CameraChanges{URL: "rtsp://cam.example.org/1", Username: ptr("admin"), Password: ptr(secret), Mode: mode})
	ok(t, err)
	return c
}

func (r *rig) take(t testing.TB, node string, watched Demand) []Order {
	t.Helper()
	list, err := r.Take(t.Context(), node, watched)
	ok(t, err)
	return list
}

// whySays holds why a node is to pull the camera no more.
func (r *rig) whySays(t testing.TB, words string) {
	t.Helper()
	if got, err := r.Why(t.Context(), r.channel.ID); err != nil || got != words {
		t.Errorf("the reason is %q, %v", got, err)
	}
}

func nobody(string) (anybody, admitted bool) { return false, false }

func TestCamera(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		if c, err := r.Camera(ctx, r.anna, r.channel.ID); err != nil || c.Mode != None || c.Enabled {
			t.Errorf("where there is none: %+v %v", c, err)
		}
		if c := r.set(t, ""); c.Version != 1 || c.Mode != Watched || !c.Enabled || !c.Credentials {
			t.Errorf("%+v", c)
		}
		var sealed string
		ok(t, r.db.QueryRow(ctx, `SELECT credentials FROM live_cameras`).Scan(&sealed))
		if !seal.Sealed(sealed) || strings.Contains(sealed, secret) {
			t.Errorf("the database has %s", sealed)
		}
		good := CameraChanges{URL: "rtsp://cam.example.org/1", Mode: Always}
		c, err := r.Set(ctx, r.anna, r.channel.ID, 1, good)
		if err != nil || c.Version != 2 || c.Mode != Always || !c.Credentials {
			t.Errorf("%+v %v", c, err)
		}
		_, err = r.Set(ctx, r.anna, r.channel.ID, 1, good)
		want(t, err, fault.Precondition)
		for name, x := range map[string]CameraChanges{
			"another address":  {URL: "rtsp://mine.example.org/1"}, // else the password could be sent to anybody
			"no address":       {},
			"another protocol": {URL: "http://cam.example.org/1"},
			"a long address":   {URL: "rtsp://cam.example.org/" + strings.Repeat("a", urlMax)},
			"a mode":           {URL: good.URL, Mode: "never"},
			"no user":          {URL: good.URL, Password: ptr("x")},
			"a colon":          {URL: good.URL, Username: ptr("a:b"), Password: ptr("x")},
			"lines":            {URL: good.URL, Username: ptr("a"), Password: ptr("x\ny")},
		} {
			if _, err := r.Set(ctx, r.anna, r.channel.ID, 0, x); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		c, err = r.Set(ctx, r.anna, r.channel.ID, 0, CameraChanges{URL: "rtsp://open.example.org/1", Username: ptr("")})
		if err != nil || c.Credentials {
			t.Errorf("%+v %v", c, err)
		}
		for _, err := range []error{second(r.Camera(ctx, r.bert, r.channel.ID)), second(r.Set(ctx, r.bert, r.channel.ID, 0, good)), r.Delete(ctx, r.bert, r.channel.ID)} {
			want(t, err, fault.Denied)
		}
		ok(t, r.Delete(ctx, r.anna, r.channel.ID))
		want(t, r.Delete(ctx, r.anna, r.channel.ID), fault.NotFound)
	})
}

// One node pulls a camera, until it says no more that it does.
func TestTake(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.set(t, Always)
		list := r.take(t, "node-1", nobody)
		if len(list) != 1 || list[0] != (Order{Channel: r.channel.ID, Name: "anna", Version: 1, URL: "rtsp://cam.example.org/1", User: "admin", Password: secret}) {
			t.Fatalf("%+v", list)
		}
		for range 3 { // it is held as long as the node says so
			r.now = r.now.Add(lease * 6 / 10)
			if len(r.take(t, "node-1", nobody)) != 1 || len(r.take(t, "node-2", nobody)) != 0 {
				t.Error("the other node has it too")
			}
		}
		r.now = r.now.Add(lease)
		if len(r.take(t, "node-2", nobody)) != 1 || len(r.take(t, "node-1", nobody)) != 0 {
			t.Error("the node that is left does not get it")
		}
		ok(t, r.Release(ctx, "node-2"))
		if len(r.take(t, "node-1", nobody)) != 1 {
			t.Error("it is not released")
		}
		r.set(t, Watched)
		if len(r.take(t, "node-1", nobody)) != 0 {
			t.Error("nobody watches")
		}
		public := func(name string) (bool, bool) { return name == "anna", false }
		if len(r.take(t, "node-2", public)) != 1 {
			t.Error("somebody watches")
		}
		if len(r.take(t, "node-2", nobody)) != 0 {
			t.Error("nobody watches any more")
		}
		r.whySays(t, "nobody watched the camera any more")
		_, err := r.db.Exec(ctx, `UPDATE live_channels SET visibility='private'`)
		ok(t, err)
		if len(r.take(t, "node-2", public)) != 0 {
			t.Error("who may not watch it makes it run")
		}
		if len(r.take(t, "node-2", func(string) (bool, bool) { return true, true })) != 1 {
			t.Error("somebody with a pass watches")
		}
		off := false
		_, err = r.Set(ctx, r.anna, r.channel.ID, 0, CameraChanges{URL: "rtsp://cam.example.org/1", Mode: Always, Enabled: &off})
		ok(t, err)
		if len(r.take(t, "node-2", public)) != 0 {
			t.Error("it is off")
		}
		r.whySays(t, "the camera was turned off")
		ok(t, r.Delete(ctx, r.anna, r.channel.ID))
		r.whySays(t, "the camera was deleted")
	})
}

// Passwords outlive a change of the server's key, and not their channel; how a camera
// does is shown while somebody tells it.
func TestTidy(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.set(t, Always)
		told := CameraStatus{State: "waiting", Since: time.Now().UTC().Truncate(time.Second), Tries: 2, Error: "x"}
		key := seal.NewKey()
		list, err := r.open(t, key).Take(ctx, "node-1", nobody)
		if err != nil || len(list) != 0 || !strings.Contains(r.log.String(), "WEIR_SECRET_KEY") {
			t.Errorf("with another key: %v %v, log %s", list, err, r.log.String())
		}
		ok(t, r.open(t, key, r.key).things.Tidy(ctx))
		later := r.open(t, key)
		if list, err := later.Take(ctx, "node-1", nobody); err != nil || len(list) != 1 || list[0].Password != secret {
			t.Errorf("%+v %v", list, err)
		}
		ok(t, later.Report(ctx, nil))
		ok(t, later.Report(ctx, map[uuid.UUID]CameraStatus{r.channel.ID: told}))
		if c, err := later.Camera(ctx, r.anna, r.channel.ID); err != nil || c.Status == nil || *c.Status != told {
			t.Errorf("%+v %v", c.Status, err)
		}
		ok(t, r.channels.DeleteChannel(ctx, r.anna, r.channel.ID))
		ok(t, later.things.Tidy(ctx))
		var n int
		ok(t, r.db.QueryRow(ctx, `SELECT COUNT(*) FROM live_cameras`).Scan(&n))
		if n != 0 || strings.Contains(r.log.String(), secret) {
			t.Errorf("%d cameras of a channel that is gone, log %s", n, r.log.String())
		}
	})
}

// Every operation, from the first to the last.
func TestHTTP(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		h := httpd.New(httpd.Config{Service: "live", Verifier: servicetest.Tokens{"anna": r.anna, "bert": r.bert}})
		r.Routes(h)
		client := servicetest.Serve(t, h)
		path := "/api/v1/channels/" + r.channel.ID.String() + "/camera"
		ask := func(status int, method, token, body string, header ...string) (http.Header, map[string]any) {
			t.Helper()
			res, text := client.Call(t, method, path, token, body, header...)
			if res.StatusCode != status {
				t.Errorf("%s: %d %s, want %d", method, res.StatusCode, text, status)
			}
			if strings.Contains(string(text), "s1.") || strings.Contains(string(text), secret) || strings.Contains(string(text), "live_") {
				t.Errorf("%s shows %s", method, text)
			}
			var out map[string]any
			_ = json.Unmarshal(text, &out)
			return res.Header, out
		}
		const camera = `{"url":"rtsp://cam.example.org/1","username":"admin","password":"` + secret + `"}`
		ask(401, "GET", "", "")
		if header, got := ask(200, "GET", "anna", ""); header.Get("ETag") != "" || got["mode"] != None || got["enabled"] != false || got["created_at"] != nil {
			t.Errorf("where there is none: %v %v", header, got)
		}
		ask(422, "PUT", "anna", `{"mode":"always"}`)
		ask(200, "PUT", "anna", camera)
		header, got := ask(200, "GET", "anna", "")
		if header.Get("ETag") == "" || got["url"] != "rtsp://cam.example.org/1" || got["mode"] != Watched || got["has_credentials"] != true || got["created_at"] == nil {
			t.Errorf("%v %v", header, got)
		}
		ask(412, "PUT", "anna", camera, `If-Match: "7"`)
		ask(412, "PUT", "anna", camera) // somebody else was faster
		ask(200, "PUT", "anna", camera, "If-Match: *")
		header, _ = ask(200, "GET", "anna", "")
		ask(200, "PUT", "anna", camera, "If-Match: "+header.Get("ETag"))
		ask(403, "GET", "bert", "")
		ask(403, "PUT", "bert", camera)
		ask(403, "DELETE", "bert", "")
		ask(204, "DELETE", "anna", "")
		ask(404, "DELETE", "anna", "")
		if _, got := ask(200, "GET", "anna", ""); got["mode"] != None {
			t.Errorf("after it was deleted: %v", got)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func want(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }
