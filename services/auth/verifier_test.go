package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/fault"
)

func TestSignedTokenIsVerified(t *testing.T) {
	r := newRig(t)
	for name, change := range map[string]func(*Identity){
		"session":       func(*Identity) {},
		"admin":         func(id *Identity) { id.Role = Admin },
		"not verified":  func(id *Identity) { id.Verified = false },
		"scopes":        func(id *Identity) { id.Scopes = []string{"video:read", "live:write"} },
		"no scope":      func(id *Identity) { id.Scopes = []string{} },
		"unicode name":  func(id *Identity) { id.Username = "ädä \"<>&" },
		"without names": func(id *Identity) { id.Username = "" },
	} {
		t.Run(name, func(t *testing.T) {
			want := somebody()
			change(&want)
			token, err := r.signer.Sign(want, time.Minute)
			ok(t, err)
			want.Expires = r.clock.now().Add(time.Minute)
			for range 2 { // new, then seen
				got, err := r.verifier.Verify(t.Context(), token)
				ok(t, err)
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("got %+v, want %+v", got, want)
				}
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		change func(*Identity)
		ttl    time.Duration
	}{
		"no user":            {func(id *Identity) { id.User = uuid.Nil }, time.Minute},
		"no session":         {func(id *Identity) { id.Session = uuid.Nil }, time.Minute},
		"no role":            {func(id *Identity) { id.Role = "" }, time.Minute},
		"role unknown":       {func(id *Identity) { id.Role = "root" }, time.Minute},
		"no life":            {func(*Identity) {}, 0},
		"past":               {func(*Identity) {}, -time.Minute},
		"lives too long":     {func(*Identity) {}, MaxLife + 1},
		"blank in scope":     {func(id *Identity) { id.Scopes = []string{"a b"} }, time.Minute},
		"tab in scope":       {func(id *Identity) { id.Scopes = []string{"a\t"} }, time.Minute},
		"empty scope":        {func(id *Identity) { id.Scopes = []string{""} }, time.Minute},
		"would be oversized": {func(id *Identity) { id.Username = strings.Repeat("x", MaxToken) }, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			id := somebody()
			c.change(&id)
			if token, err := r.signer.Sign(id, c.ttl); !errors.Is(err, ErrClaims) || token != "" {
				t.Fatalf("got %q, %v", token, err)
			}
		})
	}
}

// goodClaims is what Sign writes, to be spoilt.
func goodClaims(now time.Time) map[string]any {
	return map[string]any{
		"iss": issuer, "aud": audience, "sub": uuid.New(), "sid": uuid.New(),
		"iat": now.Unix(), "exp": now.Unix() + 600, "preferred_username": "eve", "role": "user",
	}
}

func with(m map[string]any, name string, value any) map[string]any {
	m = maps.Clone(m)
	m[name] = value
	if value == nil {
		delete(m, name)
	}
	return m
}

func TestForgedHeaders(t *testing.T) {
	r := newRig(t)
	var called atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Add(1) }))
	defer server.Close()
	_, mallory, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	malloryJWK := map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": r.key.ID,
		"x": base64.RawURLEncoding.EncodeToString(mallory.Public().(ed25519.PublicKey))}
	head := map[string]any{"alg": "EdDSA", "typ": tokenType, "kid": r.key.ID}
	cl := goodClaims(r.clock.now())
	good := r.key.Private
	for _, c := range []struct {
		name   string
		key    ed25519.PrivateKey
		header any
		want   error
	}{
		{"as it should be", good, head, nil},
		{"other key, right kid", mallory, head, ErrSignature},
		{"no signature", nil, head, ErrSignature},
		{"alg none", nil, with(head, "alg", "none"), ErrAlgorithm},
		{"alg None", nil, with(head, "alg", "None"), ErrAlgorithm},
		{"alg none, signed", good, with(head, "alg", "none"), ErrAlgorithm},
		{"alg empty", good, with(head, "alg", ""), ErrAlgorithm},
		{"alg missing", good, with(head, "alg", nil), ErrAlgorithm},
		{"alg a list", good, with(head, "alg", []string{"EdDSA"}), ErrMalformed},
		{"alg in other case", good, with(head, "alg", "eddsa"), ErrAlgorithm},
		{"alg by another name", good, `{"ALG":"EdDSA","typ":"at+jwt","kid":"` + r.key.ID + `"}`, ErrAlgorithm},
		{"alg twice", good, `{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"` + r.key.ID + `"}`, ErrMalformed},
		{"typ JWT", good, with(head, "typ", "JWT"), ErrType},
		{"typ missing", good, with(head, "typ", nil), ErrType},
		{"typ of a refresh token", good, with(head, "typ", "rt+jwt"), ErrType},
		{"typ of a logout token", good, with(head, "typ", "logout+jwt"), ErrType},
		{"kid missing", good, with(head, "kid", nil), ErrUnknownKey},
		{"kid unknown", good, with(head, "kid", "other"), ErrUnknownKey},
		{"kid a number", good, with(head, "kid", 1), ErrMalformed},
		{"kid null", good, `{"alg":"EdDSA","typ":"at+jwt","kid":null}`, ErrMalformed},
		{"kid a path", mallory, with(head, "kid", "../../../../dev/null"), ErrUnknownKey},
		{"kid an address", mallory, with(head, "kid", server.URL), ErrUnknownKey},
		{"kid SQL", mallory, with(head, "kid", "x' UNION SELECT 'key"), ErrUnknownKey},
		{"kid with a NUL", mallory, with(head, "kid", r.key.ID+"\x00"), ErrUnknownKey},
		{"kid long", mallory, with(head, "kid", strings.Repeat("a", 65)), ErrUnknownKey},
		{"jku of the attacker", mallory, with(head, "jku", server.URL), ErrSignature},
		{"x5u of the attacker", mallory, with(head, "x5u", server.URL), ErrSignature},
		{"jwk of the attacker", mallory, with(head, "jwk", malloryJWK), ErrSignature},
		{"x5c of the attacker", mallory, with(head, "x5c", []string{"MIIB"}), ErrSignature},
		{"jku and x5u are ignored", good, with(with(head, "jku", server.URL), "x5u", server.URL), nil},
		{"crit", good, with(head, "crit", []string{"exp"}), ErrMalformed},
		{"b64", good, with(head, "b64", false), ErrMalformed},
		{"not an object", good, `["EdDSA"]`, ErrMalformed},
		{"null", good, `null`, ErrMalformed},
		{"two objects", good, `{"alg":"EdDSA","typ":"at+jwt","kid":"` + r.key.ID + `"}{}`, ErrMalformed},
		{"deep", good, strings.Repeat(`{"a":`, 400) + `1` + strings.Repeat(`}`, 400), ErrAlgorithm},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused(t, r.verifier, forge(t, c.key, c.header, cl), c.want)
		})
	}
	same(t, "calls to the attacker", called.Load(), 0)
}

