package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
	"golang.org/x/oauth2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	clientID = "weir-client"
	secret   = "client secret & more"
	code     = "code-8f14e45f"
	callback = "https://tv.example.org/api/v1/auth/oidc/acme/callback"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// forger is an OpenID provider that says whatever a test wants.
type forger struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu          sync.Mutex
	discovery   map[string]any // added to the description
	discoveries int
	broken      http.HandlerFunc // in place of the description
	token       func(w http.ResponseWriter, r *http.Request)
	userInfo    map[string]any
	form        url.Values // of the last request for a token
	user, pass  string     // its Basic authentication
}

func newForger(t testing.TB) *forger {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, err)
	f := &forger{key: key, discovery: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", f.describe)
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "kid": "one", "use": "sig",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = r.ParseForm()
		f.form = r.PostForm
		f.user, f.pass, _ = r.BasicAuth()
		f.token(w, r)
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer access" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, f.userInfo)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (f *forger) describe(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.discoveries++
	if f.broken != nil {
		f.broken(w, r)
		return
	}
	d := map[string]any{
		"issuer": f.URL, "authorization_endpoint": f.URL + "/auth", "token_endpoint": f.URL + "/token", "jwks_uri": f.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
	}
	for k, v := range f.discovery {
		d[k] = v
	}
	answer(w, d)
}

// gives makes the token endpoint answer with that id_token.
func (f *forger) gives(idToken string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.token = func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": idToken})
	}
}

// good are the claims of a token that is taken.
func (f *forger) good(a Attempt, change ...any) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": f.URL, "aud": clientID, "sub": "s-1", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nonce": a.Nonce,
		"email": "anna@example.org", "email_verified": true, "preferred_username": "anna", "locale": "de",
	}
	for i := 0; i < len(change); i += 2 {
		if change[i+1] == nil {
			delete(c, change[i].(string))
		} else {
			c[change[i].(string)] = change[i+1]
		}
	}
	return c
}

func sign(t testing.TB, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
	t.Helper()
	tok := jwt.NewWithClaims(method, c)
	tok.Header["kid"] = "one"
	s, err := tok.SignedString(key)
	ok(t, err)
	return s
}

func (f *forger) signed(t testing.TB, c jwt.MapClaims) string {
	t.Helper()
	return sign(t, jwt.SigningMethodRS256, f.key, c)
}

func (f *forger) provider(t testing.TB) *Provider {
	t.Helper()
	p, err := New(Config{Name: "acme", Issuer: f.URL, ClientID: clientID, ClientSecret: secret})
	ok(t, err)
	return p
}

func TestAddress(t *testing.T) {
	f := newForger(t)
	p, a := f.provider(t), NewAttempt(callback)
	address, err := p.Address(t.Context(), a)
	ok(t, err)
	u, err := url.Parse(address)
	ok(t, err)
	sum := sha256.Sum256([]byte(a.Verifier))
	want := url.Values{
		"client_id": {clientID}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "nonce": {a.Nonce},
		"redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid email profile"}, "state": {a.State},
	}
	if u.Path != "/auth" || u.Query().Encode() != want.Encode() {
		t.Errorf("%s", address)
	}
	b := NewAttempt(callback)
	if a.State == b.State || a.Nonce == b.Nonce || a.Verifier == b.Verifier || len(a.State) < 26 || len(a.Nonce) < 26 || a.State == a.Nonce || strings.Contains(address, a.Verifier) {
		t.Error("not random, or the verifier is shown")
	}
}

func TestPerson(t *testing.T) {
	f := newForger(t)
	p, a := f.provider(t), NewAttempt(callback)
	f.gives(f.signed(t, f.good(a)))
	who, err := p.Person(t.Context(), a, Answer{Code: code})
	ok(t, err)
	if want := (Person{Issuer: f.URL, Subject: "s-1", Email: "anna@example.org", EmailVerified: true, Username: "anna", Language: "de"}); who != want {
		t.Errorf("%+v", who)
	}
	if f.form.Get("code") != code || f.form.Get("code_verifier") != a.Verifier || f.form.Get("redirect_uri") != callback || f.form.Get("client_secret") != "" ||
		f.user != clientID || f.pass != url.QueryEscape(secret) {
		t.Errorf("%v %s", f.form, f.user)
	}
	for _, verified := range []any{"true", true} {
		f.gives(f.signed(t, f.good(a, "email_verified", verified)))
		if who, err := p.Person(t.Context(), a, Answer{Code: code, Issuer: f.URL}); err != nil || !who.EmailVerified {
			t.Errorf("%v: %+v %v", verified, who, err)
		}
	}
	for _, verified := range []any{"false", false, nil, 1, "yes", []string{"true"}} {
		f.gives(f.signed(t, f.good(a, "email_verified", verified)))
		if who, err := p.Person(t.Context(), a, Answer{Code: code}); err != nil || who.EmailVerified {
			t.Errorf("%v: %+v %v", verified, who, err)
		}
	}
	// With two audiences, azp says which client it is for.
	f.gives(f.signed(t, f.good(a, "aud", []string{"other", clientID}, "azp", clientID)))
	_, err = p.Person(t.Context(), a, Answer{Code: code})
	ok(t, err)
	sum := sha256.Sum256([]byte("access"))
	f.gives(f.signed(t, f.good(a, "at_hash", base64.RawURLEncoding.EncodeToString(sum[:16]))))
	_, err = p.Person(t.Context(), a, Answer{Code: code})
	ok(t, err)
}

