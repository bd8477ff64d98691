package user

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/services/event"
	"weir/services/fault"
	"weir/services/servicetest"
	"weir/services/user/oidc"
)

// elsewhere is a weir with two OpenID providers.
type elsewhere struct {
	*web
	acme, corp *login
}

const (
	startAcme = "/api/v1/auth/oidc/acme/start"
	backAcme  = "/api/v1/auth/oidc/acme/callback"
)

func eachElsewhere(t *testing.T, run func(t *testing.T, e *elsewhere)) {
	t.Helper()
	acme, corp := newLogin(t, "acme"), newLogin(t, "corp")
	each(t, func(t *testing.T, r *rig) {
		r.providers = []*oidc.Provider{acme.Provider, corp.Provider}
		run(t, &elsewhere{web: newWeb(t, r), acme: acme, corp: corp})
		text := r.log.String()
		for _, secret := range []string{"a secret of weir", "code=", "state="} {
			if strings.Contains(text, secret) {
				t.Errorf("the log shows %q: %s", secret, text)
			}
		}
	})
}

func (e *elsewhere) links(t testing.TB, b *browser, token string) (out struct {
	Items       []IdentityLink `json:"items"`
	HasPassword bool           `json:"has_password"`
}) {
	t.Helper()
	b.fetch(t, 200, "GET", "/auth/oidc/identities", "", "Authorization: Bearer "+token).into(t, &out)
	return out
}

func (e *elsewhere) kinds(t testing.TB, p Own) map[string]int {
	t.Helper()
	page, err := e.SecurityEvents(t.Context(), Operator(), p.ID, "", 100)
	ok(t, err)
	kinds := map[string]int{}
	for _, ev := range page.Items {
		kinds[ev.Kind]++
	}
	return kinds
}

// Somebody comes for the first time, and again.
func TestNewcomer(t *testing.T) {
	eachElsewhere(t, func(t *testing.T, e *elsewhere) {
		var list providersAnswer
		b := e.browser(t)
		b.fetch(t, 200, "GET", "/auth/oidc", "").into(t, &list.Body)
		if len(list.Body.Items) != 2 || list.Body.Items[0] != (ProviderView{"acme", "ACME", startAcme}) {
			t.Errorf("%+v", list.Body)
		}
		e.acme.is("one", "Änne.Müller@example.org", "Anna@Example.org", true)
		if at := b.open(t, startAcme+"?return_to=/watch/main?x=1"); at != "/watch/main?x=1" {
			t.Fatal(at)
		}
		tok := b.tokens(t)
		me := tok.User
		if me.Username != "anne-muller" || me.Email != "Anna@example.org" || !me.EmailVerified || me.Language != "de" || me.Role != "user" {
			t.Errorf("%+v", me)
		}
		for _, address := range b.log {
			if strings.Contains(address, RefreshPrefix) || strings.Contains(address, tok.AccessToken) {
				t.Error("a token is in an address")
			}
		}
		a, err := e.store().account(t.Context(), me.ID)
		if err != nil || a.PasswordHash != "" {
			t.Errorf("%v %v", a, err)
		}
		if k := e.kinds(t, me); k[kindRegistered] != 1 || k[kindSignedIn] != 1 {
			t.Errorf("%v", k)
		}
		if r, v := events[event.UserRegistered](t, e.rig), events[event.UserVerified](t, e.rig); len(r) != 1 || r[0].Username != "anne-muller" || len(v) != 1 || v[0].UserID != me.ID {
			t.Errorf("%+v %+v", r, v)
		}
		e.clock.Pass(time.Hour)
		e.acme.is("one", "other-name", "moved@example.org", false) // it is the subject that counts
		again := e.browser(t)
		if at := again.open(t, startAcme); at != "/" {
			t.Error(at)
		}
		if tok := again.tokens(t); tok.User.ID != me.ID || tok.User.Email != "Anna@example.org" {
			t.Errorf("%+v", tok.User)
		}
		got := e.links(t, again, again.tokens(t).AccessToken)
		if len(got.Items) != 1 || got.HasPassword || got.Items[0].Email != "Anna@example.org" || got.Items[0].Used == nil || !got.Items[0].Usable || got.Items[0].Title != "ACME" {
			t.Errorf("%+v", got)
		}
		// The same subject at another provider is somebody else.
		e.corp.is("one", "anne-muller", "corp@example.org", true)
		other := e.browser(t)
		other.open(t, "/api/v1/auth/oidc/corp/start")
		if tok := other.tokens(t); tok.User.ID == me.ID || !strings.HasPrefix(tok.User.Username, "anne-muller-") {
			t.Errorf("%+v", tok.User)
		}
		want(t, second(e.SignIn(t.Context(), here(), Credentials{Login: me.Username, Password: ""})), fault.Unauthenticated)
	})
}

