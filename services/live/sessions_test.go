package live

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/services/auth"
	"weir/services/fault"
)

// begin makes a session of a key that is on the air.
func (r *rig) begin(t *testing.T, key NewKey, end func(string)) *Broadcast {
	t.Helper()
	g, err := r.Admit(t.Context(), attempt(key.Secret))
	ok(t, err)
	b, err := r.Begin(Start{Grant: g, Protocol: "rtmp", At: r.clock.now(), End: end})
	ok(t, err)
	return b
}

func TestLifeOfASession(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, owner := t.Context(), someone(auth.User)
		c, key := r.keyed(t, owner, "anna")
		b := r.begin(t, key, nil)
		state := func(want State) {
			t.Helper()
			ok(t, r.flush(ctx))
			v, err := r.Session(ctx, owner, c.ID, b.ID)
			if err != nil || v.State != want {
				t.Errorf("%s, %v, want %s", v.State, err, want)
			}
		}
		state(Starting)
		if got := r.told(t); got != nil {
			t.Errorf("told before anybody can watch: %v", got)
		}
		r.Playable(b)
		state(OnAir)
		// A database that is away: what happens meanwhile is written afterwards, in order.
		away, cancel := context.WithCancel(ctx)
		cancel()
		r.Dropped(b)
		if r.flush(away) == nil {
			t.Error("written to a database that is away")
		}
		state(Reconnecting)
		r.Returned(b, b.Grant())
		state(OnAir)
		_, err := r.UpdateChannel(ctx, owner, c.ID, 0, Changes{Title: words("Otters")})
		ok(t, err)
		ok(t, r.look(ctx))
		if b.Info().Title != "Otters" || !b.Info().Listed {
			t.Errorf("%+v", b.Info())
		}
		r.clock.pass(time.Minute)
		r.Finish(b, "because", Stats{Bytes: 7, Frames: 60})
		r.Dropped(b) // nothing comes after the end
		state(Ended)
		ok(t, r.flush(ctx))
		if len(r.air.all()) != 0 {
			t.Error("an ended session is still in the air")
		}
		v, err := r.Session(ctx, owner, c.ID, b.ID)
		if err != nil || v.Reason != "because" || v.Stats.Bytes != 7 || v.Stats.Reconnects != 1 || v.Title != "Otters" || v.Ended.Sub(*v.Started) != time.Minute {
			t.Errorf("%+v, %v", v, err)
		}
		want := []string{"stream.started.v1", "stream.reconnecting.v1", "stream.updated.v1", "stream.ended.v1"}
		if got := r.told(t); !slices.Equal(got, want) {
			t.Errorf("events: %v", got)
		}
	})
}

// A session that nobody could ever watch is in the history and is told of by no event.
func TestFalseStart(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		owner := someone(auth.User)
		c, key := r.keyed(t, owner, "anna")
		b := r.begin(t, key, nil)
		r.Finish(b, "", Stats{})
		ok(t, r.flush(t.Context()))
		if v, err := r.Session(t.Context(), owner, c.ID, b.ID); err != nil || v.State != Ended {
			t.Errorf("%+v, %v", v, err)
		}
		if got := r.told(t); got != nil {
			t.Errorf("events: %v", got)
		}
		if b, err := r.Begin(Start{Grant: Grant{Name: "demo"}}); b != nil || err != nil {
			t.Errorf("without a channel: %v, %v", b, err)
		}
		r.Finish(nil, "", Stats{}) // and all that is said of it is well
		r.Playable(nil)
		if !(*Broadcast)(nil).Info().Listed {
			t.Error("a stream without a channel is not in lists")
		}
	})
}

// Everything that ends a session from outside, within one look.
func TestOrdersToEnd(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, owner, moderator := t.Context(), someone(auth.User), someone(auth.Moderator)
		for name, tt := range map[string]struct {
			do   func(c View, k NewKey) error
			word string
		}{
			"revoke": {func(c View, k NewKey) error { return r.RevokeKey(ctx, owner, c.ID, k.ID) }, "revoked"},
			"rotate": {func(c View, k NewKey) error { _, err := r.RotateKey(ctx, owner, c.ID, k.ID); return err }, "revoked"},
			"end":    {func(c View, _ NewKey) error { return r.End(ctx, owner, c.ID, "good night") }, "good night"},
			"ban":    {func(c View, _ NewKey) error { _, err := r.Ban(ctx, moderator, c.ID, "nasty"); return err }, "nasty"},
			"delete": {func(c View, _ NewKey) error { return r.DeleteChannel(ctx, owner, c.ID) }, "deleted"},
			"limit": {func(c View, _ NewKey) error {
				r.clock.pass(2 * time.Minute)
				return nil
			}, "limit of 60 s"},
		} {
			c, key := r.keyed(t, owner, name)
			_, err := r.UpdateChannel(ctx, owner, c.ID, 0, Changes{Limits: &Limits{Duration: 60}})
			ok(t, err)
			var ends []string
			b := r.begin(t, key, func(reason string) { ends = append(ends, reason) })
			ok(t, r.flush(ctx))
			ok(t, r.look(ctx))
			if ends != nil {
				t.Errorf("%s: ended before: %v", name, ends)
			}
			ok(t, tt.do(c, key))
			ok(t, r.look(ctx))
			ok(t, r.look(ctx))
			if len(ends) != 1 || !strings.Contains(ends[0], tt.word) {
				t.Errorf("%s: %q", name, ends)
			}
			r.Finish(b, "", Stats{})
			ok(t, r.flush(ctx))
		}
	})
}

