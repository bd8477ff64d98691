package user

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/event"
	"weir/services/fault"
)

func TestRegister(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		own, err := r.Register(ctx, here(), Registration{Username: "anna", Email: "Anna@Example.org", Password: goodPassword, Language: "de", TimeZone: "Europe/Berlin"})
		ok(t, err)
		if own.Username != "anna" || own.Email != "Anna@example.org" || own.EmailVerified || own.Role != auth.User || own.Version != 1 || own.Language != "de" {
			t.Errorf("%+v", own)
		}
		_, err = r.Register(ctx, here(), Registration{Username: "anna", Email: "b@example.org", Password: goodPassword})
		want(t, err, fault.Conflict)
		_, err = r.Register(ctx, here(), Registration{Username: "bert", Email: "ANNA@example.ORG", Password: goodPassword})
		want(t, err, fault.Conflict)
		r.register(t, "bert") // the failed one has not taken the name
		_, err = r.Register(ctx, here(), Registration{Username: "Ädmin", Email: "x", Password: "1", Language: "?", TimeZone: "?"})
		want(t, err, fault.Invalid)
		if n := len(fault.From(err).Fields); n != 5 {
			t.Errorf("%d problems told: %v", n, err)
		}
		if e := events[event.UserRegistered](t, r); len(e) != 2 || e[0].UserID != own.ID || e[0].Email != own.Email {
			t.Errorf("events %+v", e)
		}
		mails := events[event.UserEmailVerificationRequested](t, r)
		if len(mails) != 2 || !strings.HasPrefix(mails[0].Link, "https://tv.example.org/verify-email#token=") {
			t.Fatalf("%d mails", len(mails))
		}
		if strings.Contains(r.log.String(), token(t, mails[0].Link)) {
			t.Error("a token is in the log")
		}
	})
}

// The same name and address at once: one gets it, with everything that belongs to it.
func TestRegisterAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		var wait sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wait.Go(func() {
				_, errs[i] = r.Register(t.Context(), here(), Registration{Username: "anna", Email: "anna@example.org", Password: goodPassword})
			})
		}
		wait.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				want(t, err, fault.Conflict)
			}
		}
		if won != 1 || len(events[event.UserRegistered](t, r)) != 1 {
			t.Errorf("%d won, %d events", won, len(events[event.UserRegistered](t, r)))
		}
	})
}

func TestVerifyEmail(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.person(t, "anna")
		first := token(t, events[event.UserEmailVerificationRequested](t, r)[0].Link)
		ok(t, r.RequestVerification(ctx, anna.who, here()))
		second := token(t, events[event.UserEmailVerificationRequested](t, r)[1].Link)
		for _, bad := range []string{"", "x", first, second + "x", strings.ToLower(second), strings.Repeat("A", mailTokenLen)} {
			want(t, r.VerifyEmail(ctx, here(), bad), fault.Invalid)
		}
		want(t, r.Reset(ctx, here(), second, "another good passphrase"), fault.Invalid) // for something else
		ok(t, r.VerifyEmail(ctx, here(), second))
		want(t, r.VerifyEmail(ctx, here(), second), fault.Invalid)
		want(t, r.RequestVerification(ctx, anna.who, here()), fault.Conflict)
		me, err := r.Me(ctx, anna.who)
		ok(t, err)
		if !me.EmailVerified || len(events[event.UserVerified](t, r)) != 1 {
			t.Errorf("%+v", me)
		}
		bert := r.person(t, "bert")
		late := events[event.UserEmailVerificationRequested](t, r)
		r.clock.Pass(VerifyLife)
		want(t, r.VerifyEmail(ctx, here(), token(t, late[len(late)-1].Link)), fault.Invalid)
		me, err = r.Me(ctx, bert.who)
		if err != nil || me.EmailVerified {
			t.Errorf("%v %v", me.EmailVerified, err)
		}
	})
}