// Everybody who comes with an identity at once gets the one account.
func TestNewcomersAtOnce(t *testing.T) {
	eachElsewhere(t, func(t *testing.T, e *elsewhere) {
		who := oidc.Person{Issuer: e.acme.Issuer(), Subject: "one", Email: "anna@example.org", EmailVerified: true, Username: "anna"}
		users := make([]string, 6)
		var wait sync.WaitGroup
		for i := range users {
			wait.Go(func() {
				var out Arrived
				if err := e.enterBy(t.Context(), here(), e.acme.Provider, who, "", &out); err != nil {
					t.Error(err)
				}
				users[i] = out.Tokens.User.ID.String()
			})
		}
		wait.Wait()
		for _, u := range users {
			if u != users[0] {
				t.Errorf("%v", users)
			}
		}
	})
}

// The address has an account: nobody gets in there by the provider's word alone.
func TestKnownAddress(t *testing.T) {
	eachElsewhere(t, func(t *testing.T, e *elsewhere) {
		anna, bert := e.register(t, "anna"), e.register(t, "bert")
		e.acme.is("one", "anna", "ANNA@example.org", true)
		b := e.browser(t)
		if at := b.open(t, startAcme+"?return_to=/settings"); at != "/sign-in?link=acme&return_to=%2Fsettings" {
			t.Fatal(at)
		}
		if b.signedIn(t) || b.cookie(t, "__Host-weir_link") == "" {
			t.Fatal("signed in, or no link waits")
		}
		if got := e.kinds(t, anna); got[kindLinked]+got[kindSignedIn] != 0 {
			t.Errorf("%v", got)
		}
		b.fetch(t, 401, "POST", "/auth/sign-in", `{"login":"anna","password":"wrong","cookie":true}`)
		var tok TokensView
		b.fetch(t, 200, "POST", "/auth/sign-in", `{"login":"anna","password":"`+goodPassword+`","cookie":true}`).into(t, &tok)
		if tok.Linked != "acme" || b.cookie(t, "__Host-weir_link") != "" {
			t.Errorf("%q", tok.Linked)
		}
		if k := e.kinds(t, anna); k[kindLinked] != 1 || k[kindVerified] != 1 { // the same address, proven by the provider
			t.Errorf("%v", k)
		}
		found := false
		for _, s := range events[event.UserSecurity](t, e.rig) {
			found = found || s.Kind == kindLinked && s.UserID == anna.ID
		}
		if !found {
			t.Error("the owner is not told")
		}
		b = e.browser(t)
		if at := b.open(t, startAcme); at != "/" || b.tokens(t).User.ID != anna.ID {
			t.Error(at)
		}
		// The proof has to be of the account that has the address.
		e.acme.is("two", "anna2", "bert@example.org", true)
		b = e.browser(t)
		b.open(t, startAcme)
		waits := b.cookie(t, "__Host-weir_link")
		tok = TokensView{}
		b.fetch(t, 200, "POST", "/auth/sign-in", `{"login":"anna","password":"`+goodPassword+`","cookie":true}`).into(t, &tok)
		if tok.Linked != "" {
			t.Errorf("linked %q", tok.Linked)
		}
		if e.FinishLink(t.Context(), here(), waits, bert.ID) != "" {
			t.Error("a link waited after it was used")
		}
		b = e.browser(t)
		b.open(t, startAcme)
		e.clock.Pass(PendingLife)
		tok = TokensView{}
		b.fetch(t, 200, "POST", "/auth/sign-in", `{"login":"bert","password":"`+goodPassword+`","cookie":true}`).into(t, &tok)
		if tok.Linked != "" {
			t.Error("linked too late")
		}
		for _, p := range []Own{anna, bert} {
			list, _, err := e.IdentityLinks(t.Context(), e.enter(t, p).who)
			if err != nil || len(list) > 1 || p.ID == bert.ID && len(list) > 0 {
				t.Errorf("%+v %v", list, err)
			}
		}
	})
}