// What must never be believed.
func TestForgedTokens(t *testing.T) {
	f, other := newForger(t), newForger(t)
	p, a := f.provider(t), NewAttempt(callback)
	public, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
	ok(t, err)
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	good := f.good(a)
	parts := strings.Split(f.signed(t, good), ".")
	changed := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"` + f.URL + `","aud":"weir-client","sub":"admin","exp":9999999999,"nonce":"` + a.Nonce + `"}`))
	for name, token := range map[string]string{
		"wrong nonce":              f.signed(t, f.good(a, "nonce", NewAttempt(callback).Nonce)),
		"no nonce":                 f.signed(t, f.good(a, "nonce", nil)),
		"empty nonce":              f.signed(t, f.good(a, "nonce", "")),
		"other issuer's token":     other.signed(t, other.good(a)),
		"other issuer, our key":    f.signed(t, f.good(a, "iss", other.URL)),
		"our issuer, other key":    other.signed(t, good),
		"no issuer":                f.signed(t, f.good(a, "iss", nil)),
		"issuer with a slash":      f.signed(t, f.good(a, "iss", f.URL+"/")),
		"alg none":                 sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good),
		"HS256, public key as PEM": sign(t, jwt.SigningMethodHS256, pemKey, good),
		"HS256, public key as DER": sign(t, jwt.SigningMethodHS256, public, good),
		"HS256, modulus":           sign(t, jwt.SigningMethodHS256, f.key.N.Bytes(), good),
		"HS256, client secret":     sign(t, jwt.SigningMethodHS256, []byte(secret), good),
		"ES256, not offered":       sign(t, jwt.SigningMethodES256, curve, good),
		"no signature":             parts[0] + "." + parts[1] + ".",
		"claims changed":           parts[0] + "." + changed + "." + parts[2],
		"expired":                  f.signed(t, f.good(a, "exp", time.Now().Add(-time.Minute).Unix())),
		"no expiry":                f.signed(t, f.good(a, "exp", nil)),
		"not valid yet":            f.signed(t, f.good(a, "nbf", time.Now().Add(time.Hour).Unix())),
		"wrong audience":           f.signed(t, f.good(a, "aud", "other")),
		"no audience":              f.signed(t, f.good(a, "aud", nil)),
		"two audiences, no azp":    f.signed(t, f.good(a, "aud", []string{clientID, "other"})),
		"azp of another":           f.signed(t, f.good(a, "azp", "other")),
		"other access token":       f.signed(t, f.good(a, "at_hash", base64.RawURLEncoding.EncodeToString(make([]byte, 16)))),
		"no subject":               f.signed(t, f.good(a, "sub", nil)),
		"long subject":             f.signed(t, f.good(a, "sub", strings.Repeat("s", 256))),
		"empty":                    "",
		"no token":                 "abc",
		"JWS as JSON":              `{"payload":"` + parts[1] + `","signatures":[]}`,
	} {
		f.gives(token)
		who, err := p.Person(t.Context(), a, Answer{Code: code})
		if !errors.Is(err, ErrRefused) || who != (Person{}) {
			t.Errorf("%s: %+v %v", name, who, err)
		}
		quiet(t, err, token)
	}
	f.gives(f.signed(t, good))
	_, err = p.Person(t.Context(), a, Answer{Code: code})
	ok(t, err) // else the table shows nothing
}

// quiet holds that an error can be logged.
func quiet(t testing.TB, err error, more ...string) {
	t.Helper()
	if err == nil {
		return
	}
	for _, s := range append(more, code, secret, url.QueryEscape(secret)) {
		if s != "" && strings.Contains(err.Error(), s) {
			t.Errorf("%q shows %q", err, s)
		}
	}
	if len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("%q is no line for a log", err)
	}
}

// The parameter iss (RFC 9207) is looked at before the code goes anywhere.
func TestMixedUpIssuers(t *testing.T) {
	f := newForger(t)
	p, a := f.provider(t), NewAttempt(callback)
	for _, iss := range []string{"https://evil.example", f.URL + "/", "x"} {
		if _, err := p.Person(t.Context(), a, Answer{Code: code, Issuer: iss}); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", iss, err)
		}
	}
	f.discovery["authorization_response_iss_parameter_supported"] = true
	p = f.provider(t)
	if _, err := p.Person(t.Context(), a, Answer{Code: code}); !errors.Is(err, ErrRefused) {
		t.Errorf("iss is missing: %v", err)
	}
	if f.form != nil {
		t.Error("the code was sent")
	}
	f.gives(f.signed(t, f.good(a)))
	_, err := p.Person(t.Context(), a, Answer{Code: code, Issuer: f.URL})
	ok(t, err)
}

func TestUserInfo(t *testing.T) {
	f := newForger(t)
	f.discovery["userinfo_endpoint"] = f.URL + "/userinfo"
	p, a := f.provider(t), NewAttempt(callback)
	f.gives(f.signed(t, f.good(a, "email", nil, "email_verified", nil, "preferred_username", nil)))
	f.userInfo = map[string]any{"sub": "s-1", "email": "anna@example.org", "email_verified": "true", "preferred_username": "anna"}
	who, err := p.Person(t.Context(), a, Answer{Code: code})
	ok(t, err)
	if who.Email != "anna@example.org" || !who.EmailVerified || who.Username != "anna" {
		t.Errorf("%+v", who)
	}
	f.userInfo["sub"] = "s-2"
	if _, err := p.Person(t.Context(), a, Answer{Code: code}); !errors.Is(err, ErrRefused) {
		t.Errorf("another's answer: %v", err)
	}
}

func TestTokenEndpoint(t *testing.T) {
	f := newForger(t)
	p, a := f.provider(t), NewAttempt(callback)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"code refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"` + code + ` was used"}`))
		}, ErrRefused},
		"error with 200": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"error": "bad_verification_code"})
		}, ErrRefused},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("<html>" + code))
		}, ErrRefused},
		"broken": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, code+"\x1b[31m", http.StatusBadGateway) }, ErrUnavailable},
		"busy":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, ErrUnavailable},
		"cut":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ErrUnavailable},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, f.URL+"/elsewhere", http.StatusTemporaryRedirect)
		}, ErrRefused},
		"no id_token": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"access_token": "access", "token_type": "Bearer"})
		}, ErrRefused},
	} {
		f.mu.Lock()
		f.token = c.answer
		f.mu.Unlock()
		_, err := p.Person(t.Context(), a, Answer{Code: code})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		quiet(t, err)
	}
}