func TestChangeEmail(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna, bert := r.person(t, "anna"), r.person(t, "bert")
		want(t, r.ChangeEmail(ctx, anna.who, here(), "wrong", "new@example.org"), fault.Invalid)
		want(t, r.ChangeEmail(ctx, anna.who, here(), goodPassword, "bert@example.org"), fault.Conflict)
		want(t, r.ChangeEmail(ctx, anna.who, here(), goodPassword, "a@b"), fault.Invalid)
		ok(t, r.ChangeEmail(ctx, anna.who, here(), goodPassword, "New@Example.org"))
		me, err := r.Me(ctx, anna.who)
		ok(t, err)
		if me.Email != "anna@example.org" {
			t.Errorf("changed before it was proven: %s", me.Email)
		}
		mails := events[event.UserEmailVerificationRequested](t, r)
		link := mails[len(mails)-1]
		if link.Email != "New@example.org" {
			t.Errorf("mail to %s", link.Email)
		}
		ok(t, r.VerifyEmail(ctx, here(), token(t, link.Link)))
		_, err = r.SignIn(ctx, here(), Credentials{Login: "new@example.org", Password: goodPassword})
		ok(t, err)
		_, err = r.SignIn(ctx, here(), Credentials{Login: "anna@example.org", Password: goodPassword})
		want(t, err, fault.Unauthenticated)
		// Taken while the mail was under way.
		ok(t, r.ChangeEmail(ctx, anna.who, here(), goodPassword, "third@example.org"))
		ok(t, r.ChangeEmail(ctx, bert.who, here(), goodPassword, "third@example.org"))
		mails = events[event.UserEmailVerificationRequested](t, r)
		ok(t, r.VerifyEmail(ctx, here(), token(t, mails[len(mails)-1].Link)))
		want(t, r.VerifyEmail(ctx, here(), token(t, mails[len(mails)-2].Link)), fault.Conflict)
	})
}

func TestSignIn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		own := r.register(t, "anna")
		for _, login := range []string{"anna", "ANNA", " anna ", "anna@example.org", "Anna@EXAMPLE.org"} {
			tok, err := r.SignIn(ctx, here(), Credentials{Login: login, Password: goodPassword})
			ok(t, err)
			who, err := r.verifier(t, r.Keys()).Verify(ctx, tok.Access)
			ok(t, err)
			if who.User != own.ID || who.Session != tok.Session || who.Username != "anna" || who.Role != auth.User || who.Verified || !who.Expires.Equal(r.clock.Now().Add(AccessLife)) {
				t.Errorf("%+v", who)
			}
		}
		var details []string
		for login, password := range map[string]string{
			"anna": "wrong", "nobody": goodPassword, "nobody@example.org": goodPassword, "' OR 1=1 --": "x", "аnna": goodPassword,
			strings.Repeat("x", 200): "x", "anna@example.org ": "", "": "", "anna\x00": goodPassword,
		} {
			_, err := r.SignIn(ctx, Peer{Address: netip.MustParseAddr("203.0.113.5")}, Credentials{Login: login, Password: password})
			want(t, err, fault.Unauthenticated)
			details = append(details, fault.From(err).Detail)
		}
		if slices.Sort(details); details[0] != details[len(details)-1] {
			t.Errorf("answers differ: %q", details)
		}
		log, err := r.SecurityEvents(ctx, auth.Identity{User: own.ID}, own.ID, "", 100)
		ok(t, err)
		kinds := map[string]int{}
		for _, e := range log.Items {
			kinds[e.Kind]++
		}
		if kinds[kindRegistered] != 1 || kinds[kindSignedIn] != 5 || kinds[kindSignInFailed] != 2 {
			t.Errorf("audit log %v", kinds)
		}
	})
}

func TestHashIsUpgraded(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.person(t, "anna")
		hash := func() string {
			a, err := r.store().account(t.Context(), anna.ID)
			ok(t, err)
			return a.PasswordHash
		}
		before := hash()
		r.enter(t, anna.Own)
		if hash() != before {
			t.Error("made anew without a reason")
		}
		r.hasher.cost.passes = 2
		r.enter(t, anna.Own)
		if after := hash(); !strings.Contains(after, "t=2") {
			t.Errorf("not upgraded: %s", after)
		}
		r.enter(t, anna.Own)
	})
}

