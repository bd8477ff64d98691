package user

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp"
	totplib "github.com/pquerna/otp/totp"

	"weir/services/event"
	"weir/services/fault"
)

// phone is the app of a person with a second factor.
type phone struct {
	person
	secret   string
	recovery []string
}

// code is what the app shows at that time from now.
func (r *rig) code(t testing.TB, secret string, after time.Duration) string {
	t.Helper()
	c, err := totplib.GenerateCode(secret, r.clock.Now().Add(after))
	ok(t, err)
	return c
}

// phone enrols, and lets the step of the first code pass.
func (r *rig) phone(t testing.TB, p person) phone {
	t.Helper()
	e, err := r.EnrolTOTP(t.Context(), p.who, goodPassword)
	ok(t, err)
	codes, err := r.ConfirmTOTP(t.Context(), p.who, here(), r.code(t, e.Secret, 0))
	ok(t, err)
	r.clock.Pass(totpPeriod * time.Second)
	return phone{person: p, secret: e.Secret, recovery: codes}
}

// ask is the first step of a sign-in.
func (r *rig) ask(t testing.TB, name string) string {
	t.Helper()
	tok, err := r.SignIn(t.Context(), here(), Credentials{Login: name, Password: goodPassword})
	ok(t, err)
	if len(tok.Challenge) != mailTokenLen || tok.Access != "" || tok.Refresh != "" || tok.Session != uuid.Nil || tok.User.ID != uuid.Nil {
		t.Fatal("no challenge, or more than that")
	}
	if got := tok.ChallengeExpires.Sub(r.clock.Now()); got != ChallengeLife {
		t.Errorf("ends in %v", got)
	}
	return tok.Challenge
}

func (r *rig) answer(t testing.TB, challenge, code string) (Tokens, error) {
	t.Helper()
	return r.SignInCode(t.Context(), here(), Code{Challenge: challenge, Code: code})
}

func TestEnrolTOTP(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.person(t, "anna")
		want(t, second(r.ConfirmTOTP(ctx, anna.who, here(), "123456")), fault.Conflict)
		want(t, second(r.EnrolTOTP(ctx, anna.who, "wrong")), fault.Invalid)
		first, err := r.EnrolTOTP(ctx, anna.who, goodPassword)
		ok(t, err)
		e, err := r.EnrolTOTP(ctx, anna.who, goodPassword) // the first secret is gone
		ok(t, err)
		key, err := otp.NewKeyFromURL(e.URL)
		ok(t, err)
		if key.Secret() != e.Secret || key.Issuer() != "tv.example.org" || key.AccountName() != "anna" || key.Type() != "totp" || key.Period() != 30 || len(e.Secret) != 32 {
			t.Errorf("%s", e.URL)
		}
		for _, bad := range []string{"", "x", r.code(t, first.Secret, 0), r.code(t, e.Secret, -2*time.Minute), r.code(t, e.Secret, 2*time.Minute), r.code(t, e.Secret, 0) + "0"} {
			want(t, second(r.ConfirmTOTP(ctx, anna.who, here(), bad)), fault.Invalid)
		}
		r.enter(t, anna.Own) // not in force yet
		codes, err := r.ConfirmTOTP(ctx, anna.who, here(), r.code(t, e.Secret, 0))
		ok(t, err)
		if len(codes) != RecoveryCodes || len(codes[0]) != 19 || codes[0] == codes[1] {
			t.Errorf("%d codes", len(codes))
		}
		want(t, second(r.ConfirmTOTP(ctx, anna.who, here(), r.code(t, e.Secret, 0))), fault.Conflict)
		want(t, second(r.EnrolTOTP(ctx, anna.who, goodPassword)), fault.Conflict)
		state, err := r.TOTP(ctx, anna.who)
		if err != nil || !state.Enabled || state.Recovery != RecoveryCodes || state.Since == nil {
			t.Errorf("%+v %v", state, err)
		}
		all := snapshot(t, r.db) + r.log.String()
		for _, c := range codes {
			if strings.Contains(all, c) || strings.Contains(all, strings.ToUpper(strings.ReplaceAll(c, "-", ""))) {
				t.Error("a recovery code is kept in clear")
			}
		}
		bert := r.person(t, "bert")
		late, err := r.EnrolTOTP(ctx, bert.who, goodPassword)
		ok(t, err)
		r.clock.Pass(EnrolLife)
		want(t, second(r.ConfirmTOTP(ctx, bert.who, here(), r.code(t, late.Secret, 0))), fault.Conflict)
	})
}