// Sessions of a node that died are ended, and of no other.
func TestReap(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, owner := t.Context(), someone(auth.User)
		c, key := r.keyed(t, owner, "anna")
		b := r.begin(t, key, nil)
		r.Playable(b)
		ok(t, r.flush(ctx))
		ok(t, r.countAll(ctx)) // says that it lives
		other := r.open(t, Config{Node: "other"})
		missed := map[string]time.Time{}
		state := func(s *Service, want State) {
			t.Helper()
			ok(t, s.reap(ctx, missed))
			if v, err := r.Session(ctx, owner, c.ID, b.ID); err != nil || v.State != want {
				t.Errorf("%s, %v, want %s", v.State, err, want)
			}
		}
		state(other, OnAir)
		ok(t, r.redis.FlushDB(ctx).Err()) // emptied: nobody's session ends
		state(other, OnAir)
		r.clock.pass(reapAfter / 2)
		ok(t, r.countAll(ctx))
		state(other, OnAir)
		r.clock.pass(reapAfter)
		state(other, OnAir)
		ok(t, r.redis.Del(ctx, nodeKey("here")).Err()) // dead from now on
		state(other, OnAir)
		r.clock.pass(reapAfter)
		state(other, Ended)
		if got := r.told(t); !slices.Equal(got, []string{"stream.started.v1", "stream.ended.v1"}) {
			t.Errorf("events: %v", got)
		}
		ok(t, r.flush(ctx)) // its own node, should it live after all, changes nothing
		state(other, Ended)

		b = r.begin(t, key, nil)
		ok(t, r.flush(ctx))
		state(r.open(t, Config{Node: "restarted", Alone: true}), Ended)
	})
}

func TestViewers(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, owner := t.Context(), someone(auth.User)
		_, key := r.keyed(t, owner, "anna")
		b := r.begin(t, key, nil)
		const n = 10_000
		ids := make([]uint64, n)
		for i := range ids {
			ids[i] = uint64(i) * 0x9E3779B97F4A7C15
		}
		for range 3 { // each asks several times
			ok(t, r.Seen(ctx, b, ids))
			ok(t, r.count(ctx, b))
		}
		if got := b.Info().Viewers; got != n {
			t.Errorf("%d present, want %d", got, n)
		}
		r.clock.pass(presentFor + time.Second)
		ok(t, r.Seen(ctx, b, ids[:n/2]))
		ok(t, r.count(ctx, b))
		if got := b.Info().Viewers; got != n/2 {
			t.Errorf("%d present, want half of them", got)
		}
		ok(t, r.redis.FlushDB(ctx).Err())
		ok(t, r.count(ctx, b))
		var stats Stats
		b.viewers.fill(&stats)
		if off := math.Abs(float64(stats.Unique)-n) / n; off > 0.02 || stats.Peak != n || stats.Average != (3*n+n/2)/5.0 {
			t.Errorf("%+v", stats)
		}
	})
}

func TestHook(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		owner := someone(auth.User)
		_, key := r.keyed(t, owner, "anna")
		answer := func(w http.ResponseWriter, r *http.Request) {}
		var asked string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body := make([]byte, 4096)
			n, _ := req.Body.Read(body)
			asked = string(body[:n])
			answer(w, req)
		}))
		defer server.Close()
		s := r.open(t, Config{HookURL: server.URL + "/publish", Hook: server.Client()})
		for name, tt := range map[string]struct {
			answer http.HandlerFunc
			code   string // of a refusal; empty with words: cannot be answered
			words  string
		}{
			"yes": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "", ""},
			"no": {func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, `{"reason":"not today"}`, http.StatusForbidden)
			}, "hook", "not today"},
			"no words":  {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "\x00", http.StatusForbidden) }, "hook", "refused by the operator"},
			"broken":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "", "status 500"},
			"elsewhere": {func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, "/publish", http.StatusFound) }, "", "status 302"},
			"a long one": {func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, `{"reason":"`+strings.Repeat("x", 1<<20), http.StatusForbidden)
			}, "hook", "refused by the operator"},
		} {
			answer = tt.answer
			_, err := s.Admit(t.Context(), attempt(key.Secret))
			switch refused, is := err.(*Refusal); { //nolint:errorlint // Admit returns it as it is
			case tt.words == "":
				ok(t, err)
			case tt.code == "" && (!fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), tt.words)),
				tt.code != "" && (!is || refused.Code != tt.code || !strings.Contains(refused.Words, tt.words)):
				t.Errorf("%s: %v", name, err)
			}
			if strings.Contains(asked, key.Secret) || !strings.Contains(asked, `"name":"anna"`) {
				t.Errorf("%s: it was asked %s", name, asked)
			}
		}
		if _, err := Open(Config{DB: r.db, HookURL: "ftp://x"}); err == nil {
			t.Error("a hook that is no URL")
		}
	})
}

// RunNode writes what is left when it is told to stop.
func TestRunNode(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		owner := someone(auth.User)
		c, key := r.keyed(t, owner, "anna")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.RunNode(ctx) }()
		b := r.begin(t, key, nil)
		r.Playable(b)
		stop()
		r.Finish(b, "", Stats{})
		ok(t, <-done)
		if v, err := r.Session(t.Context(), owner, c.ID, b.ID); err != nil || v.State != Ended {
			t.Errorf("%+v, %v", v, err)
		}
	})
}
