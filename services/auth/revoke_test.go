package auth

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"weir/services/backing/redis"
	"weir/services/backing/redis/redistest"
	"weir/services/fault"
)

var _ Redis = (*redis.Client)(nil)

// running is a rig on this Redis with two verifiers that run and are in step.
func running(t *testing.T, c *redis.Client) (*rig, *Verifier) {
	t.Helper()
	r := newRig(t)
	r.redis = c.Client
	r.verifier = r.another(t)
	second := r.another(t)
	for _, v := range []*Verifier{r.verifier, second} {
		run(t, v)
		eventually(t, "in step", func() bool { return v.Ready(t.Context()) == nil })
	}
	return r, second
}

// revokedNow reports whether the token is refused as revoked; it may be taken, and
// may not be refused for another reason than that too little is known.
func revokedNow(t *testing.T, v *Verifier, token string) bool {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	if err != nil && !errors.Is(err, ErrRevoked) && !errors.Is(err, ErrStale) {
		t.Fatal(err)
	}
	return errors.Is(err, ErrRevoked)
}

func TestRevocationIsSeenByAll(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		r, second := running(t, c)
		revoker := NewRevoker(c, r.clock.now)
		for name, revoke := range map[string]func(Identity) error{
			"session": func(id Identity) error { return revoker.RevokeSession(t.Context(), id.Session) },
			"user":    func(id Identity) error { return revoker.RevokeUser(t.Context(), id.User, r.clock.now()) },
		} {
			t.Run(name, func(t *testing.T) {
				id, token := r.sign(t)
				_, bystander := r.sign(t)
				for _, v := range []*Verifier{r.verifier, second} { // it is in both caches
					refused(t, v, token, nil)
				}
				ok(t, revoke(id))
				for _, v := range []*Verifier{r.verifier, second} {
					eventually(t, "revoked", func() bool { return revokedNow(t, v, token) })
					refused(t, v, bystander, nil)
				}
				late := r.another(t) // one that starts now reads it
				ok(t, late.Sync(t.Context()))
				refused(t, late, token, ErrRevoked)
			})
		}
	})
}

func TestUserIsRevokedUpToATime(t *testing.T) {
	r := newRig(t)
	id, before := r.sign(t)
	ok(t, NewRevoker(r.redis, r.clock.now).RevokeUser(t.Context(), id.User, r.clock.now()))
	r.clock.add(time.Microsecond)
	after, err := r.signer.Sign(id, time.Minute)
	ok(t, err)
	ok(t, r.verifier.Sync(t.Context()))
	refused(t, r.verifier, before, ErrRevoked)
	refused(t, r.verifier, after, nil)

	// An earlier time that comes later takes nothing back.
	ok(t, NewRevoker(r.redis, r.clock.now).RevokeUser(t.Context(), id.User, r.clock.now().Add(-time.Hour)))
	ok(t, r.verifier.Sync(t.Context()))
	refused(t, r.verifier, before, ErrRevoked)
}

func TestMessageAloneIsEnough(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		r, second := running(t, c)
		id, token := r.sign(t)
		refused(t, second, token, nil)
		ok(t, c.Publish(t.Context(), revokedKey, Revocation{User: id.User, At: r.clock.now()}.member()).Err())
		eventually(t, "heard", func() bool { return revokedNow(t, second, token) })
	})
}

func TestReadAloneIsEnough(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		r := newRig(t)
		r.redis = c.Client
		v := r.another(t)
		v.pingEvery, v.readEvery = 50*time.Millisecond, 50*time.Millisecond
		run(t, v)
		eventually(t, "in step", func() bool { return v.Ready(t.Context()) == nil })
		id, token := r.sign(t)
		refused(t, v, token, nil)
		ok(t, c.ZAdd(t.Context(), revokedKey, lost(Revocation{Session: id.Session, At: r.clock.now()})).Err())
		eventually(t, "read", func() bool { return revokedNow(t, v, token) })
	})
}

// lost is a revocation whose message nobody heard.
func lost(r Revocation) goredis.Z {
	return goredis.Z{Score: float64(r.until()), Member: r.member()}
}

