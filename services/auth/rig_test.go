package auth

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"weir/services/fault"
)

const (
	issuer   = "https://weir.example"
	audience = "weir"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that a test sets.
type clock struct{ at atomic.Pointer[time.Time] }

func newClock() *clock {
	c := &clock{}
	c.set(time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC))
	return c
}

func (c *clock) now() time.Time      { return *c.at.Load() }
func (c *clock) set(t time.Time)     { c.at.Store(&t) }
func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

// rig is a ring, its signer and a verifier of its tokens.
type rig struct {
	clock    *clock
	key      SigningKey
	ring     *Ring
	signer   *Signer
	redis    *goredis.Client
	verifier *Verifier
}

func newRig(t testing.TB, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{clock: newClock()}
	key, err := NewSigningKey(r.clock.now())
	ok(t, err)
	r.key = key
	r.ring, err = NewRing(r.clock.now, key)
	ok(t, err)
	r.signer, err = NewSigner(SignerConfig{Ring: r.ring, Issuer: issuer, Audience: audience, Now: r.clock.now})
	ok(t, err)
	r.redis = client(t, miniredis.RunT(t).Addr())
	r.verifier = r.another(t, change...)
	ok(t, r.verifier.Sync(context.Background()))
	return r
}

// another verifier of the same tokens and revocations.
func (r *rig) another(t testing.TB, change ...func(*Config)) *Verifier {
	t.Helper()
	c := Config{Keys: r.ring, Redis: r.redis, Issuer: issuer, Audience: audience, Now: r.clock.now}
	for _, f := range change {
		f(&c)
	}
	v, err := New(c)
	ok(t, err)
	return v
}

// sign makes a token of somebody with a life of 15 minutes.
func (r *rig) sign(t testing.TB) (Identity, string) {
	t.Helper()
	id := somebody()
	token, err := r.signer.Sign(id, 15*time.Minute)
	ok(t, err)
	return id, token
}

func client(t testing.TB, addr string) *goredis.Client {
	c := goredis.NewClient(&goredis.Options{Addr: addr, MaxRetries: -1, DialTimeout: time.Second})
	t.Cleanup(func() { c.Close() })
	return c
}

func somebody() Identity {
	return Identity{User: uuid.New(), Session: uuid.New(), Username: "ada", Role: User, Verified: true}
}

// run runs the verifier until the test ends, and waits for its end.
func run(t testing.TB, v *Verifier) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// eventually asks again until f is true; a deadline far away ends a test that hangs.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	end, again := time.NewTimer(30*time.Second), time.NewTicker(2*time.Millisecond)
	defer end.Stop()
	defer again.Stop()
	for !f() {
		select {
		case <-end.C:
			t.Fatal("never: " + what)
		case <-again.C:
		}
	}
}

// is401 reports whether the error is what a caller with a bad token gets.
func is401(err error) bool { return fault.Is(err, fault.Unauthenticated) }

// forge makes a JWT from any header and claims, signed with the key when there is one.
func forge(t testing.TB, key ed25519.PrivateKey, header, claims any) string {
	t.Helper()
	text := segment(t, header) + "." + segment(t, claims)
	if key == nil {
		return text + "."
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))
}

// segment encodes JSON; a string is taken as it is.
func segment(t testing.TB, v any) string {
	t.Helper()
	data, isText := v.(string)
	if !isText {
		raw, err := json.Marshal(v)
		ok(t, err)
		data = string(raw)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(data))
}
