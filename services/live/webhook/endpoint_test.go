package webhook

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/servicetest"
)

func TestURLs(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		strict, err := Open(Config{DB: r.db, Box: r.box, Channels: r.who})
		ok(t, err)
		for url, c := range map[string]struct{ strict, here bool }{
			"https://example.org/hook?a=b": {true, true}, "https://example.org:8443": {true, true}, "https://8.8.8.8/": {true, true},
			"http://example.org/": {false, true}, "http://127.0.0.1/": {false, true}, "https://127.0.0.1/": {false, true}, // a name is looked at when it is dialed
			"https://10.0.0.1/": {}, "https://[::1]/": {}, "https://[::ffff:169.254.169.254]/": {}, "https://user:hunter2@example.org/": {}, "ftp://example.org/": {}, "//example.org/": {}, "": {}, "https://": {},
			"https://exa mple.org/": {}, "https://exämple.org/": {}, "https://example.org/\x00": {}, "https://example.org/" + strings.Repeat("x", urlMax): {}, "gopher://127.0.0.1/": {}, "file:///etc/passwd": {},
		} {
			for s, wanted := range map[*Service]bool{strict: c.strict, r.Service: c.here} {
				e, err := s.Create(t.Context(), r.anna, r.channel, EndpointChanges{URL: &url})
				if wanted && err == nil {
					ok(t, s.Delete(t.Context(), r.anna, r.channel, e.ID))
					continue
				}
				if wanted || !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%.80s: %v", url, err)
				}
			}
		}
	})
}

func TestTypes(t *testing.T) {
	for text, c := range map[string]struct{ channel, all bool }{
		"stream.started.v1": {true, true}, "stream.*": {true, true}, "*": {true, true}, "channel.deleted.v1": {true, true}, "user.*": {false, true}, "user.followed.v1": {false, true},
		"user.password_reset_requested.v1": {}, "user.email_verification_requested.v1": {}, "stream": {}, "stream.": {}, "str*": {}, "": {}, "*.v1": {}, "stream.started.v2": {}, "**": {}, ".*": {},
	} {
		for all, wanted := range map[bool]bool{false: c.channel, true: c.all} {
			if _, problem := checkTypes([]string{text}, all); (problem == "") != wanted {
				t.Errorf("%q for all %v: %q", text, all, problem)
			}
		}
	}
	if _, problem := checkTypes(make([]string, typesMax+1), true); problem == "" {
		t.Error("too many types are taken")
	}
}

// Everybody but who manages it is turned away, and an endpoint is found under its own
// channel only.
func TestRights(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		e := r.hook(t)
		r.tell(t, r.started())
		d := r.deliveries(t, e)[0]
		ben := servicetest.Person(auth.User)
		r.who[r.other] = ben.User
		for name, c := range map[string]struct {
			who     auth.Identity
			channel uuid.UUID
			code    fault.Code
		}{
			"stranger": {ben, r.channel, fault.Denied}, "other channel": {ben, r.other, fault.NotFound}, "no channel": {r.anna, newID(), fault.NotFound},
			"installation": {r.anna, uuid.Nil, fault.Denied}, "admin elsewhere": {r.admin, uuid.Nil, fault.NotFound},
		} {
			ctx := t.Context()
			_, get := r.Endpoint(ctx, c.who, c.channel, e.ID)
			_, change := r.Update(ctx, c.who, c.channel, e.ID, 0, EndpointChanges{Enabled: ptr(false)})
			_, rotate := r.Rotate(ctx, c.who, c.channel, e.ID)
			_, ping := r.Ping(ctx, c.who, c.channel, e.ID)
			_, log := r.Deliveries(ctx, c.who, c.channel, e.ID, "", 0)
			_, again := r.Redeliver(ctx, c.who, c.channel, e.ID, d.ID)
			for what, err := range map[string]error{"get": get, "change": change, "rotate": rotate, "ping": ping, "log": log, "again": again, "delete": r.Delete(ctx, c.who, c.channel, e.ID)} {
				if !fault.Is(err, c.code) {
					t.Errorf("%s, %s: %v, want %s", name, what, err, c.code)
				}
			}
		}
		_, err := r.Endpoints(t.Context(), ben, r.channel)
		want(t, err, fault.Denied)
		_, err = r.Create(t.Context(), ben, r.channel, EndpointChanges{URL: ptr("https://example.org")})
		want(t, err, fault.Denied)
		_, err = r.Create(t.Context(), r.anna, uuid.Nil, EndpointChanges{URL: ptr("https://example.org")})
		want(t, err, fault.Denied)
		if x := r.endpoint(t, e); x.Version != 1 || !x.Enabled {
			t.Errorf("%+v", x)
		}
	})
}