// refused holds that the token gives the error (nil: is taken), that the answer is
// a 401, and that nothing of the token is in its text.
func refused(t *testing.T, v *Verifier, token string, want error) {
	t.Helper()
	id, err := v.Verify(t.Context(), token)
	if want == nil {
		ok(t, err)
		return
	}
	if !errors.Is(err, want) || !is401(err) {
		t.Fatalf("got %v (%v), want %v", err, errors.Unwrap(err), want)
	}
	if id.User != uuid.Nil {
		t.Fatalf("an identity in spite of %v", err)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 && strings.Contains(err.Error(), part) {
			t.Fatalf("the token is in the error: %v", err)
		}
	}
}

func TestOtherAlgorithms(t *testing.T) {
	r := newRig(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	public := r.key.Private.Public().(ed25519.PublicKey)
	document, err := MarshalJWKS(r.ring.Public())
	ok(t, err)
	hs := func(secret []byte) func([]byte) []byte {
		return func(text []byte) []byte {
			m := hmac.New(sha256.New, secret)
			m.Write(text)
			return m.Sum(nil)
		}
	}
	for _, c := range []struct {
		name, alg string
		sign      func(text []byte) []byte
	}{
		{"HS256 with the public key", "HS256", hs(public)},
		{"HS256 with the x of the key set", "HS256", hs([]byte(base64.RawURLEncoding.EncodeToString(public)))},
		{"HS256 with the key set", "HS256", hs(document)},
		{"HS256 with nothing", "HS256", hs(nil)},
		{"RS256", "RS256", func(text []byte) []byte {
			sum := sha256.Sum256(text)
			sig, err := rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, sum[:])
			ok(t, err)
			return sig
		}},
		{"ES256", "ES256", func(text []byte) []byte {
			sum := sha256.Sum256(text)
			a, b, err := ecdsa.Sign(rand.Reader, ecKey, sum[:])
			ok(t, err)
			return append(a.FillBytes(make([]byte, 32)), b.FillBytes(make([]byte, 32))...)
		}},
		{"PS256", "PS256", func([]byte) []byte { return make([]byte, 256) }},
		{"A256GCM", "dir", func([]byte) []byte { return make([]byte, 16) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := segment(t, map[string]string{"alg": c.alg, "typ": tokenType, "kid": r.key.ID}) + "." +
				segment(t, goodClaims(r.clock.now()))
			token := text + "." + base64.RawURLEncoding.EncodeToString(c.sign([]byte(text)))
			refused(t, r.verifier, token, ErrAlgorithm)
		})
	}
}