func TestSignInCode(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.phone(t, r.person(t, "anna"))
		const step = totpPeriod * time.Second
		c := r.ask(t, "anna")
		for _, bad := range []string{"", "abcdef", anna.recovery[0][1:], r.code(t, anna.secret, 2*step)} {
			want(t, second(r.answer(t, c, bad)), fault.Unauthenticated)
		}
		tok, err := r.answer(t, c, r.code(t, anna.secret, 0)) // a wrong code has not used it up
		ok(t, err)
		if tok.User.ID != anna.ID || tok.Refresh == "" || tok.Challenge != "" {
			t.Errorf("%+v", tok.User)
		}
		r.clock.Pass(step)
		want(t, second(r.answer(t, c, r.code(t, anna.secret, 0))), fault.Unauthenticated) // replayed challenge
		one, two := r.ask(t, "anna"), r.ask(t, "anna")
		next := r.code(t, anna.secret, step) // a clock that is ahead
		ok(t, second(r.answer(t, one, next)))
		want(t, second(r.answer(t, two, next)), fault.Unauthenticated)                      // replayed code
		want(t, second(r.answer(t, two, r.code(t, anna.secret, 0))), fault.Unauthenticated) // older than the last
		r.clock.Pass(3 * step)
		ok(t, second(r.answer(t, two, r.code(t, anna.secret, -step)))) // a clock that is behind
		late := r.ask(t, "anna")
		r.clock.Pass(ChallengeLife)
		want(t, second(r.answer(t, late, r.code(t, anna.secret, 0))), fault.Unauthenticated)
		ok(t, r.drop(t.Context()))
		for _, bad := range []string{"", "x", strings.Repeat("A", mailTokenLen), strings.ToLower(late)} {
			want(t, second(r.answer(t, bad, r.code(t, anna.secret, 0))), fault.Unauthenticated)
		}
	})
}

// All that can be wrong is the same answer.
func TestSignInCodeAnswers(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.phone(t, r.person(t, "anna"))
		bert := r.phone(t, r.person(t, "bert"))
		used := r.ask(t, "anna")
		ok(t, second(r.answer(t, used, r.code(t, anna.secret, 0))))
		r.clock.Pass(time.Minute)
		old := r.ask(t, "anna")
		ok(t, r.ChangePassword(t.Context(), anna.who, here(), goodPassword, "another good passphrase"))
		open := r.ask(t, "bert")
		for name, err := range map[string]error{
			"wrong code": second(r.answer(t, open, "000000")), "another's code": second(r.answer(t, open, r.code(t, anna.secret, 0))), "another's recovery": second(r.answer(t, open, anna.recovery[0])),
			"used challenge": second(r.answer(t, used, r.code(t, anna.secret, 0))), "no challenge": second(r.answer(t, strings.Repeat("A", mailTokenLen), r.code(t, bert.secret, 0))),
			"password changed": second(r.answer(t, old, r.code(t, anna.secret, 0))),
		} {
			if got, same := fault.From(err), fault.From(wrongSecond()); err == nil || got.Code != same.Code || got.Detail != same.Detail || len(got.Fields) > 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// The same code, or the same recovery code, at once: one session.
func TestSignInCodeAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.phone(t, r.person(t, "anna"))
		for _, code := range []string{r.code(t, anna.secret, 0), anna.recovery[0]} {
			challenges := []string{r.ask(t, "anna"), r.ask(t, "anna"), r.ask(t, "anna")}
			errs := make([]error, 6)
			var wait sync.WaitGroup
			for i := range errs {
				wait.Go(func() { errs[i] = second(r.answer(t, challenges[i%3], code)) })
			}
			wait.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.Limited) {
					t.Error(err)
				}
			}
			if won != 1 {
				t.Errorf("%d sessions", won)
			}
			r.clock.Pass(time.Hour)
		}
	})
}

