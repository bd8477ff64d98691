package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/fault"
)

// tokens is the user-service's side of API tokens.
type tokens struct {
	calls  atomic.Int32
	answer func(ctx context.Context, token string) (Identity, error)
}

func (k *tokens) opaque(ctx context.Context, token string) (Identity, error) {
	k.calls.Add(1)
	return k.answer(ctx, token)
}

const pat = OpaquePrefix + "abcdefghijklmnopqrstuvwxyz0123456789"

func opaqueRig(t *testing.T, id Identity, err error) (*rig, *tokens, *clock) {
	t.Helper()
	k := &tokens{answer: func(context.Context, string) (Identity, error) { return id, err }}
	r := newRig(t, func(c *Config) { c.Opaque = k.opaque })
	mono := newClock()
	r.verifier.mono = mono.now
	return r, k, mono
}

func TestOpaqueIsAskedOnceASecond(t *testing.T) {
	want := somebody()
	want.Scopes = []string{"live:write"}
	r, k, mono := opaqueRig(t, want, nil)
	for range 50 {
		got, err := r.verifier.Verify(t.Context(), pat)
		ok(t, err)
		same(t, "user", got.User, want.User)
		same(t, "scope", got.Has("live:write") && !got.Has("user:write"), true)
	}
	same(t, "calls", k.calls.Load(), 1)
	mono.add(OpaqueLife)
	refused(t, r.verifier, pat, nil)
	same(t, "calls", k.calls.Load(), 2)
}

func TestOpaqueCallersShareOneAnswer(t *testing.T) {
	r, k, _ := opaqueRig(t, Identity{}, nil)
	id, entered, leave := somebody(), make(chan struct{}), make(chan struct{})
	k.answer = func(ctx context.Context, _ string) (Identity, error) {
		close(entered)
		<-leave
		return id, ctx.Err()
	}
	var done sync.WaitGroup
	verify := func(ctx context.Context) {
		if _, err := r.verifier.Verify(ctx, pat); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done.Go(func() { verify(ctx) })
	<-entered
	cancel() // the first one leaves: the answer is for the others too
	for range 10 {
		done.Go(func() { verify(t.Context()) })
	}
	close(leave)
	done.Wait()
	same(t, "calls", k.calls.Load(), 1)
}

func TestOpaqueRefuses(t *testing.T) {
	ended := somebody()
	ended.Expires = newClock().now()
	for _, c := range []struct {
		name, token string
		id          Identity
		err         error
		want        error
		calls       int32
	}{
		{"not known", pat, Identity{}, fault.New(fault.NotFound, "no"), ErrUnknown, 1},
		{"refused", pat, Identity{}, fault.New(fault.Unauthenticated, "no"), ErrUnknown, 1},
		{"nobody", pat, Identity{}, nil, ErrUnknown, 1},
		{"no role", pat, Identity{User: uuid.New()}, nil, ErrUnknown, 1},
		{"expired", pat, ended, nil, ErrUnknown, 1},
		{"prefix only", OpaquePrefix, somebody(), nil, ErrUnknown, 0},
		{"short", pat[:20], somebody(), nil, ErrUnknown, 0},
		{"long", OpaquePrefix + strings.Repeat("a", 129), somebody(), nil, ErrUnknown, 0},
		{"SQL", pat + "' OR 1=1 --", somebody(), nil, ErrUnknown, 0},
		{"line end", pat + "\r\nX: y", somebody(), nil, ErrUnknown, 0},
		{"prefix in other case", strings.ToUpper(OpaquePrefix) + pat, somebody(), nil, ErrMalformed, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, k, _ := opaqueRig(t, c.id, c.err)
			for range 3 {
				refused(t, r.verifier, c.token, c.want)
			}
			same(t, "calls", k.calls.Load(), c.calls)
		})
	}
}

func TestOpaqueCannotBeAsked(t *testing.T) {
	r, k, _ := opaqueRig(t, Identity{}, errors.New("connection refused"))
	for range 2 {
		if _, err := r.verifier.Verify(t.Context(), pat); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("got %v", err)
		}
	}
	same(t, "calls", k.calls.Load(), 2)
	none := newRig(t)
	refused(t, none.verifier, pat, ErrUnknown)
}

func TestOpaqueIsRevokedAtOnce(t *testing.T) {
	id := somebody()
	r, _, _ := opaqueRig(t, id, nil)
	refused(t, r.verifier, pat, nil)
	ok(t, NewRevoker(r.redis, r.clock.now).RevokeToken(t.Context(), id.Session))
	ok(t, r.verifier.Sync(t.Context()))
	refused(t, r.verifier, pat, ErrRevoked)
}

func TestOpaqueDoesNotNeedRedis(t *testing.T) {
	r, _, mono := opaqueRig(t, somebody(), nil)
	mono.add(24 * time.Hour)
	refused(t, r.verifier, pat, nil)
}