func TestLimitsAndVersions(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		var e NewEndpoint
		for range PerChannel {
			e = r.hook(t)
		}
		_, err := r.Create(t.Context(), r.anna, r.channel, EndpointChanges{URL: ptr("https://example.org")})
		want(t, err, fault.Conflict)
		_, err = r.Create(t.Context(), r.anna, r.channel, EndpointChanges{})
		want(t, err, fault.Invalid)
		x, err := r.Update(t.Context(), r.anna, r.channel, e.ID, 1, EndpointChanges{Types: &[]string{"stream.*"}})
		if err != nil || x.Version != 2 || len(x.Types) != 1 || !x.Enabled {
			t.Errorf("%+v %v", x, err)
		}
		_, err = r.Update(t.Context(), r.anna, r.channel, e.ID, 1, EndpointChanges{Enabled: ptr(false)})
		want(t, err, fault.Precondition)
		list, err := r.Endpoints(t.Context(), r.anna, r.channel)
		if err != nil || len(list) != PerChannel {
			t.Errorf("%d %v", len(list), err)
		}
	})
}

func TestPingAndRedeliver(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		e := r.hook(t, "key.*")
		p, err := r.Ping(t.Context(), r.anna, r.channel, e.ID)
		ok(t, err)
		_, err = r.Redeliver(t.Context(), r.anna, r.channel, e.ID, p.ID)
		want(t, err, fault.Conflict)
		r.send(t)
		d, err := r.Redeliver(t.Context(), r.anna, r.channel, e.ID, p.ID)
		if err != nil || d.ID == p.ID || d.Event != p.Event {
			t.Fatalf("%+v %v", d, err)
		}
		r.send(t)
		got := r.to.all()
		if len(got) != 2 || got[0].id != got[1].id || got[0].body != got[1].body || !strings.Contains(got[0].body, `"webhook.ping.v1"`) {
			t.Errorf("%+v", got)
		}
		signed(t, got[1], e.Secret)
		_, err = r.Redeliver(t.Context(), r.anna, r.channel, e.ID, newID())
		want(t, err, fault.NotFound)
		_, err = r.Update(t.Context(), r.anna, r.channel, e.ID, 0, EndpointChanges{Enabled: ptr(false)})
		ok(t, err)
		_, err = r.Ping(t.Context(), r.anna, r.channel, e.ID)
		want(t, err, fault.Conflict)
	})
}

// What waits for an endpoint that is turned off fails; the log is bounded by number and age.
func TestBounds(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		e := r.hook(t)
		ok(t, r.within(t.Context(), func(ctx context.Context, st store) error {
			for range keepEach + 5 {
				if _, err := st.add(ctx, e.ID, "1", "stream.started.v1", "{}", r.clock.Now()); err != nil {
					return err
				}
			}
			return nil
		}))
		_, err := r.Ping(t.Context(), r.anna, r.channel, e.ID)
		want(t, err, fault.Conflict)
		newest := r.deliveries(t, e)[0].ID
		ok(t, r.tidy(t.Context()))
		count := func() (n int) {
			ok(t, r.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM live_webhook_deliveries`).Scan(&n))
			return n
		}
		if n := count(); n != keepEach || r.deliveries(t, e)[0].ID != newest {
			t.Errorf("%d are left", n)
		}
		_, err = r.Update(t.Context(), r.anna, r.channel, e.ID, 0, EndpointChanges{Enabled: ptr(false)})
		ok(t, err)
		if d := r.deliveries(t, e)[0]; d.State != Failed || d.Error != "the webhook was turned off" {
			t.Errorf("%+v", d)
		}
		r.send(t)
		r.clock.Pass(keepFor + time.Second)
		ok(t, r.tidy(t.Context()))
		if n := count(); n != 0 || len(r.to.all()) != 0 {
			t.Errorf("%d are left, %d were sent", n, len(r.to.all()))
		}
	})
}

// The end of a channel is told, then its endpoints are gone.
func TestChannelDeleted(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.hook(t)
		r.tell(t, event.ChannelDeleted{ChannelID: r.channel, Name: "anna"})
		r.tell(t, r.started())
		if list, err := r.Endpoints(t.Context(), r.anna, r.channel); err != nil || len(list) != 0 {
			t.Errorf("%+v %v", list, err)
		}
		r.send(t)
		if got := r.to.all(); len(got) != 1 || !strings.Contains(got[0].body, "channel.deleted.v1") {
			t.Errorf("%+v", got)
		}
		r.clock.Pass(giveUp + 2*time.Hour)
		ok(t, r.tidy(t.Context()))
		n := 0
		ok(t, r.db.QueryRow(t.Context(), `SELECT (SELECT COUNT(*) FROM live_webhooks) + (SELECT COUNT(*) FROM live_webhook_deliveries)`).Scan(&n))
		if n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}