func TestNoiseOnTheChannel(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		r, _ := running(t, c)
		id, token := r.sign(t)
		for _, noise := range []string{"", "x", "s::1", "s:" + id.Session.String(), "q:" + id.Session.String() + ":1",
			"s:" + id.Session.String() + ":-1", "s:" + id.Session.String() + ":1:1", "s:" + uuid.Nil.String() + ":1"} {
			ok(t, c.Publish(t.Context(), revokedKey, noise).Err())
			ok(t, c.ZAdd(t.Context(), revokedKey, goredis.Z{Score: 1e18, Member: noise}).Err())
		}
		other, otherToken := r.sign(t)
		ok(t, NewRevoker(c, r.clock.now).RevokeSession(t.Context(), other.Session))
		eventually(t, "heard after the noise", func() bool { return revokedNow(t, r.verifier, otherToken) })
		ok(t, r.verifier.Sync(t.Context()))
		refused(t, r.verifier, token, nil)
	})
}

func TestRevocationsAreForgottenInTime(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		r := newRig(t)
		r.redis = c.Client
		v, revoker := r.another(t), NewRevoker(c, r.clock.now)
		ok(t, revoker.RevokeSession(t.Context(), uuid.New()))
		ok(t, revoker.RevokeUser(t.Context(), uuid.New(), r.clock.now()))
		ok(t, v.Sync(t.Context()))
		same(t, "held", len(v.revoked.list()), 2)
		r.clock.add(keep - time.Microsecond)
		ok(t, v.Sync(t.Context()))
		same(t, "held to the last", len(v.revoked.list()), 2)
		r.clock.add(time.Microsecond)
		ok(t, v.Sync(t.Context()))
		same(t, "held", len(v.revoked.list()), 0)
		ok(t, revoker.Add(t.Context(), Revocation{}, Revocation{User: uuid.New(), At: r.clock.now().Add(-keep)}))
		same(t, "stored", c.ZCard(t.Context(), revokedKey).Val(), 0)
	})
}

func TestRedisLosesItsData(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		r := newRig(t)
		r.redis = c.Client
		v := r.another(t)
		var all []Revocation
		for range 1500 {
			all = append(all, Revocation{Session: uuid.New(), At: r.clock.now()}, Revocation{User: uuid.New(), At: r.clock.now()})
		}
		ok(t, NewRevoker(c, r.clock.now).Add(t.Context(), all...))
		ok(t, v.Sync(t.Context()))
		ok(t, c.Del(t.Context(), revokedKey).Err())
		ok(t, v.Sync(t.Context()))
		same(t, "held", len(v.revoked.list()), len(all))
		same(t, "put back", c.ZCard(t.Context(), revokedKey).Val(), int64(len(all)))
		late := r.another(t)
		ok(t, late.Sync(t.Context()))
		same(t, "held by another", len(late.revoked.list()), len(all))
	})
}

func TestRedisIsAway(t *testing.T) {
	server := miniredis.RunT(t)
	r := newRig(t)
	r.redis = client(t, server.Addr())
	v, wall := r.another(t), newClock()
	v.mono, v.start = wall.now, wall.now()
	run(t, v)
	eventually(t, "in step", func() bool { return v.Ready(t.Context()) == nil })
	revoker := NewRevoker(r.redis, r.clock.now)
	gone, goneToken := r.sign(t)
	ok(t, revoker.RevokeSession(t.Context(), gone.Session))
	eventually(t, "revoked", func() bool { return revokedNow(t, v, goneToken) })
	missed, old := r.sign(t)
	refused(t, v, old, nil)

	server.Close()
	if err := revoker.RevokeSession(t.Context(), missed.Session); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v", err)
	}
	pass := func(d time.Duration) { r.clock.add(d); wall.add(d) }
	pass(defaultMaxStale)
	refused(t, v, goneToken, ErrRevoked)
	refused(t, v, old, nil)
	if v.Ready(t.Context()) == nil {
		t.Fatal("ready without Redis")
	}
	pass(time.Microsecond)
	refused(t, v, goneToken, ErrRevoked)
	refused(t, v, old, ErrStale)
	_, young := r.sign(t) // a refresh, for which the database was asked
	refused(t, v, young, nil)
	pass(defaultMaxStale + time.Microsecond)
	refused(t, v, young, ErrStale)

	unheard := lost(Revocation{Session: missed.Session, At: r.clock.now()})
	_, err := server.ZAdd(revokedKey, unheard.Score, unheard.Member.(string))
	ok(t, err)
	ok(t, server.Restart())
	eventually(t, "in step again", func() bool { return v.Ready(t.Context()) == nil })
	refused(t, v, young, nil)
	refused(t, v, old, ErrRevoked)
}