func TestRecoveryCodes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.phone(t, r.person(t, "anna"))
		for i, c := range anna.recovery {
			if i == 1 {
				c = strings.ToUpper(strings.ReplaceAll(c, "-", " "))
			}
			ok(t, second(r.answer(t, r.ask(t, "anna"), c)))
			want(t, second(r.answer(t, r.ask(t, "anna"), c)), fault.Unauthenticated)
		}
		state, err := r.TOTP(ctx, anna.who)
		if err != nil || state.Recovery != 0 {
			t.Errorf("%+v %v", state, err)
		}
		want(t, second(r.RenewRecovery(ctx, anna.who, here(), "wrong", r.code(t, anna.secret, 0))), fault.Invalid)
		want(t, second(r.RenewRecovery(ctx, anna.who, here(), goodPassword, "000000")), fault.Invalid)
		codes, err := r.RenewRecovery(ctx, anna.who, here(), goodPassword, r.code(t, anna.secret, 0))
		ok(t, err)
		want(t, second(r.answer(t, r.ask(t, "anna"), anna.recovery[0])), fault.Unauthenticated)
		ok(t, second(r.answer(t, r.ask(t, "anna"), codes[9])))
		kinds := map[string]int{}
		page, err := r.SecurityEvents(ctx, anna.who, anna.ID, "", 100)
		ok(t, err)
		for _, e := range page.Items {
			kinds[e.Kind]++
		}
		if kinds[kindRecoveryUsed] != 11 || kinds[kindCodeFailed] != 12 || kinds[kindRecoveryMade] != 1 || kinds[kindTOTPEnabled] != 1 {
			t.Errorf("%v", kinds)
		}
		if e := events[event.UserSecurity](t, r); len(e) == 0 || e[1].Kind != kindTOTPEnabled {
			t.Errorf("%+v", e)
		}
	})
}

func TestDisableTOTP(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna, chief := r.phone(t, r.person(t, "anna")), r.phone(t, r.admin(t, "chief"))
		plain := r.person(t, "bert")
		want(t, r.DisableTOTP(ctx, plain.who, here(), goodPassword, "000000"), fault.Conflict)
		want(t, r.DisableTOTP(ctx, anna.who, here(), "wrong", r.code(t, anna.secret, 0)), fault.Invalid)
		want(t, r.DisableTOTP(ctx, anna.who, here(), goodPassword, "000000"), fault.Invalid)
		want(t, r.DisableTOTP(ctx, anna.who, here(), goodPassword, r.code(t, chief.secret, 0)), fault.Invalid)
		open := r.ask(t, "anna")
		ok(t, r.DisableTOTP(ctx, anna.who, here(), goodPassword, r.code(t, anna.secret, 0)))
		want(t, second(r.answer(t, open, r.code(t, anna.secret, 30*time.Second))), fault.Unauthenticated)
		want(t, second(r.answer(t, open, anna.recovery[0])), fault.Unauthenticated)
		r.enter(t, anna.Own)
		again := r.phone(t, anna.person) // and on again

		want(t, r.ResetTOTP(ctx, plain.who, here(), anna.ID), fault.Denied)
		want(t, r.ResetTOTP(ctx, chief.who, here(), chief.ID), fault.Conflict)
		want(t, r.ResetTOTP(ctx, chief.who, here(), uuid.Max), fault.NotFound)
		ok(t, r.ResetTOTP(ctx, chief.who, here(), anna.ID))
		ok(t, r.ResetTOTP(ctx, Operator(), Peer{}, anna.ID)) // none is no error
		r.enter(t, anna.Own)
		ok(t, r.ResetTOTP(ctx, Operator(), Peer{}, chief.ID))
		_ = again
	})
}