func TestSignedButNotAcceptable(t *testing.T) {
	r := newRig(t)
	now := r.clock.now().Unix()
	cl := goodClaims(r.clock.now())
	raw, err := json.Marshal(cl)
	ok(t, err)
	twice := func(member string) string { return `{` + member + `,` + string(raw[1:]) }
	for _, c := range []struct {
		name   string
		claims any
		want   error
	}{
		{"good", cl, nil},
		{"expired", with(cl, "exp", now-11), ErrExpired},
		{"expired, other issuer", with(with(cl, "exp", now-11), "iss", "x"), ErrIssuer},
		{"just expired, clocks apart", with(with(cl, "iat", now-60), "exp", now-9), nil},
		{"no exp", with(cl, "exp", nil), ErrClaims},
		{"exp null", string(raw[:len(raw)-1]) + `,"nbf":null}`, ErrMalformed},
		{"exp a string", with(cl, "exp", "2099"), ErrMalformed},
		{"exp negative", with(cl, "exp", -1), ErrMalformed},
		{"exp enormous", with(cl, "exp", 1e300), ErrMalformed},
		{"lives too long", with(cl, "exp", now+3601), ErrClaims},
		{"ends before it begins", with(with(cl, "iat", now), "exp", now-1), ErrClaims},
		{"not valid yet", with(cl, "nbf", now+12), ErrEarly},
		{"not valid yet, clocks apart", with(cl, "nbf", now+9), nil},
		{"issued in the future", with(cl, "iat", now+12), ErrEarly},
		{"issued in the future, clocks apart", with(cl, "iat", now+9), nil},
		{"no iat", with(cl, "iat", nil), ErrClaims},
		{"other issuer", with(cl, "iss", issuer+"/"), ErrIssuer},
		{"no issuer", with(cl, "iss", nil), ErrClaims},
		{"issuer a list", with(cl, "iss", []string{issuer}), ErrMalformed},
		{"other audience", with(cl, "aud", "elsewhere"), ErrAudience},
		{"no audience", with(cl, "aud", nil), ErrClaims},
		{"audiences without us", with(cl, "aud", []string{"a", "b"}), ErrAudience},
		{"audiences with us", with(cl, "aud", []string{"a", audience}), nil},
		{"no subject", with(cl, "sub", nil), ErrClaims},
		{"subject not an id", with(cl, "sub", "admin"), ErrMalformed},
		{"subject zero", with(cl, "sub", uuid.Nil), ErrClaims},
		{"no session (an ID token)", with(cl, "sid", nil), ErrClaims},
		{"no role", with(cl, "role", nil), ErrClaims},
		{"role unknown", with(cl, "role", "root"), ErrClaims},
		{"scope a list", with(cl, "scope", []string{"a"}), ErrMalformed},
		{"role twice", twice(`"role":"admin"`), ErrMalformed},
		{"sub twice", twice(`"sub":"` + uuid.NewString() + `"`), ErrMalformed},
		{"SUB beside sub", twice(`"SUB":"` + uuid.NewString() + `"`), nil}, // another name: means nothing
		{"an escaped name twice", twice(`"r\u006fle":"admin"`), ErrMalformed},
		{"other claims", with(cl, "x", map[string]any{"y": []int{1}}), nil},
		{"too many claims", twice(manyMembers(40)), ErrMalformed},
		{"not an object", `[]`, ErrMalformed},
		{"null", `null`, ErrMalformed},
		{"nothing", ``, ErrMalformed},
		{"cut off", string(raw[:len(raw)-1]), ErrMalformed},
		{"more after it", string(raw) + `{}`, ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			head := map[string]string{"alg": "EdDSA", "typ": tokenType, "kid": r.key.ID}
			refused(t, r.verifier, forge(t, r.key.Private, head, c.claims), c.want)
		})
	}
}

