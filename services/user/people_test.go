package user

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"weir/services/auth"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/redis/redistest"
	"weir/services/event"
	"weir/services/fault"

	"weir/services/backing/db"
	"weir/services/backing/redis"
)

// awayRedis is a Redis whose transactions fail.
type awayRedis struct{ auth.Redis }

var errAway = errors.New("away")

func (awayRedis) TxPipelined(context.Context, func(goredis.Pipeliner) error) ([]goredis.Cmder, error) {
	return nil, errAway
}

func TestProfile(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.person(t, "anna")
		name, bio := "Anna", "line one\nline two"
		links := []Link{{Title: "Home", URL: "https://example.org"}}
		own, err := r.Update(ctx, anna.who, anna.Version, Changes{DisplayName: &name, Bio: &bio, Links: &links})
		ok(t, err)
		if own.Version != anna.Version+1 || own.DisplayName != name || own.Bio != bio || !slices.Equal(own.Links, links) {
			t.Errorf("%+v", own)
		}
		other := "Somebody else's change"
		want(t, second(r.Update(ctx, anna.who, anna.Version, Changes{Bio: &other})), fault.Precondition)
		bad := "javascript:alert(1)"
		want(t, second(r.Update(ctx, anna.who, own.Version, Changes{Bio: &other, TimeZone: &bad})), fault.Invalid)
		p, err := r.ByUsername(ctx, "anna")
		ok(t, err)
		if p.Bio != bio || strings.Contains(text(t, p), "example.org\"") && strings.Contains(text(t, p), "anna@") {
			t.Errorf("%+v", p)
		}
		if e := events[event.UserUpdated](t, r); len(e) != 1 || e[0].Version != own.Version || e[0].DisplayName != name {
			t.Errorf("%+v", e)
		}
		for _, name := range []string{"nobody", "ANNA", "me", "x'--", strings.Repeat("x", 5000), ""} {
			want(t, second(r.ByUsername(ctx, name)), fault.NotFound)
		}
		want(t, second(r.User(ctx, uuid.Max)), fault.NotFound)
	})
}

// Ten changes of the same version at once: one is made.
func TestProfileAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.person(t, "anna")
		errs := make([]error, 10)
		var wait sync.WaitGroup
		for i := range errs {
			wait.Go(func() {
				bio := fmt.Sprint(i)
				_, errs[i] = r.Update(t.Context(), anna.who, anna.Version, Changes{Bio: &bio})
			})
		}
		wait.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else {
				want(t, err, fault.Precondition)
			}
		}
		if made != 1 {
			t.Errorf("%d were made", made)
		}
	})
}

func TestFollow(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		star := r.person(t, "star")
		fans := make([]person, 7)
		for i := range fans {
			fans[i] = r.person(t, fmt.Sprintf("fan%d", i))
			ok(t, r.Follow(ctx, fans[i].who, star.ID))
			ok(t, r.Follow(ctx, fans[i].who, star.ID)) // once more changes nothing
			if i%2 == 0 {
				r.clock.Pass(time.Second) // some at the same microsecond
			}
		}
		want(t, r.Follow(ctx, star.who, star.ID), fault.Invalid)
		want(t, r.Follow(ctx, star.who, uuid.Max), fault.NotFound)
		ok(t, r.Unfollow(ctx, fans[3].who, star.ID))
		ok(t, r.Unfollow(ctx, fans[3].who, star.ID))
		ok(t, r.Unfollow(ctx, fans[3].who, uuid.Max))
		p, err := r.User(ctx, star.ID)
		if err != nil || p.Followers != 6 {
			t.Errorf("%d followers, %v", p.Followers, err)
		}
		var names []string
		after := ""
		for range 4 {
			page, err := r.Followers(ctx, star.ID, after, 2)
			ok(t, err)
			for _, f := range page.Items {
				names = append(names, f.Username)
			}
			if after = page.Next; after == "" {
				break
			}
		}
		sorted := slices.Clone(names)
		slices.Sort(sorted)
		if len(names) != 6 || len(slices.Compact(sorted)) != 6 || names[0] != "fan6" || names[5] != "fan0" {
			t.Errorf("%v", names)
		}
		since, err := r.Follows(ctx, fans[0].who, star.ID)
		if err != nil || since.IsZero() {
			t.Error(since, err)
		}
		want(t, second(r.Follows(ctx, fans[3].who, star.ID)), fault.NotFound)
		page, err := r.Following(ctx, fans[0].who, fans[0].ID, "", 0)
		if err != nil || len(page.Items) != 1 || page.Items[0].ID != star.ID || page.Next != "" {
			t.Errorf("%+v %v", page, err)
		}
		want(t, second(r.Following(ctx, fans[0].who, fans[1].ID, "", 0)), fault.NotFound) // IDOR
		for _, bad := range []string{"x", "AAAA", strings.Repeat("_", 32), strings.Repeat("A", 100), "' OR 1=1"} {
			want(t, second(r.Followers(ctx, star.ID, bad, 2)), fault.Invalid)
		}
		want(t, second(r.Followers(ctx, uuid.Max, "", 2)), fault.NotFound)
		if f, u := events[event.UserFollowed](t, r), events[event.UserUnfollowed](t, r); len(f) != 7 || len(u) != 1 || u[0].UserID != fans[3].ID {
			t.Errorf("%d %d events", len(f), len(u))
		}
	})
}