// TestSilenceIsNoticed: the connection stands and nothing comes through it.
func TestSilenceIsNoticed(t *testing.T) {
	server := miniredis.RunT(t)
	hole := newHole(t, server.Addr())
	r := newRig(t)
	r.redis = client(t, hole.Addr())
	v := r.another(t)
	v.pingEvery = 20 * time.Millisecond
	run(t, v)
	eventually(t, "in step", func() bool { return v.Ready(t.Context()) == nil })
	hole.swallow(true)
	eventually(t, "silence", func() bool { return v.Ready(t.Context()) != nil })
	id, token := r.sign(t)
	ok(t, NewRevoker(client(t, server.Addr()), r.clock.now).RevokeSession(t.Context(), id.Session))
	hole.swallow(false)
	eventually(t, "revoked", func() bool { return revokedNow(t, v, token) })
}

// hole is a proxy that can take everything and give nothing.
type hole struct {
	net.Listener
	mu   sync.Mutex
	mute bool
}

func (h *hole) Addr() string { return h.Listener.Addr().String() }

func (h *hole) swallow(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mute = on
}

func (h *hole) muted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mute
}

func newHole(t *testing.T, addr string) *hole {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	h := &hole{Listener: listener}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		for {
			here, err := listener.Accept()
			if err != nil {
				return
			}
			done.Go(func() { h.pass(ctx, here, addr) })
		}
	})
	t.Cleanup(func() { cancel(); listener.Close(); done.Wait() })
	return h
}

func (h *hole) pass(ctx context.Context, here net.Conn, addr string) {
	defer here.Close()
	there, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer there.Close()
	defer context.AfterFunc(ctx, func() { here.Close(); there.Close() })()
	var back sync.WaitGroup
	back.Go(func() {
		io.Copy(writer(func(p []byte) (int, error) {
			if h.muted() {
				return len(p), nil
			}
			return here.Write(p)
		}), there)
		here.Close()
	})
	io.Copy(there, here)
	there.Close()
	back.Wait()
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestMoreRevocationsThanAreHeld(t *testing.T) {
	r := newRig(t)
	_, token := r.sign(t)
	r.clock.add(defaultMaxStale + 1)
	refused(t, r.verifier, token, nil)
	for range maxRevoked + 1 {
		r.verifier.revoked.add(Revocation{Session: uuid.New(), At: r.clock.now()})
	}
	same(t, "held", len(r.verifier.revoked.list()), maxRevoked)
	if err := r.verifier.Ready(t.Context()); !errors.Is(err, errFull) {
		t.Fatalf("got %v", err)
	}
	refused(t, r.verifier, token, ErrStale) // one may be his: as without Redis
	_, young := r.sign(t)
	refused(t, r.verifier, young, nil)
}

func TestVerifierThatNeverReadTrustsOnlyTheYoung(t *testing.T) {
	r := newRig(t)
	v := r.another(t)
	_, token := r.sign(t)
	refused(t, v, token, nil)
	r.clock.add(defaultMaxStale + 1)
	refused(t, v, token, ErrStale)
	if v.Ready(t.Context()) == nil {
		t.Error("ready")
	}
}

func TestMemberIsWhatWasMeant(t *testing.T) {
	id := uuid.New()
	at := newClock().now()
	same(t, "session", Revocation{Session: id, At: at}.member(), "s:"+id.String()+":"+strconv.FormatInt(at.UnixMicro(), 10))
	got, valid := parseRevocation(Revocation{User: id, At: at}.member())
	same(t, "valid", valid, true)
	same(t, "user", got, Revocation{User: id, At: at})
}