func manyMembers(n int) string {
	var members []string
	for i := range n {
		members = append(members, `"m`+strings.Repeat("x", i)+`":1`)
	}
	return strings.Join(members, ",")
}

func TestBrokenText(t *testing.T) {
	r := newRig(t)
	_, token := r.sign(t)
	last := token[len(token)-1:]
	parts := strings.Split(token, ".")
	flipped := []byte(token)
	flipped[len(parts[0])+10] ^= 1
	for _, c := range []struct {
		name, token string
		want        error
	}{
		{"empty", "", ErrMalformed},
		{"a word", "token", ErrMalformed},
		{"dots", "..", ErrMalformed},
		{"two parts", parts[0] + "." + parts[1], ErrMalformed},
		{"four parts", token + ".x", ErrMalformed},
		{"many dots", strings.Repeat(".", MaxToken), ErrMalformed},
		{"five parts (JWE)", token + "..", ErrMalformed},
		{"with its word", "Bearer " + token, ErrMalformed},
		{"oversized", token + strings.Repeat("A", MaxToken), ErrTooLong},
		{"very much oversized", strings.Repeat("A", 1<<20), ErrTooLong},
		{"cut in the signature", token[:len(token)-1], ErrMalformed},
		{"signature of 63 bytes", token[:len(token)-2], ErrSignature},
		{"cut in the claims", parts[0] + "." + parts[1][:len(parts[1])-3] + "." + parts[2], ErrMalformed},
		{"cut in the header", parts[0][1:] + "." + parts[1] + "." + parts[2], ErrMalformed},
		{"padded", token + "=", ErrMalformed},
		{"line end", token + "\n", ErrMalformed},
		{"line end inside", token[:20] + "\r\n" + token[20:], ErrMalformed},
		{"other base64 alphabet", strings.Replace(token, last, "+", 1), ErrMalformed},
		{"not ASCII", "é" + token, ErrMalformed},
		{"other last bits", token[:len(token)-1] + nextWord(last), ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, r.verifier, c.token, c.want) })
	}
	t.Run("a bit of the claims", func(t *testing.T) {
		if _, err := r.verifier.Verify(t.Context(), string(flipped)); !is401(err) {
			t.Fatal(err)
		}
	})
	refused(t, r.verifier, token, nil)
}