// Two follow each other, again and again: no deadlock, and the numbers are right.
func TestFollowAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		a, b := r.person(t, "anna"), r.person(t, "bert")
		var wait sync.WaitGroup
		for _, p := range [][2]person{{a, b}, {b, a}, {a, b}, {b, a}} {
			wait.Go(func() {
				for range 10 {
					if err := errors.Join(r.Follow(ctx, p[0].who, p[1].ID), r.Unfollow(ctx, p[0].who, p[1].ID), r.Follow(ctx, p[0].who, p[1].ID)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		for _, p := range []person{a, b} {
			me, err := r.Me(ctx, p.who)
			ok(t, err)
			if me.Followers != 1 || me.Following != 1 {
				t.Errorf("%d followers, %d following", me.Followers, me.Following)
			}
		}
	})
}

func TestDelete(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna, bert, admin := r.person(t, "anna"), r.person(t, "bert"), r.admin(t, "chief")
		ok(t, r.Follow(ctx, anna.who, bert.ID))
		ok(t, r.Follow(ctx, bert.who, anna.ID))
		ok(t, r.RequestReset(ctx, here(), "anna@example.org"))
		link := token(t, events[event.UserPasswordResetRequested](t, r)[0].Link)
		want(t, r.DeleteMe(ctx, anna.who, here(), "wrong"), fault.Invalid)
		ok(t, r.DeleteMe(ctx, anna.who, here(), goodPassword))

		want(t, second(r.User(ctx, anna.ID)), fault.NotFound)
		want(t, second(r.ByUsername(ctx, "anna")), fault.NotFound)
		want(t, second(r.SignIn(ctx, here(), Credentials{Login: "anna", Password: goodPassword})), fault.Unauthenticated)
		want(t, second(r.Refresh(ctx, here(), anna.tokens.Refresh)), fault.Unauthenticated)
		want(t, r.Reset(ctx, here(), link, "three new words here"), fault.Invalid)
		want(t, r.Follow(ctx, bert.who, anna.ID), fault.NotFound)
		want(t, r.Follow(ctx, anna.who, admin.ID), fault.NotFound) // its access token may still live for a moment
		want(t, second(r.Update(ctx, anna.who, 0, Changes{})), fault.NotFound)
		want(t, second(r.SetRole(ctx, admin.who, here(), anna.ID, auth.Moderator)), fault.NotFound)
		want(t, r.Delete(ctx, admin.who, here(), anna.ID), fault.NotFound)
		_, err := r.Register(ctx, here(), Registration{Username: "anna", Email: "x@example.org", Password: goodPassword})
		want(t, err, fault.Conflict) // the name is nobody else's
		_, err = r.Register(ctx, here(), Registration{Username: "anna2", Email: "anna@example.org", Password: goodPassword})
		ok(t, err) // the address is
		if e := events[event.UserDeleted](t, r); len(e) != 1 || e[0].UserID != anna.ID {
			t.Errorf("%+v", e)
		}

		r.keep(ctx)
		tomb, err := r.Inspect(ctx, admin.who, anna.ID)
		ok(t, err)
		if s := text(t, tomb); strings.Contains(s, "anna") || tomb.Deleted == nil || tomb.Followers != 0 || tomb.Following != 0 {
			t.Errorf("tombstone %s", s)
		}
		me, err := r.Me(ctx, bert.who)
		if err != nil || me.Followers != 0 || me.Following != 0 {
			t.Errorf("%+v %v", me, err)
		}
		log, err := r.SecurityEvents(ctx, admin.who, anna.ID, "", 0)
		ok(t, err)
		if s := text(t, log); strings.Contains(s, "198.51.100.7") {
			t.Error("addresses are kept")
		}
		ok(t, r.Delete(ctx, admin.who, here(), bert.ID))
	})
}