// Both proofs are asked for: the password and the code.
func TestKnownAddressWithCode(t *testing.T) {
	eachElsewhere(t, func(t *testing.T, e *elsewhere) {
		anna := e.phone(t, e.person(t, "anna"))
		e.acme.is("one", "anna", "anna@example.org", true)
		b := e.browser(t)
		b.open(t, startAcme)
		var c ChallengeView
		b.fetch(t, 202, "POST", "/auth/sign-in", `{"login":"anna","password":"`+goodPassword+`","cookie":true}`).into(t, &c)
		if n := e.kinds(t, anna.Own)[kindLinked]; n != 0 {
			t.Error("linked without a code")
		}
		var tok TokensView
		b.fetch(t, 200, "POST", "/auth/totp/sign-in", `{"challenge":"`+c.Challenge+`","code":"`+e.code(t, anna.secret, 0)+`","cookie":true}`).into(t, &tok)
		if tok.Linked != "acme" {
			t.Errorf("%q", tok.Linked)
		}
		// From now on the provider stands for the password, not for the code.
		e.clock.Pass(time.Minute)
		b = e.browser(t)
		if at := b.open(t, startAcme+"?return_to=/x"); at != "/sign-in?return_to=%2Fx&step=code" {
			t.Fatal(at)
		}
		if b.signedIn(t) {
			t.Fatal("signed in without a code")
		}
		for _, address := range b.log {
			if strings.Contains(address, b.cookie(t, "__Host-weir_challenge")) {
				t.Error("the challenge is in an address")
			}
		}
		code := e.code(t, anna.secret, 0)
		b.fetch(t, 401, "POST", "/auth/totp/sign-in", `{"code":"000000","cookie":true}`)
		e.browser(t).fetch(t, 401, "POST", "/auth/totp/sign-in", `{"code":"`+code+`","cookie":true}`)
		if got := b.do(t, "POST", weirAt+"/api/v1/auth/totp/sign-in", `{"code":"`+code+`"}`, "Sec-Fetch-Site: cross-site"); got.StatusCode != 403 {
			t.Errorf("another site: %d", got.StatusCode)
		}
		b.fetch(t, 200, "POST", "/auth/totp/sign-in", `{"code":"`+code+`","cookie":true}`)
		if b.tokens(t).User.ID != anna.ID || b.cookie(t, "__Host-weir_challenge") != "" {
			t.Error("not signed in")
		}
		// A sign-in that waits for its code ends with the link.
		e.clock.Pass(time.Minute)
		b = e.browser(t)
		b.open(t, startAcme)
		list, _, err := e.IdentityLinks(t.Context(), anna.who)
		ok(t, err)
		ok(t, e.Unlink(t.Context(), anna.who, here(), list[0].ID))
		b.fetch(t, 401, "POST", "/auth/totp/sign-in", `{"code":"`+e.code(t, anna.secret, 0)+`","cookie":true}`)
	})
}