// A password reset does not go around the second factor; deletion leaves nothing of it.
func TestTOTPStays(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		anna := r.phone(t, r.person(t, "anna"))
		ok(t, r.RequestReset(ctx, here(), "anna@example.org"))
		mails := events[event.UserPasswordResetRequested](t, r)
		ok(t, r.Reset(ctx, here(), token(t, mails[0].Link), "another good passphrase"))
		tok, err := r.SignIn(ctx, here(), Credentials{Login: "anna", Password: "another good passphrase"})
		if err != nil || tok.Challenge == "" || tok.Access != "" {
			t.Fatalf("%v", err)
		}
		ok(t, r.DeleteMe(ctx, anna.who, here(), "another good passphrase"))
		var n int64
		ok(t, r.db.QueryRow(ctx, `SELECT (SELECT count(*) FROM user_totp) + (SELECT count(*) FROM user_recovery_codes) + (SELECT count(*) FROM user_challenges)`).Scan(&n))
		if n != 0 {
			t.Errorf("%d rows stay", n)
		}
		want(t, second(r.answer(t, tok.Challenge, r.code(t, anna.secret, 0))), fault.Unauthenticated)
	})
}

// Codes are guessed no faster than passwords, whatever the address.
func TestCodeLockout(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := r.phone(t, r.person(t, "anna"))
		c := r.ask(t, "anna")
		for range addressLockout().free {
			want(t, second(r.answer(t, c, "000000")), fault.Unauthenticated)
		}
		err := second(r.answer(t, c, r.code(t, anna.secret, 0)))
		want(t, err, fault.Limited)
		if fault.From(err).RetryAfter <= 0 {
			t.Error("no time to wait")
		}
		want(t, r.DisableTOTP(t.Context(), anna.who, here(), goodPassword, r.code(t, anna.secret, 0)), fault.Limited)
		r.clock.Pass(time.Minute)
		ok(t, second(r.answer(t, c, r.code(t, anna.secret, 0))))
		if len(events[event.UserSecurity](t, r)) < addressLockout().free {
			t.Error("the owner is not told")
		}
	})
}

