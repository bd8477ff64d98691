package auth

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestThumbprint is RFC 8037 appendix A.3.
func TestThumbprint(t *testing.T) {
	x, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	ok(t, err)
	same(t, "thumbprint", thumbprint(x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
}

func TestRingRotates(t *testing.T) {
	r := newRig(t)
	old := r.key
	_, token := r.sign(t)
	next, err := NewSigningKey(r.clock.now().Add(5 * time.Minute))
	ok(t, err)
	ok(t, r.ring.Set(next, old))

	same(t, "signs before", signsWith(t, r), old.ID)
	same(t, "published before", len(r.ring.Public()), 2)
	r.clock.add(5*time.Minute - time.Microsecond)
	same(t, "signs just before", signsWith(t, r), old.ID)
	r.clock.add(time.Microsecond)
	same(t, "signs from then on", signsWith(t, r), next.ID)

	refused(t, r.verifier, token, nil)
	r.clock.add(keep - time.Microsecond)
	if _, err := r.ring.Key(t.Context(), old.ID); err != nil {
		t.Fatalf("its last token may be in use: %v", err)
	}
	r.clock.add(time.Microsecond)
	if _, err := r.ring.Key(t.Context(), old.ID); !errors.Is(err, ErrUnknownKey) {
		t.Fatalf("got %v", err)
	}
	same(t, "published after", len(r.ring.Public()), 1)
	same(t, "still signs", signsWith(t, r), next.ID)
}

func signsWith(t *testing.T, r *rig) string {
	t.Helper()
	_, token := r.sign(t)
	p, err := split(token)
	ok(t, err)
	kid, err := keyID(p.header)
	ok(t, err)
	return kid
}

func TestRingRefuses(t *testing.T) {
	r := newRig(t)
	good, err := NewSigningKey(r.clock.now())
	ok(t, err)
	broken := append(ed25519.PrivateKey{}, good.Private...)
	broken[40] ^= 1
	for name, keys := range map[string][]SigningKey{
		"none":         {},
		"too many":     make([]SigningKey, maxKeys+1),
		"twice":        {good, good},
		"no id":        {{Private: good.Private}},
		"id a path":    {{ID: "../x", Private: good.Private}},
		"no key":       {{ID: "x"}},
		"halves apart": {{ID: "x", Private: broken}},
	} {
		if err := r.ring.Set(keys...); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	same(t, "as before", signsWith(t, r), r.key.ID)
	if _, err := NewRing(nil); !errors.Is(err, ErrKey) {
		t.Errorf("got %v", err)
	}
}

func TestNoKeyHasBegun(t *testing.T) {
	r := newRig(t)
	r.clock.add(-time.Second)
	if token, err := r.signer.Sign(somebody(), time.Minute); !errors.Is(err, ErrKey) {
		t.Fatalf("got %q, %v", token, err)
	}
}

func TestSigningKeyKeepsItsSecret(t *testing.T) {
	key, err := NewSigningKey(time.Now())
	ok(t, err)
	same(t, "printed", fmt.Sprintf("%v %+v %s %#v", key, key, key, key), fmt.Sprint(key.ID, " ", key.ID, " ", key.ID, " ", key.ID))
	data, err := json.Marshal(key)
	ok(t, err)
	var members map[string]any
	ok(t, json.Unmarshal(data, &members))
	same(t, "members", len(members), 2)
}

func TestIdentity(t *testing.T) {
	for _, c := range []struct {
		scopes []string
		want   bool
	}{{nil, true}, {[]string{}, false}, {[]string{"a"}, false}, {[]string{"a", "b:read"}, true}, {[]string{"b"}, false}, {[]string{"*"}, false}} {
		same(t, fmt.Sprint(c.scopes), Identity{Scopes: c.scopes}.Has("b:read"), c.want)
	}
	for _, c := range []struct {
		is, min Role
		want    bool
	}{{Admin, User, true}, {Admin, Admin, true}, {Moderator, Admin, false}, {User, Moderator, false}, {"", User, false}, {"root", User, false}, {Admin, "root", false}, {"", "", false}} {
		same(t, string(c.is+" "+c.min), c.is.AtLeast(c.min), c.want)
	}
	if _, known := From(context.Background()); known {
		t.Error("somebody in an empty context")
	}
	id := somebody()
	got, known := From(With(context.Background(), id))
	if !known || got.User != id.User {
		t.Errorf("got %v, %v", got, known)
	}
}