// An account without a password is proven by the provider that it has.
func TestProofElsewhere(t *testing.T) {
	eachElsewhere(t, func(t *testing.T, e *elsewhere) {
		e.acme.is("one", "anna", "anna@example.org", true)
		b := e.browser(t)
		b.open(t, startAcme)
		me := b.tokens(t).User
		e.corp.is("9", "anna", "anna@example.org", true)
		b = e.browser(t)
		if at := b.open(t, "/api/v1/auth/oidc/corp/start"); at != "/sign-in?link=corp" {
			t.Fatal(at)
		}
		if at := b.open(t, startAcme+"?return_to=/a%23b"); at != "/a?linked=corp#b" {
			t.Error(at)
		}
		if got := e.links(t, b, b.tokens(t).AccessToken); len(got.Items) != 2 || b.tokens(t).User.ID != me.ID || b.cookie(t, "__Host-weir_link") != "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestLinkAndUnlink(t *testing.T) {
	eachElsewhere(t, func(t *testing.T, e *elsewhere) {
		anna := e.register(t, "anna")
		b := e.browser(t)
		b.fetch(t, 200, "POST", "/auth/sign-in", `{"login":"anna","password":"`+goodPassword+`","cookie":true}`)
		as := "Authorization: Bearer " + b.tokens(t).AccessToken
		link := func(provider, body string) string {
			t.Helper()
			var to struct{ Address string }
			b.fetch(t, 200, "POST", "/auth/oidc/"+provider+"/link", body, as).into(t, &to)
			return b.open(t, to.Address)
		}
		proof := `{"password":"` + goodPassword + `","return_to":"/settings?tab=2"}`
		b.fetch(t, 401, "POST", "/auth/oidc/acme/link", proof)
		b.fetch(t, 422, "POST", "/auth/oidc/acme/link", `{"password":"wrong"}`, as)
		b.fetch(t, 422, "POST", "/auth/oidc/acme/link", `{}`, as)
		b.fetch(t, 422, "POST", "/auth/oidc/acme/link", `{"password":"`+goodPassword+`","return_to":"//evil.example"}`, as)
		b.fetch(t, 404, "POST", "/auth/oidc/none/link", proof, as)
		// The address at the provider is another one, and that of the account is not proven.
		e.acme.is("one", "x", "private@example.net", true)
		if at := link("acme", proof); at != "/settings?oidc_error=verify_first&tab=2" {
			t.Error(at)
		}
		_, err := e.db.Exec(t.Context(), `UPDATE users SET email_verified_at=$1 WHERE id=$2`, e.stamp(), anna.ID)
		ok(t, err)
		e.acme.is("one", "x", "private@example.net", false)
		if at := link("acme", proof); at != "/settings?oidc_error=unverified&tab=2" {
			t.Error(at)
		}
		e.acme.is("", "", "", false)
		if at := link("acme", proof); at != "/settings?oidc_error=cancelled&tab=2" {
			t.Error(at)
		}
		if got := e.links(t, b, b.tokens(t).AccessToken); len(got.Items) != 0 || !got.HasPassword {
			t.Errorf("%+v", got)
		}
		e.acme.is("one", "x", "private@example.net", true)
		for range 2 { // a second time changes nothing
			if at := link("acme", proof); at != "/settings?linked=acme&tab=2" {
				t.Error(at)
			}
		}
		// It is nobody else's any more.
		bert := e.browser(t)
		e.register(t, "bert")
		bert.fetch(t, 200, "POST", "/auth/sign-in", `{"login":"bert","password":"`+goodPassword+`","cookie":true}`)
		_, err = e.db.Exec(t.Context(), `UPDATE users SET email_verified_at=$1`, e.stamp())
		ok(t, err)
		var to struct{ Address string }
		bert.fetch(t, 200, "POST", "/auth/oidc/acme/link", proof, "Authorization: Bearer "+bert.tokens(t).AccessToken).into(t, &to)
		if at := bert.open(t, to.Address); at != "/settings?oidc_error=taken&tab=2" {
			t.Error(at)
		}
		// Whoever is sent somebody else's address cannot finish it, nor can they.
		b.fetch(t, 200, "POST", "/auth/oidc/corp/link", proof, as).into(t, &to)
		e.corp.is("7", "c", "c@example.org", true)
		if at := e.browser(t).open(t, to.Address); at != "/sign-in?oidc_error=expired&provider=corp" {
			t.Error(at)
		}
		// A session that has ended links nothing.
		b.fetch(t, 200, "POST", "/auth/oidc/corp/link", proof, as).into(t, &to)
		b.fetch(t, 204, "POST", "/auth/sign-out", "")
		if at := b.open(t, to.Address); at != "/settings?oidc_error=expired&tab=2" {
			t.Error(at)
		}
		if k := e.kinds(t, anna); k[kindLinked] != 1 {
			t.Errorf("%v", k)
		}
		b = e.browser(t)
		b.open(t, startAcme)
		tok := b.tokens(t)
		list := e.links(t, b, tok.AccessToken)
		id := list.Items[0].ID.String()
		bert.fetch(t, 404, "DELETE", "/auth/oidc/identities/"+id, "", "Authorization: Bearer "+bert.tokens(t).AccessToken)
		b.fetch(t, 204, "DELETE", "/auth/oidc/identities/"+id, "", "Authorization: Bearer "+tok.AccessToken)
		b.fetch(t, 404, "DELETE", "/auth/oidc/identities/"+id, "", "Authorization: Bearer "+tok.AccessToken)
		if k := e.kinds(t, anna); tok.User.ID != anna.ID || k[kindUnlinked] != 1 {
			t.Errorf("%v", k)
		}
		b = e.browser(t) // now it is a newcomer's
		b.open(t, startAcme)
		if b.tokens(t).User.ID == anna.ID {
			t.Error("still linked")
		}
	})
}

// Who has no password does what needs one by a new sign-in, and keeps a way in.
func TestWithoutPassword(t *testing.T) {
	eachElsewhere(t, func(t *testing.T, e *elsewhere) {
		e.acme.is("one", "anna", "anna@example.org", true)
		b := e.browser(t)
		b.open(t, startAcme)
		as := func() string { return "Authorization: Bearer " + b.tokens(t).AccessToken }
		id := e.links(t, b, b.tokens(t).AccessToken).Items[0].ID.String()
		b.fetch(t, 409, "DELETE", "/auth/oidc/identities/"+id, "", as())
		// A link to a provider that is not there any more is no way in.
		gone := e.providers[1]
		b.fetch(t, 200, "POST", "/auth/oidc/corp/link", `{}`, as())
		e.corp.is("9", "anna", "work@example.org", true)
		var to struct{ Address string }
		b.fetch(t, 200, "POST", "/auth/oidc/corp/link", `{}`, as()).into(t, &to)
		b.open(t, to.Address)
		e.providers = e.providers[:1]
		b.fetch(t, 409, "DELETE", "/auth/oidc/identities/"+id, "", as())
		if list := e.links(t, b, b.tokens(t).AccessToken); len(list.Items) != 2 || list.Items[1].Usable || list.Items[1].Title != "corp" {
			t.Errorf("%+v", list)
		}
		e.providers = append(e.providers, gone)
		e.clock.Pass(freshLife)
		b.fetch(t, 403, "PUT", "/auth/password", `{"new_password":"`+goodPassword+`"}`, as())
		b.fetch(t, 403, "POST", "/auth/totp", `{}`, as())
		b.open(t, startAcme)
		b.fetch(t, 204, "PUT", "/auth/password", `{"new_password":"`+goodPassword+`"}`, as())
		b.fetch(t, 422, "PUT", "/auth/password", `{"new_password":"another good passphrase"}`, as()) // now there is one
		b.fetch(t, 204, "DELETE", "/auth/oidc/identities/"+id, "", as())
		tok, err := e.SignIn(t.Context(), here(), Credentials{Login: "anna@example.org", Password: goodPassword})
		ok(t, err)
		// What is deleted leaves nothing of the provider.
		e.rig.clock.Pass(time.Second)
		b.fetch(t, 204, "POST", "/users/me/delete", `{"password":"`+goodPassword+`"}`, as())
		var n int64
		ok(t, e.db.QueryRow(t.Context(), `SELECT count(*) FROM user_identities`).Scan(&n))
		if n != 0 {
			t.Errorf("%d identities of %s are left", n, tok.User.Username)
		}
		b = e.browser(t)
		b.open(t, startAcme)
		if b.tokens(t).User.ID == tok.User.ID {
			t.Error("the deleted account opened")
		}
	})
}

func TestTurnedAway(t *testing.T) {
	eachElsewhere(t, func(t *testing.T, e *elsewhere) {
		page := func(at string) string {
			t.Helper()
			u, err := url.Parse(at)
			ok(t, err)
			if u.Path != "/sign-in" {
				t.Errorf("sent to %s", at)
			}
			return u.Query().Get("oidc_error")
		}
		for _, c := range []struct {
			email    string
			verified bool
			word     string
		}{{"anna@example.org", false, "unverified"}, {"", true, "unverified"}, {"no address", true, "unverified"}, {"a@b@c\r\nBcc: x@example.org", true, "unverified"}} {
			e.acme.is("one", "anna", c.email, c.verified)
			b := e.browser(t)
			if got := page(b.open(t, startAcme)); got != c.word || b.signedIn(t) {
				t.Errorf("%q %v: %s", c.email, c.verified, got)
			}
		}
		// Not verified there: the owner of the address is not asked to link either.
		anna := e.register(t, "anna")
		e.acme.is("one", "anna", "anna@example.org", false)
		b := e.browser(t)
		if got := page(b.open(t, startAcme)); got != "unverified" || b.cookie(t, "__Host-weir_link") != "" {
			t.Error(got)
		}
		e.acme.is("", "", "", false)
		if got := b.open(t, startAcme+"?return_to=/x"); got != "/sign-in?oidc_error=cancelled&provider=acme&return_to=%2Fx" {
			t.Error(got)
		}
		// Suspended: not by the provider either.
		e.acme.is("two", "bert", "bert@example.org", true)
		b.open(t, startAcme)
		bert := b.tokens(t).User
		chief := e.admin(t, "chief")
		_, err := e.Suspend(t.Context(), chief.who, here(), bert.ID, nil, "spam")
		ok(t, err)
		b = e.browser(t)
		if got := page(b.open(t, startAcme)); got != "denied" || b.signedIn(t) {
			t.Error(got)
		}
		// Nor is a suspended account linked.
		e.acme.is("one", "anna", "anna@example.org", true)
		b.open(t, startAcme)
		_, err = e.Suspend(t.Context(), chief.who, here(), anna.ID, nil, "spam")
		ok(t, err)
		b.fetch(t, 403, "POST", "/auth/sign-in", `{"login":"anna","password":"`+goodPassword+`","cookie":true}`)
		if k := e.kinds(t, anna); k[kindLinked] != 0 {
			t.Errorf("%v", k)
		}
		if got := page(b.open(t, "/api/v1/auth/oidc/none/start")); got != "not_found" {
			t.Error(got)
		}
		if got := b.step(t, weirAt+"/api/v1/auth/oidc/none/start"); got.StatusCode != 404 {
			t.Errorf("%d", got.StatusCode)
		}
		if got := page(b.open(t, "/api/v1/auth/oidc/none%0aevil/callback?state=x")); got != "not_found" {
			t.Error(got)
		}
	})
}

// The way back is open once, to the browser that went, at the provider that it went to.
func TestStates(t *testing.T) {
	eachElsewhere(t, func(t *testing.T, e *elsewhere) {
		e.acme.is("one", "anna", "anna@example.org", true)
		// walk goes to the provider and stops before the way back.
		walk := func(b *browser) *url.URL {
			t.Helper()
			at := weirAt + startAcme
			for range 6 {
				got := b.step(t, at)
				next, err := got.Location()
				if err != nil {
					t.Fatalf("%s: %d %s", at, got.StatusCode, got.body)
				}
				if next.Host == "tv.example.org" {
					return next
				}
				at = next.String()
			}
			t.Fatal("no way back")
			return nil
		}
		refused := func(name string, b *browser, u *url.URL, status int, change ...string) {
			t.Helper()
			q := u.Query()
			copied := *u
			for i := 0; i < len(change); i += 2 {
				if change[i] == "path" {
					copied.Path = change[i+1]
				} else if q.Del(change[i]); change[i+1] != "" {
					q.Set(change[i], change[i+1])
				}
			}
			copied.RawQuery = q.Encode()
			got := b.step(t, copied.String())
			if got.StatusCode != status || b.signedIn(t) {
				t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
			}
			if s := string(got.body); strings.Contains(s, q.Get("code")) && q.Get("code") != "" || strings.Contains(s, q.Get("state")) && len(q.Get("state")) > 5 {
				t.Errorf("%s: %s", name, s)
			}
		}
		b := e.browser(t)
		refused("no state", b, walk(b), 422, "state", "")
		refused("wrong state", b, walk(b), 422, "state", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		refused("long state", b, walk(b), 422, "state", strings.Repeat("x", 300))
		refused("another browser", e.browser(t), walk(b), 422)
		refused("another provider's way back", b, walk(b), 422, "path", "/api/v1/auth/oidc/corp/callback")
		refused("no code", b, walk(b), 401, "code", "")
		refused("other code", b, walk(b), 401, "code", "made-up")
		refused("issuer mixed up", b, walk(b), 401, "iss", "https://evil.example")
		refused("error", b, walk(b), 403, "error", "access_denied")
		refused("odd error", b, walk(b), 401, "error", "<script>")
		refused("broken there", b, walk(b), 503, "error", "server_error")
		late := walk(b)
		e.clock.Pass(AttemptLife)
		refused("too late", b, late, 422)
		// A code of one attempt does not fit another: the provider checks PKCE.
		one, two := walk(b), walk(b)
		refused("code of another attempt", b, one, 401, "code", two.Query().Get("code"))
		// Several tabs at once are no problem; nor is a state used twice an attack that works.
		one, two = walk(b), walk(b)
		if got := b.step(t, two.String()); got.StatusCode != 303 || !b.signedIn(t) {
			t.Fatalf("%d %s", got.StatusCode, got.body)
		}
		if got := b.step(t, one.String()); got.StatusCode != 303 {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
		for name, u := range map[string]*url.URL{"replayed": two, "replayed code, new state": func() *url.URL {
			next := walk(b)
			q := next.Query()
			q.Set("code", two.Query().Get("code"))
			next.RawQuery = q.Encode()
			return next
		}()} {
			if got := b.step(t, u.String()); got.StatusCode != 422 && got.StatusCode != 401 {
				t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
			}
		}
	})
}

func TestAttemptCookie(t *testing.T) {
	eachElsewhere(t, func(t *testing.T, e *elsewhere) {
		for _, scheme := range []string{"https", "http"} {
			got := e.expect(t, 303, "GET", startAcme, "", "", "X-Forwarded-Proto: "+scheme)
			c := got.Cookies()
			if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode || c[0].Path != "/" || c[0].MaxAge != 600 || c[0].Domain != "" ||
				c[0].Secure != (scheme == "https") || strings.HasPrefix(c[0].Name, "__Host-") != c[0].Secure || len(c[0].Value) != mailTokenLen {
				t.Errorf("%+v", c)
			}
			if strings.Contains(got.Header.Get("Location"), c[0].Value) {
				t.Error("the provider sees the cookie")
			}
		}
	})
}

// The provider is down: that route says so, the rest works.
func TestProviderDown(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		s := httptest.NewServer(http.NotFoundHandler())
		p, err := oidc.New(oidc.Config{Name: "acme", Issuer: s.URL, ClientID: "weir"})
		ok(t, err)
		s.Close()
		r.providers = []*oidc.Provider{p}
		w := newWeb(t, r)
		got := w.expect(t, 503, "GET", startAcme, "", "")
		if got.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		if at := w.browser(t).open(t, startAcme); at != "/sign-in?oidc_error=unavailable&provider=acme" {
			t.Error(at)
		}
		w.expect(t, 200, "GET", "/api/v1/auth/oidc", "", "")
		w.register(t, "anna")
		w.expect(t, 200, "POST", "/api/v1/auth/sign-in", "", `{"login":"anna","password":"`+goodPassword+`"}`)
		if !strings.Contains(r.log.String(), "sign-in at a provider failed") {
			t.Error("the operator does not hear of it")
		}
	})
}

func TestGitHubSignIn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		mux := http.NewServeMux()
		s := httptest.NewServer(mux)
		t.Cleanup(s.Close)
		mux.HandleFunc("GET /login/oauth/authorize", func(w http.ResponseWriter, req *http.Request) {
			q := req.URL.Query()
			http.Redirect(w, req, q.Get("redirect_uri")+"?code=c1&state="+url.QueryEscape(q.Get("state")), http.StatusFound)
		})
		mux.HandleFunc("POST /login/oauth/access_token", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"access_token":"gho_x","token_type":"bearer"}`))
		})
		mux.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"id":7,"login":"Octocat"}`)) })
		mux.HandleFunc("GET /api/v3/user/emails", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`[{"email":"octo@example.org","primary":true,"verified":true}]`))
		})
		p, err := oidc.New(oidc.Config{Name: oidc.GitHub, Issuer: s.URL, ClientID: "weir", ClientSecret: "x"})
		ok(t, err)
		r.providers = []*oidc.Provider{p}
		b := newWeb(t, r).browser(t)
		if at := b.open(t, "/api/v1/auth/oidc/github/start?return_to=/"); at != "/" {
			t.Error(at)
		}
		if me := b.tokens(t).User; me.Username != "octocat" || me.Email != "octo@example.org" {
			t.Errorf("%+v", me)
		}
	})
}