func TestHTTPTOTP(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		anna, chief := w.person(t, "anna"), w.admin(t, "chief")
		as := anna.tokens.Access
		var e Enrolment
		w.expect(t, 201, "POST", "/api/v1/auth/totp", as, `{"password":"`+goodPassword+`"}`).into(t, &e)
		w.expect(t, 200, "POST", "/api/v1/auth/totp/confirm", as, `{"code":"`+w.code(t, e.Secret, 0)+`"}`)
		w.clock.Pass(totpPeriod * time.Second)
		got := w.expect(t, 200, "GET", "/api/v1/auth/totp", as, "")
		if strings.Contains(string(got.body), e.Secret) {
			t.Error("the secret is shown again")
		}
		var c ChallengeView
		got = w.expect(t, http.StatusAccepted, "POST", "/api/v1/auth/sign-in", "", `{"login":"anna","password":"`+goodPassword+`"}`)
		got.into(t, &c)
		if c.Challenge == "" || strings.Contains(string(got.body), "access_token") || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s", got.body)
		}
		code := w.code(t, e.Secret, 0)
		list := []bad{
			{"no code", 422, "POST", "/api/v1/auth/totp/sign-in", "", `{"challenge":"` + c.Challenge + `"}`, nil},
			{"number", 422, "POST", "/api/v1/auth/totp/sign-in", "", `{"challenge":"` + c.Challenge + `","code":123456}`, nil},
			{"long", 422, "POST", "/api/v1/auth/totp/sign-in", "", `{"challenge":"` + c.Challenge + `","code":"` + strings.Repeat("1", 65) + `"}`, nil},
			{"another site", 403, "POST", "/api/v1/auth/totp/sign-in", "", `{"challenge":"` + c.Challenge + `","code":"` + code + `","cookie":true}`, []string{"Origin: https://evil.example"}},
			{"SQL", 401, "POST", "/api/v1/auth/totp/sign-in", "", `{"challenge":"' OR 1=1 --","code":"` + code + `"}`, nil},
			{"challenge as token", 401, "GET", "/api/v1/users/me", c.Challenge, "", nil},
			{"enrol, wrong", 422, "POST", "/api/v1/auth/totp", "anna", `{"password":"hunter2"}`, nil},
			{"enrol, in force", 409, "POST", "/api/v1/auth/totp", "anna", `{"password":"` + goodPassword + `"}`, nil},
			{"disable, wrong password", 422, "POST", "/api/v1/auth/totp/disable", "anna", `{"password":"hunter2","code":"` + code + `"}`, nil},
			{"disable, no code", 422, "POST", "/api/v1/auth/totp/disable", "anna", `{"password":"` + goodPassword + `"}`, nil},
			{"renew, wrong", 422, "POST", "/api/v1/auth/totp/recovery-codes", "anna", `{"password":"` + goodPassword + `","code":"x"}`, nil},
			{"reset, no admin", 403, "DELETE", "/api/v1/users/" + chief.ID.String() + "/totp", "anna", "", nil},
			{"reset, own", 409, "DELETE", "/api/v1/users/" + chief.ID.String() + "/totp", "chief", "", nil},
			{"reset, nobody", 404, "DELETE", "/api/v1/users/" + uuid.Max.String() + "/totp", "chief", "", nil},
			{"reset, no id", 422, "DELETE", "/api/v1/users/1/totp", "chief", "", nil},
		}
		for _, to := range [][3]string{
			{"GET", "/totp", ""}, {"POST", "/totp", `{"password":"x"}`}, {"POST", "/totp/confirm", `{"code":"x"}`}, {"POST", "/totp/disable", `{"password":"x","code":"y"}`}, {"POST", "/totp/recovery-codes", `{"password":"x","code":"y"}`},
		} {
			list = append(list, bad{"nobody " + to[1], 401, to[0], "/api/v1/auth" + to[1], "", to[2], nil})
		}
		w.refuse(t, list, anna, chief)
		same := "Sec-Fetch-Site: same-origin"
		got = w.expect(t, 200, "POST", "/api/v1/auth/totp/sign-in", "", `{"challenge":"`+c.Challenge+`","code":"`+code+`","cookie":true}`, same)
		onlyCookie(t, got, "weir_refresh", false)
		w.expect(t, 401, "POST", "/api/v1/auth/totp/sign-in", "", `{"challenge":"`+c.Challenge+`","code":"`+code+`"}`)
		w.expect(t, 204, "DELETE", "/api/v1/users/"+anna.ID.String()+"/totp", chief.tokens.Access, "")
		w.expect(t, 200, "POST", "/api/v1/auth/sign-in", "", `{"login":"anna","password":"`+goodPassword+`"}`)
	})
}

// refuse holds that each request is refused and that nothing changes.
func (w *web) refuse(t *testing.T, list []bad, anna, chief person) {
	t.Helper()
	before := snapshot(t, w.db)
	for _, b := range list {
		token := map[string]string{"anna": anna.tokens.Access, "chief": chief.tokens.Access}[b.as]
		if token == "" {
			token = b.as
		}
		checkProblem(t, b, w.call(t, b.method, b.path, token, b.body, b.header...))
	}
	if after := snapshot(t, w.db); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
}