// How the client shows who it is follows from the description, never from a second try
// with the same code.
func TestClientAuthentication(t *testing.T) {
	for name, c := range map[string]struct {
		methods []string
		secret  string
		basic   bool
	}{
		"not said": {nil, secret, true}, "basic": {[]string{"client_secret_post", "client_secret_basic"}, secret, true},
		"post": {[]string{"client_secret_post"}, secret, false}, "public client": {[]string{"client_secret_basic", "none"}, "", false},
	} {
		f := newForger(t)
		if c.methods != nil {
			f.discovery["token_endpoint_auth_methods_supported"] = c.methods
		}
		p, err := New(Config{Name: "acme", Issuer: f.URL, ClientID: clientID, ClientSecret: c.secret})
		ok(t, err)
		a := NewAttempt(callback)
		tries := 0
		f.token = func(w http.ResponseWriter, _ *http.Request) { tries++; w.WriteHeader(http.StatusUnauthorized) }
		if _, err := p.Person(t.Context(), a, Answer{Code: code}); !errors.Is(err, ErrRefused) || tries != 1 {
			t.Errorf("%s: %v after %d tries", name, err, tries)
		}
		if (f.user != "") != c.basic || (f.form.Get("client_id") != "") == c.basic || !c.basic && f.form.Get("client_secret") != c.secret {
			t.Errorf("%s: %q %v", name, f.user, f.form)
		}
	}
}