func TestReturnTo(t *testing.T) {
	for _, good := range []string{"", "/", "/settings", "/watch/main?x=1&y=/z#t", "/u/anna", "/a:b", "/%2F%2Fevil.example"} {
		if problem := checkReturn(good); problem != "" {
			t.Errorf("%q: %s", good, problem)
		}
	}
	for _, bad := range []string{
		"//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\\/evil.example", "https://evil.example", "https:/evil.example", "evil.example", "javascript:alert(1)",
		"/\t/evil.example", "\t//evil.example", " /x", "/x y", "/\r\nSet-Cookie: a=b", "/\n//evil.example", "?x", "#x", ".//evil.example", "/ü", "/%zz", "@evil.example", ":80/x", "/" + strings.Repeat("x", returnMax), "/\x00", "/\u2215evil",
	} {
		if checkReturn(bad) == "" {
			t.Errorf("%q is taken", bad)
		}
	}
	r := newRig(t, openLite(t), servicetest.Redis(t, openLite(t)), plenty())
	acme := newLogin(t, "acme")
	r.providers = []*oidc.Provider{acme.Provider}
	w := newWeb(t, r)
	for _, bad := range []string{"//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"} {
		w.expect(t, 422, "GET", startAcme+"?return_to="+url.QueryEscape(bad), "", "")
		if at := w.browser(t).open(t, startAcme+"?return_to="+url.QueryEscape(bad)); at != "/sign-in?oidc_error=invalid&provider=acme" {
			t.Error(at)
		}
	}
}