// nextWord is the base64url letter whose highest bits are the same: the 64 bytes of
// a signature leave four bits of the last letter unused, which must be zero.
func nextWord(letter string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.Index(alphabet, letter)+1])
}

func TestSeenTokenStillExpires(t *testing.T) {
	r := newRig(t)
	_, token := r.sign(t)
	refused(t, r.verifier, token, nil)
	r.clock.add(15*time.Minute + Leeway - 1)
	refused(t, r.verifier, token, nil)
	r.clock.add(2)
	refused(t, r.verifier, token, ErrExpired)
}

// countingKeys says how often it was asked.
type countingKeys struct {
	KeySource
	calls atomic.Int32
	err   error
}

func (c *countingKeys) Key(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	c.calls.Add(1)
	if c.err != nil {
		return nil, c.err
	}
	return c.KeySource.Key(ctx, kid)
}

func TestSeenTokenAsksNobody(t *testing.T) {
	keys := &countingKeys{}
	r := newRig(t, func(c *Config) { keys.KeySource = c.Keys; c.Keys = keys; c.CacheSize = 2 })
	mono := newClock()
	r.verifier.mono = mono.now
	_, token := r.sign(t)
	for range 100 {
		refused(t, r.verifier, token, nil)
	}
	same(t, "keys asked", keys.calls.Load(), 1)

	mono.add(trustLife) // the key may have been withdrawn
	refused(t, r.verifier, token, nil)
	same(t, "keys asked", keys.calls.Load(), 2)

	for range 10 { // others push it out
		_, other := r.sign(t)
		refused(t, r.verifier, other, nil)
	}
	same(t, "remembered", r.verifier.seen.len(), 2)
	refused(t, r.verifier, token, nil)
	same(t, "keys asked", keys.calls.Load(), 13)
}

func TestBadTokensAreNotRemembered(t *testing.T) {
	r := newRig(t)
	_, token := r.sign(t)
	for i := range 20 {
		refused(t, r.verifier, token[:len(token)-4-i], errOf(t, r.verifier, token[:len(token)-4-i]))
	}
	same(t, "remembered", r.verifier.seen.len(), 0)
}

func errOf(t *testing.T, v *Verifier, token string) error {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	if errors.Is(err, ErrMalformed) {
		return ErrMalformed
	}
	return ErrSignature
}

func TestKeysCannotBeFetched(t *testing.T) {
	keys := &countingKeys{err: errors.New("no route")}
	r := newRig(t, func(c *Config) { c.Keys = keys })
	_, token := r.sign(t)
	if _, err := r.verifier.Verify(t.Context(), token); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v: a 401 would sign everyone out", err)
	}
}

func TestWithdrawnKeyEnds(t *testing.T) {
	r := newRig(t)
	mono := newClock()
	r.verifier.mono = mono.now
	_, token := r.sign(t)
	refused(t, r.verifier, token, nil)
	other, err := NewSigningKey(r.clock.now())
	ok(t, err)
	ok(t, r.ring.Set(other))
	mono.add(trustLife)
	refused(t, r.verifier, token, ErrUnknownKey)
	same(t, "remembered", r.verifier.seen.len(), 0)
}

func TestNewNeedsItsParts(t *testing.T) {
	r := newRig(t)
	for name, spoil := range map[string]func(*Config){
		"keys": func(c *Config) { c.Keys = nil }, "redis": func(c *Config) { c.Redis = nil },
		"issuer": func(c *Config) { c.Issuer = "" }, "audience": func(c *Config) { c.Audience = "" },
	} {
		c := r.verifier.config
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("without %s", name)
		}
	}
	if _, err := NewSigner(SignerConfig{Ring: r.ring, Issuer: issuer}); err == nil {
		t.Error("a signer without an audience")
	}
}