func TestDiscovery(t *testing.T) {
	for name, broken := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, strings.Repeat("x\n", 4000), http.StatusInternalServerError)
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
		"too long": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":"` + strings.Repeat("x", maxAnswer) + `"}`))
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) },
		"other issuer": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"issuer": "https://evil.example"})
		},
		"hangs up":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"no addresses": func(w http.ResponseWriter, r *http.Request) { answer(w, map[string]any{"issuer": "http://" + r.Host}) },
		"plain token":  func(w http.ResponseWriter, r *http.Request) { answer(w, plain(r, "token_endpoint")) },
		"plain keys":   func(w http.ResponseWriter, r *http.Request) { answer(w, plain(r, "jwks_uri")) },
		"script": func(w http.ResponseWriter, r *http.Request) {
			d := plain(r, "x")
			d["authorization_endpoint"] = "javascript:alert(1)"
			answer(w, d)
		},
	} {
		f := newForger(t)
		f.broken = broken
		p := f.provider(t)
		for _, err := range []error{p.Check(t.Context()), second(p.Address(t.Context(), NewAttempt(callback))), second(p.Person(t.Context(), NewAttempt(callback), Answer{Code: code}))} {
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
			quiet(t, err)
		}
	}
	f := newForger(t)
	p := f.provider(t)
	ok(t, p.Check(t.Context()))
	f.Close()
	if err := p.Check(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("down: %v", err)
	}
}

// A redirect is not followed, even where it would lead to something good: only what the
// operator has configured is asked.
func TestNoRedirects(t *testing.T) {
	f, other := newForger(t), newForger(t)
	other.discovery["issuer"] = f.URL
	reached := false
	other.token = func(http.ResponseWriter, *http.Request) { reached = true }
	p := f.provider(t)
	f.token = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/token", http.StatusTemporaryRedirect)
	}
	if _, err := p.Person(t.Context(), NewAttempt(callback), Answer{Code: code}); err == nil || reached {
		t.Errorf("the code went elsewhere: %v", err)
	}
	f.broken = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
	}
	if err := f.provider(t).Check(t.Context()); !errors.Is(err, ErrUnavailable) || other.discoveries > 0 {
		t.Errorf("another description was read: %v", err)
	}
}

// plain is a description in which one address is not encrypted.
func plain(r *http.Request, name string) map[string]any {
	at := "http://" + r.Host
	d := map[string]any{"issuer": at, "authorization_endpoint": at + "/auth", "token_endpoint": at + "/token", "jwks_uri": at + "/keys"}
	d[name] = "http://login.example.org/"
	return d
}

func second[T any](_ T, err error) error { return err }

// The description is read when somebody wants to sign in, kept for an hour, and longer
// while it cannot be read again.
func TestDiscoveryIsKept(t *testing.T) {
	f := newForger(t)
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	p, err := New(Config{Name: "acme", Issuer: f.URL, ClientID: clientID, Now: clock})
	ok(t, err)
	reads := func(want int) {
		t.Helper()
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.discoveries != want {
			t.Errorf("read %d times, want %d", f.discoveries, want)
		}
	}
	address := func() error { return second(p.Address(t.Context(), NewAttempt(callback))) }
	reads(0)
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	set := func(h http.HandlerFunc) { f.mu.Lock(); defer f.mu.Unlock(); f.broken = h }
	set(down)
	for range 3 {
		if !errors.Is(address(), ErrUnavailable) {
			t.Error("it is down")
		}
	}
	reads(1) // who comes meanwhile gets the same error
	set(nil)
	pass(failureLife)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if err := address(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	reads(2)
	pass(metadataLife)
	set(down)
	ok(t, address())
	ok(t, address())
	reads(3)
	pass(failureLife)
	ok(t, address())
	reads(4)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pass(failureLife)
	set(nil)
	_ = second(p.Address(ctx, NewAttempt(callback))) // who leaves says nothing of the provider
	ok(t, address())
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]Config{
		"no name": {Issuer: "https://x.example", ClientID: "c"}, "name": {Name: "a-b", Issuer: "https://x.example", ClientID: "c"}, "upper": {Name: "Acme", Issuer: "https://x.example", ClientID: "c"},
		"no issuer": {Name: "acme", ClientID: "c"}, "no client": {Name: "google"}, "plain": {Name: "acme", Issuer: "http://login.example.org", ClientID: "c"},
		"query": {Name: "acme", Issuer: "https://x.example?x=1", ClientID: "c"}, "user": {Name: "acme", Issuer: "https://u:p@x.example", ClientID: "c"}, "file": {Name: "acme", Issuer: "file:///etc", ClientID: "c"},
		"no openid": {Name: "acme", Issuer: "https://x.example", ClientID: "c", Scopes: []string{"email"}}, "API": {Name: "github", API: "http://api.example.org", ClientID: "c"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, want := range map[string][2]string{"google": {"Google", "https://accounts.google.com"}, "github": {"GitHub", "https://github.com"}} {
		p, err := New(Config{Name: name, ClientID: "c"})
		ok(t, err)
		if p.Title() != want[0] || p.Issuer() != want[1] || p.Name() != name {
			t.Errorf("%s %s", p.Title(), p.Issuer())
		}
	}
	if verifier := oauth2.GenerateVerifier(); len(verifier) < 43 { // RFC 7636, 4.1
		t.Error("the verifier is short")
	}
}