func TestNameWish(t *testing.T) {
	for _, c := range []struct{ username, address, want string }{
		{"anna", "x@example.org", "anna"}, {"Anna.Lena+tag", "x@example.org", "anna-lena-tag"}, {"anna@corp.example", "x@example.org", "anna"}, {"", "j.doe@example.org", "j-doe"},
		{"日本", "mail_1@example.org", "mail_1"}, {"--_", "!#@example.org", "viewer"}, {"Ünal Öz", "x@example.org", "unal-oz"}, {"deleted-1", "x1@example.org", "x1"},
		{strings.Repeat("a", 200), "", strings.Repeat("a", 32)}, {"\xff\xfeabc", "", "abc"}, {"ａｄｍｉｎ", "", "admin"}, {"a", "", "a"},
	} {
		if got := nameWish(c.username, c.address); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.username, c.address, got, c.want)
		}
		name, err := numbered(nameWish(c.username, c.address))
		if problem := CheckUsername(name); err != nil || problem != "" {
			t.Errorf("%q %s", name, problem)
		}
	}
	each(t, func(t *testing.T, r *rig) {
		names := map[string]bool{}
		for range 5 {
			for _, wish := range []string{"admin", "ab", "anna"} {
				id, err := newID()
				ok(t, err)
				a := &Account{ID: id, Created: r.stamp()}
				ok(t, r.within(t.Context(), func(ctx context.Context, st Store) error { return claimSome(ctx, st, a, wish) }))
				if names[a.Username] || CheckUsername(a.Username) != "" {
					t.Errorf("%q", a.Username)
				}
				names[a.Username] = true
			}
		}
		if !names["anna"] || names["admin"] {
			t.Errorf("%v", names)
		}
	})
}

// What waits in Redis can be read by this version or is an error, never half of it.
func TestAttemptText(t *testing.T) {
	a := attempt{Provider: "acme", Browser: "b", Nonce: "n", Verifier: "v", ReturnTo: "/x", Expires: time.Unix(1, 0).UTC()}
	b, err := json.Marshal(a)
	ok(t, err)
	var got attempt
	ok(t, json.Unmarshal(b, &got))
	if got != a {
		t.Errorf("%+v", got)
	}
}