func TestAdmin(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		chief, anna := r.admin(t, "chief"), r.person(t, "anna")
		v := r.verifier(t, r.Keys())

		want(t, second(r.SetRole(ctx, chief.who, here(), chief.ID, auth.User)), fault.Conflict)
		want(t, second(r.Suspend(ctx, chief.who, here(), chief.ID, nil, "x")), fault.Conflict)
		want(t, r.Delete(ctx, chief.who, here(), chief.ID), fault.Conflict)
		want(t, r.DeleteMe(ctx, chief.who, here(), goodPassword), fault.Conflict)
		want(t, second(r.SetRole(ctx, chief.who, here(), anna.ID, "root")), fault.Invalid)

		r.clock.Pass(time.Second)
		own, err := r.SetRole(ctx, chief.who, here(), anna.ID, auth.Moderator)
		ok(t, err)
		if own.Role != auth.Moderator {
			t.Error(own.Role)
		}
		heard := events[event.UserSecurity](t, r) // what the live-service takes passes back by
		if last := heard[len(heard)-1]; last.Kind != event.RoleChanged || last.UserID != anna.ID {
			t.Errorf("%+v", last)
		}
		ok(t, v.Sync(ctx))
		if _, err := v.Verify(ctx, anna.tokens.Access); !errors.Is(err, auth.ErrRevoked) {
			t.Errorf("the old role still counts: %v", err)
		}
		r.clock.Pass(time.Second)
		tok, err := r.Refresh(ctx, here(), anna.tokens.Refresh)
		ok(t, err)
		if who, err := v.Verify(ctx, tok.Access); err != nil || who.Role != auth.Moderator {
			t.Errorf("%v %v", who.Role, err)
		}

		until := r.clock.Now().Add(time.Hour)
		past := r.clock.Now()
		want(t, second(r.Suspend(ctx, chief.who, here(), anna.ID, &past, "x")), fault.Invalid)
		want(t, second(r.Suspend(ctx, chief.who, here(), anna.ID, nil, " ")), fault.Invalid)
		_, err = r.Suspend(ctx, chief.who, here(), anna.ID, &until, "spam")
		ok(t, err)
		ok(t, v.Sync(ctx))
		if _, err := v.Verify(ctx, tok.Access); !errors.Is(err, auth.ErrRevoked) {
			t.Errorf("suspended: %v", err)
		}
		_, err = r.SignIn(ctx, here(), Credentials{Login: "anna", Password: goodPassword})
		want(t, err, fault.Denied)
		if !strings.Contains(fault.From(err).Detail, "spam") {
			t.Error(err)
		}
		want(t, second(r.SignIn(ctx, here(), Credentials{Login: "anna", Password: "wrong"})), fault.Unauthenticated)
		list, err := r.List(ctx, chief.who, Filter{State: "suspended"}, "", 0)
		if err != nil || len(list.Items) != 1 || list.Items[0].Suspension == nil {
			t.Errorf("%+v %v", list, err)
		}
		r.clock.Pass(time.Hour)
		r.enter(t, anna.Own) // it has ended by itself
		_, err = r.Suspend(ctx, chief.who, here(), anna.ID, nil, "spam again")
		ok(t, err)
		_, err = r.Unsuspend(ctx, chief.who, here(), anna.ID)
		ok(t, err)
		r.enter(t, anna.Own)
		if e := events[event.UserSuspended](t, r); len(e) != 3 || !e[0].Suspended || e[2].Suspended || e[0].ByUserID != chief.ID || e[0].Until == nil {
			t.Errorf("%+v", e)
		}
	})
}