func TestLockout(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.register(t, "anna")
		try := func(from, login, password string) error {
			_, err := r.SignIn(ctx, Peer{Address: netip.MustParseAddr(from)}, Credentials{Login: login, Password: password})
			return err
		}
		for _, login := range []string{"anna", "anna@example.org", "anna", "anna", "ANNA"} {
			want(t, try("203.0.113.9", login, "wrong"), fault.Unauthenticated)
		}
		wait := time.Duration(0)
		for i := range 4 { // each pause is longer
			err := try("203.0.113.9", "anna", goodPassword)
			want(t, err, fault.Limited)
			pause := fault.From(err).RetryAfter
			if pause <= wait {
				t.Errorf("pause %d is %v after %v", i, pause, wait)
			}
			wait = pause
			r.clock.Pass(pause)
			want(t, try("203.0.113.9", "anna", "wrong"), fault.Unauthenticated)
		}
		ok(t, try("203.0.113.10", "anna", goodPassword)) // others are not kept out
		r.clock.Pass(20 * time.Minute)
		ok(t, try("203.0.113.9", "anna", goodPassword))
		want(t, try("203.0.113.9", "anna", "wrong"), fault.Unauthenticated) // forgiven
		want(t, try("203.0.113.9", "anna", "wrong"), fault.Unauthenticated)

		for range 5 { // names that nobody has behave alike
			want(t, try("203.0.113.9", "nobody", "wrong"), fault.Unauthenticated)
		}
		want(t, try("203.0.113.9", "nobody", "wrong"), fault.Limited)

		for i := range 60 { // from everywhere, IPv6 too
			err := try(fmt.Sprintf("2001:db8:%x::1", i), "anna", "wrong")
			if i >= 50 {
				want(t, err, fault.Limited)
			}
		}
	})
}

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		v := r.verifier(t, r.Keys())
		anna, bert := r.person(t, "anna"), r.person(t, "bert")
		phone := r.enter(t, anna.Own)
		list, err := r.Sessions(ctx, anna.who)
		ok(t, err)
		if len(list) != 2 || list[0].ID != phone.tokens.Session || list[0].Current || !list[1].Current || list[0].Address != "198.51.100.7" || list[0].UserAgent != "test/1.0" {
			t.Errorf("%+v", list)
		}
		want(t, r.EndSession(ctx, bert.who, here(), phone.tokens.Session), fault.NotFound)
		want(t, r.EndSession(ctx, anna.who, here(), uuid.Max), fault.NotFound)
		ok(t, r.EndSession(ctx, anna.who, here(), phone.tokens.Session))
		want(t, r.EndSession(ctx, anna.who, here(), phone.tokens.Session), fault.NotFound)
		want(t, second(r.Refresh(ctx, here(), phone.tokens.Refresh)), fault.Unauthenticated)
		tablet := r.enter(t, anna.Own)
		ok(t, r.EndSessions(ctx, anna.who, here(), true))
		ok(t, r.SignOut(ctx, here(), bert.tokens.Refresh))
		ok(t, r.SignOut(ctx, here(), bert.tokens.Refresh))
		ok(t, r.SignOut(ctx, here(), "nonsense"))
		ok(t, v.Sync(ctx))
		for access, err := range map[string]error{
			anna.tokens.Access: nil, phone.tokens.Access: auth.ErrRevoked, tablet.tokens.Access: auth.ErrRevoked, bert.tokens.Access: auth.ErrRevoked,
		} {
			if _, got := v.Verify(ctx, access); !errors.Is(got, err) {
				t.Errorf("%v, want %v", got, err)
			}
		}
		ok(t, r.EndSessions(ctx, anna.who, here(), false))
		list, err = r.Sessions(ctx, anna.who)
		if err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
	})
}

func TestSessionsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.person(t, "anna")
		for range maxSessions {
			r.clock.Pass(time.Second)
			r.enter(t, anna.Own)
		}
		list, err := r.Sessions(t.Context(), anna.who)
		ok(t, err)
		if len(list) != maxSessions || slices.ContainsFunc(list, func(s SessionView) bool { return s.Current }) {
			t.Errorf("%d sessions", len(list))
		}
	})
}

// What ended while Redis was away is told later, and again to a Redis that forgot.
func TestRevocationsSurvive(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.person(t, "anna")
		working := r.revoker
		r.revoker = auth.NewRevoker(awayRedis{r.redis}, r.clock.Now)
		ok(t, r.EndSessions(ctx, anna.who, here(), false))
		if !strings.Contains(r.log.String(), "told later") {
			t.Error("nothing in the log")
		}
		v := r.verifier(t, r.Keys())
		if _, err := v.Verify(ctx, anna.tokens.Access); err != nil {
			t.Error(err)
		}
		r.revoker = working
		ok(t, r.sendRevocations(ctx, false))
		ok(t, v.Sync(ctx))
		if _, err := v.Verify(ctx, anna.tokens.Access); !errors.Is(err, auth.ErrRevoked) {
			t.Errorf("after Redis is back: %v", err)
		}
		ok(t, r.redis.FlushDB(ctx).Err())
		r.open(t, plenty()) // a start
		if _, err := r.verifier(t, r.Keys()).Verify(ctx, anna.tokens.Access); !errors.Is(err, auth.ErrRevoked) {
			t.Errorf("after a start: %v", err)
		}
	})
}