func TestList(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		chief := r.admin(t, "chief")
		for i := range 5 {
			r.register(t, fmt.Sprintf("a_%d", i))
		}
		r.register(t, "axb")
		names := func(f Filter, limit int) (names []string) {
			t.Helper()
			for after := ""; ; {
				page, err := r.List(ctx, chief.who, f, after, limit)
				ok(t, err)
				for _, o := range page.Items {
					names = append(names, o.Username)
				}
				if after = page.Next; after == "" {
					return names
				}
			}
		}
		for _, c := range []struct {
			f     Filter
			limit int
			n     int
		}{
			{Filter{}, 3, 7}, {Filter{Prefix: "a_"}, 2, 5}, {Filter{Prefix: "A_3"}, 0, 1}, {Filter{Prefix: "%"}, 0, 0}, {Filter{Prefix: `\`}, 0, 0},
			{Filter{Prefix: "axb@exam"}, 0, 1}, {Filter{Prefix: "' OR '1'='1"}, 0, 0}, {Filter{Role: auth.Admin}, 0, 1}, {Filter{State: "active"}, 0, 7},
			{Filter{State: "deleted"}, 0, 0}, {Filter{State: "suspended"}, 0, 0}, {Filter{Prefix: "a", Role: auth.User, State: "active"}, 1, 6},
		} {
			if got := names(c.f, c.limit); len(got) != c.n {
				t.Errorf("%+v: %v", c.f, got)
			}
		}
	})
}

// Two admins take the role from each other at the same time: one stays.
func TestLastAdmin(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		a, b := r.admin(t, "first-chief"), r.admin(t, "second-chief")
		var wait sync.WaitGroup
		var errs [2]error
		wait.Go(func() { _, errs[0] = r.SetRole(ctx, a.who, here(), b.ID, auth.User) })
		wait.Go(func() { _, errs[1] = r.SetRole(ctx, b.who, here(), a.ID, auth.User) })
		wait.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("%v, %v", errs[0], errs[1])
		}
	})
}

func TestOperator(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		password, err := r.First(ctx, "chief", "chief@example.org")
		ok(t, err)
		tok, err := r.SignIn(ctx, here(), Credentials{Login: "chief", Password: password})
		if err != nil || tok.User.Role != auth.Admin || !tok.User.EmailVerified {
			t.Fatalf("%+v %v", tok.User, err)
		}
		again, err := r.First(ctx, "chief2", "chief2@example.org")
		if err != nil || again != "" {
			t.Errorf("a second first: %v", err)
		}
		next, err := r.ResetPassword(ctx, "chief")
		ok(t, err)
		want(t, second(r.Refresh(ctx, here(), tok.Refresh)), fault.Unauthenticated)
		_, err = r.SignIn(ctx, here(), Credentials{Login: "chief", Password: next})
		ok(t, err)
		want(t, second(r.ResetPassword(ctx, "nobody")), fault.NotFound)
		id, err := r.Lookup(ctx, "chief")
		ok(t, err)
		list, err := r.List(ctx, Operator(), Filter{}, "", 0)
		if err != nil || len(list.Items) != 1 || list.Items[0].ID != id {
			t.Errorf("%+v %v", list, err)
		}
	})
}

// Not even an admin's token of a user gets what is of others.
func TestOthersAreNotFound(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna, bert, chief := r.person(t, "anna"), r.person(t, "bert"), r.admin(t, "chief")
		want(t, second(r.SecurityEvents(ctx, bert.who, anna.ID, "", 0)), fault.NotFound)
		want(t, second(r.Following(ctx, bert.who, anna.ID, "", 0)), fault.NotFound)
		want(t, r.EndSession(ctx, bert.who, here(), anna.tokens.Session), fault.NotFound)
		want(t, r.EndSession(ctx, chief.who, here(), anna.tokens.Session), fault.NotFound)
		for _, role := range []auth.Role{auth.User, auth.Moderator, ""} {
			who := bert.who
			who.Role = role
			want(t, second(r.List(ctx, who, Filter{}, "", 0)), fault.Denied)
			want(t, second(r.Inspect(ctx, who, anna.ID)), fault.Denied)
			want(t, second(r.Suspend(ctx, who, here(), anna.ID, nil, "x")), fault.Denied)
			want(t, second(r.Unsuspend(ctx, who, here(), anna.ID)), fault.Denied)
			want(t, second(r.SetRole(ctx, who, here(), bert.ID, auth.Admin)), fault.Denied)
			want(t, r.Delete(ctx, who, here(), anna.ID), fault.Denied)
		}
		page, err := r.SecurityEvents(ctx, chief.who, anna.ID, "", 1)
		if err != nil || len(page.Items) != 1 || page.Next == "" || page.Items[0].Kind != kindSignedIn {
			t.Errorf("%+v %v", page, err)
		}
		page, err = r.SecurityEvents(ctx, anna.who, anna.ID, page.Next, 1)
		if err != nil || len(page.Items) != 1 || page.Items[0].Kind != kindRegistered || page.Next != "" {
			t.Errorf("%+v %v", page, err)
		}
	})
}

func TestLimits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		redistest.Each(t, func(t *testing.T, c *redis.Client) {
			few := Rate{3, time.Hour}
			l := plenty()
			r := newRig(t, d, c, l)
			ctx := t.Context()
			name := "u" + strings.ToLower(strings.ReplaceAll(uuid.NewString(), "-", ""))[:12]
			anna := r.person(t, name)
			there := Peer{Address: netip.MustParseAddr("2001:db8::7")}
			s := r.open(t, Limits{few, few, few, few, few, few, few, few, few})
			for what, do := range map[string]func() error{
				"register": func() error { return second(s.Register(ctx, there, Registration{})) },
				"sign in":  func() error { return second(s.SignIn(ctx, there, Credentials{Login: "nobody", Password: "x"})) },
				"refresh":  func() error { return second(s.Refresh(ctx, there, "x")) },
				"mail":     func() error { return s.RequestReset(ctx, there, "nobody@example.org") },
				"token":    func() error { return s.VerifyEmail(ctx, there, "x") },
				"password": func() error { return s.ChangePassword(ctx, anna.who, there, "x", "y") },
				"change":   func() error { return second(s.Update(ctx, anna.who, 1000, Changes{})) },
				"follow":   func() error { return s.Follow(ctx, anna.who, uuid.Max) },
			} {
				for range few.Count {
					if err := do(); fault.Is(err, fault.Limited) {
						t.Errorf("%s: %v too early", what, err)
					}
				}
				err := do()
				if !fault.Is(err, fault.Limited) || fault.From(err).RetryAfter < time.Second {
					t.Errorf("%s: %v", what, err)
				}
			}
			// Another address and another account have their own.
			want(t, second(s.SignIn(ctx, Peer{}, Credentials{Login: "nobody", Password: "x"})), fault.Unauthenticated)
		})
	})
}

// Without Redis nobody may guess passwords.
func TestLimitsFailClosed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := redistest.Embedded(t)
		r := newRig(t, d, c, plenty())
		r.register(t, "anna")
		ok(t, c.Close())
		want(t, second(r.SignIn(t.Context(), here(), Credentials{Login: "anna", Password: goodPassword})), fault.Unavailable)
	})
}

func TestRunEnds(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		cancel()
		ok(t, <-done)
	})
}

// Old rows go, those in use stay.
func TestDrop(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.person(t, "anna")
		r.clock.Pass(RefreshLife + endedLife + time.Hour)
		bert := r.person(t, "bert")
		ok(t, r.EndSessions(ctx, bert.who, here(), false))
		r.keep(ctx)
		count := func(table string) (n int) {
			ok(t, r.db.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&n))
			return n
		}
		if s, m, v, e := count("user_sessions"), count("user_mail_tokens"), count("user_revocations"), count("user_security_events"); s != 1 || m != 1 || v != 1 || e != 5 {
			t.Errorf("%d sessions, %d mail tokens, %d revocations, %d events", s, m, v, e)
		}
		r.clock.Pass(auditLife + time.Second)
		r.keep(ctx)
		if s, m, v, e := count("user_sessions"), count("user_mail_tokens"), count("user_revocations"), count("user_security_events"); s+m+v+e != 0 {
			t.Errorf("%d sessions, %d mail tokens, %d revocations, %d events", s, m, v, e)
		}
	})
}