func TestPasswordReset(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.person(t, "anna")
		ok(t, r.RequestReset(ctx, here(), "nobody@example.org"))
		want(t, r.RequestReset(ctx, here(), "x\r\n@y"), fault.Invalid)
		if n := len(events[event.UserPasswordResetRequested](t, r)); n != 0 {
			t.Errorf("%d mails to nobody", n)
		}
		ok(t, r.RequestReset(ctx, here(), "Anna@example.org"))
		tok := token(t, events[event.UserPasswordResetRequested](t, r)[0].Link)
		want(t, r.VerifyEmail(ctx, here(), tok), fault.Invalid) // for something else
		want(t, r.Reset(ctx, here(), tok, "12345678"), fault.Invalid)
		want(t, r.Reset(ctx, here(), tok, "annaexample"), fault.Invalid)
		want(t, r.Reset(ctx, here(), tok[1:]+"A", "three new words here"), fault.Invalid)
		ok(t, r.Reset(ctx, here(), tok, "three new words here"))
		want(t, r.Reset(ctx, here(), tok, "three new words here"), fault.Invalid)
		want(t, second(r.Refresh(ctx, here(), anna.tokens.Refresh)), fault.Unauthenticated)
		want(t, second(r.SignIn(ctx, here(), Credentials{Login: "anna", Password: goodPassword})), fault.Unauthenticated)
		now, err := r.SignIn(ctx, here(), Credentials{Login: "anna", Password: "three new words here"})
		ok(t, err)
		if !now.User.EmailVerified {
			t.Error("the mail was read: the address is proven")
		}
		ok(t, r.RequestReset(ctx, here(), "anna@example.org"))
		mails := events[event.UserPasswordResetRequested](t, r)
		r.clock.Pass(ResetLife)
		want(t, r.Reset(ctx, here(), token(t, mails[len(mails)-1].Link), "four newer words here"), fault.Invalid)
	})
}

func TestChangePassword(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.person(t, "anna")
		other := r.enter(t, anna.Own)
		want(t, r.ChangePassword(ctx, anna.who, here(), "wrong", "three new words here"), fault.Invalid)
		want(t, r.ChangePassword(ctx, anna.who, here(), goodPassword, "anna1234"), fault.Invalid)
		ok(t, r.RequestReset(ctx, here(), "anna@example.org"))
		ok(t, r.ChangePassword(ctx, anna.who, here(), goodPassword, "three new words here"))
		link := token(t, events[event.UserPasswordResetRequested](t, r)[0].Link)
		want(t, r.Reset(ctx, here(), link, "four newer words here"), fault.Invalid)
		want(t, second(r.Refresh(ctx, here(), other.tokens.Refresh)), fault.Unauthenticated)
		_, err := r.Refresh(ctx, here(), anna.tokens.Refresh)
		ok(t, err)
	})
}

func TestKeysRotate(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.person(t, "anna")
		count := func() int { return len(r.keys.ring.Public()) }
		if count() != 1 {
			t.Fatalf("%d keys", count())
		}
		other := r.open(t, plenty()) // another process: the same key
		v := r.verifier(t, other.Keys())
		_, err := v.Verify(ctx, anna.tokens.Access)
		ok(t, err)
		r.clock.Pass(keyLife - keyAhead)
		before := r.enter(t, anna.Own)
		ok(t, r.keys.refresh(ctx))
		if count() != 2 {
			t.Errorf("%d keys after a month", count())
		}
		r.clock.Pass(keyAhead)
		after := r.enter(t, anna.Own) // signed with the new key, which v's process has not read
		for _, access := range []string{before.tokens.Access, after.tokens.Access} {
			if _, err := v.Verify(ctx, access); errors.Is(err, auth.ErrUnknownKey) {
				t.Error(err)
			}
		}
		if head := func(s string) string { h, _, _ := strings.Cut(s, "."); return h }; head(before.tokens.Access) == head(after.tokens.Access) {
			t.Error("the same key signs")
		}
		jwks, err := r.JWKS()
		if err != nil || strings.Count(string(jwks), `"kid"`) != 2 || strings.Contains(string(jwks), `"d"`) {
			t.Errorf("%s %v", jwks, err)
		}
		r.clock.Pass(2*keyKept + auth.MaxLife)
		if count() != 1 {
			t.Errorf("%d keys are trusted", count())
		}
		r.clock.Pass(keyLife)
		ok(t, r.keys.refresh(ctx))
		var rows int
		ok(t, r.db.QueryRow(ctx, `SELECT count(*) FROM user_signing_keys`).Scan(&rows))
		if rows != 2 {
			t.Errorf("%d keys are kept", rows)
		}
	})
}

func TestMigrationsDown(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ok(t, r.db.Down(t.Context(), Migrations()))
		ok(t, r.db.Migrate(t.Context(), Migrations()))
		if err := r.db.QueryRow(t.Context(), `SELECT id FROM users`).Scan(new(uuid.UUID)); !errors.Is(err, db.ErrNotFound) {
			t.Error(err)
		}
	})
}

// second is the error of a call.
func second[T any](_ T, err error) error { return err }
